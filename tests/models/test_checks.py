"""Every model passes every check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models.anomaly import DistanceDetector
from models.checks import Check, example_problem, yield_checks
from models.failure import BoostedRisk
from models.life import BlendedLife
from models.threads import one_thread

MODELS: list[Callable[[], Any]] = [
    lambda: DistanceDetector(),
    lambda: BoostedRisk(trees=30, rate=0.1),
    lambda: BlendedLife(trees=40, rate=0.1, vectors=400, folds=3),
]


def crossed() -> Iterator[Any]:
    for make in MODELS:
        for name, check in yield_checks(make()):
            yield pytest.param(make, check, id=f"{type(make()).__name__}-{name}")


@pytest.mark.parametrize(("make", "check"), list(crossed()))
def test_model_passes(make: Callable[[], Any], check: Check) -> None:
    with one_thread():
        check(make, example_problem())
