"""What is measured, and the names that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Name:
    """A text that people read, by language; English is the fallback."""

    texts: Mapping[str, str]

    def text(self, language: str = "en") -> str:
        return self.texts.get(language) or self.texts["en"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something measured. Readings outside [low, high] are stored as suspect.

    ``alarm`` is the level at which the maker calls it too high, for charts and limits.
    ``setting`` marks an operating condition (load, ambient) rather than a symptom. Readings and
    their roll-ups are kept for so many days (0 = without limit); None leaves it to the settings.

    The last three say when a sensor behaves oddly: when it changes by more than ``max_rate`` a
    second, shows the same value for ``stuck_after_s`` seconds, or is silent for ``gap_after_s``.
    """

    id: str
    name: Name
    unit: str
    low: float
    high: float
    alarm: float | None = None
    setting: bool = False
    retention_days: float | None = field(default=None, kw_only=True)
    rollup_retention_days: float | None = field(default=None, kw_only=True)
    max_rate: float | None = field(default=None, kw_only=True)
    stuck_after_s: float | None = field(default=None, kw_only=True)
    gap_after_s: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Indicator(Quantity):
    """A quantity that the platform computes itself from each waveform of ``waveform``.

    ``kind`` says what it is (``rms_velocity``); the indicators of a bearing name it.
    """

    waveform: str = ""
    kind: str = ""
    bearing: str = ""
