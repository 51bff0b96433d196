"""What a device's messages say: read and checked as the ingester does it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.check.findings import Findings
from ingest.check.observations import Published
from ingest.check.rules import RULES
from ingest.payloads import Decoders
from ingest.quality import TimeWindow, check, check_event, ranges_of
from purna.core.catalogue import Product
from purna.core.clock import SECOND
from purna.core.errors import BadPayload
from purna.core.readings import DeviceEvent, Quality, Telemetry
from purna.core.waveforms import Waveform

FUTURE_US = 300 * SECOND
BOM = b"\xef\xbb\xbf"
STUCK_COUNT, STUCK_US = 30, 60 * SECOND


@dataclass(slots=True)
class _Run:
    """How long a quantity has had the same value."""

    value: float
    since: int
    count: int = 1


@dataclass(slots=True)
class Content:
    """What a message says: what would be stored, boots and numbers, what would be refused."""

    telemetry: list[Telemetry]
    numbers: list[tuple[str, int]]
    refused: list[BadPayload]
    others: int
    """How many parts of other kinds were good."""

    @property
    def useless(self) -> bool:
        """Whether all of it would be refused."""
        return bool(self.refused) and not self.telemetry and not self.others

    def number(self, boot: object, seq: object) -> None:
        if boot and isinstance(boot, str) and isinstance(seq, int):
            self.numbers.append((boot, seq))


class Contents:
    """Reads the messages of one device; ``product`` says what it measures, where that is known."""

    def __init__(self, product: Product | None, findings: Findings) -> None:
        self._findings = findings
        self._decoders = Decoders()
        self._ranges = ranges_of(product) if product is not None else None
        self._settings = {q.id for q in product.quantities if q.setting} if product else set()
        self._runs: dict[str, _Run] = {}

    def read(self, seen: Published) -> Content:
        """What is in a message; what is wrong in it is noted."""
        payload = seen.payload
        if payload.startswith(BOM):
            self._findings.note("json.bom", seen)
            payload = payload.removeprefix(BOM)
        try:
            parts = self._decoders.decode(seen.topic, payload, seen.content_type, seen.at)
        except BadPayload as error:
            parts = (error,)
        window = TimeWindow.around(seen.at, FUTURE_US, 0)
        content = Content([], [], [], 0)
        for part in parts:
            if isinstance(part, BadPayload):
                content.refused.append(part)
                content.number(part.params.get("boot"), part.params.get("seq"))
            elif isinstance(part, Telemetry):
                good, refused = self._checked(seen, part, window)
                content.refused.extend(refused)
                content.number(part.boot, part.seq)
                content.telemetry.extend([good] if good is not None else [])
            elif isinstance(part, DeviceEvent) and (late := check_event(part, window)):
                content.refused.append(late)
            else:
                content.others += 1
                if isinstance(part, Waveform):
                    content.number(part.boot, part.seq)
        for why in content.refused:
            self._note(seen, why)
        return content

    def _note(self, seen: Published, why: BadPayload) -> None:
        if why.code in RULES:
            params = {name: value for name, value in why.params.items() if name != "field"}
            self._findings.note(why.code, seen, why.field, **params)

    def _checked(
        self, seen: Published, message: Telemetry, window: TimeWindow
    ) -> tuple[Telemetry | None, list[BadPayload]]:
        """What would be stored of a message, with the numbers it came with."""
        if self._ranges is None:
            wrong = [why for ts, _ in message.rows if (why := window.check(ts)) is not None]
            return (None if wrong else message), wrong[:1]
        checked = check(message, self._ranges, window)
        for part in checked.accepted:
            for quantity, flag in part.quality.items():
                if flag == Quality.SUSPECT and message.quality.get(quantity, 0) < flag:
                    values = [row[quantity] for _, row in part.rows if quantity in row]
                    self._findings.note("value.range", seen, quantity, value=values[0])
            self._check_stuck(seen, part)
        whole = Telemetry(
            message.device,
            [row for part in checked.accepted for row in part.rows],
            message.boot,
            message.seq,
        )
        return (whole if whole.rows else None), list(checked.rejects)

    def _check_stuck(self, seen: Published, part: Telemetry) -> None:
        for ts, values in part.rows:
            for quantity, value in values.items():
                run = self._runs.get(quantity)
                if run is None or run.value != value:
                    self._runs[quantity] = _Run(value, ts)
                    continue
                run.count += 1
                long = run.count >= STUCK_COUNT and ts - run.since >= STUCK_US
                if long and quantity not in self._settings:
                    self._findings.note("value.stuck", seen, quantity, value=value)
                    run.count = 0
