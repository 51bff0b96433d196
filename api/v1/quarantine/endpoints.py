"""The quarantine: what devices sent and the platform could not take in."""

from __future__ import annotations

import base64
import codecs
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.access import needs
from api.errors import problems
from api.paging import CursorParam, PageLimit, decode_cursor, encode_cursor
from api.roles import Right
from api.services import ServicesParam
from api.v1.common import Page
from api.v1.quarantine.schemas import RejectedCount, RejectedEntry, Replay, ReplayAsked
from purna.core.clock import from_datetime, to_datetime
from purna.core.ports import RejectedFilter
from purna.core.readings import Rejected

router = APIRouter(prefix="/quarantine", tags=["quarantine"])
_SHOWN_BYTES = 4096


def _which(
    device: Annotated[str, Query(max_length=64)] = "",
    code: Annotated[
        str,
        Query(max_length=80, examples=["ts.future"], description="A code, or its first part: `ts`"),
    ] = "",
    q: Annotated[
        str, Query(max_length=100, description="Part of topic, field, hint or payload")
    ] = "",
    start: Annotated[datetime | None, Query(description="Arrived then or later")] = None,
    end: Annotated[datetime | None, Query(description="Arrived before then")] = None,
) -> RejectedFilter:
    return RejectedFilter(
        device,
        code,
        q,
        None if start is None else from_datetime(start),
        None if end is None else from_datetime(end),
    )


WhichParam = Annotated[RejectedFilter, Depends(_which)]


@router.get("", dependencies=[needs(Right.QUARANTINE_READ)], responses=problems(503))
def list_rejected(
    services: ServicesParam,
    which: WhichParam,
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[RejectedEntry]:
    """Messages set aside, newest first, each with its reason."""
    before = int(decode_cursor(cursor, (int,))[0]) if cursor else None
    found = services.quarantine.entries(which, before=before, limit=limit + 1)
    shown = found[:limit]
    return Page(
        items=[_rejected_entry(entry_id, rejected) for entry_id, rejected in shown],
        next_cursor=encode_cursor((shown[-1][0],)) if len(found) > limit else None,
        total=sum(services.quarantine.counts(which).values()),
    )


@router.get("/counts", dependencies=[needs(Right.QUARANTINE_READ)], responses=problems(503))
def count_rejected(services: ServicesParam, which: WhichParam) -> list[RejectedCount]:
    """How many messages are set aside for which reason, the most frequent first."""
    counts = services.quarantine.counts(which)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [RejectedCount(code=code, count=count) for code, count in ordered]


@router.post(
    "/replay",
    status_code=202,
    dependencies=[needs(Right.QUARANTINE_REPLAY)],
    responses=problems(400, 503),
)
def replay_rejected(services: ServicesParam, body: Replay) -> ReplayAsked:
    """Take messages in again after a fix: those named, or all that fit the filter.

    They go through the line within seconds. What can be taken now leaves the quarantine, the rest
    stays with today's reason. Taking something in twice changes nothing.
    """
    which = RejectedFilter(device=body.device, code=body.code, text=body.q)
    return ReplayAsked(asked=services.quarantine.ask_again(which, body.ids))


def _rejected_entry(entry_id: int, rejected: Rejected) -> RejectedEntry:
    payload, encoding = _shown_payload(rejected.payload)
    return RejectedEntry(
        id=entry_id,
        received=to_datetime(rejected.received),
        device=rejected.device,
        topic=rejected.topic,
        code=rejected.code,
        hint=rejected.hint,
        field=rejected.field,
        payload=payload,
        encoding=encoding,
        size=len(rejected.payload),
        whole=rejected.whole,
    )


def _shown_payload(payload: bytes) -> tuple[str, str]:
    """As text where it is text; a character that the cut goes through is left out."""
    cut = payload[:_SHOWN_BYTES]
    try:
        whole = len(cut) == len(payload)
        return codecs.getincrementaldecoder("utf-8")().decode(cut, final=whole), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(cut).decode(), "base64"
