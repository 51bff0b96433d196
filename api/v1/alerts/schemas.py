"""Wire shapes of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from api.v1.common import Ref, Text, Wire


class AlertSummary(Wire):
    """An episode: a finding on one failure mode of one device, from raised to cleared."""

    id: str
    device: Ref
    failure_mode: Ref
    state: Literal["open", "acknowledged", "cleared"]
    opened_at: datetime
    cleared_at: datetime | None
    reason: Text
    decision: Text
    order: Ref | None
