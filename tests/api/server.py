"""The application behind a real server on loopback, and a client that behaves like the console."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


class Server:
    """A server in a thread; ``app`` may be exchanged while it runs."""

    app: ASGIApp

    def __enter__(self) -> Server:
        # Named TCP, or asyncio leaves Nagle's algorithm on: 40 ms for every answer.
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        while not self._server.started:
            time.sleep(0.002)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Visitor(httpx.Client):
    """Keeps cookies, and sends the CSRF token that the session gave it."""

    def __init__(self, **options: Any) -> None:
        # To read the authorities for TLS, which is not spoken here, takes longer than most tests.
        super().__init__(verify=False, **options)

    def sign_in(self, username: str, password: str) -> httpx.Response:
        answer = self.post("/api/v1/session", json={"username": username, "password": password})
        self.use_session(answer.json())
        return answer

    def use_session(self, session: dict[str, Any]) -> None:
        self.headers["X-CSRF-Token"] = session.get("csrf_token", "")
