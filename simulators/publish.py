"""Publishes messages over MQTT and waits until the platform has them on disk.

A broker's acknowledgement means "in my memory"; the platform's ``ack`` topic means "stored". So
telemetry is kept here until that comes, and sent again when it does not, as the firmware contract
asks of a device.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from purna.core.errors import AskOperator, RetryLater
from simulators.encode import TOPIC_ROOT, Message

Answers = Callable[[str, bytes], Sequence[tuple[str, bytes]]]
"""From a device and the payload of a command to topics and payloads of what it says."""

_Stream = tuple[str, str]  # device, boot

_LOOK_EVERY = 0.2


class _Numbers(msgspec.Struct):
    """The part of a telemetry or ``ack`` payload that numbers it."""

    boot: str = ""
    seq: int = -1


_numbers = msgspec.json.Decoder(_Numbers).decode


class Publisher:
    """One connection that publishes for any number of devices at QoS 1.

    Parameters
    ----------
    host, port, username, password
        The broker and an account that may publish for all devices and read their ``ack`` topics.
    client_id
        Must be the only one of this name at the broker.
    window
        At most this many messages wait for the broker's acknowledgement.
    unstored
        At most this many wait for the platform's; then :meth:`publish` waits too. Brokers don't
        slow a publisher down: this keeps a long history from piling up in their memory.
    acks
        Whether to watch the platform's acknowledgements at all.
    resend_after
        Seconds without any progress after which what is not stored is sent again.
    answers
        What devices say to commands; None where these are not heard. Called in the thread of the
        connection.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str = "",
        password: str = "",
        *,
        client_id: str = "purna-fleet",
        window: int = 100,
        unstored: int = 1000,
        acks: bool = True,
        resend_after: float = 10.0,
        answers: Answers | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._window, self._limit, self._acks = window, unstored, acks
        self._resend_after = resend_after
        self._answers = answers
        self._changed = threading.Condition()
        self._sent = self._acknowledged = self._stored = 0
        self._ready = self._dropped = False
        self._refused = ""
        self._unstored: dict[_Stream, dict[int, Message]] = {}
        self._waiting = 0  # messages in _unstored
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv311
        )
        if username:
            client.username_pw_set(username, password)
        client.max_inflight_messages_set(window)
        client.reconnect_delay_set(1, 5)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self._client = client

    def __enter__(self) -> Publisher:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, timeout: float = 10.0) -> None:
        """Connect.

        Raises
        ------
        AskOperator
            ``broker.refused``: the broker does not take the name and password.
        RetryLater
            ``broker.unreachable``: no broker answers within ``timeout`` seconds.
        """
        self._client.connect_async(self._host, self._port, keepalive=30)
        self._client.loop_start()
        try:
            self._until(lambda: self._ready or bool(self._refused), timeout)
        except RetryLater:
            self.stop()
            reason = (
                f"{self._host}:{self._port} closes the connection: are name and password right?"
                if self._dropped
                else f"no broker answers at {self._host}:{self._port}"
            )
            raise RetryLater("broker.unreachable", reason) from None
        if self._refused:
            self.stop()
            raise AskOperator(
                "broker.refused", f"{self._host}:{self._port} refused us: {self._refused}"
            )

    def stop(self) -> None:
        """Disconnect; what is not acknowledged yet stays unsent."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, message: Message, timeout: float = 60.0) -> None:
        """Send; waits while too much is under way.

        Raises
        ------
        RetryLater
            When nothing moves for ``timeout`` seconds; the message is not sent then.
        """
        kind = message.topic.rsplit("/", 1)[-1]
        if self._acks and kind == "telemetry":
            self._until(lambda: self._waiting < self._limit, timeout, resend=True)
            self._remember(message)
        self._send(message, timeout, retain=kind == "status")

    def flush(self, timeout: float = 60.0) -> None:
        """Wait until the broker has acknowledged everything; ``RetryLater`` when it does not."""
        self._until(lambda: self._acknowledged >= self._sent, timeout)

    def wait_stored(self, timeout: float = 60.0) -> None:
        """Wait until the platform has stored, or rejected with a reason, all telemetry.

        Raises
        ------
        RetryLater
            ``platform.silent`` when that takes longer than ``timeout`` seconds.
        """
        self.flush(timeout)
        self._until(lambda: self._waiting == 0, timeout, resend=True)

    # --- the caller's thread -------------------------------------------------------------

    def _send(self, message: Message, timeout: float, retain: bool = False) -> None:
        self._until(lambda: self._sent - self._acknowledged < self._window, timeout)
        with self._changed:
            self._sent += 1
        # Never under our lock: paho calls on_publish while it holds the one that publish needs.
        self._client.publish(message.topic, message.payload, qos=1, retain=retain)

    def _remember(self, message: Message) -> None:
        numbers = _numbers(message.payload)
        if numbers.seq < 0:
            return
        stream = (message.device, numbers.boot)
        with self._changed:
            kept = self._unstored.setdefault(stream, {})
            self._waiting += numbers.seq not in kept
            kept[numbers.seq] = message

    def _until(self, done: Callable[[], bool], timeout: float, resend: bool = False) -> None:
        """Wait for ``done``; the clock starts anew with every progress.

        With ``resend`` that is the platform's progress alone: what is sent again is acknowledged
        by the broker each time.
        """
        moved, progress = time.monotonic(), -1
        resent = moved
        while True:
            with self._changed:
                if done():
                    return
                reached = self._stored if resend else self._acknowledged
                if reached != progress:
                    moved, progress = time.monotonic(), reached
                if time.monotonic() - moved >= timeout:
                    raise RetryLater(
                        "platform.silent",
                        f"{self._sent - self._acknowledged} messages are not acknowledged and "
                        f"{self._waiting} not stored after {timeout:.0f} s",
                    )
                self._changed.wait(min(_LOOK_EVERY, timeout))
                quiet = time.monotonic() - max(moved, resent) >= self._resend_after
                again = (
                    [m for kept in self._unstored.values() for m in kept.values()]
                    if resend and quiet and self._ready
                    else []
                )
            if again:
                resent = time.monotonic()
                for message in again:
                    self._send(message, timeout)

    # --- paho's thread: an exception here would end it silently ---------------------------

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:  # fmt: skip
        if reason.is_failure:
            self._note(refused=str(reason))
            return
        heard = [
            *([f"{TOPIC_ROOT}/+/ack"] if self._acks else []),
            *([f"{TOPIC_ROOT}/+/command"] if self._answers else []),
        ]
        if heard:
            client.subscribe([(name, 1) for name in heard])
        else:
            self._note(ready=True)

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:  # fmt: skip
        refused = next((str(reason) for reason in reasons if reason.is_failure), "")
        self._note(ready=not refused, refused=refused)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:  # fmt: skip
        with self._changed:
            self._ready, self._dropped = False, True

    def _on_publish(
        self, _client: Client, _data: Any, _mid: int, _reason: ReasonCode, _properties: Properties
    ) -> None:
        with self._changed:
            self._acknowledged += 1
            self._changed.notify_all()

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        device, kind = message.topic.split("/")[2:4]
        if kind == "command" and self._answers is not None:
            for topic, payload in self._answers(device, bytes(message.payload)):
                with self._changed:
                    self._sent += 1
                client.publish(topic, payload, qos=1)
            return
        try:
            numbers = _numbers(message.payload)
        except msgspec.MsgspecError:
            return  # not an acknowledgement of ours: what it should have freed is sent again
        stream = (device, numbers.boot)
        with self._changed:
            kept = self._unstored.get(stream, {})
            for seq in [seq for seq in kept if seq <= numbers.seq]:
                del kept[seq]
                self._waiting -= 1
                self._stored += 1
            self._changed.notify_all()

    def _note(self, ready: bool = False, refused: str = "") -> None:
        with self._changed:
            self._ready, self._refused = ready, refused
            self._changed.notify_all()
