"""Short forms of things that many answers mention."""

from __future__ import annotations

from api.v1.common import Ref, Text
from purna.core.catalogue import Product
from purna.core.devices import Customer, Device, Site
from purna.core.texts import Message


def device_ref(device: Device) -> Ref:
    """A device is called by its id, as on its nameplate and in its topics."""
    return Ref(id=device.id, name=device.id)


def site_ref(site: Site) -> Ref:
    return Ref(id=site.id, name=site.name)


def customer_ref(customer: Customer) -> Ref:
    return Ref(id=customer.id, name=customer.name)


def product_ref(product: Product, language: str) -> Ref:
    return Ref(id=product.id, name=product.name.text(language))


def component_ref(product: Product, component_id: str, language: str) -> Ref:
    """By its id alone when the catalogue no longer has the component."""
    component = product.component(component_id)
    return Ref(id=component_id, name=component.name.text(language) if component else component_id)


def shown_text(message: Message, language: str) -> Text:
    return Text(code=message.code, params=dict(message.params), text=message.text(language))
