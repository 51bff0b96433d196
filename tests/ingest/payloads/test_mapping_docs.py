"""docs/foreign-devices.md: its mappings are mappings, and do what the page says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from ingest.payloads import Decoders
from ingest.payloads.mapping import PayloadKind
from ingest.payloads.mapping_file import parse_mapping
from ingest.payloads.sparkplug import nodes
from ingest.settings import IngestSettings
from purna.core.readings import Telemetry
from tests.ingest.payloads.kit import shipped_mappings

PAGE = (Path(__file__).parents[3] / "docs" / "foreign-devices.md").read_text("utf-8")
WRITTEN = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]


def test_the_mapping_of_the_page_reads_what_its_comments_say() -> None:
    mapping = parse_mapping(WRITTEN[0])
    decoders = Decoders(mappings=[mapping])
    message = (
        b'{"meta":{"at":"2024-11-22T01:05:45","temp_unit":"F"},"valve":"OPEN",'
        b'"drives":[{"temp":160,"r.m.s":3100}]}'
    )
    [telemetry] = decoders.decode("plant/Press No 3/data", message)
    assert telemetry == Telemetry(
        "press-3",
        [(1732212345000000, {"bearing_temp": 160.0, "vib_rms": 3.1, "valve_open": 1.0})],
        units={"bearing_temp": "degF", "vib_rms": "mm/s"},
    )
    [status] = decoders.decode("plant/press-4/state", b"up")
    assert (status.device, status.online) == ("press-4", True)  # type: ignore[union-attr]


def test_the_sparkplug_mapping_of_the_page_is_one() -> None:
    mapping = parse_mapping(WRITTEN[1])
    assert mapping.payload is PayloadKind.SPARKPLUG
    decoders = Decoders(mappings=[mapping])
    assert decoders.device_of("spBv1.0/Plant 1/NDATA/Edge Node 7") == "edge-7"


def test_every_shipped_mapping_stands_on_the_page_with_its_topics() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (`.*`) \| .* \|$", PAGE, re.MULTILINE))
    assert set(rows) == {mapping.id for mapping in shipped_mappings()}
    for mapping in shipped_mappings():
        first = re.sub(r"\{(\w+)\}", r"<\1>", mapping.topic.text).replace("#", "…")  # type: ignore[union-attr]
        assert f"`{first}`" in rows[mapping.id]


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    assert f"{nodes.NODES_REMEMBERED:,} nodes" in PAGE
    assert f"{nodes.METRICS_REMEMBERED:,} metrics" in PAGE
    assert IngestSettings().reject_interval_s == 1.0  # "at most one a second"
