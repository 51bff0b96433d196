"""Firmwares that do what the contract says, each in its own way: nothing is to be found."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable

import cbor2
import numpy as np

from purna.core.clock import SECOND
from tests.ingest.check.rig import Device, Rig

FIRMWARES: list[Callable[[Rig], None]] = []


def firmware(work: Callable[[Rig], None]) -> Callable[[Rig], None]:
    FIRMWARES.append(work)
    return work


def batch(device: Device, count: int = 10, apart_ms: float = 200.0) -> dict[str, object]:
    now = device.now()
    rows = [
        [now - apart_ms * (count - 1 - n), {"temp": round(60 + n / 7 + len(device.sent) / 50, 3)}]
        for n in range(count)
    ]
    return {**device.number(), "r": rows}


@firmware
def single_moments(rig: Rig) -> None:
    rig.device().run()


@firmware
def single_moments_in_version_5(rig: Rig) -> None:
    rig.device(version=5).run()


@firmware
def batches(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: json.dumps(batch(device)).encode())


@firmware
def fast_batches(rig: Rig) -> None:
    device = rig.device()
    device.run(200, step=0.5, make=lambda: json.dumps(batch(device, 50, 10)).encode())


@firmware
def units_of_its_own(rig: Rig) -> None:
    device = rig.device()

    def make() -> bytes:
        values = device.values()
        values = {"temp": values["temp"] * 9 / 5 + 32, "vib": values["vib"] / 25.4}
        return device.message(m=values, u={"temp": "degF", "vib": "in/s"})

    device.run(make=make)


@firmware
def doubts_of_its_own(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(m={"temp": 300 + device.seq}, q={"temp": 1}))


@firmware
def cbor(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: cbor2.dumps(json.loads(device.message())))


@firmware
def cbor_batches_with_a_content_type(rig: Rig) -> None:
    device = rig.device(version=5)
    device.run(make=lambda: cbor2.dumps(batch(device)), content_type="application/cbor")


@firmware
def topic_aliases(rig: Rig) -> None:
    device = rig.device(version=5)
    device.run(1, alias=1)
    device.run(alias=1, known=True)


@firmware
def gzip_bodies(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: gzip.compress(json.dumps(batch(device, 30, 50)).encode()))


def senml(device: Device) -> list[dict[str, object]]:
    return [
        {"bt": device.now() / 1000, "n": "temp", "u": "Cel", "v": device.values()["temp"]},
        {"n": "vib", "u": "m/s", "v": device.values()["vib"] / 1000},
    ]


@firmware
def senml_json(rig: Rig) -> None:
    device = rig.device(version=5)
    kind = "application/senml+json"
    device.run(make=lambda: json.dumps(senml(device)).encode(), content_type=kind)


@firmware
def senml_cbor(rig: Rig) -> None:
    device = rig.device(version=5)
    labels = {"bt": -3, "n": 0, "u": 1, "v": 2}

    def make() -> bytes:
        return cbor2.dumps([{labels[k]: v for k, v in one.items()} for one in senml(device)])

    device.run(make=make, content_type="application/senml+cbor")


@firmware
def waveforms_beside_readings(rig: Rig) -> None:
    device = rig.device()
    for _ in range(5):
        device.run(5)
        samples = (1000 * np.sin(np.arange(2048) / 7)).astype("<i2").tobytes()
        block = {"rate": 25600, "unit": "g", "dtype": "i2", "scale": 0.000488, "samples": samples}
        device.publish(
            "waveform/vib", cbor2.dumps({**device.number(), "ts": device.now(), **block})
        )


@firmware
def events_and_results_of_commands(rig: Rig) -> None:
    device = rig.device()
    for number in range(10):
        device.run(4)
        device.publish("event", json.dumps({"ts": device.now(), "code": f"E{number}"}).encode())
        device.publish("command/result", b'{"id":"7","state":"ok","text":"done"}')


@firmware
def an_hour_without_a_network(rig: Rig) -> None:
    device = rig.device()
    device.run(20)
    device.close()
    waiting = []
    for _ in range(400):
        device.wait(9)
        waiting.append(device.message())
    device.connect()
    for payload in waiting:
        device.wait(0.01)
        device.publish("telemetry", payload)
    device.run(20)


@firmware
def restarts_with_something_left(rig: Rig) -> None:
    device = rig.device(boot="b0001")
    device.run(20)
    device.wait(2)
    left = device.message()
    device.wait(60)
    device.restart("b0002")
    device.publish("telemetry", left)
    device.run(20)
    device.wait(60)
    device.restart("b0003")
    device.run(20)


@firmware
def sends_again_what_was_not_acknowledged(rig: Rig) -> None:
    device = rig.device()
    for _ in range(3):
        device.run(5)
        last = device.sent[-1]
        device.wait(1)
        device.reconnect()
        device.publish("telemetry", last)
        device.wait(60)


@firmware
def a_network_that_delays(rig: Rig) -> None:
    shake = random.Random(3)
    device = rig.device()
    for _ in range(100):
        device.wait(3)
        payload = device.message()
        device.wait(shake.random() * 1.5)
        device.publish("telemetry", payload)


@firmware
def an_ordinary_crystal(rig: Rig) -> None:
    began = rig.clock.now()
    device = rig.device(clock=lambda now: (now + (now - began) * 20e-6) / 1000)
    device.run(200, step=10)


@firmware
def a_clock_that_is_set_by_a_little(rig: Rig) -> None:
    began = rig.clock.now()
    device = rig.device(clock=lambda now: (now + 400_000 * (now > began + 60 * SECOND)) / 1000)
    device.run(60)


@firmware
def a_reading_every_five_minutes(rig: Rig) -> None:
    rig.device(keep_alive=900).run(40, step=300)


@firmware
def a_hole_that_is_filled_later(rig: Rig) -> None:
    device = rig.device()
    device.run(10)
    device.wait(2)
    missing = device.message()
    device.run(10)
    device.publish("telemetry", missing)
    device.run(20)


@firmware
def counting_on_over_restarts(rig: Rig) -> None:
    device = rig.device(boot="b0001")
    device.seq = 4710
    device.run(20)
    seq = device.seq
    device.restart("b0002")
    device.seq = seq
    device.run(20)


@firmware
def one_subscription_for_all_that_is_its_own(rig: Rig) -> None:
    rig.device(subscribe=("#",)).run()


@firmware
def looks_at_the_platforms_state(rig: Rig) -> None:
    rig.device(subscribe=("ack", "reject", "command", "/purna/v1/STATE")).run()
