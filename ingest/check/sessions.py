"""How a device uses MQTT: its connections, subscriptions, topics, QoS and retained flags. Pure."""

from __future__ import annotations

from collections import deque

from ingest import topics
from ingest.check.findings import Findings
from ingest.check.observations import Closed, Opened, Published, Subscribed
from ingest.payloads import status
from purna.core.clock import SECOND
from purna.core.errors import BadPayload

DOWN = (topics.ACK, topics.REJECT, topics.COMMAND)
STATE = topics.PREFIX + "STATE"
"""Where the platform says whether it is there."""

SHORT_S, LONG_S = 5, 1200
LOOP_COUNT, LOOP_US = 6, 60 * SECOND


class Sessions:
    """Watches the connections of one device."""

    def __init__(self, device: str, findings: Findings) -> None:
        self._own = f"{topics.PREFIX}{device}/"
        self._findings = findings
        self._connection: Opened | None = None
        self._clients: list[str] = []
        self._recent: deque[int] = deque(maxlen=LOOP_COUNT)
        self._hears_ack = False
        self.direct = False
        """Whether connections were seen, and with them QoS and retained flags as they were sent."""
        self.count = 0
        self.statuses = 0

    def opened(self, seen: Opened) -> None:
        self.direct, self._connection = True, seen
        self.count += 1
        if seen.keep_alive == 0:
            self._findings.note("keepalive.off", seen)
        elif not SHORT_S <= seen.keep_alive <= LONG_S:
            self._findings.note("keepalive.length", seen, seconds=seen.keep_alive)
        self._check_will(seen)
        self._clients.append(seen.client)
        if not seen.client or len(set(self._clients)) == len(self._clients) == 3:
            self._findings.note("client.random", seen, client=seen.client)
        self._recent.append(seen.at)
        if len(self._recent) == LOOP_COUNT and seen.at - self._recent[0] <= LOOP_US:
            self._findings.note("connect.loop", seen, count=LOOP_COUNT, limit=LOOP_US // SECOND)

    def closed(self, seen: Closed) -> None:
        if seen.fault:
            self._findings.note("mqtt.malformed", seen, reason=seen.fault)

    def subscribes(self, seen: Subscribed) -> None:
        kind = seen.filter.removeprefix(self._own)
        ours = kind != seen.filter
        wild = "#" in seen.filter or "+" in seen.filter
        if wild and not ours:
            self._findings.note("subscribe.wildcard", seen, filter=seen.filter)
        elif not wild and seen.filter != STATE and not (ours and kind in DOWN):
            self._findings.note("subscribe.other", seen, filter=seen.filter)
        self._hears_ack |= wild or kind == topics.ACK
        hears_commands = ours and (wild or kind == topics.COMMAND)
        if hears_commands and self._connection is not None and self._connection.clean:
            self._findings.note("session.clean", seen)

    def published(self, seen: Published) -> bool:
        """Whether it is a message of this device, so that its content matters."""
        kind = seen.topic.removeprefix(self._own)
        if kind == seen.topic:
            device, _ = topics.parse_leniently(seen.topic)
            if seen.topic == STATE:
                self._findings.note("topic.platform", seen)
            elif device:
                self._findings.note("topic.other", seen, device=device)
            else:
                return True  # no topic of ours: the decoder says so
            return False
        if kind in DOWN:
            self._findings.note("topic.platform", seen)
            return False
        self.statuses += kind == topics.STATUS
        if self.direct:
            self._check_delivery(seen, kind)
        return True

    def end(self, *, numbered: Published | None, telemetry: Published | None) -> None:
        """Judge what can only be said in the end, by the first messages of telemetry."""
        if not self.direct:
            return
        if telemetry is not None and not self.statuses:
            self._findings.note("status.missing", telemetry)
        if numbered is not None and not self._hears_ack:
            self._findings.note("subscribe.none", numbered)

    def _check_will(self, seen: Opened) -> None:
        if not seen.will_topic:
            self._findings.note("will.missing", seen)
            return
        try:
            said = status.decode("", seen.will_payload)
            good = not said.online and seen.will_retain
        except BadPayload:
            good = False
        if not good or seen.will_topic != self._own + topics.STATUS:
            self._findings.note("will.wrong", seen, topic=seen.will_topic)

    def _check_delivery(self, seen: Published, kind: str) -> None:
        if kind == topics.STATUS:
            if not seen.retain:
                self._findings.note("retain.status", seen)
            return
        if seen.retain:
            self._findings.note("retain.telemetry", seen)
        if seen.qos == 0:
            self._findings.note("qos.zero", seen)
        elif seen.qos == 2:
            self._findings.note("qos.two", seen)
