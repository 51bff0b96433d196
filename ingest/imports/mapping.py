"""The mapping file: which file and column becomes what. ``docs/import.md`` explains it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

import msgspec

from purna.core.clock import from_iso
from purna.core.errors import BadInput


class OwnerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose devices these are."""

    id: str = "import"
    name: str = "Imported"
    sla_hours: float = 72.0


class SiteEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where they stand."""

    id: str = "import"
    name: str = "Imported"
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    timezone: str = "UTC"


class IdEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a device id is made: ``prefix`` and the file's value, whole numbers zero-padded."""

    prefix: str = ""
    digits: int = 0


class TimeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column with times.

    Without ``format`` (strptime) and ``unit`` (numbers since 1970) texts are ISO 8601. Times
    that name no zone are in ``zone``.
    """

    column: str
    format: str = ""
    unit: str = ""
    zone: str = "UTC"


class CycleEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A counter instead of a time: cycle k ends k × ``hours`` after ``base`` (ISO 8601)."""

    column: str
    hours: float
    base: str = "2000-01-01T00:00:00Z"


class ValueEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a quantity's values are: a column or, in long files, its name there."""

    column: str
    unit: str = ""


class LongEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row per value: the columns with the quantity's name and with its value."""

    quantity: str
    value: str


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all kinds of files have in common; ``files`` may be a pattern (``*.csv.gz``)."""

    files: str
    device: str = ""  # column
    fixed_device: str = ""  # instead of a column
    prefix: str | None = None  # instead of [device] prefix
    time: TimeEntry | None = None
    cycle: CycleEntry | None = None
    shift_minutes: float = 0.0
    columns: list[str] = []  # names, where the file has no header
    separator: str = ","  # "space" = any white space
    not_before: str = ""
    before: str = ""
    only: Mapping[str, list[str]] = {}


class TelemetrySource(Source, frozen=True, forbid_unknown_fields=True):
    """Readings, one column per quantity or in long form."""

    quantities: Mapping[str, str | ValueEntry] = {}
    long: LongEntry | None = None
    ends_in_failure: str = ""  # component that has failed when a device's rows end


class EventSource(Source, frozen=True, forbid_unknown_fields=True):
    """Codes raised by devices."""

    code: str = ""
    text: str = ""
    rename: Mapping[str, str] = {}


class FailedEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows whose ``column`` has one of ``values`` are failures."""

    column: str
    values: list[str]


class MaintenanceSource(Source, frozen=True, forbid_unknown_fields=True):
    """Replacements (``[[maintenance]]``) or failures (``[[failures]]``)."""

    component: str = ""  # column
    fixed_component: str = ""
    rename: Mapping[str, str] = {}
    failed: FailedEntry | None = None
    known_after_hours: float = 0.0


class DeviceSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fixed facts of devices."""

    files: str
    device: str
    attributes: list[str]
    prefix: str | None = None
    columns: list[str] = []
    separator: str = ","


class ImportMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole mapping file."""

    product: str
    telemetry: list[TelemetrySource]
    subsets: list[str] = []
    customer: OwnerEntry = OwnerEntry()
    site: SiteEntry = SiteEntry()
    device: IdEntry = IdEntry()
    events: list[EventSource] = []
    maintenance: list[MaintenanceSource] = []
    failures: list[MaintenanceSource] = []
    devices: list[DeviceSource] = []


def parse_mapping(text: str, name: str, subset: str | None = None) -> ImportMapping:
    """The mapping in a TOML ``text``, with ``{subset}`` filled in.

    Raises
    ------
    BadInput
        ``import.mapping`` naming the field, ``import.subset`` when the subset is missing or
        unknown.
    """
    try:
        mapping = msgspec.convert(tomllib.loads(text), ImportMapping)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("import.mapping", f"{name}: {error}", field=name) from None
    except msgspec.ValidationError as error:
        field = re.sub(r"^.* - at `\$\.?|`$", "", str(error)) if " - at " in str(error) else ""
        raise BadInput("import.mapping", f"{name}: {error}", field=field) from None
    if mapping.subsets and subset not in mapping.subsets:
        raise BadInput(
            "import.subset",
            f"{name}: choose one of the subsets {', '.join(mapping.subsets)}, not {subset!r}",
            field="subset",
        )
    if not mapping.subsets and subset:
        raise BadInput("import.subset", f"{name} has no subsets", field="subset")
    if subset:
        filled = _filled(msgspec.to_builtins(mapping), subset)
        mapping = msgspec.convert(filled, ImportMapping)
    for kind in ("telemetry", "events", "maintenance", "failures"):
        for position, source in enumerate(getattr(mapping, kind)):
            _check(source, f"{name}: {kind}[{position}]")
    return mapping


def _check(source: Source, path: str) -> None:
    problems = {
        "device": bool(source.device) == bool(source.fixed_device),
        "time": (source.time is None) == (source.cycle is None),
    }
    if isinstance(source, EventSource):
        problems["code"] = not source.code
    if isinstance(source, MaintenanceSource):
        problems["component"] = bool(source.component) == bool(source.fixed_component)
    if isinstance(source, TelemetrySource):
        problems["quantities"] = not source.quantities
    hints = {
        "device": "give either device (a column) or fixed_device",
        "time": "give either time or cycle",
        "code": "give the column with the codes",
        "component": "give either component (a column) or fixed_component",
        "quantities": "name at least one quantity",
    }
    for field, wrong in problems.items():
        if wrong:
            raise BadInput("import.mapping", f"{path}.{field}: {hints[field]}", field=field)
    for field, text in (
        ("not_before", source.not_before),
        ("before", source.before),
        ("cycle.base", source.cycle.base if source.cycle else ""),
    ):
        try:
            from_iso(text or "2000-01-01")
        except ValueError:
            raise BadInput(
                "import.mapping", f"{path}.{field}: {text!r} is no ISO 8601 time", field=field
            ) from None


def _filled(value: object, subset: str) -> object:
    if isinstance(value, str):
        return value.replace("{subset}", subset)
    if isinstance(value, dict):
        return {key: _filled(entry, subset) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, subset) for entry in value]
    return value
