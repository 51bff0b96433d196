"""A catalogue entry is read strictly: what is wrong is named by its path."""

from typing import Any

import pytest

from purna.core.catalogue import Remedy, parse_product
from purna.core.errors import BadInput
from purna.core.quantities import Indicator
from purna.core.vibration import Foundation, Machine, Zone, zone_of


def entry(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": "p1",
        "name": {"en": "Pump", "id": "Pompa"},
        "quantity": [{"id": "t", "name": "Temperature", "unit": "degC", "low": -20, "high": 150}],
        "component": [{"id": "bearing", "name": "Bearing", "part": "B-1", "price": 80}],
        "failure_mode": [{"id": "wear", "name": "Wear", "component": "bearing", "remedy": "ship"}],
        "policy": {"horizon_hours": 168},
    }
    return {**data, **changes}


WAVEFORM = {"id": "vib", "name": "Vibration", "unit": "g", "full_scale": 50}
BEARING = {
    "id": "de",
    "name": {"en": "Drive end", "id": "Sisi penggerak"},
    "component": "bearing",
    "waveform": "vib",
    "balls": 9,
    "ball_diameter": 7.94,
    "pitch_diameter": 39.04,
}


def test_a_product_is_read_with_defaults() -> None:
    product = parse_product(entry())
    assert product.name.text("id") == "Pompa"
    assert product.name.text("fr") == "Pump"
    assert product.failure_modes[0].remedy is Remedy.SHIP
    assert product.policy.horizon_hours == 168
    assert product.step_minutes == 60


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"colour": "red"}, "product.colour"),
        ({"id": 7}, "product.id"),
        ({"name": {"id": "Pompa"}}, "product.name"),
        ({"step_minutes": 0}, "product.step_minutes"),
        ({"quantity": [{"id": "t", "name": "T", "low": 0, "high": 1}]}, "product.quantity.t.unit"),
        (
            {"quantity": [{"id": "t", "name": "T", "unit": "furlong", "low": 0, "high": 1}]},
            "product.quantity.t.unit",
        ),
        (
            {"quantity": [{"id": "t", "name": "T", "unit": "K", "low": 2, "high": 1}]},
            "product.quantity.t.low",
        ),
        (
            {"failure_mode": [{"id": "wear", "name": "W", "component": "seal"}]},
            "product.failure_mode.wear.component",
        ),
        (
            {"failure_mode": [{"id": "w", "name": "W", "component": "bearing", "remedy": "pray"}]},
            "product.failure_mode.w.remedy",
        ),
        ({"policy": {"horizon_hours": 5}}, "product.policy.horizon_hours"),
        ({"policy": {"visit_cost": "much"}}, "product.policy.visit_cost"),
        ({"component": [{"id": "b", "name": "B", "part": "1"}] * 2}, "product.component.b"),
        ({"waveform": [{**WAVEFORM, "unit": "furlong"}]}, "product.waveform.vib.unit"),
        ({"waveform": [{**WAVEFORM, "full_scale": 0}]}, "product.waveform.vib.full_scale"),
        ({"waveform": [{**WAVEFORM, "bands": 7}]}, "product.waveform.vib.bands"),
        ({"waveform": [{**WAVEFORM, "bands": [[1, "2"]]}]}, "product.waveform.vib.bands"),
        ({"waveform": [{**WAVEFORM, "bands": [[20, 10]]}]}, "product.waveform.vib.bands"),
        ({"waveform": [{**WAVEFORM, "bands": [[1, 2]] * 2}]}, "product.waveform.vib.bands"),
        ({"waveform": [{**WAVEFORM, "id": "a/b"}]}, "product.waveform.a/b.id"),
        ({"waveform": [{**WAVEFORM, "id": "t"}]}, "product.waveform.t.id"),
        ({"waveform": [{**WAVEFORM, "id": "v" * 60}]}, f"product.waveform.{'v' * 60}.id"),
        (
            {
                "waveform": [WAVEFORM],
                "quantity": [{"id": "vib.rms", "name": "R", "unit": "g", "low": 0, "high": 1}],
            },
            "product.quantity.vib.rms.id",
        ),
        ({"machine": {"group": 3, "foundation": "rigid"}}, "product.machine.group"),
        ({"machine": {"group": 1, "foundation": "sand"}}, "product.machine.foundation"),
        ({"machine": {"group": 1}}, "product.machine.foundation"),
        ({"bearing": [BEARING]}, "product.bearing.de.waveform"),
        (
            {"waveform": [{**WAVEFORM, "unit": "mm/s"}], "bearing": [BEARING]},
            "product.bearing.de.waveform",
        ),
        (
            {"waveform": [WAVEFORM], "bearing": [{**BEARING, "component": "seal"}]},
            "product.bearing.de.component",
        ),
        (
            {"waveform": [WAVEFORM], "bearing": [{**BEARING, "balls": 1}]},
            "product.bearing.de.balls",
        ),
        (
            {"waveform": [WAVEFORM], "bearing": [{**BEARING, "ball_diameter": 40}]},
            "product.bearing.de.ball_diameter",
        ),
        (
            {"waveform": [WAVEFORM], "bearing": [{**BEARING, "contact_angle": 90}]},
            "product.bearing.de.contact_angle",
        ),
        (
            {"waveform": [WAVEFORM], "bearing": [{**BEARING, "bpfo": 3.6, "bpfi": 5.4}]},
            "product.bearing.de.bsf",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_product(entry(**changes))
    assert caught.value.field == path


def test_a_product_has_no_more_quantities_than_a_device_may_have() -> None:
    [quantity] = entry()["quantity"]
    many = [{**quantity, "id": f"t{n}"} for n in range(257)]
    parse_product(entry(quantity=many[:256]))
    with pytest.raises(BadInput, match="at most 256 quantities"):
        parse_product(entry(quantity=many))


def test_the_indicators_of_waveforms_are_quantities() -> None:
    product = parse_product(
        entry(
            waveform=[{**WAVEFORM, "bands": [[1000, 3000]]}],
            bearing=[BEARING],
            machine={"group": 2, "foundation": "rigid"},
        )
    )
    indicators = {q.id: q for q in product.quantities if isinstance(q, Indicator)}
    assert list(indicators) == [
        "vib.rms",
        "vib.peak",
        "vib.peak_to_peak",
        "vib.crest",
        "vib.kurtosis",
        "vib.skewness",
        "vib.rms_velocity",
        "vib.band_1000_3000",
        "vib.de.bpfo",
        "vib.de.bpfi",
        "vib.de.bsf",
        "vib.de.ftf",
    ]
    velocity = indicators["vib.rms_velocity"]
    assert (velocity.unit, velocity.alarm) == ("mm/s", 2.8)
    assert indicators["vib.rms"].unit == "g"
    assert indicators["vib.de.bpfo"].name.text("id") == "Sisi penggerak: cincin luar"
    assert (indicators["vib.de.bpfo"].waveform, indicators["vib.de.bpfo"].bearing) == ("vib", "de")


def test_other_kinds_of_waveforms_get_no_velocity_and_a_machine_is_not_needed() -> None:
    current = {"id": "amps", "name": "Current", "unit": "A", "full_scale": 50}
    product = parse_product(entry(waveform=[WAVEFORM, current]))
    assert product.quantity("amps.rms") is not None
    assert product.quantity("amps.rms_velocity") is None
    velocity = product.quantity("vib.rms_velocity")
    assert velocity is not None
    assert velocity.alarm is None


@pytest.mark.parametrize(
    ("group", "foundation", "limits"),
    [
        (1, "rigid", (2.3, 4.5, 7.1)),
        (1, "flexible", (3.5, 7.1, 11.0)),
        (2, "rigid", (1.4, 2.8, 4.5)),
        (2, "flexible", (2.3, 4.5, 7.1)),
    ],
)
def test_zones_begin_at_the_boundaries_of_the_standard(
    group: int, foundation: str, limits: tuple[float, float, float]
) -> None:
    machine = Machine(group, Foundation(foundation))
    assert zone_of(0.0, machine) is Zone.A
    for limit, below, above in zip(limits, "ABC", "BCD", strict=True):
        assert zone_of(limit - 1e-9, machine) == below
        assert zone_of(limit, machine) == above
