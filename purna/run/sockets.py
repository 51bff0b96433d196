"""Sockets to listen on, with one clear sentence when the port is taken."""

from __future__ import annotations

import socket

from purna.core.errors import AskOperator


def bound_socket(host: str, port: int, setting: str) -> socket.socket:
    """A socket on this address, not listening yet.

    Raises
    ------
    AskOperator
        When the port is taken; the sentence names the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # With the protocol named, asyncio switches off Nagle's delay on its connections.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise AskOperator(
            "port.busy",
            f"Port {port} on {host} can't be used ({error.strerror}): stop what uses it, "
            f"or choose another with {setting}.",
        ) from error
    return bound
