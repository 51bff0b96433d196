"""A device that sends more than it may is read more slowly: nothing is lost, nobody else waits."""

from __future__ import annotations

from pathlib import Path

from ingest.caps import Buckets
from tests.ingest.links.endpoint import wire
from tests.ingest.links.endpoint.kit import Raw, endpoint_in

D1, D2 = "purna/v1/d1/telemetry", "purna/v1/d2/telemetry"


def flood(topic: str, count: int) -> list[bytes]:
    return [wire.publish(topic, b"%d" % n, qos=1, packet_id=n + 1) for n in range(count)]


def test_a_device_above_its_rate_waits_and_others_do_not(tmp_path: Path) -> None:
    with (
        endpoint_in(tmp_path, Buckets(rate=50.0, burst=20.0)) as endpoint,
        Raw(endpoint.port) as one,
        Raw(endpoint.port) as two,
    ):
        one.connect("d1")
        two.connect("d2")
        one.send(b"".join(flood(D1, 170)))  # three seconds above its burst
        endpoint.wait_for(170)
        one.send(wire.publish(D1, b"late", packet_id=200))
        two.send(wire.publish(D2, b"other"))
        endpoint.wait_for(171)
        assert endpoint.payloads[-1] == b"other"
        endpoint.wait_for(172)
        assert endpoint.payloads[-1] == b"late"


def test_a_fleet_account_is_not_slowed_down(tmp_path: Path) -> None:
    with (
        endpoint_in(tmp_path, Buckets(rate=1.0, burst=1.0)) as endpoint,
        Raw(endpoint.port) as fleet,
    ):
        fleet.connect("fleet")
        for part in range(5):
            fleet.send(*flood(D1, 50))
            endpoint.wait_for(50 * (part + 1))
