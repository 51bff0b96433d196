"""The quarantine: what devices sent and the platform could not take in."""

from __future__ import annotations

import base64
import codecs
from typing import Annotated

from fastapi import APIRouter, Query

from api.access import needs
from api.errors import problems
from api.paging import CursorParam, PageLimit, decode_cursor, encode_cursor
from api.roles import Right
from api.services import ServicesParam
from api.v1.common import Page
from api.v1.quarantine.schemas import RejectedEntry
from purna.core.clock import to_datetime
from purna.core.readings import Rejected

router = APIRouter(prefix="/quarantine", tags=["quarantine"])
_SHOWN_BYTES = 4096


@router.get("", dependencies=[needs(Right.QUARANTINE_READ)], responses=problems(503))
def list_rejected(
    services: ServicesParam,
    device: Annotated[str, Query(max_length=64)] = "",
    code: Annotated[str, Query(max_length=80, examples=["payload.json"])] = "",
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[RejectedEntry]:
    """Messages set aside, newest first, each with its reason."""
    before = int(decode_cursor(cursor, (int,))[0]) if cursor else None
    found = services.quarantine.entries(device=device, code=code, before=before, limit=limit + 1)
    shown = found[:limit]
    counts = services.quarantine.counts(device=device)
    return Page(
        items=[_rejected_entry(entry_id, rejected) for entry_id, rejected in shown],
        next_cursor=encode_cursor((shown[-1][0],)) if len(found) > limit else None,
        total=counts.get(code, 0) if code else sum(counts.values()),
    )


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
    )


def _shown_payload(payload: bytes) -> tuple[str, str]:
    """As text where it is text; a character that the cut goes through is left out."""
    cut = payload[:_SHOWN_BYTES]
    try:
        whole = len(cut) == len(payload)
        return codecs.getincrementaldecoder("utf-8")().decode(cut, final=whole), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(cut).decode(), "base64"
