"""The fleet at a glance: each device with its health, to sort, filter and count by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from api.v1.devices.health import SEVERITY, health_of, probability_of, top_risk
from api.v1.devices.schemas import Health
from purna.core.assessments import Assessment
from purna.core.catalogue import Catalogue, Name, Product
from purna.core.devices import Device


@dataclass(frozen=True, slots=True)
class Line:
    """A device, what it is, and its place in the table."""

    device: Device
    product: Product
    assessment: Assessment | None
    health: Health
    probability: float

    @property
    def by_health(self) -> tuple[int, float, str]:
        """Sorts the worst first; among equals the likeliest to fail."""
        return SEVERITY[self.health], -self.probability, self.device.id

    @property
    def by_id(self) -> tuple[str]:
        return (self.device.id,)

    def speaks_of(self, text: str) -> bool:
        """Whether id, serial, site or customer contains ``text``, whatever the case."""
        site = self.device.site
        names = (self.device.id, self.device.serial, site.name, site.customer.name)
        return any(text.casefold() in name.casefold() for name in names)


def fleet_lines(
    devices: Sequence[Device],
    catalogue: Catalogue,
    assessments: Mapping[str, Assessment],
    with_alert: Collection[str],
) -> list[Line]:
    """A line per device, in the given order; ``with_alert`` are the ids with something open."""
    lines = []
    for device in devices:
        product = product_of(catalogue, device)
        assessment = assessments.get(device.id)
        horizon = product.policy.horizon_hours
        lines.append(
            Line(
                device,
                product,
                assessment,
                health_of(assessment, product.policy, open_alert=device.id in with_alert),
                probability_of(top_risk(assessment, horizon), horizon),
            )
        )
    return lines


def product_of(catalogue: Catalogue, device: Device) -> Product:
    """The device's product; an empty one when it was taken out of the catalogue."""
    known = catalogue.get(device.product)
    return known or Product(device.product, Name({"en": device.product}))
