"""What is promised of public bearing records; ``benchmarks/vibration.py`` has all figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.vibration import HEALTHY, RACES, Record, cwru, judged, mfpt

MEASURED = re.compile(r"17(50|97)rpm_(normal|.*_0(07|21)_).*|.*RaceFault_vload_.")
"""The records that the promise was measured on; nothing is said of others."""


@pytest.mark.data
@pytest.mark.parametrize(("read", "folder"), [(cwru, "bearings_cwru"), (mfpt, "bearings_mfpt")])
def test_in_one_second_every_damaged_race_is_named_and_nothing_healthy(
    public_data: Path, read: Callable[[Path], Iterator[Record]], folder: str
) -> None:
    records = [one for one in read(public_data / folder) if MEASURED.fullmatch(one.name)]
    assert len(records) >= 10
    for one in records:
        finding = judged(one, one.samples[: round(one.rate)], {}).verdicts[0].finding
        if one.fault in RACES:
            assert finding == RACES[one.fault], one.name
        elif one.fault == HEALTHY:
            assert finding == "none", one.name
