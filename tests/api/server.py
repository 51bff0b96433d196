"""The application behind a real server on loopback, and a client that behaves like the console."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Runs ``app`` in a thread; gives its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.002)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


class Visitor(httpx.Client):
    """Keeps cookies, and sends the CSRF token that the session gave it."""

    def sign_in(self, username: str, password: str) -> httpx.Response:
        answer = self.post("/api/v1/session", json={"username": username, "password": password})
        self.use_session(answer.json())
        return answer

    def use_session(self, session: dict[str, Any]) -> None:
        self.headers["X-CSRF-Token"] = session.get("csrf_token", "")
