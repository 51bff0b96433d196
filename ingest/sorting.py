"""What becomes of a group of messages: what to store, what to set aside, whom to answer what.

Plain telemetry goes the fast way (:mod:`ingest.fast`). Everything else is decoded and checked one
message at a time here, where every refusal has its reason. Nothing is durable yet and nobody is
answered yet: that is the service's part.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

import structlog

from ingest.acks import AckTracker, Progress, runs
from ingest.columns import Columns, Rows, joined
from ingest.directory import Directory, Known
from ingest.fast import FastWay, Taken
from ingest.links.base import Received
from ingest.payloads import Decoded, Decoders
from ingest.payloads.command_result import CommandResult
from ingest.payloads.downlink import Downlink
from ingest.payloads.limits import MESSAGE_BYTES
from ingest.payloads.numbering import find_numbering
from ingest.payloads.status import Status
from ingest.quality import Ranges, TimeWindow, check, check_event, check_waveform
from ingest.rejects import bad
from ingest.sensors import ClockWatch, SensorWatch
from purna.core.errors import BadPayload, RetryLater
from purna.core.readings import DeviceEvent, Int64, ReadingBatch, Rejected, Telemetry
from purna.core.waveforms import Waveform

log = structlog.get_logger(__name__)

_KEPT_OF_OVERSIZE = 64 * 1024
"""Bytes that the quarantine keeps of a message above the limit; its reason tells the size."""


@dataclass(slots=True)
class Group:
    """What becomes of some messages that are committed together.

    ``…_of`` is the position of the message that each of them came in.
    """

    messages: Sequence[Received]
    batch: ReadingBatch = field(init=False)
    batch_of: Int64 = field(init=False)
    telemetry: list[tuple[int, Telemetry, Ranges]] = field(default_factory=list)
    events: list[DeviceEvent] = field(default_factory=list)
    event_of: list[int] = field(default_factory=list)
    observed: list[DeviceEvent] = field(default_factory=list)  # by us, in no message of theirs
    waveforms: list[Waveform] = field(default_factory=list)
    waveform_of: list[int] = field(default_factory=list)
    result_of: list[int] = field(default_factory=list)  # results that were news
    rejected: list[Rejected] = field(default_factory=list)
    rejected_of: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)  # why something of a message was
    numbers: list[tuple[str, str, int]] = field(default_factory=list)  # settled, by (device, boot)
    progress: dict[tuple[str, str], Progress] = field(default_factory=dict)
    status: dict[str, Status] = field(default_factory=dict)
    answers: list[tuple[str, BadPayload]] = field(default_factory=list)
    downlinks: list[Downlink] = field(default_factory=list)
    failures: int = 0

    def refused_whole(self) -> dict[int, str]:
        """Messages of which nothing was taken, with the reason."""
        if not self.refused:
            return {}
        taken = {number for number, _, _ in self.telemetry}
        taken.update(self.event_of, self.waveform_of, self.result_of)
        return {number: why for number, why in self.refused.items() if number not in taken}


class Sorter:
    """Sorts groups of messages.

    Parameters
    ----------
    decoders, directory
        Read messages; tell what devices measure.
    last_status
        The last status of a device that an earlier run stored.
    take_result
        Makes what a device says of a command durable; False when that was known.
    waveforms
        Whether there is a store for them; else they are refused.
    """

    def __init__(
        self,
        decoders: Decoders,
        directory: Directory,
        last_status: Callable[[str], Status | None],
        take_result: Callable[[CommandResult], bool],
        *,
        waveforms: bool,
    ) -> None:
        self._decoders = decoders
        self._directory = directory
        self._last_status = last_status
        self._take_result = take_result
        self._waveforms = waveforms
        self._status: dict[str, Status | None] = {}
        self.tracker = AckTracker()
        self._start_over()

    def _start_over(self) -> None:
        self._columns = Columns()
        self._fast = FastWay(self._directory, self._columns)
        self._sensors = SensorWatch(self._directory.sensor_limits)
        self._clocks = ClockWatch(self._directory.clock_limit)

    def sort(
        self, messages: Sequence[Received], shed: Container[int], times: TimeWindow, now: float
    ) -> Group:
        """What becomes of ``messages``; those at the positions ``shed`` are left out.

        ``now`` are monotonic seconds. Raises what registry and store raise; the same group may be
        sorted again then.
        """
        group = Group(messages)
        if self._columns.full:
            self._start_over()
        plain = self._take_plain(group, shed, times, now)
        for number in plain.left:
            try:
                self._sort_out(group, number, messages[number], times)
            except BadPayload as why:
                self._refuse(group, number, why, times.now)
            except RetryLater:
                raise
            except Exception:
                # A fault of ours must not stop the line: the same message would come again.
                log.exception("ingest failed on a message", topic=messages[number].topic)
                group.failures += 1
                self._refuse(group, number, bad("internal.error"), times.now)
        self._settle(group, plain, now)
        rows = joined(plain.rows, self._columns.rows_of(group.telemetry))
        group.batch, group.batch_of = self._columns.batch(rows), rows.message
        self._watch(group, rows, times.now)
        return group

    def _watch(self, group: Group, rows: Rows, now: int) -> None:
        """Add what the readings say of their sensors and clocks over time."""
        columns = self._columns
        found = []
        if self._directory.watched:
            found += self._sensors.look(columns.series, rows.series, rows.ts, rows.value)
        if self._directory.clocks_watched:
            found += self._clocks.look(columns.devices, rows.stream, rows.ts, now)
        group.observed = found

    def stored(self, group: Group) -> None:
        """Note that a group is durable."""
        self._status.update(group.status)

    def _take_plain(
        self, group: Group, shed: Container[int], times: TimeWindow, now: float
    ) -> Taken:
        try:
            return self._fast.take(group.messages, shed, times, now)
        except RetryLater:
            raise
        except Exception:
            log.exception("the fast way failed on a group")
            group.failures += 1
            return self._fast.nothing(group.messages, shed)

    def _settle(self, group: Group, plain: Taken, now: float) -> None:
        """Note all numbers of the group at once, the lowest first: a count begins with it."""
        columns = self._columns
        settled = [
            (columns.devices[stream], columns.boots[stream], first, last)
            for stream, first, last in runs(plain.streams, plain.seqs)
        ]
        if group.numbers:
            settled += [(device, boot, seq, seq) for device, boot, seq in group.numbers]
            settled.sort()
        for device, boot, first, last in settled:
            if boot:
                group.progress[device, boot] = self.tracker.settle(device, boot, first, last, now)

    def _sort_out(self, group: Group, number: int, message: Received, times: TimeWindow) -> None:
        """Decode and check one message; raises BadPayload when nothing of it can be taken."""
        for decoded in self._decoders.decode(
            message.topic,
            message.payload,
            message.content_type,
            message.first_seen or times.now,
            retained=message.retained,
            replayed=message.first_seen > 0,
        ):
            try:
                self._take(group, number, decoded, times)
            except BadPayload as why:
                self._refuse(group, number, why, times.now)

    def _take(self, group: Group, number: int, decoded: Decoded, times: TimeWindow) -> None:
        if isinstance(decoded, BadPayload):
            raise decoded
        known = self._directory.find(decoded.device)
        if known is None:
            raise bad("device.unknown", device=decoded.device)
        match decoded:
            case Telemetry():
                self._take_telemetry(group, number, decoded, known, times)
            case DeviceEvent():
                wrong = check_event(decoded, times)
                if wrong:
                    raise wrong
                group.events.append(decoded)
                group.event_of.append(number)
            case Status():
                self._take_status(group, number, decoded, times)
            case Waveform():
                self._take_waveform(group, number, decoded, known, times)
            case CommandResult():
                if self._take_result(decoded):
                    group.result_of.append(number)
            case Downlink():
                group.downlinks.append(decoded)

    def _take_telemetry(
        self, group: Group, number: int, message: Telemetry, known: Known, times: TimeWindow
    ) -> None:
        if known.ranges is None:
            raise _numbered(bad("product.unknown", product=known.product), message)
        accepted, rejects = check(message, known.ranges, times)
        for part in accepted:
            group.telemetry.append((number, part, known.ranges))
        for why in rejects:
            self._refuse(group, number, _numbered(why, message), times.now)
        group.numbers.append((message.device, message.boot, message.seq))

    def _take_waveform(
        self, group: Group, number: int, waveform: Waveform, known: Known, times: TimeWindow
    ) -> None:
        if not self._waveforms:
            raise _numbered(bad("topic.unknown", field="topic"), waveform)
        if known.ranges is None:
            raise _numbered(bad("product.unknown", product=known.product), waveform)
        wrong = check_waveform(waveform, known.waveforms, times)
        if wrong:
            raise _numbered(wrong, waveform)
        group.waveforms.append(waveform)
        group.waveform_of.append(number)
        group.numbers.append((waveform.device, waveform.boot, waveform.seq))

    def _take_status(self, group: Group, number: int, status: Status, times: TimeWindow) -> None:
        if not self._is_news(group, status):
            return
        group.status[status.device] = status
        code = "online" if status.online else "offline"
        group.events.append(DeviceEvent(status.device, times.now, "status", code, status.firmware))
        group.event_of.append(number)

    def _is_news(self, group: Group, status: Status) -> bool:
        """Whether a status differs from the last one; a retained one comes at every connect."""
        if status.device not in self._status:
            self._status[status.device] = self._last_status(status.device)
        known = group.status.get(status.device) or self._status[status.device]
        if known is None or known.online != status.online:
            return True
        if not status.online:
            return False
        restarted = bool(known.boot) and known.boot != status.boot
        return restarted or known.firmware != status.firmware

    def _refuse(self, group: Group, number: int, why: BadPayload, now: int) -> None:
        """Set a message aside; whoever is known is told, and its number counts as settled."""
        message = group.messages[number]
        device = self._decoders.device_of(message.topic) or ""
        group.refused[number] = why.detail
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
            if "boot" not in why.params:
                numbering = find_numbering(message.payload)
                if numbering:
                    why.params.update(boot=numbering[0], seq=numbering[1])
            group.answers.append((device, why))
            boot, seq = why.params.get("boot"), why.params.get("seq")
            if isinstance(boot, str) and isinstance(seq, int):
                group.numbers.append((device, boot, seq))


def _numbered(why: BadPayload, message: Telemetry | Waveform) -> BadPayload:
    """The same refusal, telling the device which of its messages is meant."""
    if message.boot:
        why.params.update(boot=message.boot, seq=message.seq)
    return why


def _kept(payload: bytes) -> bytes:
    return payload if len(payload) <= MESSAGE_BYTES else payload[:_KEPT_OF_OVERSIZE]
