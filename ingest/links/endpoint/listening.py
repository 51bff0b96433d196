"""Sockets and certificates to listen with, and one clear sentence when they can't be used."""

from __future__ import annotations

import resource
import socket
import ssl

from ingest.links.endpoint.settings import EndpointSettings
from purna.core.errors import AskOperator

_FILES_BESIDES = 200
"""Open files that a process of ours has besides its connections."""


def listening_socket(host: str, port: int, setting: str) -> socket.socket:
    """A socket on this address, not listening yet.

    Raises
    ------
    AskOperator
        When the port is taken; the sentence names the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # With the protocol named, asyncio switches off Nagle's delay on its connections.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise AskOperator(
            "port.busy",
            f"Port {port} on {host} can't be used ({error.strerror}): stop what uses it, "
            f"or choose another with {setting}.",
        ) from error
    return sock


def allow_connections(count: int) -> int:
    """Let this process open as many sockets, as far as the system lets it; how many that are."""
    wanted = count + _FILES_BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return count if soft == resource.RLIM_INFINITY else min(count, soft - _FILES_BESIDES)


def tls_context(settings: EndpointSettings) -> ssl.SSLContext | None:
    """None when there is no certificate. Raises AskOperator when a file can't be used."""
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        if settings.tls_client_ca is not None:
            context.load_verify_locations(settings.tls_client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
    except OSError as error:  # ssl.SSLError is one
        raise AskOperator(
            "endpoint.tls",
            f"The endpoint's certificate or key can't be used ({error}): check "
            "endpoint.tls_certificate, endpoint.tls_key and endpoint.tls_client_ca.",
        ) from error
    return context
