"""Files of devices: what is right is read, what is wrong is named by line and column."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.device_csv import COLUMNS, DeviceFile, read_devices
from purna.core.clock import DAY, from_iso
from purna.core.devices import Customer, Site
from purna.core.texts import catalogue
from tests.ingest.kit import CATALOGUE

NOW = from_iso("2026-03-01T06:00:00Z")
SITES = {"north": Site("north", Customer("acme", "Acme"), "North")}
HEAD = "device,product,site,serial,installed,warranty,gateway,attribute.load,attribute.kind"


def read(*lines: str, registered: set[str] | None = None) -> DeviceFile:
    return read_devices("\n".join(lines), CATALOGUE, SITES, registered or set(), NOW)


def faults(*lines: str, registered: set[str] | None = None) -> list[tuple[int, str, str]]:
    found = read(*lines, registered=registered)
    return [(fault.line, fault.field, fault.why.code) for fault in found.faults]


def test_a_full_line_is_a_device() -> None:
    found = read(
        HEAD,
        'p1,pump,north,"SN 1, blue",2026-01-01,2027-01-01T12:00:00Z,g1,0.7,old',
        "g1,pump,north",
    )
    assert not found.faults
    device, gateway = found.devices
    assert (device.id, device.product, device.site) == ("p1", "pump", SITES["north"])
    assert device.serial == "SN 1, blue"
    assert device.installed_at == from_iso("2026-01-01T00:00:00Z")
    assert device.warranty_until == from_iso("2027-01-01T12:00:00Z")
    assert device.attributes == {"gateway": "g1", "load": 0.7, "kind": "old"}
    assert gateway.attributes == {}
    assert gateway.installed_at == NOW
    assert gateway.warranty_until > NOW + 300 * DAY


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spreadsheets_of_all_countries_are_read(start: str, separator: str, end: str) -> None:
    text = end.join(["device,product,site", "p1,pump,north", "", "p2,pump,north", ""])
    found = read_devices(start + text.replace(",", separator), CATALOGUE, SITES, set(), NOW)
    assert not found.faults
    assert [device.id for device in found.devices] == ["p1", "p2"]


def test_every_wrong_line_is_named_and_the_others_are_good() -> None:
    lines = [
        HEAD,
        "p1,pump,north",
        "p/2,pump,north",
        "p3,crane,north",
        "p4,pump,south",
        "p5,pump,",
        "p6,pump,north,,yesterday",
        "p7,pump,north,,,tomorrow",
        "p1,pump,north",
        "taken,pump,north",
        "p8,pump,north,,,,nobody",
        "p9,pump,north,,,,,,,too many",
        f"p10,pump,north,{'9' * 81}",
        "fleet,pump,north",
        "p11,pump,north,,,,p8",
        "p12,pump,north",
    ]
    assert faults(*lines, registered={"taken"}) == [
        (3, "device", "device.id"),
        (4, "product", "product.unknown"),
        (5, "site", "site.unknown"),
        (6, "site", "csv.empty"),
        (7, "installed", "csv.date"),
        (8, "warranty", "csv.date"),
        (9, "device", "csv.twice"),
        (10, "device", "device.exists"),
        (11, "gateway", "csv.gateway"),
        (12, "", "csv.cells"),
        (13, "serial", "csv.long"),
        (14, "device", "device.reserved"),
        (15, "gateway", "csv.gateway"),
    ]
    found = read(*lines, registered={"taken"})
    assert all(fault.why.code in catalogue("id") for fault in found.faults)
    assert [device.id for device in found.devices] == ["p1", "p12"]


def test_a_line_break_in_a_cell_moves_the_numbers_as_an_editor_shows_them() -> None:
    assert faults(HEAD, 'p1,pump,north,"two\nlines"', "p/2,pump,north") == [
        (4, "device", "device.id")
    ]


def test_a_gateway_may_be_registered_already() -> None:
    assert not faults(HEAD, "p1,pump,north,,,,g1", registered={"g1"})


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("device,product", [("site", "csv.column.missing")]),
        ("", [(name, "csv.column.missing") for name in ("device", "product", "site")]),
        ("device,product,site,instaled", [("instaled", "csv.column.unknown")]),
        ("device,product,site,attribute.", [("attribute.", "csv.column.unknown")]),
        ("device,product,site,site", [("site", "csv.column.twice")]),
    ],
)
def test_wrong_columns_are_named_before_any_line(
    head: str, expected: list[tuple[str, str]]
) -> None:
    assert faults(head, "p1,pump,north") == [(1, field, code) for field, code in expected]


@given(st.text(max_size=200))
def test_any_text_gives_devices_or_faults_with_a_text(text: str) -> None:
    found = read_devices(text, CATALOGUE, SITES, set(), NOW)
    assert found.devices or found.faults
    assert all(fault.why.code in catalogue("id") for fault in found.faults)


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(st.lists(st.lists(_CELL, min_size=1, max_size=len(COLUMNS)), max_size=8))
def test_each_filled_line_is_either_a_device_or_a_fault(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([COLUMNS, *rows])
    found = read_devices(out.getvalue(), CATALOGUE, SITES, set(), NOW)
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(found.devices) + len(found.faults) == len(filled)
