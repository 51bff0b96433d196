"""The fuzz targets, a little of each; ``make fuzz`` runs them for long."""

from __future__ import annotations

import random

import pytest

from purna.core.readings import Telemetry
from tests.fuzz.checks import check
from tests.fuzz.mutation import mutations
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found_in_a_few_inputs(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    assert seeds
    for data in mutations(seeds, target.words, len(seeds) + 1000, random.Random(1), 8192):
        target.run(data)


@pytest.mark.parametrize(
    "wrong",
    [
        Telemetry("d", [(1732212345678000, {"q": float("nan")})]),
        Telemetry("d", [(1732212345, {"q": 1.0})]),
        Telemetry("d", []),
        Telemetry("d", [(1732212345678000, {"q": 1.0})], "b", -1),
    ],
)
def test_what_a_decoder_must_not_say_is_a_finding(wrong: Telemetry) -> None:
    with pytest.raises(AssertionError):
        check([wrong])
