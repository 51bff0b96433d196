"""Trained model versions."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.access import needs
from api.roles import Right
from api.errors import problems
from api.paging import CursorParam, ListLimit
from api.v1.common import Page
from api.v1.models.schemas import ModelCard

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", dependencies=[needs(Right.MODELS_READ)], responses=problems())
def list_models(
    product: Annotated[str, Query(max_length=80)] = "",
    kind: Literal["anomaly", "failure", "life"] | None = None,
    cursor: CursorParam = None,
    limit: ListLimit = 1000,
) -> Page[ModelCard]:
    """Model versions, newest first."""
    raise NotImplementedError
