"""The catalogue."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter

from api.access import needs
from api.errors import problems
from api.language import LanguageParam
from api.paging import CursorParam, ListLimit, page_of
from api.roles import Right
from api.services import ServicesParam
from api.v1.common import Page
from api.v1.devices.roster import RosterParam
from api.v1.products.schemas import (
    ComponentEntry,
    FailureModeEntry,
    ProductEntry,
    QuantityEntry,
)
from api.v1.refs import component_ref
from purna.core.catalogue import Product

router = APIRouter(prefix="/products", tags=["products"])


@router.get("", dependencies=[needs(Right.PRODUCTS_READ)], responses=problems())
def list_products(
    services: ServicesParam,
    roster: RosterParam,
    language: LanguageParam,
    cursor: CursorParam = None,
    limit: ListLimit = 1000,
) -> Page[ProductEntry]:
    """Products with their quantities, components and failure modes, by id."""
    devices = Counter(device.product for device in roster.all())
    products = sorted(services.catalogue.values(), key=lambda product: product.id)
    return page_of(
        products,
        lambda product: (product.id,),
        lambda product: _product_entry(product, devices[product.id], language),
        cursor,
        limit,
    )


def _product_entry(product: Product, devices: int, language: str) -> ProductEntry:
    return ProductEntry(
        id=product.id,
        name=product.name.text(language),
        version=product.version,
        step_minutes=product.step_minutes,
        quantities=[
            QuantityEntry(
                id=quantity.id,
                name=quantity.name.text(language),
                unit=quantity.unit,
                low=quantity.low,
                high=quantity.high,
                alarm=quantity.alarm,
                setting=quantity.setting,
            )
            for quantity in product.quantities
        ],
        components=[
            ComponentEntry(id=component.id, name=component.name.text(language), part=component.part)
            for component in product.components
        ],
        failure_modes=[
            FailureModeEntry(
                id=mode.id,
                name=mode.name.text(language),
                component=component_ref(product, mode.component, language),
                remedy=mode.remedy.value,
                skill=mode.skill,
            )
            for mode in product.failure_modes
        ],
        devices=devices,
    )
