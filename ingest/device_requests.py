"""A device as somebody wants it registered, and whether it can be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from purna.core.catalogue import Catalogue, Product
from purna.core.clock import DAY
from purna.core.devices import Device, Site, checked_device_id
from purna.core.errors import BadInput

RESERVED = frozenset({"fleet", "feed", "purna"})
"""Names of the installation's own accounts, which share the user names with the devices."""

_MONTH = 30.4375 * DAY  # a twelfth of a year of 365.25 days


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A device as somebody wants it registered.

    Times are micros UTC; without ``installed_at`` it was installed now, without
    ``warranty_until`` the product's warranty counts from then.
    """

    id: str
    product: str
    site: str
    serial: str = ""
    installed_at: int | None = None
    warranty_until: int | None = None
    attributes: Mapping[str, float | str] = field(default_factory=dict)


def checked(
    request: DeviceRequest, catalogue: Catalogue, sites: Mapping[str, Site], now: int
) -> Device:
    """The device that is asked for.

    Raises
    ------
    BadInput
        ``device.id``, ``device.reserved``, ``product.unknown`` or ``site.unknown``, with the field.
    """
    checked_device_id(request.id, "id")
    if request.id in RESERVED:
        raise BadInput(
            "device.reserved",
            f"id: {request.id!r} is the name of an account of the platform's own",
            field="id",
            id=request.id,
        )
    product = product_of(request.product, catalogue)
    installed = now if request.installed_at is None else request.installed_at
    warranty = request.warranty_until
    return Device(
        id=request.id,
        product=request.product,
        site=site_of(request.site, sites),
        serial=request.serial,
        installed_at=installed,
        warranty_until=installed + round(product.warranty_months * _MONTH)
        if warranty is None
        else warranty,
        attributes=dict(request.attributes),
    )


def product_of(product: str, catalogue: Catalogue) -> Product:
    """The product of this id; raises :class:`BadInput` (``product.unknown``)."""
    known = catalogue.get(product)
    if known is None:
        raise BadInput(
            "product.unknown",
            f"no product {product!r}; the catalogue has: {_some(catalogue)}",
            field="product",
            id=product,
        )
    return known


def site_of(site: str, sites: Mapping[str, Site]) -> Site:
    """The site of this id; raises :class:`BadInput` (``site.unknown``)."""
    known = sites.get(site)
    if known is None:
        raise BadInput(
            "site.unknown", f"no site {site!r}; there are: {_some(sites)}", field="site", id=site
        )
    return known


def _some(names: Collection[str]) -> str:
    shown = ", ".join(sorted(names)[:20]) or "none yet"
    return f"{shown} …" if len(names) > 20 else shown
