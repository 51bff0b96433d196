"""Claim keys: made for devices that are still to come, and turned in by these."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from api.access import CallerParam, needs
from api.errors import TooManyAttempts, problems
from api.paging import CursorParam, ListLimit, page_of
from api.roles import Right
from api.services import ServicesParam
from api.throttle import Throttle
from api.v1.claims.schemas import Claim, ClaimKeyCreated, ClaimKeyEntry, NewClaimKeys
from api.v1.common import Page
from api.v1.devices.registration import credential
from api.v1.devices.roster import RosterParam
from api.v1.devices.schemas import DeviceCredential
from ingest.enrolment import ClaimKey
from purna.core.clock import Clock, to_datetime
from purna.core.errors import BadInput, Conflict

router = APIRouter(tags=["claims"])
_ADMIT = [needs(Right.DEVICES_ADMIT)]


class ClaimThrottle:
    """Slows down who guesses keys, by address; right keys cost nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = Throttle(free=20)

    def attempt(self, client: str) -> None:
        """Raises :class:`TooManyAttempts`."""
        wait = self._failures.attempt(client, self._clock.now())
        if wait:
            raise TooManyAttempts(wait)

    def right(self, client: str) -> None:
        self._failures.succeeded(client)


def _throttle_of(request: Request) -> ClaimThrottle:
    throttle: ClaimThrottle = request.app.state.claim_throttle
    return throttle


@router.post(
    "/claims", status_code=201, responses=problems(400, 403, 409, 429, 503, open_to_all=True)
)
def claim_device(
    body: Claim,
    request: Request,
    services: ServicesParam,
    roster: RosterParam,
    throttle: Annotated[ClaimThrottle, Depends(_throttle_of)],
) -> DeviceCredential:
    """Register a device with a claim key; the answer holds its password, shown this once.

    For firmware and installers: nobody signs in here, the key is the proof. Should the answer get
    lost, the same device may ask with the same key again for 15 minutes.
    """
    client = request.client.host if request.client else ""
    throttle.attempt(client)
    try:
        password = services.enrolment.claim(
            body.key, body.device, site=body.site, serial=body.serial
        )
    except (BadInput, Conflict):  # the key was right
        throttle.right(client)
        raise
    throttle.right(client)
    roster.forget()
    return credential(services, body.device, password)


@router.get("/claim-keys", dependencies=_ADMIT, responses=problems(503))
def list_claim_keys(
    services: ServicesParam, cursor: CursorParam = None, limit: ListLimit = 1000
) -> Page[ClaimKeyEntry]:
    """The latest thousand claim keys, oldest first."""
    keys = services.enrolment.claim_keys()[::-1]
    return page_of(keys, lambda key: (key.id,), _entry, cursor, limit)


@router.post("/claim-keys", status_code=201, dependencies=_ADMIT, responses=problems(400, 503))
def add_claim_keys(
    body: NewClaimKeys, services: ServicesParam, caller: CallerParam
) -> list[ClaimKeyCreated]:
    """Make claim keys, for example for the labels of a series; they are shown this once."""
    made = services.enrolment.make_claim_keys(
        body.product, body.count, days=body.days, created_by=caller.name, site=body.site
    )
    return [ClaimKeyCreated(**_entry(key).model_dump(), key=text) for text, key in made.items()]


@router.delete(
    "/claim-keys/{key_id}", status_code=204, dependencies=_ADMIT, responses=problems(503)
)
def drop_claim_key(key_id: str, services: ServicesParam) -> None:
    """Make a claim key useless; one that was used stays on record."""
    services.enrolment.drop_claim_key(key_id)


def _entry(key: ClaimKey) -> ClaimKeyEntry:
    return ClaimKeyEntry(
        id=key.id,
        hint=key.hint,
        product=key.product,
        site=key.site,
        created_by=key.created_by,
        created_at=to_datetime(key.created_at),
        expires_at=to_datetime(key.expires_at),
        used_at=None if key.used_at is None else to_datetime(key.used_at),
        device=key.device,
    )
