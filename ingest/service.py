"""The ingester's loop: receive a group, decode, check, commit, acknowledge, answer.

Nothing is acknowledged before it is durable: what can be taken in the store, what can't in the
quarantine. Garbage is set aside and never stops the line; a store that fails stops it until the
store is back, and meanwhile the broker keeps what we do not acknowledge.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import structlog

from ingest import topics
from ingest.acks import AckTracker, Progress
from ingest.answers import Answers
from ingest.counters import Counters
from ingest.directory import Directory, Known
from ingest.links.base import Link, Received
from ingest.payloads import Decoded, Decoders
from ingest.payloads.command_result import CommandResult
from ingest.payloads.limits import MESSAGE_BYTES
from ingest.payloads.numbering import find_numbering
from ingest.payloads.status import Status
from ingest.quality import TimeWindow, check, check_event
from ingest.rejects import bad
from ingest.settings import IngestSettings
from ingest.stores.base import Committed, IngestStore
from ingest.upkeep import Upkeep
from purna.core.catalogue import Catalogue
from purna.core.clock import DAY, SECOND, Clock
from purna.core.errors import BadPayload, RetryLater
from purna.core.ports import DeviceRegistry, Quarantine
from purna.core.readings import DeviceEvent, ReadingBatch, Rejected, Telemetry

log = structlog.get_logger(__name__)

T = TypeVar("T")

_FIRST_PAUSE = 0.1
_WORTH_A_COMMIT = 64
"""A group this large is not waited for: some brokers send no more than a hundred unanswered."""
_REPLAY_EVERY = 1.0
_REPLAYED_AT_ONCE = 1000
_KEPT_OF_OVERSIZE = 64 * 1024
"""Bytes that the quarantine keeps of a message above the limit; its reason tells the size."""


@dataclass(slots=True)
class _Group:
    """What becomes of some messages that are committed together."""

    messages: Sequence[Received]
    telemetry: list[Telemetry] = field(default_factory=list)
    telemetry_of: list[int] = field(default_factory=list)  # the message each belongs to
    events: list[DeviceEvent] = field(default_factory=list)
    event_of: list[int] = field(default_factory=list)
    results_of: list[int] = field(default_factory=list)  # messages with news of a command
    rejected: list[Rejected] = field(default_factory=list)
    rejected_of: list[int] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)  # messages with something refused
    progress: dict[tuple[str, str], Progress] = field(default_factory=dict)
    status: dict[str, Status] = field(default_factory=dict)
    answers: list[tuple[str, BadPayload]] = field(default_factory=list)
    failures: int = 0


class Ingester:
    """Takes messages from a link into a store.

    Parameters
    ----------
    link
        Brings messages and takes acknowledgements; started and stopped by :meth:`run`.
    store, quarantine
        Where readings and refused messages go; opened and closed by the caller.
    registry, catalogue
        Which devices there are and what they measure. Devices may be added while running.
    clock
        The time against which the readings' times are checked.
    settings
        Group sizes, limits and paces.
    counters
        What became of the messages.
    decoders
        Read the messages; by default those of the contract, without foreign formats.
    take_result
        Makes what a device says of a command durable; False when that was known.
    chores
        Done about once a second in the background, such as turning waveforms into indicators.
    """

    def __init__(
        self,
        link: Link,
        store: IngestStore,
        quarantine: Quarantine,
        registry: DeviceRegistry,
        catalogue: Catalogue,
        clock: Clock,
        settings: IngestSettings,
        counters: Counters,
        monotonic: Callable[[], float] = time.monotonic,
        decoders: Decoders | None = None,
        take_result: Callable[[CommandResult], bool] = lambda _result: False,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._link = link
        self._chores = chores
        self._take_result = take_result
        self._decoders = decoders or Decoders()
        self._store = store
        self._quarantine = quarantine
        self._clock = clock
        self._settings = settings
        self._counters = counters
        self._monotonic = monotonic
        self._directory = Directory(
            registry,
            catalogue,
            monotonic,
            settings.registry_refresh_s,
            settings.unknown_refresh_s,
        )
        self._answers = Answers(
            link,
            counters,
            monotonic,
            settings.ack_interval_ms / 1000,
            settings.reject_interval_s,
        )
        self._tracker = AckTracker()
        self._status: dict[str, Status | None] = {}
        self._stop = threading.Event()
        self._each_step: Callable[[], None] = lambda: None

    def run(self, stop: threading.Event, each_step: Callable[[], None] = lambda: None) -> None:
        """Ingest until ``stop`` is set; the group at hand is finished first.

        ``each_step`` is called after every step, about every half a second without messages, and
        after every try while store or database fail: whoever does not hear it for longer than
        ``retry_max_s`` knows that the ingester hangs.

        Raises
        ------
        AskOperator
            When a person has to do something; this and any other error must end the process
            with an exit status other than 0, so that its supervisor starts it again.
        """
        self._stop, self._each_step = stop, each_step
        upkeep = Upkeep(
            self._store,
            self._clock,
            self._monotonic,
            self._settings.seal_rows,
            self._settings.retention_days,
            self._chores,
        )
        self.start()
        upkeep.start()
        replay_at = 0.0
        try:
            while not stop.is_set():
                self.step(timeout=0.5)
                if self._monotonic() >= replay_at:
                    self.replay()
                    replay_at = self._monotonic() + _REPLAY_EVERY
                upkeep.check()
                self._each_step()
            self._answers.send_acks(now=True)
        finally:
            upkeep.stop()
            self._link.stop()

    def start(self) -> None:
        """Load what an earlier run knew, and open the link."""
        self._insist(self._directory.load)
        self._tracker = AckTracker(self._insist(self._store.progress))
        self._link.start()

    def step(self, timeout: float) -> int:
        """Take in one group, waiting up to ``timeout`` seconds for it; how many messages it had."""
        messages = self._collect(timeout)
        if messages:
            group = self._insist(lambda: self._sorted_out(messages))
            committed = self._insist(
                lambda: self._store.commit(
                    ReadingBatch.of(group.telemetry), group.events, list(group.progress.values())
                )
            )
            self._insist(lambda: self._quarantine.add(group.rejected))
            self._link.acknowledge(messages)
            self._status.update(group.status)
            self._count(group, committed)
            self._answers.stored(group.progress.values())
            for device, why in group.answers:
                self._answers.reject(device, why)
        self._answers.send_acks()
        return len(messages)

    def replay(self) -> int:
        """Take in again what people asked for in the quarantine; how many messages that was.

        A status is left out: it says how things were when it came.
        """
        asked = self._insist(lambda: self._quarantine.asked(_REPLAYED_AT_ONCE))
        if not asked:
            return 0
        past = [number for number, one in asked if _topic_of(one.topic).kind == topics.STATUS]
        asked = [(number, one) for number, one in asked if number not in past]
        messages = [
            Received(one.topic, one.payload, content_type=one.content_type) for _, one in asked
        ]
        group = self._insist(lambda: self._sorted_out(messages))
        committed = self._insist(
            lambda: self._store.commit(
                ReadingBatch.of(group.telemetry), group.events, list(group.progress.values())
            )
        )
        still = {
            asked[position][0]: rejected
            for position, rejected in zip(group.rejected_of, group.rejected, strict=True)
        }
        taken = [number for number, _ in asked if number not in still]
        self._insist(lambda: self._quarantine.settle([*past, *taken], still))
        self._answers.stored(group.progress.values())
        self._counters.add(
            replayed=len(taken),
            readings_stored=committed.appended.stored,
            readings_duplicate=committed.appended.duplicates,
            events_stored=sum(committed.new_events),
        )
        return len(messages)

    def _collect(self, timeout: float) -> list[Received]:
        size = self._settings.group_size
        messages = self._link.receive(size, timeout)
        until = self._monotonic() + self._settings.group_wait_ms / 1000
        while messages and len(messages) < min(size, _WORTH_A_COMMIT):
            left = until - self._monotonic()
            if left <= 0:
                break
            messages += self._link.receive(size - len(messages), left)
        return messages

    def _insist(self, action: Callable[[], T]) -> T:
        """Do something until it works; meanwhile the connection is kept alive."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return action()
            except RetryLater as error:
                if self._stop.is_set():
                    raise
                log.warning("ingest has to wait", why=str(error), again_in_s=pause)
                self._counters.add(retries=1)
                self._each_step()
                self._link.receive(0, pause)
                pause = min(pause * 2, self._settings.retry_max_s)

    def _sorted_out(self, messages: Sequence[Received]) -> _Group:
        group = _Group(messages)
        now = self._clock.now()
        times = TimeWindow.around(
            now,
            int(self._settings.future_limit_s * SECOND),
            int(self._settings.retention_days * DAY),
        )
        for number, message in enumerate(messages):
            try:
                self._sort_out(group, number, message, times)
            except BadPayload as why:
                self._refuse(group, number, why, times.now)
            except RetryLater:
                raise
            except Exception:
                # A fault of ours must not stop the line: the same message would come again.
                log.exception("ingest failed on a message", topic=message.topic)
                group.failures += 1
                self._refuse(group, number, bad("internal.error"), times.now)
        return group

    def _sort_out(self, group: _Group, number: int, message: Received, times: TimeWindow) -> None:
        """Decode and check one message; raises BadPayload when nothing of it can be taken."""
        for decoded in self._decoders.decode(
            message.topic, message.payload, message.content_type, times.now
        ):
            try:
                self._take(group, number, decoded, times)
            except BadPayload as why:
                self._refuse(group, number, why, times.now)

    def _take(self, group: _Group, number: int, decoded: Decoded, times: TimeWindow) -> None:
        if isinstance(decoded, BadPayload):
            raise decoded
        known = self._directory.find(decoded.device)
        if known is None:
            raise bad("device.unknown", device=decoded.device)
        if isinstance(decoded, Telemetry):
            self._take_telemetry(group, number, decoded, known, times)
        elif isinstance(decoded, DeviceEvent):
            wrong = check_event(decoded, times)
            if wrong:
                raise wrong
            group.events.append(decoded)
            group.event_of.append(number)
        elif isinstance(decoded, Status) and self._is_news(group, decoded):
            group.status[decoded.device] = decoded
            group.events.append(
                DeviceEvent(
                    decoded.device,
                    times.now,
                    "status",
                    "online" if decoded.online else "offline",
                    decoded.firmware,
                )
            )
            group.event_of.append(number)
        elif isinstance(decoded, CommandResult) and self._take_result(decoded):
            group.results_of.append(number)

    def _take_telemetry(
        self, group: _Group, number: int, message: Telemetry, known: Known, times: TimeWindow
    ) -> None:
        if known.ranges is None:
            raise _numbered(bad("product.unknown", product=known.product), message)
        accepted, rejects = check(message, known.ranges, times)
        for part in accepted:
            group.telemetry.append(part)
            group.telemetry_of.append(number)
        for why in rejects:
            self._refuse(group, number, _numbered(why, message), times.now)
        self._settle(group, message.device, message.boot, message.seq)

    def _settle(self, group: _Group, device: str, boot: str, seq: int) -> None:
        if boot:
            group.progress[device, boot] = self._tracker.settle(device, boot, seq)

    def _refuse(self, group: _Group, number: int, why: BadPayload, now: int) -> None:
        """Set a message aside; whoever is known is told, and its number counts as settled."""
        message = group.messages[number]
        device, kind = _topic_of(message.topic)
        group.refused.add(number)
        group.rejected_of.append(number)
        group.rejected.append(
            Rejected(
                now,
                message.topic,
                _kept(message.payload),
                why.code,
                why.detail,
                device,
                why.field,
                message.content_type,
                len(message.payload) <= MESSAGE_BYTES,
            )
        )
        if device and self._directory.find(device) is not None:
            if kind == topics.TELEMETRY and "boot" not in why.params:
                numbering = find_numbering(message.payload)
                if numbering:
                    why.params.update(boot=numbering[0], seq=numbering[1])
            group.answers.append((device, why))
            boot, seq = why.params.get("boot"), why.params.get("seq")
            if isinstance(boot, str) and isinstance(seq, int):
                self._settle(group, device, boot, seq)

    def _is_news(self, group: _Group, status: Status) -> bool:
        """Whether a status differs from the last one; a retained one comes at every connect."""
        known = group.status.get(status.device) or self._last_status(status.device)
        if known is None or known.online != status.online:
            return True
        if not status.online:
            return False
        restarted = bool(known.boot) and known.boot != status.boot
        return restarted or known.firmware != status.firmware

    def _last_status(self, device: str) -> Status | None:
        if device not in self._status:
            past = self._store.events([device], 0, 2**62, "status")
            last = past[-1] if past else None
            self._status[device] = (
                Status(device, last.code == "online", "", last.text) if last else None
            )
        return self._status[device]

    def _count(self, group: _Group, committed: Committed) -> None:
        new: set[int] = {
            number
            for number, is_new in zip(group.event_of, committed.new_events, strict=True)
            if is_new
        }
        if group.telemetry:
            sizes = [sum(len(values) for _, values in part.rows) for part in group.telemetry]
            starts = np.cumsum([0, *sizes[:-1]])
            fresh = np.add.reduceat(committed.new_rows, starts) > 0
            new.update(np.array(group.telemetry_of)[fresh].tolist())
        new.update(group.results_of)
        quarantined = len(group.refused - new)
        self._counters.add(
            received=len(group.messages),
            stored=len(new),
            quarantined=quarantined,
            duplicates=len(group.messages) - len(new) - quarantined,
            partial=len(group.refused & new),
            readings_stored=committed.appended.stored,
            readings_duplicate=committed.appended.duplicates,
            events_stored=sum(committed.new_events),
            commits=1,
            failures=group.failures,
        )


def _numbered(why: BadPayload, message: Telemetry) -> BadPayload:
    """The same refusal, telling the device which of its messages is meant."""
    if message.boot:
        why.params.update(boot=message.boot, seq=message.seq)
    return why


def _topic_of(topic: str) -> topics.Topic:
    try:
        return topics.parse(topic)
    except BadPayload:
        return topics.Topic("", "")


def _kept(payload: bytes) -> bytes:
    return payload if len(payload) <= MESSAGE_BYTES else payload[:_KEPT_OF_OVERSIZE]
