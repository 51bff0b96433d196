"""docs/ingest.md speaks of what there is."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.counters import GAUGES, HISTOGRAMS, NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text()


def test_every_figure_is_in_the_page_with_its_meaning() -> None:
    table = PAGE.split("<!-- figures")[1].split("<!-- end of figures")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| (.+) \|$", table, re.MULTILINE))
    shown = {**NAMES, **GAUGES, **{name: meaning for name, (meaning, _) in HISTOGRAMS.items()}}
    assert rows == shown


def test_the_advice_names_figures_that_there_are() -> None:
    advice = PAGE.split("| what you see")[1].split("## How fast")[0]
    known = {*NAMES, *GAUGES, *HISTOGRAMS}
    for line in advice.splitlines()[2:]:
        for name in re.findall(r"`(\w+)`", line.split("|")[1] if "|" in line else ""):
            assert name in known
