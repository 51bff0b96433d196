"""Sites, technicians and parts."""

from __future__ import annotations

from fastapi import APIRouter

from api.access import needs
from api.roles import Right
from api.errors import problems
from api.paging import CursorParam, ListLimit
from api.v1.common import Page
from api.v1.resources.schemas import PartEntry, SiteEntry, TechnicianEntry

router = APIRouter(tags=["resources"])
_READ = [needs(Right.RESOURCES_READ)]


@router.get("/sites", dependencies=_READ, responses=problems())
def list_sites(cursor: CursorParam = None, limit: ListLimit = 1000) -> Page[SiteEntry]:
    """Where devices stand, by id."""
    raise NotImplementedError


@router.get("/technicians", dependencies=_READ, responses=problems())
def list_technicians(cursor: CursorParam = None, limit: ListLimit = 1000) -> Page[TechnicianEntry]:
    """Who can be sent, by id, with how many open orders each has."""
    raise NotImplementedError


@router.get("/parts", dependencies=_READ, responses=problems())
def list_parts(cursor: CursorParam = None, limit: ListLimit = 1000) -> Page[PartEntry]:
    """Spare parts and their stock, by number."""
    raise NotImplementedError
