"""Units as data: which unit measures what, and how to convert between units of one kind.

Conversion is linear: ``si = value * factor + offset``. Codes follow UCUM where it has a
readable one.
"""

from __future__ import annotations

from typing import NamedTuple

from purna.core.errors import BadInput


class Unit(NamedTuple):
    """``kind`` is what is measured; ``factor`` and ``offset`` lead to the kind's SI unit."""

    kind: str
    factor: float = 1.0
    offset: float = 0.0


UNITS: dict[str, Unit] = {
    "1": Unit("number"),
    "%": Unit("number", 0.01),
    "permille": Unit("number", 1e-3),
    "ppm": Unit("number", 1e-6),
    "K": Unit("temperature"),
    "degC": Unit("temperature", 1.0, 273.15),
    "degF": Unit("temperature", 5 / 9, 273.15 - 32 * 5 / 9),
    "degR": Unit("temperature", 5 / 9),
    "m": Unit("length"),
    "cm": Unit("length", 1e-2),
    "mm": Unit("length", 1e-3),
    "um": Unit("length", 1e-6),
    "in": Unit("length", 0.0254),
    "mil": Unit("length", 2.54e-5),
    "m/s": Unit("speed"),
    "km/h": Unit("speed", 1 / 3.6),
    "mm/s": Unit("speed", 1e-3),
    "in/s": Unit("speed", 0.0254),
    "m/s2": Unit("acceleration"),
    "g": Unit("acceleration", 9.80665),
    "mg": Unit("acceleration", 9.80665e-3),
    "A": Unit("current"),
    "mA": Unit("current", 1e-3),
    "V": Unit("voltage"),
    "mV": Unit("voltage", 1e-3),
    "W": Unit("power"),
    "kW": Unit("power", 1e3),
    "VA": Unit("apparent power"),
    "kVA": Unit("apparent power", 1e3),
    "var": Unit("reactive power"),
    "kvar": Unit("reactive power", 1e3),
    "J": Unit("energy"),
    "Wh": Unit("energy", 3600.0),
    "kWh": Unit("energy", 3.6e6),
    "N": Unit("force"),
    "N.m": Unit("torque"),
    "Ohm": Unit("resistance"),
    "Pa": Unit("pressure"),
    "hPa": Unit("pressure", 1e2),
    "kPa": Unit("pressure", 1e3),
    "MPa": Unit("pressure", 1e6),
    "mbar": Unit("pressure", 1e2),
    "bar": Unit("pressure", 1e5),
    "psi": Unit("pressure", 6894.757293168),
    "Hz": Unit("frequency"),
    "kHz": Unit("frequency", 1e3),
    "MHz": Unit("frequency", 1e6),
    "rpm": Unit("frequency", 1 / 60),
    "m3/s": Unit("flow"),
    "m3/h": Unit("flow", 1 / 3600),
    "l/s": Unit("flow", 1e-3),
    "l/min": Unit("flow", 1 / 60_000),
    "m3": Unit("volume"),
    "l": Unit("volume", 1e-3),
    "kg": Unit("mass"),
    "gram": Unit("mass", 1e-3),
    "rad": Unit("angle"),
    "deg": Unit("angle", 3.141592653589793 / 180),
    "dB": Unit("level"),
    "ms": Unit("time", 1e-3),
    "s": Unit("time"),
    "min": Unit("time", 60.0),
    "h": Unit("time", 3600.0),
}
"""All units that a catalogue or a payload may name."""


def unit_of(code: str, field: str = "unit") -> Unit:
    """The unit with this code; raises :class:`BadInput` when there is none."""
    unit = UNITS.get(code)
    if unit is None:
        raise BadInput("unit.unknown", f"{field}: unknown unit {code!r}", field=field, unit=code)
    return unit


def converter(source: str, target: str, field: str = "unit") -> tuple[float, float]:
    """``(a, b)`` such that ``target_value = a * source_value + b``.

    Raises
    ------
    BadInput
        ``unit.unknown`` for an unknown code, ``unit.mismatch`` when the two measure
        different things.
    """
    a, b = unit_of(source, field), unit_of(target, field)
    if a.kind != b.kind:
        raise BadInput(
            "unit.mismatch",
            f"{field}: {source} measures {a.kind}, but {target} ({b.kind}) is expected",
            field=field,
            unit=source,
            expected=target,
        )
    return a.factor / b.factor, (a.offset - b.offset) / b.factor
