"""Wire shapes of trained models."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from api.v1.common import Wire


class ModelCard(Wire):
    """A trained version: where it came from and how well it did on data it had not seen."""

    version: str
    kind: Literal["anomaly", "failure", "life"]
    product: str
    stage: Literal["candidate", "champion", "retired"]
    trained_at: datetime
    data_start: datetime
    data_end: datetime
    devices: int
    seed: int
    features: list[str]
    libraries: dict[str, str]
    metrics: dict[str, Any]
