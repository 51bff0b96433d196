"""Sites, technicians and parts."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter

from alerts.order import PartStock, Technician
from api.access import needs
from api.errors import problems
from api.language import LanguageParam
from api.paging import CursorParam, ListLimit, page_of
from api.roles import Right
from api.services import ServicesParam
from api.v1.common import Page
from api.v1.devices.roster import RosterParam
from api.v1.refs import customer_ref
from api.v1.resources.schemas import NewSite, PartEntry, SiteEntry, TechnicianEntry
from purna.core.devices import Customer, Site

router = APIRouter(tags=["resources"])
_READ = [needs(Right.RESOURCES_READ)]


@router.get("/sites", dependencies=_READ, responses=problems())
def list_sites(
    services: ServicesParam,
    roster: RosterParam,
    cursor: CursorParam = None,
    limit: ListLimit = 1000,
) -> Page[SiteEntry]:
    """Where devices stand, by id."""
    devices = Counter(device.site.id for device in roster.all())

    def show(site: Site) -> SiteEntry:
        return _site_entry(site, devices[site.id])

    sites = sorted(services.registry.sites(), key=lambda site: site.id)
    return page_of(sites, lambda site: (site.id,), show, cursor, limit)


@router.post(
    "/sites",
    status_code=201,
    dependencies=[needs(Right.DEVICES_ADD)],
    responses=problems(400, 409, 503),
)
def add_site(body: NewSite, services: ServicesParam) -> SiteEntry:
    """Add a place where devices stand."""
    site = services.enrolment.add_site(
        Site(
            body.id,
            Customer(body.customer, body.customer_name or body.customer),
            body.name,
            body.address,
            body.latitude,
            body.longitude,
            body.timezone,
        )
    )
    return _site_entry(site, 0)


@router.get("/technicians", dependencies=_READ, responses=problems())
def list_technicians(
    services: ServicesParam, cursor: CursorParam = None, limit: ListLimit = 1000
) -> Page[TechnicianEntry]:
    """Who can be sent, by id, with how many open orders each has."""

    def show(technician: Technician) -> TechnicianEntry:
        return TechnicianEntry(
            id=technician.id,
            name=technician.name,
            skills=list(technician.skills),
            home_site=technician.home_site,
            open_orders=technician.open_orders,
        )

    technicians = sorted(services.alerts.technicians(), key=lambda technician: technician.id)
    return page_of(technicians, lambda technician: (technician.id,), show, cursor, limit)


@router.get("/parts", dependencies=_READ, responses=problems())
def list_parts(
    services: ServicesParam,
    language: LanguageParam,
    cursor: CursorParam = None,
    limit: ListLimit = 1000,
) -> Page[PartEntry]:
    """Spare parts and their stock, by number."""

    def show(part: PartStock) -> PartEntry:
        return PartEntry(
            number=part.number,
            name=part.name.text(language),
            stock=part.stock,
            reserved=part.reserved,
        )

    parts = sorted(services.alerts.parts(), key=lambda part: part.number)
    return page_of(parts, lambda part: (part.number,), show, cursor, limit)


def _site_entry(site: Site, devices: int) -> SiteEntry:
    return SiteEntry(
        id=site.id,
        name=site.name,
        customer=customer_ref(site.customer),
        address=site.address,
        latitude=site.latitude,
        longitude=site.longitude,
        devices=devices,
    )
