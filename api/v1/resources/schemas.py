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


class NewSite(Wire):
    """A place to add. Its customer is made too when there is none of this id."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["site-07"])
    name: str = Field(min_length=1, max_length=200, examples=["Semarang"])
    customer: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["cus-1"])
    customer_name: str = Field("", max_length=200)
    address: str = Field("", max_length=500)
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    timezone: str = Field("UTC", max_length=64, examples=["Asia/Jakarta"])


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
