"""The fast way of telemetry: a whole group of plain messages at once.

Nearly all messages are plain: JSON telemetry of a registered device, its quantities known, its
times believable. Of those each is decoded by itself and everything else is done on columns of the
group. Whatever is not plain is left to the careful way (:mod:`ingest.service`), which is the
reference: a message that is taken here would have come to the same rows and numbers there.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from ingest import topics
from ingest.acks import BOOTS_PER_DEVICE
from ingest.columns import NO_ROWS, Columns, Rows
from ingest.directory import Directory
from ingest.links.base import Received
from ingest.payloads import json_v1
from ingest.payloads.limits import END_MS, FIRST_MS, MESSAGE_BYTES, VALUES
from ingest.quality import Ranges, TimeWindow
from purna.core.errors import BadPayload
from purna.core.readings import Float64, Int32, Int64

LOOK_AGAIN_S = 1.0
"""The directory is asked what a sender measures at most this often."""

SHAPES_PER_DEVICE = 64
"""A device that combines its quantities in ever new ways has to take the careful way."""

_JSON = ("", "application/json")


class Taken(NamedTuple):
    """What was taken of a group: its rows, and the stream and number of its messages.

    ``left`` are the positions of the messages that were not taken.
    """

    rows: Rows
    streams: Int32
    seqs: Int64
    left: list[int]


class _Sender:
    """What is remembered of the device behind a topic."""

    __slots__ = ("device", "ranges", "shapes", "streams", "until")

    def __init__(self, device: str, ranges: Ranges) -> None:
        self.device = device
        self.ranges = ranges
        self.until = 0.0
        self.shapes: dict[tuple[str, ...], int] = {}
        self.streams: dict[str, int] = {}  # by boot


class FastWay:
    """Takes the plain messages out of a group.

    Parameters
    ----------
    directory
        Tells what a device measures.
    columns
        Numbers series, streams and shapes.
    """

    def __init__(self, directory: Directory, columns: Columns) -> None:
        self._directory = directory
        self._columns = columns
        self._senders: dict[str, _Sender] = {}  # by topic

    def nothing(self, messages: Sequence[Received], skip: Container[int]) -> Taken:
        """What :meth:`take` answers when it takes nothing."""
        left = [number for number in range(len(messages)) if number not in skip]
        return Taken(NO_ROWS, np.empty(0, np.int32), np.empty(0, np.int64), left)

    def take(
        self, messages: Sequence[Received], skip: Container[int], times: TimeWindow, now: float
    ) -> Taken:
        """The plain ones of ``messages``, without those at the positions ``skip``.

        ``now`` are monotonic seconds. Raises what the registry raises; nothing is changed then.
        """
        senders, decode = self._senders, json_v1.plain.decode
        taken: list[int] = []  # by message, as the next three
        moments: list[int] = []
        streams: list[int] = []
        seqs: list[int] = []
        ms: list[float] = []  # by moment, as the shapes
        shapes: list[int] = []
        values: list[float] = []  # of all moments, one after the other
        left: list[int] = []
        for number, (topic, payload, _, _, content_type, _, _) in enumerate(messages):
            if skip and number in skip:
                continue
            sender = senders.get(topic)
            if sender is None or now >= sender.until:
                sender = self._look_up(topic, now)
            if sender is None or content_type not in _JSON or len(payload) > MESSAGE_BYTES:
                left.append(number)
                continue
            try:
                message = decode(payload)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                left.append(number)
                continue
            m, r, boot = message.m, message.r, message.boot
            if r:
                quotes, found = 2, []
                for _, moment in r:
                    shape = sender.shapes.get(tuple(moment), -1)
                    found.append(shape if shape >= 0 else self._shape(sender, moment))
                    quotes += 2 * len(moment)
                plain = min(found) >= 0 and quotes <= 2 + 2 * VALUES
            else:
                shape = sender.shapes.get(tuple(m), -1)
                if shape < 0:
                    shape = self._shape(sender, m)
                quotes, plain = 4 + 2 * len(m), shape >= 0
            if boot and message.seq >= 0:
                quotes += 6
            # Without escapes every quote belongs to a key or a text that was read. One more, and
            # a key stood there twice; or it is a mixture of keys that make no message.
            if not plain or payload.count(b'"') != quotes or b"\\" in payload:
                left.append(number)
                continue
            if r:
                for at, moment in r:
                    ms.append(at)
                    values += moment.values()
                shapes += found
                moments.append(len(r))
            else:
                ms.append(message.ts)
                values += m.values()
                shapes.append(shape)
                moments.append(1)
            stream = sender.streams.get(boot, -1)
            streams.append(stream if stream >= 0 else self._stream(sender, boot))
            seqs.append(message.seq)
            taken.append(number)
        return self._on_columns(
            np.array(taken, np.int64),
            np.array(moments, np.int64),
            np.array(streams, np.int32),
            np.array(seqs, np.int64),
            np.array(ms, np.float64),
            np.array(shapes, np.int32),
            np.array(values, np.float64),
            left,
            times,
        )

    def _on_columns(
        self,
        messages: Int64,
        moments: Int64,
        streams: Int32,
        seqs: Int64,
        ms: Float64,
        shapes: Int32,
        values: Float64,
        left: list[int],
        times: TimeWindow,
    ) -> Taken:
        """Check the times, and make rows of what is good."""
        believable = (ms >= FIRST_MS) & (ms < END_MS)
        ts = np.rint(np.where(believable, ms, 0.0) * 1000).astype(np.int64)
        believable &= (ts >= times.oldest) & (ts <= times.newest)
        position = np.repeat(np.arange(len(messages)), moments)
        rows = self._columns.rows(
            messages[position], ts, shapes, values, streams[position], seqs[position]
        )
        if not believable.all():
            good = np.ones(len(messages), np.bool_)
            good[position[~believable]] = False
            left = sorted([*left, *messages[~good].tolist()])
            whose = np.repeat(position, self._columns.lengths(shapes))
            rows = Rows._make(column[good[whose]] for column in rows)
            streams, seqs = streams[good], seqs[good]
        return Taken(rows, streams, seqs, left)

    def _look_up(self, topic: str, now: float) -> _Sender | None:
        """The sender behind a topic, as the directory knows it now; None when it is not plain."""
        try:
            device, kind = topics.parse(topic)
        except BadPayload:
            return None
        known = self._directory.find(device) if kind == topics.TELEMETRY else None
        if known is None or known.ranges is None:
            self._senders.pop(topic, None)
            return None
        sender = self._senders.get(topic)
        if sender is None or sender.ranges is not known.ranges:
            sender = self._senders[topic] = _Sender(device, known.ranges)
        sender.until = now + LOOK_AGAIN_S
        return sender

    def _shape(self, sender: _Sender, names: Sequence[str] | dict[str, float]) -> int:
        """The number of a shape that was not seen yet; -1 when it is not plain."""
        key, ranges = tuple(names), sender.ranges
        if not key or len(sender.shapes) >= SHAPES_PER_DEVICE or not ranges.keys() >= set(key):
            return -1
        columns, device = self._columns, sender.device
        number = columns.shape([columns.series_of(device, name, ranges[name]) for name in key])
        sender.shapes[key] = number
        return number

    def _stream(self, sender: _Sender, boot: str) -> int:
        number = self._columns.stream(sender.device, boot)
        if len(sender.streams) >= BOOTS_PER_DEVICE:
            sender.streams.clear()
        sender.streams[boot] = number
        return number
