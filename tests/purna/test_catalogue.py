"""A catalogue entry is read strictly: what is wrong is named by its path."""

from typing import Any

import pytest

from purna.core.catalogue import Remedy, parse_product
from purna.core.errors import BadInput


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
    ],
)
def test_what_is_wrong_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_product(entry(**changes))
    assert caught.value.field == path
