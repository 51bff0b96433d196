"""Reads a recorded history: a mapping file and a folder of data files become a History."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.imports.files import Columns, matching_files, read_columns
from ingest.imports.history import Float64, History, Int64, Track
from ingest.imports.mapping import (
    DeviceSource,
    EventSource,
    ImportMapping,
    MaintenanceSource,
    Source,
    TelemetrySource,
    ValueEntry,
    parse_mapping,
)
from ingest.imports.report import FileReport
from purna.core.catalogue import Product, parse_product
from purna.core.clock import DAY, HOUR, MINUTE, from_iso
from purna.core.devices import DEVICE_ID, Customer, Device, Maintenance, Site
from purna.core.errors import BadInput
from purna.core.readings import DeviceEvent
from purna.core.units import converter

Flags = NDArray[np.bool_]

_SETS = "ingest.imports.sets"

_CODE_CHARS, _TEXT_CHARS = 64, 1000  # limits of the firmware contract


class _Folder(Protocol):
    """A directory on disk or inside the installed package."""

    def joinpath(self, name: str, /) -> _File: ...


class _File(Protocol):
    def read_text(self, encoding: str) -> str: ...


def shipped_sets() -> list[str]:
    """Names of the data sets whose mapping comes with Purna."""
    folders = resources.files(_SETS).iterdir()
    return sorted(f.name for f in folders if f.is_dir() and f.joinpath("mapping.toml").is_file())


def read_history(source: str | Path, folder: Path, subset: str | None = None) -> History:
    """The history in ``folder``.

    Parameters
    ----------
    source
        A mapping file, or the name of a shipped set (see :func:`shipped_sets`).
    folder
        Where the data files are.
    subset
        Which part of the set, where its mapping names some.

    Raises
    ------
    BadInput
        Naming mapping field, file, line or column, and what is wrong with it. Single wrong rows
        don't raise: they are counted and described in ``History.files``.
    """
    mapping_text, _, name = _locate(source)
    mapping = parse_mapping(mapping_text, name, subset)
    try:
        product_data = tomllib.loads(product_entry(source, subset))
    except tomllib.TOMLDecodeError as error:
        raise BadInput("import.mapping", f"{name}: product: {error}", field="product") from None
    return _Reading(mapping, parse_product(product_data, mapping.product), folder).history()


def product_entry(source: str | Path, subset: str | None = None) -> str:
    """The catalogue entry (TOML) of the product that the mapping names.

    Raises
    ------
    BadInput
        When it can't be read.
    """
    mapping_text, home, name = _locate(source)
    mapping = parse_mapping(mapping_text, name, subset)
    try:
        return home.joinpath(mapping.product).read_text("utf-8")
    except OSError as error:
        raise BadInput("import.mapping", f"{name}: product: {error}", field="product") from None


def _locate(source: str | Path) -> tuple[str, _Folder, str]:
    if str(source) in shipped_sets():
        home = resources.files(_SETS).joinpath(str(source))
        return home.joinpath("mapping.toml").read_text("utf-8"), home, str(source)
    path = Path(source)
    if not path.is_file():
        raise BadInput(
            "import.source",
            f"{source} is neither a mapping file nor one of the sets {', '.join(shipped_sets())}",
            field="source",
        )
    return path.read_text("utf-8"), path.parent, path.name


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one file that have a device and a time: columns of equal length.

    ``place`` is a row's position in the file, ``device`` its position in ``names``; ``ts`` is
    shifted as the mapping says, ``at`` is the time as recorded.
    """

    columns: Columns
    names: Sequence[str]
    place: Int64
    device: NDArray[np.int32]
    ts: Int64
    at: Int64


class _Reading:
    """One run of :func:`read_history`."""

    def __init__(self, mapping: ImportMapping, product: Product, folder: Path) -> None:
        self._mapping, self._product, self._folder = mapping, product, folder
        self._quantities = [q.id for q in product.quantities]
        self._files: list[FileReport] = []

    def history(self) -> History:
        tracks, failed_at_end = self._telemetry()
        attributes = self._attributes()
        names = sorted({*tracks, *attributes})
        if not names:
            raise BadInput("import.rows", "the files have no device", field="device")
        events = [event for source in self._mapping.events for event in self._events(source)]
        return History(
            product=self._product,
            devices=self._devices(names, tracks, attributes),
            quantities=tuple(self._quantities),
            tracks={name: tracks[name] for name in names if name in tracks},
            events=sorted(set(events), key=lambda e: (e.ts, e.device, e.code)),
            maintenance=self._maintenance(failed_at_end),
            files=tuple(self._files),
        )

    # --- telemetry -----------------------------------------------------------------------

    def _telemetry(self) -> tuple[dict[str, Track], list[Maintenance]]:
        names: dict[str, int] = {}
        parts: list[tuple[Int64, Int64, Float64]] = []
        failures: list[Maintenance] = []
        for source in self._mapping.telemetry:
            last: dict[str, int] = {}
            for path in matching_files(self._folder, source.files):
                rows = self._rows(source, path, self._value_columns(source))
                values = self._values(source, rows)
                own = np.array([names.setdefault(n, len(names)) for n in rows.names], np.int64)
                parts.append((own[rows.device], rows.ts, values))
                for i, name in enumerate(rows.names):
                    mine = rows.at[rows.device == i] if source.ends_in_failure else rows.at[:0]
                    if len(mine):
                        last[name] = max(last.get(name, mine[0]), int(mine.max()))
                self._files.append(rows.columns.notes.report())
            failures += [
                Maintenance(name, source.ends_in_failure, ts, True, ts, "import")
                for name, ts in last.items()
            ]
        for record in failures:
            self._check_component(record.component, "ends_in_failure")
        device, ts, values = (np.concatenate(column) for column in zip(*parts, strict=True))
        return self._tracks(list(names), device, ts, values), failures

    def _value_columns(self, source: TelemetrySource) -> list[str]:
        if source.long:
            return [source.long.quantity, source.long.value]
        return [_entry(value).column for value in source.quantities.values()]

    def _values(self, source: TelemetrySource, rows: _Rows) -> Float64:
        """The rows' values in the catalogue's units, (row, quantity)."""
        out = np.full((len(rows.ts), len(self._quantities)), np.nan)
        if source.long:
            numbers = rows.columns.numbers(source.long.value)[rows.place]
            kinds, kind = rows.columns.needed_texts(source.long.quantity)
            kind = kind[rows.place]
        for quantity_id, value in source.quantities.items():
            entry = _entry(value)
            quantity = self._product.quantity(quantity_id)
            if quantity is None:
                raise BadInput(
                    "import.mapping",
                    f"{self._product.id} has no quantity {quantity_id!r}",
                    field=f"quantities.{quantity_id}",
                )
            field = f"quantities.{quantity_id}.unit"
            a, b = converter(entry.unit or quantity.unit, quantity.unit, field)
            column = self._quantities.index(quantity_id)
            if source.long:
                mine = kind == (kinds.index(entry.column) if entry.column in kinds else -2)
                out[mine, column] = a * numbers[mine] + b
            else:
                out[:, column] = a * rows.columns.numbers(entry.column)[rows.place] + b
        if source.long:
            known = {_entry(value).column for value in source.quantities.values()}
            other = np.isin(kind, [i for i, text in enumerate(kinds) if text not in known])
            rows.columns.notes.left_out += int(other.sum())
        return out

    def _tracks(
        self, names: list[str], device: Int64, ts: Int64, values: Float64
    ) -> dict[str, Track]:
        """By device, sorted by time; of several values for one time the last in the files wins."""
        known = np.isfinite(values).any(axis=1)
        device, ts, values = device[known], ts[known], values[known]
        order = np.lexsort((ts, device))  # stable: files keep their order
        device, ts, values = device[order], ts[order], values[order]
        new = np.concatenate([[True], (np.diff(ts) != 0) | (np.diff(device) != 0)])[: len(ts)]
        if not new.all():
            group = np.cumsum(new) - 1
            merged = np.full((int(new.sum()), values.shape[1]), np.nan)
            for column in range(values.shape[1]):
                rows = np.flatnonzero(np.isfinite(values[:, column]))
                merged[group[rows], column] = values[rows, column]
            device, ts, values = device[new], ts[new], merged
        cuts = np.searchsorted(device, np.arange(len(names) + 1))
        return {
            name: Track.of(ts[a:b], values[a:b], self._product.step_minutes * MINUTE)
            for name, a, b in zip(names, cuts[:-1], cuts[1:], strict=True)
            if b > a
        }

    # --- events, maintenance, devices ----------------------------------------------------

    def _events(self, source: EventSource) -> list[DeviceEvent]:
        out = []
        for path in matching_files(self._folder, source.files):
            wanted = [source.code, *([source.text] if source.text else [])]
            rows = self._rows(source, path, wanted)
            codes, code = rows.columns.needed_texts(source.code)
            texts, text = rows.columns.texts(source.text) if source.text else ([], code * 0 - 1)
            for i, raw in enumerate(codes):
                if len(source.rename.get(raw, raw)) > _CODE_CHARS:
                    lines = rows.columns.lines[code == i]
                    reason = f"is longer than {_CODE_CHARS} characters"
                    rows.columns.notes.wrong_all(lines, source.code, reason)
                    code = np.where(code == i, -1, code)
            for i, place in enumerate(rows.place):
                if code[place] >= 0:
                    raw = codes[code[place]]
                    note = texts[text[place]] if text[place] >= 0 else ""
                    out.append(
                        DeviceEvent(
                            rows.names[rows.device[i]],
                            int(rows.ts[i]),
                            "event",
                            source.rename.get(raw, raw),
                            note[:_TEXT_CHARS],
                        )
                    )
            self._files.append(rows.columns.notes.report())
        return out

    def _maintenance(self, failed_at_end: Sequence[Maintenance]) -> list[Maintenance]:
        """Replacements and failures; a replacement at the time of a failure is that failure."""
        records = {(m.device, m.component, m.ts): m for m in failed_at_end}
        sources = [(s, False) for s in self._mapping.maintenance]
        sources += [(s, True) for s in self._mapping.failures]
        for source, all_failed in sources:
            for record in self._replacements(source, all_failed):
                key = (record.device, record.component, record.ts)
                if key not in records or record.failed:
                    records[key] = record
        return sorted(records.values(), key=lambda m: (m.known_at, m.device, m.component))

    def _replacements(self, source: MaintenanceSource, all_failed: bool) -> list[Maintenance]:
        out = []
        for path in matching_files(self._folder, source.files):
            wanted = [source.component] if source.component else []
            wanted += [source.failed.column] if source.failed else []
            rows = self._rows(source, path, wanted)
            everywhere = np.zeros(len(rows.columns), np.int32)
            parts, part = [source.fixed_component], everywhere
            if source.component:
                parts, part = rows.columns.needed_texts(source.component)
            failed = np.full(len(rows.columns), all_failed)
            if source.failed:
                kinds, kind = rows.columns.texts(source.failed.column)
                failed |= np.isin(
                    kind, [kinds.index(v) for v in source.failed.values if v in kinds]
                )
            for i, place in enumerate(rows.place):
                if part[place] < 0:
                    continue
                raw = parts[part[place]]
                component = source.rename.get(raw, raw)
                if self._product.component(component) is None:
                    line = int(rows.columns.lines[place])
                    reason = f"{self._product.id} has no component {component!r}"
                    rows.columns.notes.wrong(line, source.component, reason)
                    continue
                ts = int(rows.ts[i])
                known = ts + round(source.known_after_hours * HOUR)
                device = rows.names[rows.device[i]]
                out.append(Maintenance(device, component, ts, bool(failed[place]), known, "import"))
            self._files.append(rows.columns.notes.report())
        return out

    def _attributes(self) -> dict[str, dict[str, float | str]]:
        out: dict[str, dict[str, float | str]] = {}
        for source in self._mapping.devices:
            for path in matching_files(self._folder, source.files):
                wanted = [source.device, *source.attributes]
                columns = read_columns(path, wanted, source.columns, source.separator)
                names, device = self._device_names(columns, source)
                for attribute in source.attributes:
                    texts, text = columns.texts(attribute)
                    for i in np.flatnonzero((device >= 0) & (text >= 0)):
                        facts = out.setdefault(names[device[i]], {})
                        facts[attribute] = _number_or_text(texts[text[i]])
                self._files.append(columns.notes.report())
        return out

    def _devices(
        self,
        names: Sequence[str],
        tracks: Mapping[str, Track],
        attributes: Mapping[str, Mapping[str, float | str]],
    ) -> list[Device]:
        """The devices; each counts as installed when its first reading was taken."""
        owner, place = self._mapping.customer, self._mapping.site
        customer = Customer(owner.id, owner.name, owner.sla_hours)
        site = Site(
            place.id, customer, place.name, place.address, place.latitude, place.longitude,
            place.timezone,
        )  # fmt: skip
        warranty = round(self._product.warranty_months * 30.44) * DAY
        out = []
        for name in names:
            installed = int(tracks[name].ts[0]) if name in tracks else 0
            out.append(
                Device(
                    id=name,
                    product=self._product.id,
                    site=site,
                    serial=name,
                    installed_at=installed,
                    warranty_until=installed + warranty,
                    attributes=dict(attributes.get(name, {})),
                )
            )
        return out

    # --- what all files have -------------------------------------------------------------

    def _rows(self, source: Source, path: Path, wanted: Sequence[str]) -> _Rows:
        clock = source.time.column if source.time else source.cycle.column if source.cycle else ""
        needed = [*([source.device] if source.device else []), clock, *source.only, *wanted]
        columns = read_columns(path, needed, source.columns, source.separator)
        names, device = self._device_names(columns, source)
        at, timed = self._times(source, columns)
        chosen = np.ones(len(columns), bool)
        if source.not_before:
            chosen &= ~timed | (at >= from_iso(source.not_before))
        if source.before:
            chosen &= ~timed | (at < from_iso(source.before))
        for column, allowed in source.only.items():
            texts, text = columns.texts(column)
            chosen &= np.isin(text, [i for i, t in enumerate(texts) if t in allowed])
        good = (device >= 0) & timed
        columns.notes.left_out += int((good & ~chosen).sum())
        place = np.flatnonzero(good & chosen)
        ts = at[place] + round(source.shift_minutes * MINUTE)
        return _Rows(columns, names, place, device[place], ts, at[place])

    def _times(self, source: Source, columns: Columns) -> tuple[Int64, Flags]:
        if source.time:
            return columns.times(source.time)
        if source.cycle is None:
            raise AssertionError("the mapping was checked for time or cycle")
        numbers = columns.numbers(source.cycle.column)
        good = np.isfinite(numbers)
        columns.notes.wrong_all(columns.lines[~good], source.cycle.column, "is no cycle number")
        hours = np.where(good, numbers, 0.0) * source.cycle.hours
        return from_iso(source.cycle.base) + np.round(hours * HOUR).astype(np.int64), good

    def _device_names(
        self, columns: Columns, source: Source | DeviceSource
    ) -> tuple[list[str], NDArray[np.int32]]:
        """Device ids, and by row the position in them; -1 where the id is wrong (noted)."""
        entry = self._mapping.device
        prefix = entry.prefix if source.prefix is None else source.prefix
        if isinstance(source, Source) and source.fixed_device:
            return [prefix + source.fixed_device], np.zeros(len(columns), np.int32)
        texts, place = columns.needed_texts(source.device)
        names = [prefix + (t.zfill(entry.digits) if t.isdigit() else t) for t in texts]
        for i, name in enumerate(names):
            if not DEVICE_ID.fullmatch(name):
                lines = columns.lines[place == i]
                columns.notes.wrong_all(lines, source.device, f"{name!r} is no device id")
                place = np.where(place == i, -1, place).astype(np.int32)
        return names, place

    def _check_component(self, component: str, field: str) -> None:
        if self._product.component(component) is None:
            raise BadInput(
                "import.mapping", f"{self._product.id} has no component {component!r}", field=field
            )


def _entry(value: str | ValueEntry) -> ValueEntry:
    return ValueEntry(value) if isinstance(value, str) else value


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
