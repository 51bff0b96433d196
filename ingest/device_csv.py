"""Devices from a CSV file, as a spreadsheet writes it. Pure: text in, devices and faults out."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ingest.device_requests import DeviceRequest, checked
from purna.core.catalogue import Catalogue
from purna.core.clock import from_iso
from purna.core.devices import Device, Site
from purna.core.errors import BadInput

COLUMNS = ("device", "product", "site", "serial", "installed", "warranty", "gateway")
ATTRIBUTE = "attribute."
_NEEDED = ("device", "product", "site")
_LONGEST = {"serial": 80, "gateway": 64}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line; line 1 has the names of the columns."""

    line: int
    field: str
    why: BadInput

    def text(self) -> str:
        return f"line {self.line}, {self.field}: {self.why.detail}"


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """What a file says: its good lines, and what is wrong with the others."""

    devices: tuple[Device, ...]
    faults: tuple[Fault, ...]


def read_devices(
    text: str,
    catalogue: Catalogue,
    sites: Mapping[str, Site],
    registered: Collection[str],
    now: int,
) -> DeviceFile:
    """All devices of a file, each line for itself.

    The first line names the columns: ``device``, ``product`` and ``site`` are needed; ``serial``,
    ``installed``, ``warranty`` (ISO 8601 dates), ``gateway`` and any ``attribute.<name>`` may be
    there. Separated by commas, or by semicolons where the first line has no comma.

    Parameters
    ----------
    registered
        Ids that are taken.
    now
        When a device without ``installed`` was installed, micros UTC.
    """
    separator = "," if "," in text.split("\n", 1)[0] else ";"
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator)
    try:
        columns = [name.strip() for name in next(lines, [])]
        wrong = _column_faults(columns)
        if wrong:
            return DeviceFile((), tuple(wrong))
        numbered = [(lines.line_num, cells) for cells in lines]
    except csv.Error as error:
        why = BadInput("csv.syntax", f"not readable as CSV ({error})", field="", reason=str(error))
        return DeviceFile((), (Fault(lines.line_num, "", why),))
    return _read_lines(numbered, columns, catalogue, sites, registered, now)


def _read_lines(
    lines: Iterable[tuple[int, list[str]]],
    columns: list[str],
    catalogue: Catalogue,
    sites: Mapping[str, Site],
    registered: Collection[str],
    now: int,
) -> DeviceFile:
    good: dict[str, tuple[int, Device]] = {}
    faults: list[Fault] = []
    first_line: dict[str, int] = {}
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            request = _request(columns, cells)
            if request.id in registered:
                raise _fault("device.exists", "id", "registered already", id=request.id)
            if request.id in first_line:
                raise _fault(
                    "csv.twice",
                    "id",
                    f"{request.id} stands in line {first_line[request.id]} already",
                    id=request.id,
                    line=first_line[request.id],
                )
            first_line[request.id] = number
            good[request.id] = (number, checked(request, catalogue, sites, now))
        except BadInput as why:
            faults.append(Fault(number, _column(why.field), why))
    faults += _without_gateway(good, registered)
    return DeviceFile(
        tuple(device for _, device in good.values()),
        tuple(sorted(faults, key=lambda fault: fault.line)),
    )


def _column_faults(columns: list[str]) -> list[Fault]:
    faults = [
        Fault(1, name, _fault("csv.column.missing", name, "this column is needed", column=name))
        for name in _NEEDED
        if name not in columns
    ]
    known = ", ".join((*COLUMNS, f"{ATTRIBUTE}<name>"))
    for at, name in enumerate(columns):
        if name not in COLUMNS and not (name.startswith(ATTRIBUTE) and name != ATTRIBUTE):
            why = _fault(
                "csv.column.unknown", name, f"no such column; there are: {known}", known=known
            )
            faults.append(Fault(1, name, why))
        elif name in columns[:at]:
            faults.append(
                Fault(1, name, _fault("csv.column.twice", name, "this column is there twice"))
            )
    return faults


def _request(columns: list[str], cells: list[str]) -> DeviceRequest:
    if len(cells) > len(columns):
        raise _fault(
            "csv.cells",
            "",
            f"{len(cells)} cells under {len(columns)} columns",
            cells=len(cells),
            columns=len(columns),
        )
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    for name in _NEEDED:
        if not row.get(name):
            raise _fault("csv.empty", name, "is empty")
    for name, limit in _LONGEST.items():
        if len(row.get(name, "")) > limit:
            raise _fault("csv.long", name, f"more than {limit} characters", limit=limit)
    attributes: dict[str, float | str] = {
        name.removeprefix(ATTRIBUTE): _number_or_text(cell)
        for name, cell in row.items()
        if name.startswith(ATTRIBUTE) and cell
    }
    if row.get("gateway"):
        attributes["gateway"] = row["gateway"]
    return DeviceRequest(
        row["device"],
        row["product"],
        row["site"],
        row.get("serial", ""),
        _date(row, "installed"),
        _date(row, "warranty"),
        attributes,
    )


def _date(row: Mapping[str, str], name: str) -> int | None:
    text = row.get(name, "")
    try:
        return from_iso(text) if text else None
    except (ValueError, OverflowError):
        raise _fault(
            "csv.date", name, f"{text[:40]!r} is no date such as 2026-03-01", value=text[:40]
        ) from None


def _number_or_text(cell: str) -> float | str:
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if math.isfinite(number) else cell


def _without_gateway(
    good: dict[str, tuple[int, Device]], registered: Collection[str]
) -> list[Fault]:
    """Takes out of ``good`` whatever stands behind a gateway that will not be there."""
    faults: list[Fault] = []
    while True:
        lost = [
            (name, number, str(device.attributes["gateway"]))
            for name, (number, device) in good.items()
            if (gateway := device.attributes.get("gateway"))
            and gateway not in good
            and gateway not in registered
        ]
        if not lost:
            return faults
        for name, number, gateway in lost:
            del good[name]
            why = _fault(
                "csv.gateway",
                "gateway",
                f"{gateway!r} is neither registered nor a good line of this file",
                id=gateway,
            )
            faults.append(Fault(number, "gateway", why))


def _fault(code: str, field: str, detail: str, **params: object) -> BadInput:
    return BadInput(code, detail, field=field, **params)


def _column(field: str) -> str:
    return "device" if field == "id" else field
