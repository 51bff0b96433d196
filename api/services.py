"""What the API needs of the rest of Purna, handed over by the one who wires it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from alerts.service import AlertService
from api.auth import Users
from ingest.command_log import SqlCommandLog
from ingest.credentials import SqlCredentials
from ingest.enrolment import Enrolment
from ingest.registry import SqlDeviceRegistry
from models.registry import ModelRegistry
from purna.core.catalogue import Catalogue, Mode
from purna.core.clock import Clock
from purna.core.ports import (
    AssessmentLog,
    GapLog,
    MaintenanceLog,
    Quarantine,
    ReadingStore,
    WaveformStore,
)


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What an operator may set.

    ``hosts`` are the names by which browsers may call the server (the ``Host`` header), without
    port; a request by another name is refused, so that no foreign page can reach a server on
    loopback by rebinding its own name.
    """

    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    stream_poll_seconds: float = 1.0
    stream_heartbeat_seconds: float = 15.0
    stream_life_seconds: float = 600.0


class PlatformClock(Clock, Protocol):
    """The platform's time, which a demonstration lets run faster than real time."""

    @property
    def speed(self) -> float:
        """Platform seconds per real second."""
        ...


class AssessmentFeed(AssessmentLog, Protocol):
    """An assessment log that also tells how far it has come."""

    def position(self) -> int:
        """Of the newest assessment put, 0 before the first."""
        ...


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where devices connect."""

    host: str
    port: int


@dataclass(frozen=True)
class Services:
    """All that :func:`api.app.create_app` needs.

    ``checks`` are asked by ``/healthz``: each raises when its part does not work.
    """

    catalogue: Catalogue
    registry: SqlDeviceRegistry
    credentials: SqlCredentials
    enrolment: Enrolment
    commands: SqlCommandLog
    maintenance: MaintenanceLog
    store: ReadingStore
    waveforms: WaveformStore
    gaps: GapLog
    quarantine: Quarantine
    assessments: AssessmentFeed
    alerts: AlertService
    models: ModelRegistry
    users: Users
    broker: BrokerAddress
    clock: PlatformClock
    mode: Mode
    version: str
    settings: ApiSettings = field(default_factory=ApiSettings)
    checks: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)


def services_of(request: Request) -> Services:
    """The services of the application that serves this request."""
    services: Services = request.app.state.services
    return services


ServicesParam = Annotated[Services, Depends(services_of)]
