"""Wire shapes of customers, sites, technicians and parts."""

from __future__ import annotations

from pydantic import Field

from api.v1.common import Ref, Wire


class SiteEntry(Wire):
    """A place where devices stand."""

    id: str
    name: str
    customer: Ref
    address: str
    latitude: float | None
    longitude: float | None
    devices: int


class TechnicianEntry(Wire):
    """Somebody who can be sent."""

    id: str
    name: str
    skills: list[str]
    home_site: str = Field(description="Region or depot")
    open_orders: int


class PartEntry(Wire):
    """A spare part and its stock."""

    number: str
    name: str
    stock: int
    reserved: int
