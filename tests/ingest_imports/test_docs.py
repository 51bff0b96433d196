"""The example of docs/import.md is a real import and gives what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.imports import History, Trouble, read_history
from purna.core.clock import HOUR, from_iso

PAGE = Path(__file__).parents[2] / "docs" / "import.md"


@pytest.fixture
def example(tmp_path: Path) -> History:
    for name, text in re.findall(
        r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.M | re.S
    ):
        (tmp_path / name).write_text(text)
    return read_history(tmp_path / "mapping.toml", tmp_path)


def test_the_example_gives_the_devices_readings_and_records_that_the_page_promises(
    example: History,
) -> None:
    assert [d.id for d in example.devices] == ["fan-007", "fan-008"]
    assert {d.site.name for d in example.devices} == {"Hall 2"}
    assert example.readings == 7
    track = example.tracks["fan-007"]
    assert track.ts[0] == from_iso("2026-03-01T05:00:00Z")
    assert track.values[0].tolist() == pytest.approx([60.0, 1.9])
    (event,) = example.events
    assert (event.device, event.code, event.text) == ("fan-007", "E17", "filter dirty")
    assert event.ts == from_iso("2026-03-01T05:20:00Z")
    by_device = {m.device: m for m in example.maintenance}
    assert len(example.maintenance) == 2
    assert by_device["fan-007"].failed
    assert not by_device["fan-008"].failed
    assert by_device["fan-007"].ts == from_iso("2026-03-02T23:00:00Z")
    assert by_device["fan-007"].known_at == by_device["fan-007"].ts + 12 * HOUR


def test_the_example_reports_its_two_wrong_rows(example: History) -> None:
    troubles = {f.file: f.troubles for f in example.files}
    assert troubles == {
        "signals.csv": (Trouble(4, "temp_f", "'broken' is no number"),),
        "alarms.csv": (),
        "book.csv": (Trouble(4, "part", "fan has no component 'belt'"),),
    }
    assert all(f.rows == f.taken + f.left_out + f.wrong for f in example.files)


def test_every_key_of_the_mapping_is_on_the_page() -> None:
    from ingest.imports import mapping

    text = PAGE.read_text()
    for kind in vars(mapping).values():
        for key in getattr(kind, "__struct_fields__", ()):
            assert re.search(rf"`[^`\n]*\b{key}\b|^{key}\b|\[\[?{key}\]", text, re.M), key
