"""`purna device check`: where the observations come from, and the report. See ``ingest.check``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pydantic import SecretStr
from rich.console import Console

from ingest import topics
from ingest.check import (
    Acknowledged,
    Grade,
    Grader,
    Observation,
    Published,
    Refused,
    Verdict,
)
from ingest.check.grader import Reply
from ingest.check.observations import from_line, to_line
from ingest.check.witness import Host, Witness
from purna.core.clock import Clock, to_iso
from purna.core.devices import checked_device_id
from purna.core.errors import AskOperator, NotFound
from purna.core.ports import RejectedFilter
from purna.core.texts import render

if TYPE_CHECKING:
    from ingest.links.base import Received
    from purna.core.catalogue import Product
    from purna.core.readings import Rejected
    from purna.run.bootstrap import Platform

_READ_BYTES = 64 * 1024
_LOOK_EVERY = 0.1
_ORDER = (Verdict.FAIL, Verdict.WARN, Verdict.HINT)
_COLOURS = {Verdict.FAIL: "red", Verdict.WARN: "yellow", Verdict.HINT: "cyan"}


def check_device(
    platform: Platform,
    device: str,
    *,
    host: str,
    port: int,
    recording: Path | None,
    record: Path | None,
    product: str,
    seconds: float,
    language: str,
    as_json: bool,
    console: Console,
) -> bool:
    """Look at a device, print the report; whether it was seen and no rule failed."""
    with record.open("wb") if record is not None else contextlib.nullcontext() as file:
        limit = platform.settings.ingest.device_rate or math.inf
        check = Check(device, product_of(platform, device, product), limit, file)
        if recording is not None:
            read_recording(check, recording)
        else:
            with until_enough(seconds) as stop:
                if port:
                    listen_on(check, host, port, platform.clock, stop)
                else:
                    follow(check, platform, stop)
    grades = check.grades()
    if as_json:
        console.print(to_json(check, grades, language), soft_wrap=True, markup=False)
    else:
        print_report(check, grades, language, console)
    return check.messages > 0 and not any(g.verdict is Verdict.FAIL for g in grades)


class Check:
    """One check of one device: grades what it sees, and writes a recording when asked to."""

    def __init__(
        self,
        device: str,
        product: Product | None,
        rate_limit: float,
        record: BinaryIO | None = None,
    ) -> None:
        self.device = checked_device_id(device)
        self._grader = Grader(device, product, rate_limit=rate_limit)
        self._record = record
        self.messages = 0

    def see(self, seen: Observation) -> Reply:
        if self._record is not None:
            self._record.write(to_line(seen))
        self.messages += isinstance(seen, Published)
        return self._grader.see(seen)

    def grades(self) -> list[Grade]:
        return self._grader.grades()


def product_of(platform: Platform, device: str, product: str) -> Product | None:
    """What the device measures: as named, else as it is registered; None when it is not.

    Raises
    ------
    NotFound
        When the named product is not in the catalogue.
    """
    if product:
        if product not in platform.catalogue:
            raise NotFound("error.not_found", f"no product {product!r}", kind="product", id=product)
        return platform.catalogue[product]
    known = platform.registry.find(device)
    return platform.catalogue.get(known.product) if known is not None else None


def read_recording(check: Check, path: Path) -> None:
    """Raises BadInput (``check.recording``) at a line that is none, AskOperator without a file."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                check.see(from_line(line, number))
    except OSError as error:
        raise AskOperator("check.file", f"{path}: {error.strerror}") from None


def listen_on(
    check: Check,
    host: str,
    port: int,
    clock: Clock,
    stop: threading.Event,
    ready: Callable[[int], None] = lambda _port: None,
) -> None:
    """Be an MQTT server for the device until ``stop``; ``ready`` gets the port.

    Raises
    ------
    AskOperator
        When the port is taken.
    """
    asyncio.run(_serve(Host(check.device, check.see), host, port, clock, stop, ready))


async def _serve(
    state: Host,
    host: str,
    port: int,
    clock: Clock,
    stop: threading.Event,
    ready: Callable[[int], None],
) -> None:
    open_ones: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        witness = Witness(state)
        open_ones.add(writer)
        with contextlib.suppress(ConnectionError):
            while not witness.closed and (data := await reader.read(_READ_BYTES)):
                witness.receive(data, clock.now())
                writer.write(witness.outgoing())
                await writer.drain()
        witness.lost(clock.now())
        open_ones.discard(writer)
        writer.close()

    try:
        server = await asyncio.start_server(talk, host, port)
    except OSError as error:
        raise AskOperator(
            "check.port", f"Port {port} on {host} can't be used ({error.strerror})."
        ) from None
    async with server:
        ready(server.sockets[0].getsockname()[1])
        while not stop.is_set():
            await asyncio.sleep(_LOOK_EVERY)
        for writer in open_ones:
            writer.close()


def follow(
    check: Check,
    platform: Platform,
    stop: threading.Event,
    ready: Callable[[], object] = lambda: None,
) -> None:
    """Follow what the platform takes in from the device, and what it sets aside, until ``stop``.

    ``ready`` is called, again and again, while there is a connection.

    Behind a broker everything that the device publishes is seen there. The endpoint's feed has
    what was stored, and the quarantine the rest.
    """
    from ingest.links.mqtt import MqttLink

    settings = platform.settings.ingest.model_copy(
        update={"mqtt_client_id": "purna-check", "mqtt_session_hours": 0.01}
    )
    embedded = platform.settings.endpoint.enabled
    if embedded:
        host, port = platform.mqtt_address
        account = platform.feed_account
        update = {
            "mqtt_host": host,
            "mqtt_port": port,
            "mqtt_username": account.username,
            "mqtt_password": SecretStr(account.password),
        }
        settings = settings.model_copy(update=update)
    link = MqttLink(settings, [f"{topics.PREFIX}{check.device}/#"])
    newest = _newest_refused(platform, check.device) if embedded else 0
    link.start()
    try:
        while not stop.is_set():
            messages = link.receive(1000, 0.5)
            link.acknowledge(messages)
            if link.connected:
                ready()
            now = platform.clock.now()
            seen = {(m.topic, m.payload): m for m in messages}
            heard = [_heard(m, now) for m in seen.values()]
            for number, refused in _refused_since(platform, check.device, newest, embedded):
                newest = max(newest, number)
                if (refused.topic, refused.payload) not in seen and refused.whole:
                    heard.append(Published(refused.received, refused.topic, refused.payload))
            for one in sorted((one for one in heard if one), key=lambda one: one.at):
                check.see(one)
    finally:
        link.stop()


def _heard(message: Received, now: int) -> Observation | None:
    """What a message on one of the device's topics tells, be it the device's or the platform's."""
    _, kind = topics.parse_leniently(message.topic)
    if kind not in (topics.ACK, topics.REJECT, topics.COMMAND):
        return Published(now, message.topic, message.payload, content_type=message.content_type)
    with contextlib.suppress(ValueError, TypeError, KeyError):
        told = json.loads(message.payload)
        if kind == topics.ACK:
            return Acknowledged(now, str(told["boot"]), int(told["seq"]))
        if kind == topics.REJECT:
            return Refused(now, str(told["code"]))
    return None


def _newest_refused(platform: Platform, device: str) -> int:
    entries = platform.quarantine.entries(RejectedFilter(device=device), limit=1)
    return entries[0][0] if entries else 0


def _refused_since(
    platform: Platform, device: str, newest: int, embedded: bool
) -> list[tuple[int, Rejected]]:
    """What was set aside of the device after the entry ``newest``; one entry for a message."""
    if not embedded:
        return []
    entries = platform.quarantine.entries(RejectedFilter(device=device), limit=1000)
    fresh = {(one.topic, one.payload): (number, one) for number, one in entries if number > newest}
    return list(fresh.values())


@contextlib.contextmanager
def until_enough(seconds: float) -> Iterator[threading.Event]:
    """An event that is set after so many seconds, or by Ctrl-C: the report comes all the same."""
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    timer.start()
    try:
        yield stop
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)


def to_json(check: Check, grades: Sequence[Grade], language: str) -> str:
    """The report for programs: the worst verdict, and each rule that was broken or not judged."""
    worst = next((v for v in _ORDER if any(g.verdict is v for g in grades)), Verdict.PASS)
    rules = [
        {
            "code": grade.code,
            "verdict": grade.verdict.value,
            "count": grade.count,
            "at": to_iso(grade.at) if grade.count else None,
            "topic": grade.topic,
            "field": grade.field,
            "text": _text(grade, language) if grade.count else "",
            "excerpt": grade.excerpt,
        }
        for grade in grades
    ]
    report = {
        "device": check.device,
        "verdict": worst.value if check.messages else Verdict.UNSEEN.value,
        "messages": check.messages,
        "rules": rules,
    }
    return json.dumps(report, indent=1, ensure_ascii=False)


def print_report(check: Check, grades: Sequence[Grade], language: str, console: Console) -> None:
    """The report for people: what to change first."""
    for verdict in _ORDER:
        for grade in (g for g in grades if g.verdict is verdict):
            console.print(
                f"[{_COLOURS[verdict]}]{verdict.value}[/] [bold]{grade.code}[/]  {grade.count}×",
                highlight=False,
            )
            console.print(_text(grade, language), highlight=False, soft_wrap=True, markup=False)
            where = " · ".join(
                part for part in (to_iso(grade.at), grade.topic, grade.field) if part
            )
            console.print(f"  first: {where}", highlight=False, soft_wrap=True, markup=False)
            if grade.excerpt:
                console.print(f"  {grade.excerpt}", highlight=False, soft_wrap=True, markup=False)
    counts = {v: sum(g.verdict is v for g in grades) for v in Verdict}
    summary = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
    console.print(f"{check.device}: {check.messages} messages; rules: {summary}", highlight=False)
    if not check.messages:
        console.print("Nothing was seen of the device: is it pointed here, under this id?")


def _text(grade: Grade, language: str) -> str:
    return render(grade.text_code, language, **grade.params)
