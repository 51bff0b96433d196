"""Readings in InfluxDB 2; the only place that knows its client.

What this backend can promise, beside the embedded one:

* Durable and idempotent: a write is answered when InfluxDB has it in its log, and a point written
  again lands on itself.
* Commutative with *one* writer. InfluxDB keeps the point that came last; so a row that is older
  than the newest known one of its series is first compared with what is stored, and written only
  if it wins. Between that look and the write nobody else may write the same series.
* A group is several points and no transaction: after a failure a part of it may be there. It is
  written again as a whole, which changes nothing that was there.

Points: measurement ``reading`` (tags ``device``, ``quantity``; fields ``value``, ``quality``,
``boot``, ``seq``), ``event`` (tags ``device``, ``kind``, ``code``; field ``text``) and ``ack``.
Names go out percent-encoded, so that no name can break a line or a query.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, parse_qs, quote, unquote

import msgspec
import numpy as np
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.dialect import Dialect
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from ingest.acks import Progress
from ingest.stores.base import NOTHING_OWN, Committed, Cutoff, single_series
from ingest.stores.rows import Bool, first_of_key
from purna.core.clock import DAY
from purna.core.errors import AskOperator, GiveUp, RetryLater
from purna.core.ports import Appended, Latest, Touched
from purna.core.readings import DeviceEvent, Points, ReadingBatch, SeriesKey
from purna.core.rollups import Rollups, buckets_between, rolled_up

Key = tuple[SeriesKey, int]
Row = tuple[str, int, float, int]  # boot, seq, value, quality: the greatest wins

_DEVICES_PER_QUERY = 200
_FIRST_NS, _LAST_NS = -(2**63) + 2, 2**63 - 2  # the times that InfluxDB knows
_ranges = msgspec.json.Decoder(tuple[tuple[int, int], ...])


class InfluxReadingStore:
    """Readings in a bucket of InfluxDB 2.

    Parameters
    ----------
    url
        ``http://host:8086``.
    token, org, bucket
        As InfluxDB names them; the token needs to read, write and (for retention) delete.
    timeout_ms
        How long to wait for an answer.

    Raises
    ------
    RetryLater
        When InfluxDB can't be reached, is overloaded or answers 429 or 5xx.
    GiveUp
        When it will never take what it was sent: too much at once, points outside the bucket's
        retention.
    AskOperator
        When it refuses us: wrong token, no such bucket.
    """

    def __init__(
        self, url: str, token: str, org: str, bucket: str, timeout_ms: int = 10_000
    ) -> None:
        self._bucket = bucket
        self._org = org
        self._client = InfluxDBClient(
            url=url, token=token, org=org, timeout=timeout_ms, retries=False
        )
        self._write = self._client.write_api(write_options=SYNCHRONOUS)
        self._query = self._client.query_api()
        self._newest: dict[SeriesKey, int] = {}
        self._asked: set[str] = set()  # devices whose newest points are known

    @classmethod
    def from_url(cls, url: SplitResult) -> InfluxReadingStore:
        """From ``influx://TOKEN@host:8086/org/bucket``; ``influxs`` for TLS, ``?timeout_ms=``."""
        parts = [unquote(part) for part in url.path.split("/") if part]
        if not url.hostname or not url.username or len(parts) != 2:
            raise AskOperator(
                "store.url", "ingest.store_url must read influx://TOKEN@host:8086/org/bucket."
            )
        scheme = "https" if url.scheme == "influxs" else "http"
        timeout = parse_qs(url.query).get("timeout_ms", ["10000"])[0]
        address = f"{scheme}://{url.hostname}:{url.port or 8086}"
        org, bucket = parts
        return cls(address, unquote(url.username), org, bucket, timeout_ms=int(timeout))

    def append(self, batch: ReadingBatch, events: Sequence[DeviceEvent] = ()) -> Appended:
        return self.commit(batch, events).appended

    def commit(
        self,
        batch: ReadingBatch,
        events: Sequence[DeviceEvent] = (),
        progress: Sequence[Progress] = (),
    ) -> Committed:
        keys, winners = _winners(batch)
        stored = self._stored_rows(winners)
        stored_texts = self._stored_texts(events)
        lines = [
            _reading_line(key, row)
            for key, row in winners.items()
            if key not in stored or row > stored[key]
        ]
        new_events = []
        for event in events:
            known = stored_texts.get(_event_key(event))
            new_events.append(known is None)
            if known is None or event.text > known:
                stored_texts[_event_key(event)] = event.text
                lines.append(_event_line(event))
        lines += [_ack_line(one) for one in progress]
        self._write_lines(lines)
        for series, ts in winners:
            self._newest[series] = max(ts, self._newest.get(series, ts))
        known_already = np.array([key in stored for key in keys], np.bool_)
        return Committed(_first(batch) & ~known_already, tuple(new_events))

    def _stored_rows(self, winners: dict[Key, Row]) -> dict[Key, Row]:
        """What is stored under these keys; asked only for rows that may have been sent before."""
        strangers = {series.device for series, _ in winners} - self._asked
        for series, point in self.latest(sorted(strangers)).items():
            self._newest[series] = point.ts
        self._asked |= strangers
        late: dict[SeriesKey, list[int]] = defaultdict(list)
        for series, ts in winners:
            if ts <= self._newest.get(series, ts - 1):
                late[series].append(ts)
        found: dict[Key, Row] = {}
        if late:
            start = min(map(min, late.values()))
            end = max(map(max, late.values())) + 1
            for row in self._readings(list(late), start, end, "value", "quality", "boot", "seq"):
                key = (row["series"], row["ts"])
                if key in winners:
                    found[key] = (
                        unquote(row["boot"]),
                        int(row["seq"]),
                        float(row["value"]),
                        int(row["quality"]),
                    )
        return found

    def _stored_texts(self, events: Sequence[DeviceEvent]) -> dict[tuple[str, int, str, str], str]:
        if not events:
            return {}
        times = [event.ts for event in events]
        devices = sorted({event.device for event in events})
        return {
            _event_key(event): event.text
            for kind in {event.kind for event in events}
            for event in self.events(devices, min(times), max(times) + 1, kind)
        }

    def progress(self) -> list[Progress]:
        rows = self._flux(
            'filter(fn: (r) => r._measurement == "ack")',
            "last()",
            _PIVOT,
            start=_FIRST_NS,
        )
        states = [
            (
                row["_time"],
                Progress(
                    unquote(row["device"]),
                    unquote(row["boot"]),
                    int(row["first"]),
                    int(row["last"]),
                    _ranges.decode(row["ahead"]),
                ),
            )
            for row in rows
        ]
        return [progress for _, progress in sorted(states, key=lambda state: _micros(state[0]))]

    def read(self, keys: Sequence[SeriesKey], start: int, end: int) -> dict[SeriesKey, Points]:
        found: dict[SeriesKey, list[tuple[int, float, int]]] = {key: [] for key in keys}
        for row in self._readings(keys, start, end, "value", "quality") if start < end else ():
            if row["series"] in found:
                found[row["series"]].append((row["ts"], float(row["value"]), int(row["quality"])))
        return {key: _points(sorted(rows)) for key, rows in found.items()}

    def _readings(
        self, keys: Sequence[SeriesKey], start: int, end: int, *fields: str
    ) -> Iterator[dict[str, Any]]:
        by_device: dict[str, set[str]] = defaultdict(set)
        for key in keys:
            by_device[key.device].add(key.quantity)
        for devices in _portions(sorted(by_device)):
            quantities = sorted(set().union(*(by_device[device] for device in devices)))
            for row in self._flux(
                f'filter(fn: (r) => r._measurement == "reading" and {_one_of("device", devices)}'
                f" and {_one_of('quantity', quantities)} and {_one_of('_field', fields)})",
                _PIVOT,
                start=start * 1000,
                end=end * 1000,
            ):
                yield {**row, "series": _series(row), "ts": _micros(row["_time"])}

    def history(self, key: SeriesKey, start: int, end: int) -> Iterator[ReadingBatch]:
        span = self.span()
        first, last = (max(start, span[0]), min(end, span[1] + 1)) if span else (0, 0)
        for at in range(first, last, DAY):
            found = self._readings(
                [key], at, min(at + DAY, last), "value", "quality", "boot", "seq"
            )
            rows = sorted(
                (
                    row["ts"],
                    unquote(row["boot"]),
                    int(row["seq"]),
                    float(row["value"]),
                    int(row["quality"]),
                )
                for row in found
            )
            if rows:
                yield single_series(key, rows)

    def rollups(
        self, keys: Sequence[SeriesKey], start: int, end: int, step: int
    ) -> dict[SeriesKey, Rollups]:
        """From the readings, some series at a time; gone with them when they are pruned."""
        first, after = buckets_between(start, end, step)
        return {key: rolled_up(self.read([key], first, after)[key], step) for key in keys}

    def touched(self, since: int) -> Touched:
        """Nothing: InfluxDB does not tell when a point came."""
        return Touched(since, frozenset())

    def latest(self, devices: Sequence[str]) -> dict[SeriesKey, Latest]:
        found = {}
        for some in _portions(devices):
            for row in self._ends("last()", f" and {_one_of('device', some)}"):
                found[_series(row)] = Latest(_micros(row["_time"]), float(row["_value"]))
        return found

    def series(self) -> list[SeriesKey]:
        return sorted(_series(row) for row in self._ends("last()"))

    def span(self) -> tuple[int, int] | None:
        last = [_micros(row["_time"]) for row in self._ends("last()")]
        first = [_micros(row["_time"]) for row in self._ends("first()")]
        return (min(first), max(last)) if first and last else None

    def _ends(self, which: str, also: str = "") -> list[dict[str, str]]:
        return self._flux(
            f'filter(fn: (r) => r._measurement == "reading" and r._field == "value"{also})',
            which,
            start=_FIRST_NS,
        )

    def events(
        self, devices: Sequence[str], start: int, end: int, kind: str = "event"
    ) -> list[DeviceEvent]:
        found = [
            DeviceEvent(
                unquote(row["device"]),
                _micros(row["_time"]),
                unquote(row["kind"]),
                unquote(row["code"]),
                row["_value"],
            )
            for some in _portions(devices)
            for row in self._flux(
                f'filter(fn: (r) => r._measurement == "event" and {_one_of("device", some)}'
                f' and r.kind == "{quote(kind, safe="")}")',
                start=start * 1000,
                end=end * 1000,
            )
        ]
        return sorted(found, key=lambda event: (event.ts, event.device, event.code))

    def seal(self, min_rows: int = 1) -> int:
        return 0

    def prune(self, default: Cutoff, own: Mapping[SeriesKey, Cutoff] = NOTHING_OWN) -> None:
        self._delete('_measurement="event"', default.readings)
        if not own:
            self._delete('_measurement="reading"', default.readings)
            return
        for key in self.series():
            self._delete(
                f'_measurement="reading" AND device="{_name(key.device)}"'
                f' AND quantity="{_name(key.quantity)}"',
                own.get(key, default).readings,
            )

    def _delete(self, which: str, before: int) -> None:
        if before * 1000 <= _FIRST_NS:
            return
        with _explained():
            self._client.delete_api().delete(
                "1970-01-01T00:00:00Z",
                f"{np.datetime64(before - 1, 'us')}Z",
                which,
                self._bucket,
                self._org,
            )

    def close(self) -> None:
        self._write.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]

    def _write_lines(self, lines: Sequence[str]) -> None:
        if lines:
            with _explained():
                self._write.write(
                    self._bucket,
                    self._org,
                    "\n".join(lines).encode(),
                    write_precision=WritePrecision.US,  # type: ignore[arg-type]
                )

    def _flux(self, *steps: str, start: int, end: int = _LAST_NS) -> list[dict[str, str]]:
        """Rows of a Flux query over ``start <= time < end`` in nanoseconds."""
        first, last = (min(max(at, _FIRST_NS), _LAST_NS) for at in (start, end))
        query = " |> ".join(
            [
                f'from(bucket: "{_flux_text(self._bucket)}")',
                f"range(start: time(v: {first}), stop: time(v: {last}))",
                *steps,
            ]
        )
        with _explained():
            answer = self._query.query_raw(query, self._org, _DIALECT)
            text = answer.data.decode()
        return list(_csv_rows(text))


_NEVER = (400, 413, 422)
"""Not understood, too much at once, not to be processed: the same again won't do better."""
_DIALECT = Dialect(annotations=[], header=True)  # type: ignore[no-untyped-call]
_PIVOT = 'pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        reason = f"InfluxDB answers {error.status} {error.reason}: {error.message or ''}".strip()
        if error.status in (None, 0, 408, 429) or error.status >= 500:
            raise RetryLater("store.influx", reason) from error
        if error.status in _NEVER:
            raise GiveUp("store.influx", reason) from error
        raise AskOperator(
            "store.influx",
            f"{reason}. Check address, token, organisation, bucket and its retention "
            "(ingest.store_url).",
        ) from error
    except (HTTPError, OSError) as error:
        raise RetryLater("store.influx", f"InfluxDB can't be reached: {error}") from error


def _winners(batch: ReadingBatch) -> tuple[list[Key], dict[Key, Row]]:
    """The key of every row, and for each key the row that wins in this batch."""
    columns = (batch.index, batch.ts, batch.value, batch.quality, batch.origin, batch.seq)
    keys: list[Key] = []
    winners: dict[Key, Row] = {}
    for index, ts, value, quality, boot, seq in zip(*(c.tolist() for c in columns), strict=True):
        key = (batch.series[index], ts)
        row = (batch.boots[boot], seq, value, quality)
        keys.append(key)
        winners[key] = max(winners.get(key, row), row)
    return keys, winners


def _first(batch: ReadingBatch) -> Bool:
    return first_of_key(batch.index, batch.ts)


def _reading_line(key: Key, row: Row) -> str:
    (device, quantity), ts = key
    boot, seq, value, quality = row
    return (
        f"reading,device={_name(device)},quantity={_name(quantity)}"
        f' value={value!r},quality={quality}i,boot="{_name(boot)}",seq={seq}i {ts}'
    )


def _event_line(event: DeviceEvent) -> str:
    return (
        f"event,code={_name(event.code)},device={_name(event.device)},kind={_name(event.kind)}"
        f" text={_text(event.text)} {event.ts}"
    )


def _ack_line(one: Progress) -> str:
    """Without a time: the server's tells which was touched last."""
    ahead = msgspec.json.encode(one.ahead).decode()
    return (
        f"ack,boot={_name(one.boot)},device={_name(one.device)}"
        f' first={one.first}i,last={one.last}i,ahead="{ahead}"'
    )


def _event_key(event: DeviceEvent) -> tuple[str, int, str, str]:
    return event.device, event.ts, event.kind, event.code


def _name(text: str) -> str:
    return quote(text, safe="")


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _flux_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")


def _one_of(column: str, names: Iterable[str]) -> str:
    return "(" + " or ".join(f'r.{column} == "{_name(name)}"' for name in names) + ")"


def _series(row: dict[str, str]) -> SeriesKey:
    return SeriesKey(unquote(row["device"]), unquote(row["quantity"]))


def _portions(devices: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(devices), _DEVICES_PER_QUERY):
        yield devices[start : start + _DEVICES_PER_QUERY]


def _micros(time: str) -> int:
    """Micros of an RFC 3339 time in UTC, whatever the number of its digits."""
    return int(np.datetime64(time.removesuffix("Z"), "us").astype(np.int64))


def _points(rows: list[tuple[int, float, int]]) -> Points:
    if not rows:
        return Points.empty()
    ts, value, quality = zip(*rows, strict=True)
    return Points(np.array(ts, np.int64), np.array(value, np.float64), np.array(quality, np.uint8))


def _csv_rows(text: str) -> Iterator[dict[str, str]]:
    """Rows of Flux's CSV: several tables, each with its own header after an empty line."""
    header: list[str] = []
    for line in csv.reader(io.StringIO(text)):
        if not any(line):
            header = []
        elif line[0].startswith("#"):
            continue
        elif not header:
            header = line
        else:
            row = dict(zip(header, line, strict=False))
            if "error" in row:
                raise RetryLater("store.influx", f"InfluxDB failed on a query: {row['error']}")
            yield row
