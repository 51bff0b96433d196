"""The endpoint section of the settings, read by ``purna.run``; no environment is touched here."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class EndpointSettings(BaseModel):
    """The MQTT server of our own: where it listens, and how much it takes from whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        True, description="Let devices connect to Purna itself; false = take from ingest.mqtt_host"
    )
    host: str = Field("127.0.0.1", description="Address to listen on; loopback unless you decide")
    port: int = Field(8701, ge=0, le=65535, description="Port for MQTT 3.1.1 and 5 without TLS")
    max_connections: int = Field(
        10_000, ge=1, description="More than these are turned away at once"
    )
    max_unproven: int = Field(
        1000,
        ge=1,
        description="Connections that may wait for their user name and password to be checked; "
        "beyond it the one that waits longest goes",
    )
    connect_timeout_s: float = Field(
        10.0, gt=0, description="A connection must have proved who it is within this time"
    )
    max_packet_bytes: int = Field(
        1024 * 1024,
        ge=2048,
        le=268_435_455,
        description="Larger packets end the connection; messages have a limit of their own below",
    )
    receive_maximum: int = Field(
        1000, ge=1, le=65_535, description="Unacknowledged messages of an MQTT 5 client"
    )
    pending_messages: int = Field(
        20_000, ge=1, description="With more messages waiting for the store, reading pauses"
    )
    pending_bytes: int = Field(
        32 * 1024 * 1024, ge=1024, description="With more bytes waiting for it, reading pauses"
    )
    session_hours: float = Field(
        168.0, ge=0, description="A client's session is kept at most this long while it is away"
    )
    queue_limit: int = Field(
        1000, ge=1, description="Messages kept for a client that is away or slow"
    )
    tls_port: int = Field(8883, ge=0, le=65535, description="Port for MQTT over TLS")
    tls_certificate: Path | None = Field(
        None, description="Certificate chain (PEM) of the endpoint; none = no TLS"
    )
    tls_key: Path | None = Field(None, description="Its private key (PEM)")
    tls_client_ca: Path | None = Field(
        None, description="Authority (PEM) of device certificates; none = passwords only"
    )
