"""The catalogue."""

from __future__ import annotations

from fastapi import APIRouter

from api.access import needs
from api.roles import Right
from api.errors import problems
from api.paging import CursorParam, ListLimit
from api.v1.common import Page
from api.v1.products.schemas import ProductEntry

router = APIRouter(prefix="/products", tags=["products"])


@router.get("", dependencies=[needs(Right.PRODUCTS_READ)], responses=problems())
def list_products(cursor: CursorParam = None, limit: ListLimit = 1000) -> Page[ProductEntry]:
    """Products with their quantities, components and failure modes, by id."""
    raise NotImplementedError
