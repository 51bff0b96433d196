"""Units convert within their kind, and only there."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purna.core.errors import BadInput
from purna.core.units import UNITS, converter


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        ("degF", "degC", 212.0, 100.0),
        ("degC", "K", -273.15, 0.0),
        ("in/s", "mm/s", 1.0, 25.4),
        ("g", "m/s2", 2.0, 19.6133),
        ("psi", "bar", 14.503774, 1.0),
        ("m3/h", "l/min", 6.0, 100.0),
        ("rpm", "Hz", 3000.0, 50.0),
        ("kHz", "Hz", 25.6, 25_600.0),
        ("mg", "m/s2", 1000.0, 9.80665),
        ("mil", "um", 1.0, 25.4),
        ("km/h", "m/s", 36.0, 10.0),
        ("kWh", "J", 1.0, 3.6e6),
        ("hPa", "bar", 1013.25, 1.01325),
        ("mbar", "kPa", 10.0, 1.0),
        ("l/s", "m3/h", 1.0, 3.6),
        ("deg", "rad", 180.0, math.pi),
        ("permille", "%", 5.0, 0.5),
        ("ppm", "1", 1e6, 1.0),
        ("gram", "kg", 1.0, 1e-3),
        ("ms", "s", 1.0, 1e-3),
    ],
)
def test_known_conversions(source: str, target: str, value: float, expected: float) -> None:
    a, b = converter(source, target)
    assert math.isclose(a * value + b, expected, rel_tol=1e-6, abs_tol=1e-9)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.floats(-1e6, 1e6))
def test_there_and_back_is_where_we_started(source: str, target: str, value: float) -> None:
    if UNITS[source].kind != UNITS[target].kind:
        with pytest.raises(BadInput) as caught:
            converter(source, target, "m.x")
        assert caught.value.code == "unit.mismatch"
        assert caught.value.field == "m.x"
        return
    a, b = converter(source, target)
    c, d = converter(target, source)
    assert math.isclose(c * (a * value + b) + d, value, rel_tol=1e-9, abs_tol=1e-6)
