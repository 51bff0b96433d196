"""From the command to the first orders: starts the demonstration as a new user would.

Measures the time from `purna demo` on an empty folder until the first proposed visit and the first
proposed part shipment stand in the queue with reason and evidence, stops it with Ctrl-C, starts it
again and checks that it goes on where it stopped. With ``--limit`` seconds it fails when the first
orders come later.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

PAUSE = 20.0
MUCH = timedelta(minutes=90)
"""What passes at the demonstration's speed in less than :data:`PAUSE` seconds."""

PASSWORD = "a long enough passphrase"


class Demo:
    """A running demonstration and a signed-in client of its API."""

    def __init__(self, data: Path) -> None:
        self.port, mqtt = _free_ports(2)
        self.output: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "purna.run.cli", "demo", "--data", str(data)],
            env={
                **os.environ,
                "PURNA_API__PORT": str(self.port),
                "PURNA_ENDPOINT__PORT": str(mqtt),
                "COLUMNS": "200",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)

    def sign_in(self, *, first: bool, until: float) -> None:
        while time.monotonic() < until:
            self.check_running()
            try:
                if first:
                    link = re.search(r"/setup\?token=([\w-]+)", "".join(self.output))
                    if link:
                        body = {
                            "token": link[1],
                            "username": "admin",
                            "name": "Admin",
                            "password": PASSWORD,
                        }
                        self.client.post("/api/v1/setup", json=body).raise_for_status()
                        return
                else:
                    body = {"username": "admin", "password": PASSWORD}
                    self.client.post("/api/v1/session", json=body).raise_for_status()
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        raise SystemExit("could not sign in:\n" + "".join(self.output))

    def orders(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (
            self.client.get("/api/v1/orders", params={"state": "open", "limit": 200})
            .raise_for_status()
            .json()["items"]
        )
        return items

    def now(self) -> datetime:
        """The platform's time."""
        shown = self.client.get("/api/v1/session").raise_for_status().json()["clock"]["now"]
        return datetime.fromisoformat(shown)

    def check_running(self) -> None:
        if self.process.poll() is not None:
            raise SystemExit("the demonstration ended:\n" + "".join(self.output))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=None, help="fail when slower, in seconds")
    limit = parser.parse_args().limit
    with tempfile.TemporaryDirectory(prefix="purna-demo-") as folder:
        data = Path(folder) / "data"
        started = time.monotonic()
        seconds, stopped = _first_orders(data, started, patience=limit or 600)
        _report("first_order.warm_seconds", seconds["visit"], kind="visit")
        _report("first_order.warm_seconds", seconds["shipment"], kind="shipment")
        time.sleep(PAUSE)
        _report("first_order.second_start_seconds", _second_start(data, stopped))
    if limit and max(seconds.values()) > limit:
        raise SystemExit(f"the first orders took longer than {limit:.0f} s")


def _first_orders(data: Path, started: float, patience: float) -> tuple[dict[str, float], datetime]:
    """Seconds to the first order of each kind, and the platform's time when it was stopped."""
    demo = Demo(data)
    try:
        until = started + patience
        demo.sign_in(first=True, until=until)
        seen: dict[str, float] = {}
        while len(seen) < 2:
            demo.check_running()
            if time.monotonic() > until:
                raise SystemExit(f"{list(seen)} after {patience:.0f} s:\n{''.join(demo.output)}")
            for order in demo.orders():
                if order["state"] == "proposed" and order["kind"] not in seen:
                    detail = demo.client.get(f"/api/v1/orders/{order['id']}").json()
                    if detail["reason"]["text"] and detail["evidence"]:
                        seen[order["kind"]] = time.monotonic() - started
            time.sleep(0.5)
        stopped = demo.now()
    except BaseException:
        demo.stop()
        raise
    status = demo.stop()
    if status != 0:
        raise SystemExit(f"Ctrl-C ended with status {status}:\n{''.join(demo.output)}")
    return seen, stopped


def _second_start(data: Path, stopped: datetime) -> float:
    started = time.monotonic()
    demo = Demo(data)
    try:
        demo.sign_in(first=False, until=started + 60)
        if not demo.orders():
            raise SystemExit("the orders of the first start are gone")
        seconds = time.monotonic() - started
        if demo.now() < stopped:
            raise SystemExit("time went backwards over the stop")
        if demo.now() - stopped > MUCH:
            raise SystemExit("time went on while everything was stopped")
        while demo.now() - stopped < MUCH:
            if time.monotonic() > started + 120:
                raise SystemExit("time does not go on after the second start")
            time.sleep(0.5)
    finally:
        demo.stop()
    return seconds


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _report(figure: str, value: float, **more: object) -> None:
    print(json.dumps({"figure": figure, "value": round(value, 1), **more}), flush=True)


if __name__ == "__main__":
    main()
