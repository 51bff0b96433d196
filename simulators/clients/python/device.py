"""A device in Python: what it has kept on its disk reaches the platform, whatever dies meanwhile.

    DEVICE_PASSWORD=… python device.py HOST PORT DEVICE STATE_FILE < measurements

Each line of input is a telemetry message without its number, ``{"ts": …, "m": {…}}``. A line on
standard output says ``kept BOOT SEQ`` once it is on disk. Needs paho-mqtt alone.

- A message gets its number and goes to disk before anything else happens to it. Only the
  platform's ``ack`` frees it, not PUBACK, which behind a broker means "in memory".
- ``boot`` is new with every start; what an older boot has left goes first, under its own boot.
- Messages go out in order. They go again after a reconnect, and when ``ack`` stays away. A full
  buffer drops its oldest quarter and says so in an event.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

KEEP_ALIVE_S = 30
WINDOW = 100  # messages sent and not acknowledged by the platform
MESSAGE_BYTES = 256 * 1024 - 100  # the contract's limit, less the number
LONGEST_PAUSE_S, LONGEST_RESEND_S = 60.0, 600.0
Commands = Mapping[str, Callable[[Any], str]]


class Buffer:
    """Messages that the platform has not acknowledged, in an SQLite file.

    With a rollback journal and ``synchronous=FULL`` a message survives kill -9 and a power cut
    once :meth:`keep` returns. That takes some fsyncs: put many measurements into one message.
    """

    def __init__(self, path: str, limit: int) -> None:
        self._limit, self._lock = limit, threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.executescript(
            "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL; "
            "CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, "
            "boot TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (boot, seq))"
        )
        self.boot, self._seq = self._new_boot(), 0

    def keep(self, body: str) -> tuple[str, int, int]:
        """Put a message on disk: its boot, its number, and how many were dropped for it."""
        full, insert = self.waiting() >= self._limit, "INSERT INTO message VALUES (NULL, ?, ?, ?)"
        with self._lock:
            with self._db:
                boot, seq, dropped = self._make_room() if full else (self.boot, self._seq, 0)
                self._db.execute(insert, (boot, seq + 1, body))
            self.boot, self._seq = boot, seq + 1  # once it is on disk: no number without message
        return self.boot, self._seq, dropped

    def after(self, message_id: int, limit: int) -> list[tuple[int, str, int, str]]:
        """The oldest messages that are younger than this one: id, boot, seq, body."""
        query = "SELECT id, boot, seq, body FROM message WHERE id > ? ORDER BY id LIMIT ?"
        with self._lock:
            return self._db.execute(query, (message_id, limit)).fetchall()

    def waiting(self, up_to: int = 2**62) -> int:
        """How many messages there are, up to this one."""
        query = "SELECT count(*) FROM message WHERE id <= ?"
        with self._lock:
            return int(self._db.execute(query, (up_to,)).fetchone()[0])

    def free(self, boot: str, seq: int) -> int:
        """Forget the messages of ``boot`` up to number ``seq``; how many they were."""
        delete = "DELETE FROM message WHERE boot = ? AND seq <= ?"
        with self._lock, self._db:
            return self._db.execute(delete, (boot, seq)).rowcount

    def _make_room(self) -> tuple[str, int, int]:
        """Drop the oldest quarter: the boot and number to go on from, and how many there were.

        What is left of a boot that lost some goes on as a boot of its own: its ``ack`` would
        wait for ever at the hole, and nothing behind it would be freed.
        """
        edge = "SELECT id, boot, seq FROM message ORDER BY id LIMIT 1 OFFSET ?"
        first, boot, seq = self._db.execute(edge, (self._limit // 4,)).fetchone()
        dropped = self._db.execute("DELETE FROM message WHERE id < ?", (first,)).rowcount
        fresh = self._new_boot()
        renumber = "UPDATE message SET boot = ?, seq = seq - ? WHERE boot = ?"
        self._db.execute(renumber, (fresh, seq - 1, boot))
        ours = boot == self.boot
        return (fresh, self._seq - seq + 1, dropped) if ours else (self.boot, self._seq, dropped)

    def _new_boot(self) -> str:
        """Grows as a text, so that a later boot wins; the random part outlives a lost file."""
        number = self._db.execute("PRAGMA user_version").fetchone()[0] + 1
        self._db.execute(f"PRAGMA user_version = {number}")
        return f"b{number:08d}-{os.urandom(3).hex()}"


@dataclass(frozen=True)
class Options:
    """Where the platform is and who we are there; ``tls``: files of CA, certificate and key."""

    host: str
    port: int
    device: str
    password: str
    resend_s: float = 20.0
    tls: tuple[str | None, str | None, str | None] | None = None


class Device:
    """Sends what is in the buffer, hears what comes back.

    ``commands`` do what the platform asks: arguments in, a text for the result out; what they
    raise is the text of a failure. ``say`` gets a line for everything worth knowing.
    """

    def __init__(self, options: Options, buffer: Buffer, commands: Commands, say: Any) -> None:
        self._options, self._buffer, self._commands, self._say = options, buffer, commands, say
        self._topic = f"purna/v1/{options.device}/{{}}".format
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._results: dict[str, dict[str, str]] = {}
        self._dropped = self._unanswered = 0
        self._stop, self._until_empty = threading.Event(), False

    def send(self, body: str) -> None:
        """Keep a telemetry message and send it when its turn comes. From any thread."""
        if not body.startswith("{") or len(body.encode()) > MESSAGE_BYTES:
            raise ValueError("not a JSON object within the contract's limit")
        boot, seq, dropped = self._buffer.keep(body)
        self._dropped += dropped
        self._say(f"kept {boot} {seq}")
        self._inbox.put(("kept", None))

    def stop(self, *, when_empty: bool = False) -> None:
        """End now, and what is left waits for the next start; or when nothing is left."""
        self._until_empty = True
        if not when_empty:
            self._stop.set()
        self._inbox.put(("stop", None))

    def run(self) -> None:
        """Connect and stay connected, until stopped."""
        pause = 1.0
        while not self._ended():
            client = self._new_client()
            try:
                client.connect(self._options.host, self._options.port, KEEP_ALIVE_S)
                client.loop_start()
                pause = 1.0 if self._talk(client) else pause
            except OSError as error:  # also what TLS refuses
                self._say(f"no connection: {error}")
            finally:
                client.disconnect()
                client.loop_stop()
            # Devices that lose a platform together must not come back together.
            self._stop.wait(random.uniform(pause / 2, pause))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _ended(self) -> bool:
        return self._stop.is_set() or (self._until_empty and not self._buffer.waiting())

    def _new_client(self) -> paho.Client:
        """A client for one connection: paho's own memory would send messages a second time."""
        options, inbox = self._options, queue.SimpleQueue[tuple[str, Any]]()
        # No clean session: commands that come while we are away are kept for us.
        api = CallbackAPIVersion.VERSION2
        client = paho.Client(api, options.device, False, reconnect_on_failure=False)
        client.username_pw_set(options.device, options.password)
        if options.tls:
            client.tls_set(*options.tls)
        client.will_set(self._topic("status"), '{"online":false}', 1, retain=True)
        # Callbacks run in paho's thread, which an exception would end: they only pass on.
        client.on_connect = lambda _c, _d, _f, reason, _p: inbox.put(("connected", reason))
        client.on_disconnect = lambda _c, _d, _f, reason, _p: inbox.put(("lost", reason))
        client.on_publish = lambda _c, _d, _mid, _r, _p: inbox.put(("puback", None))
        client.on_message = lambda _c, _d, m: inbox.put((m.topic.split("/", 3)[-1], m.payload))
        self._inbox, self._unanswered = inbox, 0
        return client

    def _talk(self, client: paho.Client) -> bool:
        """One connection, until it is lost; whether the platform took us in."""
        ready, sent_up_to, moved = False, 0, time.monotonic()
        resend_s = self._options.resend_s
        while not self._ended():
            try:
                kind, what = self._inbox.get(timeout=min(resend_s, KEEP_ALIVE_S))
            except queue.Empty:
                kind, what = "quiet", None
            if kind == "connected" and not what.is_failure:
                ready, moved = True, time.monotonic()
                client.subscribe([(self._topic(n), 1) for n in ("ack", "reject", "command")])
                hello = {"online": True, "boot": self._buffer.boot, "fw": "1.0"}
                self._publish(client, "status", hello, retain=True)
                self._say("connected")
            elif kind in ("connected", "lost"):
                self._say(f"no connection: {what}")
                return ready
            elif kind == "puback":
                self._unanswered -= 1
            elif kind == "ack":
                boot, seq = _object(what).get("boot"), _object(what).get("seq")
                if isinstance(seq, int) and self._buffer.free(str(boot), seq):
                    moved, resend_s = time.monotonic(), self._options.resend_s
                    self._say(f"freed {boot} {seq}")
            elif kind == "reject":
                # ack goes on over what was refused: nothing to do, but somebody should read it.
                self._say(f"reject {_object(what).get('code')} {_object(what).get('hint')}")
            elif kind == "command":
                self._obey(client, _object(what))
            if not ready:
                continue
            if self._dropped:
                self._say(f"dropped {self._dropped}")
                now, text = round(time.time() * 1000), f"{self._dropped} messages dropped"
                self._publish(client, "event", {"ts": now, "code": "buffer.full", "text": text})
                self._dropped = sent_up_to = 0  # what is left has new numbers
            flying = self._buffer.waiting(sent_up_to)
            if not flying:
                moved = time.monotonic()
            elif time.monotonic() - moved > resend_s and self._unanswered <= 0:
                # A broker has them and the platform does not say so: again, ever more rarely.
                self._say("resend")
                moved, resend_s = time.monotonic(), min(resend_s * 2, LONGEST_RESEND_S)
                sent_up_to = flying = 0
            for row in self._buffer.after(sent_up_to, max(0, WINDOW - flying)):
                sent_up_to, boot, seq, body = row
                self._publish(client, "telemetry", f'{{"boot":"{boot}","seq":{seq},{body[1:]}')
        self._publish(client, "status", {"online": False}, retain=True)
        return ready

    def _publish(self, client: paho.Client, kind: str, what: Any, retain: bool = False) -> None:
        payload = what if isinstance(what, str) else json.dumps(what)
        client.publish(self._topic(kind), payload, 1, retain)
        self._unanswered += 1

    def _obey(self, client: paho.Client, command: dict[str, Any]) -> None:
        """A command that comes again is answered again, not done again."""
        name, key = str(command.get("name")), str(command.get("id"))
        if key not in self._results:
            self._say(f"command {key} {name}")
            self._publish(client, "command/result", {"id": key, "state": "received"})
            late = command.get("expires", 2**53) < time.time() * 1000
            do = None if late else self._commands.get(name)
            try:
                state, text = ("ok", do(command.get("args"))) if do else ("failed", "late or new")
            except Exception as error:
                state, text = "failed", str(error)
            self._results[key] = {"id": key, "state": state, "text": text}
            if len(self._results) > 32:
                del self._results[next(iter(self._results))]
        self._publish(client, "command/result", self._results[key])


def _object(payload: bytes) -> dict[str, Any]:
    with suppress(ValueError, TypeError):
        return dict(json.loads(payload))
    return {}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in (("host", str), ("port", int), ("device", str), ("state", str)):
        parser.add_argument(name, type=kind)
    parser.add_argument("--limit", type=int, default=10_000, help="messages kept at most")
    parser.add_argument("--resend-s", type=float, default=20.0)
    parser.add_argument("--tls", action="store_true")
    for name in ("--ca", "--cert", "--key"):
        parser.add_argument(name)
    given = vars(parser.parse_args())
    files = (given.pop("ca"), given.pop("cert"), given.pop("key"))
    given["tls"] = files if given["tls"] else None

    def read_input() -> None:
        for line in sys.stdin:
            device.send(line.strip())
        device.stop(when_empty=True)

    buffer = Buffer(given.pop("state"), given.pop("limit"))
    options = Options(password=os.environ["DEVICE_PASSWORD"], **given)
    device = Device(options, buffer, {"ping": lambda _args: "pong"}, partial(print, flush=True))
    signal.signal(signal.SIGTERM, lambda *_: device.stop())
    threading.Thread(target=read_input, daemon=True).start()
    device.run()


if __name__ == "__main__":
    main()
