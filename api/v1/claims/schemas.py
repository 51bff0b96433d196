"""Wire shapes of claim keys and claims."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.v1.common import Wire
from api.v1.devices.schemas import DEVICE_ID


class NewClaimKeys(Wire):
    """Keys with which devices register themselves, each once."""

    product: str = Field(max_length=80, examples=["cp-200"])
    site: str = Field("", max_length=80, description="Empty: whoever claims names it")
    count: int = Field(1, ge=1, le=1000)
    days: float = Field(365.0, ge=0.01, le=3650, description="Days that they count")


class ClaimKeyEntry(Wire):
    """A claim key; ``hint`` is how it begins. Its times are those of the server's own clock."""

    id: str
    hint: str
    product: str
    site: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    device: str = Field(description="Which it registered")


class ClaimKeyCreated(ClaimKeyEntry):
    """A new key. It is shown this once and never again."""

    key: str = Field(examples=["7K2QW-…"])


class Claim(Wire):
    """A device that registers itself with a key. ``site`` counts where the key names none."""

    key: str = Field(min_length=1, max_length=100)
    device: str = Field(pattern=DEVICE_ID, examples=["pump-0042"])
    site: str = Field("", max_length=80)
    serial: str = Field("", max_length=80)
