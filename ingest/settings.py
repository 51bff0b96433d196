"""The ingest section of the settings, read by ``purna.run``; no environment is touched here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Protocol = Literal["auto", "5", "3.1.1"]


class IngestSettings(BaseModel):
    """How readings come in and what is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_url: str = Field(
        "",
        description="Where readings are read from: empty = the file in the data folder, "
        "sqlite:///path = another file, influx://TOKEN@host:8086/org/bucket = InfluxDB 2, to which "
        "the forwarder sends on what the file has",
    )
    mqtt_host: str = Field("127.0.0.1", description="Broker to take readings from")
    mqtt_port: int = Field(1883, ge=1, le=65535, description="Port of the broker")
    mqtt_port_v5: int = Field(
        0, ge=0, le=65535, description="Its port for MQTT 5 when that is another one; 0 = the same"
    )
    mqtt_protocol: Protocol = Field(
        "auto", description="MQTT version: 5, 3.1.1, or auto = 5, and 3.1.1 where 5 is refused"
    )
    mqtt_username: str = Field("", description="User name at the broker; empty = none")
    mqtt_password: SecretStr = Field(SecretStr(""), description="Password at the broker")
    mqtt_client_id: str = Field(
        "purna-ingest",
        min_length=1,
        max_length=64,
        description="Client id; the broker keeps the session under it while we are away",
    )
    mqtt_tls: bool = Field(False, description="Encrypt the connection to the broker")
    mqtt_ca_file: Path | None = Field(
        None, description="Certificates to trust for it; none = the system's"
    )
    mqtt_session_hours: float = Field(
        168.0, gt=0, description="How long an MQTT 5 broker keeps our session while we are away"
    )
    mqtt_keepalive_s: int = Field(30, ge=5, le=3600, description="Seconds between signs of life")
    share_group: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="Several ingesters with the same group split the load ($share); empty = alone",
    )
    sparkplug_host: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="Our host id in Sparkplug B, under spBv1.0/STATE/; empty = take no Sparkplug",
    )
    group_size: int = Field(
        5000, ge=1, description="At most this many messages are committed together"
    )
    group_wait_ms: float = Field(
        2.0, ge=0, description="Wait this long for more messages before committing a small group"
    )
    device_rate: float = Field(
        1000.0, ge=0, description="Messages a second that one device may send; 0 = no limit"
    )
    device_burst: float = Field(
        60_000.0, ge=1, description="Messages that a device may send at once after a silence"
    )
    gap_after_s: float = Field(
        30.0, ge=0, description="Name a hole in a device's numbering that lasts this long"
    )
    ack_start_s: float = Field(
        5.0,
        ge=0,
        description="Wait this long for lower numbers when a boot is first heard of in the middle",
    )
    future_limit_s: float = Field(
        300.0, gt=0, description="Readings further in the future than this are set aside"
    )
    retention_days: float = Field(
        0.0,
        ge=0,
        description="Readings older than this are refused and removed; 0 = no limit. A quantity "
        "of the catalogue may have a limit of its own",
    )
    rollup_retention_days: float = Field(
        0.0,
        ge=0,
        description="Roll-ups by the hour of removed readings are kept for this long; 0 = no limit",
    )
    waveform_retention_days: float = Field(
        90.0, ge=0, description="Waveforms older than this are removed; 0 = no limit"
    )
    waveform_limit_mb: float = Field(
        2048.0, ge=0, description="Keep this much of waveforms, the newest ones; 0 = no limit"
    )
    quarantine_limit: int = Field(
        10_000, ge=1, description="Keep this many refused messages, the newest ones"
    )
    quarantine_bytes: int = Field(
        64 * 1024 * 1024, ge=1024, description="Keep this many bytes of refused messages"
    )
    ack_interval_ms: float = Field(
        500.0, ge=0, description="Tell a device at most this often what has been stored"
    )
    reject_interval_s: float = Field(
        1.0, ge=0, description="Tell a device at most this often what was wrong"
    )
    registry_refresh_s: float = Field(
        60.0, gt=0, description="Look known devices up again after this time"
    )
    unknown_refresh_s: float = Field(
        2.0, gt=0, description="Look an unknown device up again after this time"
    )
    retry_max_s: float = Field(
        30.0, gt=0, description="Longest pause between tries when store or broker fail"
    )
    disk_reserve_mb: float = Field(
        256.0,
        ge=0,
        description="Take nothing in while less than this is free on the disk; 0 = do not watch",
    )
    standby: bool = Field(
        False,
        description="Wait while another ingest process writes to the store, and take over when it "
        "ends; false = refuse to start",
    )
    seal_rows: int = Field(
        500_000, ge=1, description="Compress the log into chunks when it has this many readings"
    )
