"""The endpoint with clients nobody here wrote."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
from typing import Any

import aiomqtt
import gmqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.ingest.kit import wait_for
from tests.ingest.links.endpoint.kit import PASSWORDS, Endpoint

TOPIC = "purna/v1/d1/telemetry"
ANSWERS = "purna/v1/d1/ack"

versions = pytest.mark.parametrize("version", [4, 5], ids=["3.1.1", "5"])
qualities = pytest.mark.parametrize("qos", [0, 1, 2])


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def paho_client(endpoint: Endpoint, version: int, name: str = "d1") -> paho.Client:
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTProtocolVersion(version)
    )
    client.username_pw_set(name, PASSWORDS[name])
    client.connect("127.0.0.1", endpoint.port)
    client.loop_start()
    return client


@versions
@qualities
def test_paho_publishes(endpoint: Endpoint, version: int, qos: int) -> None:
    client = paho_client(endpoint, version)
    for info in [client.publish(TOPIC, payload, qos=qos) for payload in numbered(200)]:
        info.wait_for_publish(10)
    assert endpoint.wait_for(200) == numbered(200)
    assert {message.topic for message in endpoint.taken} == {TOPIC}
    assert {message.source for message in endpoint.taken} == {"d1"}
    client.disconnect()
    client.loop_stop()


@versions
def test_paho_is_answered(endpoint: Endpoint, version: int) -> None:
    client = paho_client(endpoint, version)
    heard: list[Any] = []
    subscribed = threading.Event()
    client.on_message = lambda _c, _d, message: heard.append((message.topic, message.payload))
    client.on_subscribe = lambda *_: subscribed.set()
    client.subscribe([(ANSWERS, 1), ("purna/v1/d1/reject", 2)])
    assert subscribed.wait(10)
    assert endpoint.link.publish(ANSWERS, b"1")
    assert endpoint.link.publish("purna/v1/d2/ack", b"not for us")
    assert endpoint.link.publish("purna/v1/d1/reject", b"2", key="r")
    wait_for(lambda: len(heard) == 2)
    assert heard == [(ANSWERS, b"1"), ("purna/v1/d1/reject", b"2")]
    wait_for(lambda: endpoint.link.delivered() == ["r"])
    client.disconnect()
    client.loop_stop()


@versions
@qualities
def test_gmqtt_publishes_and_is_answered(endpoint: Endpoint, version: int, qos: int) -> None:
    async def session() -> list[tuple[str, bytes]]:
        heard: list[tuple[str, bytes]] = []
        ready, enough = asyncio.Event(), asyncio.Event()
        client = gmqtt.Client("d1")
        client.set_auth_credentials("d1", PASSWORDS["d1"])

        def on_message(_client: Any, topic: str, payload: bytes, *_: Any) -> int:
            heard.append((topic, bytes(payload)))
            enough.set()
            return 0

        client.on_message = on_message
        client.on_subscribe = lambda *_: ready.set()
        await client.connect("127.0.0.1", endpoint.port, version=version)
        client.subscribe(ANSWERS, qos=1)
        await asyncio.wait_for(ready.wait(), 10)
        for payload in numbered(50):
            client.publish(TOPIC, payload, qos=qos)
        await asyncio.to_thread(endpoint.wait_for, 50)
        endpoint.link.publish(ANSWERS, b"50")
        await asyncio.wait_for(enough.wait(), 10)
        await client.disconnect()
        return heard

    assert asyncio.run(session()) == [(ANSWERS, b"50")]
    assert sorted(endpoint.payloads) == sorted(numbered(50))


@versions
@qualities
def test_aiomqtt_publishes_and_is_answered(endpoint: Endpoint, version: int, qos: int) -> None:
    async def session() -> tuple[str, Any]:
        async with aiomqtt.Client(
            "127.0.0.1",
            endpoint.port,
            username="d1",
            password=PASSWORDS["d1"],
            protocol=aiomqtt.ProtocolVersion(version),
        ) as client:
            await client.subscribe(ANSWERS, qos=1)
            for payload in numbered(20):
                await client.publish(TOPIC, payload, qos=qos)
            await asyncio.to_thread(endpoint.wait_for, 20)
            endpoint.link.publish(ANSWERS, b"20")
            async for message in client.messages:
                return str(message.topic), message.payload
        raise AssertionError("nothing came")

    assert asyncio.run(session()) == (ANSWERS, b"20")
    assert endpoint.payloads == numbered(20)


@pytest.mark.mosquitto
@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="no mosquitto clients here")
@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
@qualities
def test_mosquitto_clients_publish_and_are_answered(
    endpoint: Endpoint, version: str, qos: int
) -> None:
    common = [
        *("-h", "127.0.0.1", "-p", str(endpoint.port), "-V", version),
        *("-u", "d1", "-P", PASSWORDS["d1"], "-q", str(qos)),
    ]
    listener = subprocess.Popen(
        ["mosquitto_sub", *common, "-i", "listener", "-t", "purna/v1/d1/#", "-C", "1", "-F", "%j"],
        stdout=subprocess.PIPE,
        text=True,
    )
    subprocess.run(
        ["mosquitto_pub", *common, "-i", "sender", "-t", TOPIC, "-l"],
        input=b"\n".join(numbered(30)),
        check=True,
    )
    assert endpoint.wait_for(30) == numbered(30)

    def answered() -> bool:
        endpoint.link.publish(ANSWERS, b"30")
        return listener.poll() is not None

    wait_for(answered)
    assert listener.stdout is not None
    with listener.stdout as out:
        heard = json.loads(out.readline())
    assert (heard["topic"], heard["payload"]) == (ANSWERS, 30) or heard["payload"] == "30"
