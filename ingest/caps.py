"""How much one device may send. Pure: time is an argument, in monotonic seconds.

A device may send ``rate`` messages a second, and after a silence a burst on top. Behind a broker
what is above is *shed*: not stored and not acknowledged on ``ack``, so that the numbering shows the
gap. A link that holds the device's connection itself need not lose anything: it asks
:meth:`Bucket.pause` how long not to read.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

DEVICES_REMEMBERED = 100_000
INCIDENT_EVERY_S = 3600.0


class Bucket:
    """Tokens, one for each message; ``rate`` come back a second, up to ``burst``."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, now

    def take(self, count: int, now: float) -> int:
        """Take a token for each of ``count`` messages; how many got one."""
        self._fill(now)
        got = min(count, max(0, int(self._tokens)))
        self._tokens -= got
        return got

    def pause(self, count: float, now: float) -> float:
        """Take ``count`` tokens, also those that are not there yet; seconds until they are."""
        self._fill(now)
        self._tokens -= count
        return max(0.0, -self._tokens / self._rate)

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class Buckets:
    """A bucket for each device, of which those longest silent are forgotten first.

    Parameters
    ----------
    rate, burst
        Messages a second, and at once after a silence; ``rate`` 0 = no limit.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self.limited = rate > 0
        self._rate, self._burst = rate, burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, device: str, now: float) -> Bucket:
        bucket = self._buckets.get(device)
        if bucket is None:
            bucket = self._buckets[device] = Bucket(self._rate, self._burst, now)
            if len(self._buckets) > DEVICES_REMEMBERED:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(device)
        return bucket


class Caps:
    """Decides which messages of a group are above the rate of their device.

    Parameters
    ----------
    buckets
        What each device may send.
    device_of
        The device in whose name a topic speaks, or None.
    """

    def __init__(self, buckets: Buckets, device_of: Callable[[str], str | None]) -> None:
        self._buckets, self._device_of = buckets, device_of
        self._incident_at: dict[str, float] = {}

    def shed(self, topics: Sequence[str], now: float) -> tuple[set[int], list[str]]:
        """Which messages of a group are to be shed, by position: the last ones of their device.

        Also the devices whose offence is to be recorded: each at most once an hour.
        """
        above: set[int] = set()
        incidents: list[str] = []
        if not self._buckets.limited:
            return above, incidents
        for topic, count in Counter(topics).items():
            device = self._device_of(topic)
            if device is None:
                continue
            got = self._buckets.of(device, now).take(count, now)
            if got < count:
                places = [place for place, other in enumerate(topics) if other == topic]
                above.update(places[got:])
                if now - self._incident_at.get(device, -INCIDENT_EVERY_S) >= INCIDENT_EVERY_S:
                    self._note_incident(device, now)
                    incidents.append(device)
        return above, incidents

    def _note_incident(self, device: str, now: float) -> None:
        if len(self._incident_at) >= DEVICES_REMEMBERED:
            self._incident_at.clear()
        self._incident_at[device] = now
