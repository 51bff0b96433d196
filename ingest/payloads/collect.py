"""Gathers single readings into telemetry, for formats that tell of each by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.payloads.limits import QUANTITIES, REFUSALS, VALUES
from ingest.rejects import bad
from purna.core.errors import BadPayload
from purna.core.readings import Telemetry


@dataclass(slots=True)
class _Part:
    """Readings that can stand in one message: each quantity has one unit and one quality."""

    units: dict[str, str] = field(default_factory=dict)
    quality: dict[str, int] = field(default_factory=dict)
    moments: dict[int, list[dict[str, float]]] = field(default_factory=dict)


class Collector:
    """Gathers what a message says of ``device``, and what is refused of it."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._parts: list[_Part] = []
        self._refused: dict[tuple[str, str], BadPayload] = {}
        self._values = 0
        self._quantities: set[str] = set()

    def add(self, quantity: str, unit: str, ts: int, value: float, quality: int = 0) -> None:
        """A finite value in ``unit`` (empty = the catalogue's).

        Raises
        ------
        BadPayload
            ``values.limit`` or ``quantities.limit``: the message as a whole is too much.
        """
        self._values += 1
        self._quantities.add(quantity)
        if self._values > VALUES:
            raise bad("values.limit", limit=VALUES)
        if len(self._quantities) > QUANTITIES:
            raise bad("quantities.limit", limit=QUANTITIES)
        at = self._part(quantity, unit, quality).moments.setdefault(ts, [{}])
        if quantity in at[-1]:  # said twice: the store decides, as of any reading sent again
            at.append({})
        at[-1][quantity] = value

    def refuse(self, why: BadPayload) -> None:
        """Once for each reason and field, and only the first few of them."""
        if len(self._refused) < REFUSALS:
            self._refused.setdefault((why.code, why.field), why)

    def parts(self) -> list[Telemetry | BadPayload]:
        """What was gathered, then what was refused; empty when there was nothing."""
        return [
            *(
                Telemetry(
                    self._device,
                    [(ts, values) for ts, rows in part.moments.items() for values in rows],
                    units={quantity: unit for quantity, unit in part.units.items() if unit},
                    quality={quantity: flag for quantity, flag in part.quality.items() if flag},
                )
                for part in self._parts
            ),
            *self._refused.values(),
        ]

    def _part(self, quantity: str, unit: str, quality: int) -> _Part:
        for part in self._parts:
            if (
                part.units.get(quantity, unit) == unit
                and part.quality.get(quantity, quality) == quality
            ):
                break
        else:
            part = _Part()
            self._parts.append(part)
        part.units[quantity], part.quality[quantity] = unit, quality
        return part
