"""Trained model versions."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.access import needs
from api.errors import problems
from api.paging import CursorParam, ListLimit, cut
from api.roles import Right
from api.services import ServicesParam
from api.v1.common import Page
from api.v1.models.schemas import ModelCard
from models.registry import Version
from purna.core.clock import from_iso, to_datetime

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", dependencies=[needs(Right.MODELS_READ)], responses=problems())
def list_models(
    services: ServicesParam,
    product: Annotated[str, Query(max_length=80)] = "",
    kind: Literal["anomaly", "failure", "life"] | None = None,
    cursor: CursorParam = None,
    limit: ListLimit = 1000,
) -> Page[ModelCard]:
    """Model versions, newest first."""
    versions = sorted(services.models.versions(product, kind or ""), key=_newest_first)
    shown, next_cursor = cut(versions, _newest_first, (int, str), cursor, limit)
    return Page(
        items=[_model_card(version) for version in shown],
        next_cursor=next_cursor,
        total=len(versions),
    )


def _newest_first(version: Version) -> tuple[int, str]:
    return -version.created, version.version


def _model_card(version: Version) -> ModelCard:
    card = version.card
    return ModelCard.model_validate(
        {
            "version": version.version,
            "kind": version.kind,
            "product": version.product,
            "stage": version.stage.value,
            "trained_at": to_datetime(version.created),
            "data_start": to_datetime(from_iso(card.start)),
            "data_end": to_datetime(from_iso(card.until)),
            "devices": card.devices,
            "seed": card.seed,
            "features": sorted({name for names in card.features.values() for name in names}),
            "libraries": dict(card.libraries),
            "metrics": {name: dict(values) for name, values in card.metrics.items()},
        }
    )
