"""Waveforms of a device: the list, and one with its spectra and its diagnosis."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from api.access import needs
from api.errors import problems
from api.language import LanguageParam
from api.paging import CursorParam, PageLimit, decode_cursor, encode_cursor
from api.roles import Right
from api.services import ServicesParam
from api.v1.common import Page
from api.v1.devices.fleet import product_of
from api.v1.waveforms.schemas import WaveformDetail, WaveformSummary
from api.v1.waveforms.wire import detail, key_of, summary
from models.vibration import analyse, levels_of
from purna.core.catalogue import Product
from purna.core.clock import from_datetime
from purna.core.errors import NotFound
from purna.core.ports import ReadingStore
from purna.core.quantities import Indicator
from purna.core.readings import SeriesKey
from purna.core.vibration import WaveformSource
from purna.core.waveforms import WaveformInfo

router = APIRouter(prefix="/devices/{device_id}/waveforms", tags=["devices"])
_READ = [needs(Right.DEVICES_READ)]
_EVER = 2**62
USUAL = 10
"""So many first waveforms of a device tell what is usual for it, or half as many at least."""


@router.get("", dependencies=_READ, responses=problems(404, 503))
def list_waveforms(
    device_id: str,
    services: ServicesParam,
    language: LanguageParam,
    source: Annotated[str, Query(max_length=64, description="Only of this waveform")] = "",
    start: Annotated[datetime | None, Query(description="Taken then or later")] = None,
    end: Annotated[datetime | None, Query(description="Taken before then")] = None,
    cursor: CursorParam = None,
    limit: PageLimit = 20,
) -> Page[WaveformSummary]:
    """Waveforms that are kept, newest first."""
    product = product_of(services.catalogue, services.registry.get(device_id))
    since = 0 if start is None else from_datetime(start)
    until = _EVER if end is None else from_datetime(end)
    kept = services.waveforms.find(device_id, source, since, until, limit=_EVER)
    after = decode_cursor(cursor, (int, str)) if cursor else None
    left = [info for info in kept if after is None or _newest_first(info) > after]
    shown = left[:limit]
    values = _stored_indicators(services.store, product, shown)
    return Page(
        items=[
            WaveformSummary.model_validate(
                summary(info, values.get(info.key.ts, {}), product, language)
            )
            for info in shown
        ],
        next_cursor=encode_cursor(_newest_first(shown[-1])) if len(left) > limit else None,
        total=len(kept),
    )


@router.get("/{waveform_id}", dependencies=_READ, responses=problems(404, 503))
def read_waveform(
    device_id: str,
    waveform_id: str,
    services: ServicesParam,
    language: LanguageParam,
    points: Annotated[
        int, Query(ge=1, le=4000, description="At most so many points per curve")
    ] = 1000,
) -> WaveformDetail:
    """One waveform: signal, spectra, indicators, and what it says of each bearing."""
    product = product_of(services.catalogue, services.registry.get(device_id))
    key = key_of(device_id, waveform_id)
    source = product.waveform(key.quantity) if key else None
    if key is None or source is None:
        raise _no_waveform(waveform_id)
    found = services.waveforms.find(device_id, key.quantity, key.ts, key.ts + 1)
    if not found:
        raise _no_waveform(waveform_id)
    waveform = services.waveforms.get(key)
    usual = usual_levels(services.store, device_id, source)
    return detail(found[0], analyse(waveform, product, usual), product, points, language)


def usual_levels(store: ReadingStore, device: str, source: WaveformSource) -> dict[str, float]:
    """Medians of a device's first levels; none where there are too few."""
    keys = [SeriesKey(device, quantity) for quantity in levels_of(source)]
    found = store.read(keys, 0, _EVER)
    return {
        key.quantity: float(np.median(points.value[:USUAL]))
        for key, points in found.items()
        if len(points) >= USUAL // 2
    }


def _stored_indicators(
    store: ReadingStore, product: Product, shown: list[WaveformInfo]
) -> dict[int, dict[str, float]]:
    """Values by time and quantity."""
    if not shown:
        return {}
    device = shown[0].key.device
    keys = [SeriesKey(device, q.id) for q in product.quantities if isinstance(q, Indicator)]
    times = [info.key.ts for info in shown]
    values: dict[int, dict[str, float]] = {}
    for key, points in store.read(keys, min(times), max(times) + 1).items():
        for ts, value in zip(points.ts.tolist(), points.value.tolist(), strict=True):
            values.setdefault(ts, {})[key.quantity] = value
    return values


def _newest_first(info: WaveformInfo) -> tuple[int, str]:
    return -info.key.ts, info.key.quantity


def _no_waveform(waveform_id: str) -> NotFound:
    return NotFound(
        "error.not_found", f"no waveform {waveform_id!r}", kind="waveform", id=waveform_id
    )
