"""The ingester's loop: receive a group, decode, check, commit, acknowledge, answer.

Nothing is acknowledged before it is durable: what can be taken in the store, what can't in the
quarantine. Garbage is set aside and never stops the line; a store that fails stops it until the
store is back, and meanwhile the broker keeps what we do not acknowledge.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Container, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from ingest import topics
from ingest.acks import AckTracker
from ingest.answers import Answers
from ingest.caps import Buckets, Caps
from ingest.clock_jumps import ClockJumps
from ingest.counters import Counters
from ingest.directory import Directory
from ingest.disk import RESERVE, DiskGuard
from ingest.gaps import GapWatch, before_the_first
from ingest.links.base import Link, Received
from ingest.payloads import Decoders
from ingest.payloads.command_result import CommandResult
from ingest.payloads.foreign import Find
from ingest.payloads.status import Status
from ingest.quality import TimeWindow
from ingest.retention import Retention, borne_out
from ingest.settings import IngestSettings
from ingest.sorting import Group, Sorter
from ingest.stores.base import STORE_FULL, Committed, IngestStore
from ingest.upkeep import Upkeep
from purna.core.catalogue import Catalogue
from purna.core.clock import SECOND, Clock
from purna.core.errors import RetryLater
from purna.core.ports import DeviceRegistry, GapLog, Quarantine, WaveformStore
from purna.core.readings import DeviceEvent, Gap, ReadingBatch

log = structlog.get_logger(__name__)

T = TypeVar("T")

_FIRST_PAUSE = 0.1
_WORTH_A_COMMIT = 64
"""A group this large is not waited for: some brokers send no more than a hundred unanswered."""
_REPLAY_EVERY = 1.0
_REPLAYED_AT_ONCE = 1000
_LOOK_EVERY = 1.0
_DISK_FULL = {RESERVE, STORE_FULL}
_FULL_PAUSE = 0.5
_TELL_EVERY = 60.0
_ALL = 2**62
_TOO_MUCH = "The device sends more messages than it may: what is above its rate is not stored."


class _Stored(NamedTuple):
    """What came of a group; ``new`` says of each message whether it brought anything new."""

    committed: Committed
    new: NDArray[np.bool_]

    def readings_and_events(self) -> dict[str, int]:
        return {
            "readings_stored": self.committed.appended.stored,
            "readings_duplicate": self.committed.appended.duplicates,
            "events_stored": sum(self.committed.new_events),
        }


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
        Makes what reads the messages, given what looks devices up; by default it reads the
        formats of the contract and no foreign ones.
    take_result
        Makes what a device says of a command durable; False when that was known.
    waveforms
        Where waveforms go; without it they are refused.
    gaps
        Where gaps in the devices' numbering are written down.
    shed_above_rate
        Whether to leave out what a device sends above its rate; False where the link itself slows
        its devices down.
    disk
        Says when there is too little room to take anything in.
    clock_jumps
        Notices when ``clock`` is set; for a clock that should run like the monotonic one.
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
        decoders: Callable[[Find], Decoders] = Decoders,
        take_result: Callable[[CommandResult], bool] = lambda _result: False,
        waveforms: WaveformStore | None = None,
        gaps: GapLog | None = None,
        shed_above_rate: bool = True,
        disk: DiskGuard | None = None,
        clock_jumps: ClockJumps | None = None,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._link = link
        self._waveforms = waveforms
        self._chores = chores
        self._gaps = gaps
        self._disk = disk
        self._clock_jumps = clock_jumps
        self._told_full_at = -_TELL_EVERY
        counters.show(disk_guard=0)
        self._store = store
        self._quarantine = quarantine
        self._clock = clock
        self._settings = settings
        self._retention = Retention(settings, catalogue)
        self._registry = registry
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
        reader = decoders(self._directory.find)
        self._sorter = Sorter(
            reader,
            self._directory,
            self._last_status,
            take_result,
            waveforms=waveforms is not None,
        )
        rate = settings.device_rate if shed_above_rate else 0.0
        self._caps = Caps(Buckets(rate, settings.device_burst), reader.device_of)
        self._gap_watch = GapWatch(settings.gap_after_s)
        self._look_at = 0.0
        self._committed_at = monotonic()
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
            self._store, self._monotonic, self._settings.seal_rows, self._prune, self._chores
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
        now = self._monotonic()
        self._sorter.tracker = AckTracker(self._insist(self._store.progress), now)
        if self._gaps is not None:
            log_ = self._gaps
            known = self._insist(lambda: log_.gaps(open_only=True, limit=_ALL))
            self._gap_watch = GapWatch(self._settings.gap_after_s, known)
            self._gap_watch.look(self._sorter.tracker.all(), now, self._clock.now())
        self._link.start()

    def step(self, timeout: float) -> int:
        """Take in one group, waiting up to ``timeout`` seconds for it; how many messages it had."""
        messages = self._collect(timeout)
        if messages:
            self._take_in(messages)
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            self._look_at_numbers(now)
            self._show_age(now)
        self._answers.send_acks()
        return len(messages)

    def _show_age(self, now: float) -> None:
        self._counters.show(
            last_commit_age_seconds=now - self._committed_at, waiting=self._link.waiting
        )
        if self._disk is not None:
            self._counters.show(disk_free_bytes=self._disk.room())

    def _look_at_numbers(self, now: float) -> None:
        """Begin counts that waited long enough, and name the gaps that did."""
        wall, tracker = self._clock.now(), self._sorter.tracker
        begun = tracker.begin(now - self._settings.ack_start_s)
        if begun:
            progress = [one for one, _ in begun]
            self._insist(lambda: self._store.commit(ReadingBatch.of(()), (), progress))
            self._answers.stored(progress)
        before = [before_the_first(one, expected, wall) for one, expected in begun]
        forgotten, tracker.forgotten = tracker.forgotten, []
        self._note_gaps(
            [
                *[gap for gap in before if gap is not None],
                *self._gap_watch.look([one for one, _ in begun], now, wall),
                *self._gap_watch.name(now, wall),
                *self._gap_watch.forget(forgotten, wall),
            ]
        )

    def _note_gaps(self, gaps: Sequence[Gap]) -> None:
        if self._gaps is not None and gaps:
            log_ = self._gaps
            self._insist(lambda: log_.note(gaps))
        self._counters.show(gaps_open=self._gap_watch.open)

    def replay(self) -> int:
        """Take in again what people asked for in the quarantine; how many messages that was.

        A status is left out: it says how things were when it came.
        """
        asked = self._insist(lambda: self._quarantine.asked(_REPLAYED_AT_ONCE))
        if not asked:
            return 0
        past = [
            number
            for number, one in asked
            if topics.parse_leniently(one.topic).kind == topics.STATUS
        ]
        asked = [(number, one) for number, one in asked if number not in past]
        group = self._sorted(
            [
                Received(
                    one.topic,
                    one.payload,
                    content_type=one.content_type,
                    first_seen=one.received,
                )
                for _, one in asked
            ]
        )
        stored = self._commit(group)
        still = {
            asked[position][0]: rejected
            for position, rejected in zip(group.rejected_of, group.rejected, strict=True)
        }
        taken = [number for number, _ in asked if number not in still]
        self._insist(lambda: self._quarantine.settle([*past, *taken], still))
        self._answers.stored(group.progress.values())
        self._counters.add(replayed=len(taken), **stored.readings_and_events())
        return len(asked)

    def _take_in(self, messages: Sequence[Received]) -> None:
        now = self._monotonic()
        shed, offenders = self._caps.shed([message.topic for message in messages], now)
        group = self._sorted(messages, shed)
        if self._disk is not None:
            self._insist(self._disk.check)
        self._insist(lambda: self._quarantine.add(group.rejected))
        stored = self._commit(group, offenders)
        self._link.acknowledge(messages, group.refused_whole() | dict.fromkeys(shed, _TOO_MUCH))
        self._sorter.stored(group)
        self._count(group, stored, shed)
        self._answers.stored(group.progress.values())
        for device, why in group.answers:
            self._answers.reject(device, why)
        for downlink in group.downlinks:
            self._answers.send(downlink)
        self._note_gaps(self._gap_watch.look(group.progress.values(), now, self._clock.now()))

    def _sorted(self, messages: Sequence[Received], shed: Container[int] = ()) -> Group:
        return self._insist(
            lambda: self._sorter.sort(messages, shed, self._times(), self._monotonic())
        )

    def _commit(self, group: Group, offenders: Sequence[str] = ()) -> _Stored:
        """Make durable what is good in a group.

        The readings come last, because the numbers that count as settled are committed with them:
        what ``ack`` may tell after a crash must not be there before what it stands for.
        """
        began = self._monotonic()
        new = np.zeros(len(group.messages), np.bool_)
        if self._waveforms is not None and group.waveforms:
            store, waveforms = self._waveforms, group.waveforms
            new_waveforms = self._insist(lambda: store.add(waveforms))
            new[np.array(group.waveform_of)[new_waveforms]] = True
        incidents = [
            DeviceEvent(device, self._clock.now(), "platform", "rate.limit", _TOO_MUCH)
            for device in offenders
        ]
        committed = self._insist(
            lambda: self._store.commit(
                group.batch,
                [*group.events, *group.observed, *incidents],
                list(group.progress.values()),
            )
        )
        new[group.batch_of[committed.new_rows]] = True
        of_messages = committed.new_events[: len(group.events)]
        new[np.array(group.event_of, np.int64)[list(of_messages)]] = True
        new[group.result_of] = True
        self._committed_at = self._monotonic()
        self._counters.observe(
            commit_seconds=self._committed_at - began, group_messages=len(group.messages)
        )
        return _Stored(committed, new)

    def _times(self) -> TimeWindow:
        """The times that are believed now."""
        now = self._clock.now()
        times = TimeWindow.around(
            now, int(self._settings.future_limit_s * SECOND), self._retention.longest
        )
        if self._clock_jumps is None:
            return times
        if jump := self._clock_jumps.look(now, self._monotonic()):
            self._counters.add(clock_jumps=1)
            log.error("the computer's clock was set", seconds=jump / SECOND)
        return self._clock_jumps.widened(times)

    def _prune(self) -> None:
        if self._retention.limited:
            now = borne_out(self._clock.now(), self._store.span())
            own = self._retention.own(now, self._registry.all())
            self._store.prune(self._retention.default(now), own)

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
        pause, full = _FIRST_PAUSE, False
        while True:
            try:
                done = action()
            except RetryLater as error:
                if self._stop.is_set():
                    raise
                full = error.code in _DISK_FULL
                if full:
                    self._tell_full(error)
                else:
                    log.warning("ingest has to wait", why=str(error), again_in_s=pause)
                self._counters.add(retries=1)
                self._each_step()
                self._link.receive(0, pause)
                pause = min(pause * 2, _FULL_PAUSE if full else self._settings.retry_max_s)
            else:
                if full:
                    log.warning("there is room on the disk again")
                    self._counters.show(disk_guard=0)
                return done

    def _tell_full(self, error: RetryLater) -> None:
        """Say loudly, but not more than once a minute, that nothing is taken in."""
        now = self._monotonic()
        self._counters.show(disk_guard=1)
        self._show_age(now)
        if now - self._told_full_at >= _TELL_EVERY:
            self._told_full_at = now
            log.error("the disk is full", why=str(error))

    def _last_status(self, device: str) -> Status | None:
        past = self._store.events([device], 0, 2**62, "status")
        if not past:
            return None
        return Status(device, past[-1].code == "online", "", past[-1].text)

    def _count(self, group: Group, stored: _Stored, shed: Collection[int]) -> None:
        refused = np.zeros_like(stored.new)
        refused[list(group.refused)] = True
        received, new = len(group.messages), int(stored.new.sum())
        quarantined = int((refused & ~stored.new).sum())
        self._counters.add(
            received=received,
            stored=new,
            quarantined=quarantined,
            shed=len(shed),
            duplicates=received - new - quarantined - len(shed),
            partial=int((refused & stored.new).sum()),
            commits=1,
            failures=group.failures,
            **stored.readings_and_events(),
        )
