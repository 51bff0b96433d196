"""A small HTTP server that speaks as much of InfluxDB 2 as our store does, on a real socket.

It checks what comes in as strictly as it can: path, token, every line of line protocol, every
step of a Flux query. Anything it does not know is answered with 400.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN, ORG, BUCKET = "t0ken", "acme", "readings"

_NAME = r"[A-Za-z0-9_.~%-]+"
_FIELD = r'[a-z]+=(?:-?[0-9.]+(?:e[+-]?[0-9]+)?|-?[0-9]+i|"(?:[^"\\]|\\["\\])*")'
_LINE = re.compile(
    rf"(?P<measurement>[a-z]+)(?P<tags>(?:,[a-z]+={_NAME})+) "
    rf"(?P<fields>{_FIELD}(?:,{_FIELD})*)(?: (?P<time>-?[0-9]+))?"
)
_ONE_FIELD = re.compile(_FIELD)
_CONDITION = re.compile(rf'r\.(_?[a-z]+) == "({_NAME})"')
_STEP = re.compile(r" \|> ")

Tags = tuple[tuple[str, str], ...]


class InfluxServer:
    """Points by (measurement, tags, time).

    ``fail_with`` makes the next answers errors. Of the next ``keep_half`` writes only the first
    half of the lines is kept, and the answer is 204 all the same. A write with a line in which
    ``abhors`` stands is refused as a whole with 422. While ``hangs`` is set nobody gets an answer.
    """

    def __init__(self) -> None:
        self.points: dict[tuple[str, Tags, int], dict[str, str]] = defaultdict(dict)
        self.requests: list[tuple[str, str]] = []
        self.fail_with: list[int] = []
        self.keep_half = 0
        self.abhors = ""
        self.hangs = threading.Event()
        self.lock = threading.Lock()
        self._tick = 0

    def write(self, body: str) -> None:
        lines = re.split(r"\n(?=[a-z]+,)", body)
        if self.keep_half:
            self.keep_half -= 1
            lines = lines[: len(lines) // 2]
        for line in lines:
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"unable to parse {line!r}")
            tags = tuple(tuple(tag.split("=")) for tag in match["tags"][1:].split(","))
            if list(tags) != sorted(tags):
                raise ValueError("tags out of order")
            self._tick += 1_000_000
            now = 1_900_000_000_000_000_000 + self._tick
            time = int(match["time"]) * 1000 if match["time"] else now
            point = self.points[match["measurement"], tags, time]  # type: ignore[index]
            for one in _ONE_FIELD.finditer(match["fields"]):
                name, _, value = one[0].partition("=")
                point[name] = _plain(value)

    def query(self, flux: str) -> str:
        steps = _STEP.split(flux)
        if steps.pop(0) != f'from(bucket: "{BUCKET}")':
            raise ValueError("no such bucket")
        limits = re.fullmatch(
            r"range\(start: time\(v: (-?\d+)\), stop: time\(v: (-?\d+)\)\)", steps.pop(0)
        )
        if limits is None:
            raise ValueError("range expected")
        start, stop = map(int, limits.groups())
        if start >= stop:
            raise ValueError("cannot query an empty range")
        allowed = _conditions(steps.pop(0))
        rows = [
            {"_measurement": measurement, "_field": name, "_value": value, "_ns": str(time)}
            | dict(tags)
            for (measurement, tags, time), fields in sorted(self.points.items())
            for name, value in fields.items()
            if start <= time < stop
        ]
        rows = [
            row
            for row in rows
            if all(row.get(column) in names for column, names in allowed.items())
        ]
        for step in steps:
            rows = _applied(step, rows)
        return _as_csv(rows)

    def delete(self, body: dict[str, str]) -> None:
        match = re.fullmatch(r'_measurement="([a-z]+)"((?: AND \w+="[^"]*")*)', body["predicate"])
        if match is None:
            raise ValueError("predicate")
        tags = set(re.findall(r' AND (\w+)="([^"]*)"', match[2]))
        start, stop = (_nanos(body[name]) for name in ("start", "stop"))
        for key in list(self.points):
            if key[0] == match[1] and tags <= set(key[1]) and start <= key[2] <= stop:
                del self.points[key]


@contextmanager
def running() -> Iterator[tuple[InfluxServer, str]]:
    """The server and the URL of a store on it."""
    server = InfluxServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server, f"influx://{TOKEN}@127.0.0.1:{http.server_port}/{ORG}/{BUCKET}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _handler(server: InfluxServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            url = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(url.query).items()}
            while server.hangs.is_set():
                time.sleep(0.01)
            with server.lock:
                server.requests.append((url.path, body))
                if server.fail_with:
                    self.answer(server.fail_with.pop(0), '{"message":"as the test wishes"}')
                    return
                if self.headers["Authorization"] != f"Token {TOKEN}" or given["org"] != ORG:
                    self.answer(401, '{"code":"unauthorized","message":"unauthorized access"}')
                    return
                try:
                    self.answer(*self.act(url.path, given, body))
                except (ValueError, KeyError, AssertionError) as error:
                    self.answer(400, json.dumps({"code": "invalid", "message": str(error)}))

        def act(self, path: str, given: dict[str, str], body: str) -> tuple[int, str]:
            if path == "/api/v2/write":
                assert given["bucket"] == BUCKET
                assert given["precision"] == "us"
                if server.abhors and server.abhors in body:
                    return 422, '{"message":"partial write: points beyond retention policy"}'
                server.write(body)
                return 204, ""
            if path == "/api/v2/query":
                asked = json.loads(body)
                assert asked["dialect"]["header"] is True
                return 200, server.query(asked["query"])
            if path == "/api/v2/delete":
                assert given["bucket"] == BUCKET
                server.delete(json.loads(body))
                return 204, ""
            return 404, '{"message":"not found"}'

        def answer(self, status: int, text: str) -> None:
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/csv" if status == 200 else "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _plain(value: str) -> str:
    if value.startswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value.removesuffix("i")


def _conditions(step: str) -> dict[str, set[str]]:
    match = re.fullmatch(r"filter\(fn: \(r\) => (.*)\)", step)
    if match is None:
        raise ValueError(f"filter expected, got {step}")
    rest = _CONDITION.sub("X", match[1])
    if not re.fullmatch(r"(X|\(X( or X)*\))( and (X|\(X( or X)*\)))*", rest):
        raise ValueError(f"unknown condition {rest}")
    allowed: dict[str, set[str]] = defaultdict(set)
    for column, name in _CONDITION.findall(match[1]):
        allowed[column].add(name)
    return allowed


def _applied(step: str, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    tables: dict[Any, list[dict[str, str]]] = defaultdict(list)
    if step in ("last()", "first()"):
        for row in rows:
            names = {n: v for n, v in row.items() if n not in ("_value", "_ns")}
            tables[tuple(sorted(names.items()))].append(row)
        pick = max if step == "last()" else min
        return [pick(table, key=lambda row: int(row["_ns"])) for table in tables.values()]
    if step == 'pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")':
        for row in rows:
            names = {n: v for n, v in row.items() if n not in ("_value", "_field")}
            tables[tuple(sorted(names.items()))].append(row)
        return [
            dict(names) | {row["_field"]: row["_value"] for row in table}
            for names, table in tables.items()
        ]
    raise ValueError(f"unknown step {step}")


def _as_csv(rows: list[dict[str, str]]) -> str:
    """As InfluxDB writes it: a header for each kind of table, CRLF, times cut short."""
    out = []
    header: list[str] = []
    for row in rows:
        columns = sorted(set(row) - {"_ns"})
        if columns != header:
            header = columns
            out += ["" if out else None, ",result,table,_time," + ",".join(columns)]
        values = [_quoted(row[name]) for name in columns]
        out.append(",".join(["", "_result", "0", _rfc3339(int(row["_ns"])), *values]))
    return "\r\n".join(line for line in out if line is not None) + "\r\n\r\n"


def _quoted(value: str) -> str:
    escaped = value.replace('"', '""')
    return f'"{escaped}"' if re.search(r'[",\r\n]', value) else value


def _rfc3339(nanos: int) -> str:
    seconds, rest = divmod(nanos, 10**9)
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()[:19]
    fraction = f"{rest:09d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def _nanos(time: str) -> int:
    delta = datetime.fromisoformat(time) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * 10**9 + delta.microseconds * 1000
