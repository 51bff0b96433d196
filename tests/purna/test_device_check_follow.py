"""`purna device check` without a port of its own: what it sees of a device that is at work."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.check import Verdict
from purna.run.bootstrap import Platform as Installation
from purna.run.checking import Check, follow, product_of
from purna.run.migrate import upgrade
from purna.run.settings import load_settings
from tests.embedded_broker import ACCOUNTS, EmbeddedBroker
from tests.ingest.kit import Machine, free_port, wait_for
from tests.simulators.clients.kit import Platform


def telemetry(seq: int, **changed: object) -> bytes:
    ms = time.time_ns() // 1_000_000
    body = {"boot": "b1", "seq": seq, "ts": ms, "m": {"q0": seq}}
    return json.dumps(body | changed).encode()


def found(check: Check) -> dict[str, int]:
    good = (Verdict.PASS, Verdict.UNSEEN)
    return {grade.code: grade.count for grade in check.grades() if grade.verdict not in good}


@contextmanager
def following(check: Check, installation: Installation) -> Iterator[None]:
    stop, listening = threading.Event(), threading.Event()
    thread = threading.Thread(target=follow, args=(check, installation, stop, listening.set))
    thread.start()
    assert listening.wait(20)
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_it_follows_what_the_endpoint_stores_and_what_it_sets_aside(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    password = platform.register("d1")
    platform.start()
    device = Machine(platform.port, "d1", password)
    device.send("purna/v1/d1/telemetry", b"{from before the check}")
    check = Check("d1", product_of(platform.installation, "d1", ""), 1000)
    with following(check, platform.installation):
        device.send("purna/v1/d1/telemetry", telemetry(1))
        device.send("purna/v1/d1/telemetry", telemetry(2)[:-1])
        device.send("purna/v1/d1/telemetry", telemetry(3, u={"q0": "degC"}))
        device.send("purna/v1/d1/telemetry", telemetry(4))
        wait_for(lambda: check.messages >= 4)
    device.close()
    platform.close()
    assert check.messages == 4
    assert found(check) == {"json.syntax": 1, "unit.mismatch": 1}


def test_behind_a_broker_it_sees_all_topics_of_the_device(tmp_path: Path) -> None:
    port = free_port()
    broker = EmbeddedBroker(tmp_path / "broker.toml", ACCOUNTS, port, free_port())
    broker.start()
    data = tmp_path / "data"
    data.mkdir()
    (data / "purna.toml").write_text(
        f'[endpoint]\nenabled = false\n[ingest]\nmqtt_port = {port}\nmqtt_protocol = "3.1.1"\n'
        f'mqtt_username = "platform"\nmqtt_password = "{ACCOUNTS["platform"]}"\n'
    )
    installation = Installation(load_settings(data))
    upgrade(installation.db)
    check = Check("d1", None, 1000)
    device = Machine(port, "devices", ACCOUNTS["devices"])
    with following(check, installation):
        device.send("purna/v1/d1/telemetry", telemetry(1))
        device.send("purna/v1/d1/ack", b'{"boot":"b1","seq":1}')
        device.send("purna/v1/d1/log", b"{}")
        device.send("purna/v1/d2/telemetry", b"of another device")
        wait_for(lambda: check.messages >= 2)
    device.close()
    broker.stop()
    installation.db.close()
    assert check.messages == 2
    assert found(check) == {"topic.unknown": 1}
