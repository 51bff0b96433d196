"""What the platform tells devices: what is stored (``ack``) and what was wrong (``reject``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from ingest import topics
from ingest.acks import Progress
from ingest.counters import Counters
from ingest.links.base import Link
from ingest.payloads.downlink import Downlink
from purna.core.errors import BadPayload

_DEVICES_REMEMBERED = 10_000


class Answers:
    """Sends answers at a bearable pace.

    Acknowledgements wait until ``ack_interval_s`` has passed; then only the newest of each boot
    goes out. One that can't be sent is sent later. A reject goes out at once or, when the device
    got one less than ``reject_interval_s`` ago, not at all.
    """

    def __init__(
        self,
        link: Link,
        counters: Counters,
        monotonic: Callable[[], float],
        ack_interval_s: float,
        reject_interval_s: float,
    ) -> None:
        self._link = link
        self._counters = counters
        self._monotonic = monotonic
        self._ack_interval_s = ack_interval_s
        self._reject_interval_s = reject_interval_s
        self._waiting: dict[tuple[str, str], int] = {}
        self._acks_at = 0.0
        self._sent_at: dict[str, float] = {}

    def stored(self, progress: Iterable[Progress]) -> None:
        for one in progress:
            if one.begun:
                self._waiting[one.device, one.boot] = one.last

    def send_acks(self, *, now: bool = False) -> None:
        """Send what waits, if it is time, or ``now``."""
        if not self._waiting or not self._link.connected:
            return
        if not now and self._monotonic() - self._acks_at < self._ack_interval_s:
            return
        self._acks_at = self._monotonic()
        sent = 0
        for (device, boot), seq in list(self._waiting.items()):
            payload = msgspec.json.encode({"boot": boot, "seq": seq})
            if not self._link.publish(topics.build(device, topics.ACK), payload):
                break
            del self._waiting[device, boot]
            sent += 1
        self._counters.add(acks_sent=sent)

    def send(self, downlink: Downlink) -> None:
        """Send what a format wants said, to one topic no more often than rejects."""
        if self._may_send(downlink.topic):
            self._link.publish(downlink.topic, downlink.payload)

    def reject(self, device: str, why: BadPayload) -> None:
        if not self._may_send(device):
            self._counters.add(rejects_muted=1)
            return
        answer: dict[str, object] = {"code": why.code, "field": why.field, "hint": why.detail}
        answer |= {name: why.params[name] for name in ("boot", "seq") if name in why.params}
        payload = msgspec.json.encode(answer)
        if self._link.publish(topics.build(device, topics.REJECT), payload):
            self._counters.add(rejects_sent=1)

    def _may_send(self, whom: str) -> bool:
        now = self._monotonic()
        if now - self._sent_at.get(whom, -self._reject_interval_s) < self._reject_interval_s:
            return False
        if len(self._sent_at) >= _DEVICES_REMEMBERED:
            self._sent_at.clear()
        self._sent_at[whom] = now
        return True
