"""What a model says of a device at a window's end. Values only; deciding is for ``alerts``.

The blocks of ISO 13374: :class:`Anomaly` is state detection, :class:`FailureRisk` health
assessment, :class:`RemainingLife` prognostic assessment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Contribution:
    """The share (0..1) in a score of a quantity, an ``event:<code>`` or an ``age:<component>``."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Anomaly:
    """``score``: higher is more anomalous; 1.0 is the detector's own limit."""

    score: float
    contributions: Sequence[Contribution] = ()


@dataclass(frozen=True, slots=True)
class FailureRisk:
    """Probability (0..1) that ``component`` fails within each horizon in hours: ``{24: 0.03}``."""

    component: str
    probability: Mapping[int, float]
    contributions: Sequence[Contribution] = ()


@dataclass(frozen=True, slots=True)
class RemainingLife:
    """Remaining useful life of ``component`` in hours with an interval at ``level`` (0.9 = 90 %).

    A component that shows no wear has no :class:`RemainingLife` at all ("no trend").
    """

    component: str
    low: float
    median: float
    high: float
    level: float = 0.9


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that the models say of one device for the window that ends at ``window_end`` (micros)."""

    device: str
    window_end: int
    models: Mapping[str, str] = field(default_factory=dict)  # kind -> version
    anomaly: Anomaly | None = None
    risks: Sequence[FailureRisk] = ()
    lives: Sequence[RemainingLife] = ()

    def risk_of(self, component: str) -> FailureRisk | None:
        return next((r for r in self.risks if r.component == component), None)

    def life_of(self, component: str) -> RemainingLife | None:
        return next((r for r in self.lives if r.component == component), None)
