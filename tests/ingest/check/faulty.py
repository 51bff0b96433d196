"""Firmwares with one fault each, by the code that has to name it.

``also`` are findings that come with the fault by its nature.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import NamedTuple

from tests.ingest.check.rig import DEVICE, Rig


class Faulty(NamedTuple):
    """A firmware with the code of its fault."""

    code: str
    work: Callable[[Rig], None]
    also: frozenset[str] = frozenset()


FIRMWARES: list[Faulty] = []


def firmware(code: str, *also: str) -> Callable[[Callable[[Rig], None]], Callable[[Rig], None]]:
    def add(work: Callable[[Rig], None]) -> Callable[[Rig], None]:
        FIRMWARES.append(Faulty(code, work, frozenset(also)))
        return work

    return add


# --- time ---


@firmware("ts.seconds")
def counts_seconds(rig: Rig) -> None:
    rig.device(clock=lambda now: now // 1_000_000).run()


@firmware("ts.microseconds")
def counts_microseconds(rig: Rig) -> None:
    rig.device(clock=lambda now: now).run()


@firmware("ts.range")
def counts_since_its_start(rig: Rig) -> None:
    rig.device(clock=lambda now: now // 1000 % 1_000_000).run()


@firmware("ts.future")
def has_the_clock_of_the_wrong_zone(rig: Rig) -> None:
    rig.device(clock=lambda now: now / 1000 + 7 * 3_600_000).run()


@firmware("clock.off")
def has_a_clock_twenty_seconds_ahead(rig: Rig) -> None:
    rig.device(clock=lambda now: now / 1000 + 20_000).run()


@firmware("clock.off")
def has_a_clock_an_hour_behind(rig: Rig) -> None:
    rig.device(clock=lambda now: now / 1000 - 3_600_000).run()


@firmware("clock.drift")
def has_a_bad_crystal(rig: Rig) -> None:
    began = rig.clock.now()
    rig.device(clock=lambda now: (now + (now - began) * 0.004) / 1000).run(80)


@firmware("clock.jump")
def sets_its_clock_while_it_runs(rig: Rig) -> None:
    began = rig.clock.now()
    rig.device(clock=lambda now: (now - 40_000_000 * (now < began + 80_000_000)) / 1000).run(80)


# --- contents ---


@firmware("unit.mismatch")
def sends_amperes_for_a_temperature(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(u={"temp": "A"}))


@firmware("unit.unknown")
def spells_a_unit_its_own_way(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(u={"temp": "celsius"}))


@firmware("quantity.unknown")
def spells_a_quantity_its_own_way(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(m={**device.values(), "temperature": 61.5}))


@firmware("value.range")
def sends_raw_counts(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(m={"temp": device.values()["temp"] * 100}))


@firmware("value.stuck")
def has_a_sensor_that_stands_still(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(m={**device.values(), "temp": 61.5}))


@firmware("value.not_finite")
def sends_nan(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(m={"temp": float("nan")}))


@firmware("value.not_finite")
def sends_infinity(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(m={"temp": float("inf")}))


@firmware("json.duplicate_key")
def sends_a_key_twice(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message().replace(b'"vib"', b'"temp"'))


@firmware("json.encoding")
def writes_latin_1(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message().replace(b'"temp"', '"temp\xb0"'.encode("latin-1")))


@firmware("json.bom")
def begins_with_a_byte_order_mark(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: b"\xef\xbb\xbf" + device.message())


@firmware("json.syntax")
def leaves_a_comma_at_the_end(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message()[:-1] + b",}")


@firmware("field.type")
def sends_numbers_as_texts(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(m={"temp": "61.5"}))


@firmware("field.unknown")
def adds_a_field_of_its_own(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(rssi=-71))


@firmware("size.limit")
def sends_far_too_much(rig: Rig) -> None:
    device = rig.device()
    device.run(3, make=lambda: device.message(note="x" * 300_000))


@firmware("values.limit")
def sends_too_many_values(rig: Rig) -> None:
    device = rig.device()
    device.run(
        3,
        step=600,
        make=lambda: device.message(
            ts=None,
            m=None,
            r=[[device.now() - 1000 * n, {"temp": 60 + n / 100}] for n in range(1001)],
        ),
    )


# --- numbers ---


@firmware("seq.missing")
def does_not_number(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(boot=None, seq=None))


@firmware("numbering.incomplete")
def numbers_without_a_boot(rig: Rig) -> None:
    device = rig.device()
    device.run(make=lambda: device.message(boot=None))


@firmware("seq.gap")
def drops_messages(rig: Rig) -> None:
    device = rig.device()
    device.run(10)
    device.seq += 3
    device.run(30)


@firmware("seq.reset")
def begins_to_count_again(rig: Rig) -> None:
    device = rig.device()
    device.run(20)
    device.seq = 0
    device.run(10)


@firmware("seq.conflict")
def counts_every_other_message(rig: Rig) -> None:
    device = rig.device()

    def make() -> bytes:
        device.seq -= len(device.sent) % 2
        return device.message()

    device.run(make=make)


@firmware("boot.reused")
def has_the_same_boot_after_a_restart(rig: Rig) -> None:
    device = rig.device()
    device.run(20)
    device.restart("b1")
    device.run(20)


@firmware("boot.reused")
def has_two_boots_in_turn(rig: Rig) -> None:
    device = rig.device()
    for boot in ("b1", "b2", "b1"):
        device.restart(boot)
        device.run(10)


@firmware("ack.ignored")
def sends_everything_again_and_again(rig: Rig) -> None:
    device = rig.device()
    device.run(10)
    device.wait_acked()
    telemetry = [payload for payload in device.sent if b'"seq"' in payload]
    for _ in range(2):
        device.wait(30)
        for payload in telemetry:
            device.publish("telemetry", payload)


@firmware("reject.ignored", "field.type")
def insists_on_what_was_refused(rig: Rig) -> None:
    device = rig.device()
    device.run(5)
    refused = device.message(m={"temp": "hot"})
    for _ in range(6):
        device.wait(10)
        device.publish("telemetry", refused)


# --- MQTT ---


@firmware("qos.zero")
def publishes_at_qos_0(rig: Rig) -> None:
    rig.device().run(qos=0)


@firmware("qos.two")
def publishes_at_qos_2(rig: Rig) -> None:
    rig.device().run(qos=2)


@firmware("retain.telemetry")
def retains_its_telemetry(rig: Rig) -> None:
    rig.device().run(retain=True)


@firmware("retain.status")
def does_not_retain_its_status(rig: Rig) -> None:
    rig.device(status_retained=False).run()


@firmware("status.missing")
def has_no_status(rig: Rig) -> None:
    rig.device(status=False).run()


@firmware("will.missing")
def has_no_will(rig: Rig) -> None:
    rig.device(will=None).run()


@firmware("will.wrong")
def has_a_will_that_says_online(rig: Rig) -> None:
    rig.device(will=("status", b'{"online":true}', True)).run()


@firmware("will.wrong")
def has_a_will_on_another_topic(rig: Rig) -> None:
    rig.device(will=("lwt", b'{"online":false}', True)).run()


@firmware("keepalive.off")
def has_no_keep_alive(rig: Rig) -> None:
    rig.device(keep_alive=0).run()


@firmware("keepalive.length")
def pings_every_second(rig: Rig) -> None:
    rig.device(keep_alive=1).run()


@firmware("session.clean")
def forgets_its_session(rig: Rig) -> None:
    rig.device(clean=True).run()


@firmware("session.clean")
def forgets_its_session_in_version_5(rig: Rig) -> None:
    rig.device(clean=True, version=5).run()


@firmware("client.random")
def makes_up_a_client_id_each_time(rig: Rig) -> None:
    for number in range(4):
        device = rig.device(client=f"esp-{number * 7919:06x}", boot=f"b{number}")
        device.run(10, step=10)
        device.close()


@firmware("connect.loop")
def reconnects_in_a_loop(rig: Rig) -> None:
    device = rig.device()
    for _ in range(8):
        device.run(1)
        device.reconnect()


@firmware("mqtt.malformed")
def does_not_speak_mqtt(rig: Rig) -> None:
    rig.device().run(10)
    with socket.create_connection(("127.0.0.1", rig.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(100) == b""


@firmware("subscribe.wildcard")
def listens_to_everything(rig: Rig) -> None:
    rig.device(subscribe=("ack", "reject", "command", "/#")).run()


@firmware("subscribe.wildcard")
def listens_to_everybodys_commands(rig: Rig) -> None:
    rig.device(subscribe=("ack", "reject", "/purna/v1/+/command")).run()


@firmware("subscribe.other")
def listens_to_another_device(rig: Rig) -> None:
    rig.device(subscribe=("ack", "reject", "command", "/purna/v1/d2/command")).run()


@firmware("subscribe.none")
def does_not_listen_to_ack(rig: Rig) -> None:
    rig.device(subscribe=("command",)).run()


@firmware("topic.other")
def speaks_for_another_device(rig: Rig) -> None:
    device = rig.device()
    device.run(10)
    device.publish("/purna/v1/d2/telemetry", device.message())
    device.seq -= 1
    device.run(10)


@firmware("topic.unknown")
def publishes_where_nobody_listens(rig: Rig) -> None:
    device = rig.device()
    device.run(10)
    device.publish("log", b'{"text":"hello"}')


@firmware("topic.unknown")
def publishes_outside_the_contract(rig: Rig) -> None:
    device = rig.device()
    device.run(10)
    device.publish("/tele/d1/STATE", b'{"Uptime":"1T00:00:00"}')


@firmware("topic.platform")
def acknowledges_itself(rig: Rig) -> None:
    device = rig.device()
    device.run(10)
    device.publish("ack", json.dumps({"boot": "b1", "seq": 10}).encode())


# --- load ---


def pair(rig_device: object, now: float) -> list[list[object]]:
    return [[now - 10 + n * 10, {"temp": 60 + (now % 1000) / 100 + n}] for n in range(2)]


@firmware("rate.limit")
def floods(rig: Rig) -> None:
    device = rig.device()
    device.run(
        1300,
        step=0.04,
        make=lambda: device.message(ts=None, m=None, r=pair(device, device.now())),
    )


@firmware("batch.small")
def sends_every_moment_alone(rig: Rig) -> None:
    rig.device().run(150, step=0.5)


assert DEVICE == "d1"
