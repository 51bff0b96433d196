"""The service process: API, console and scheduled jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import uvicorn
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text

from api.app import create_app
from api.services import ApiSettings, BrokerAddress, Services
from ingest.links.endpoint.figures import families
from ingest.links.endpoint.listening import listening_socket
from purna import __version__
from purna.core.errors import RetryLater
from purna.run.bootstrap import Platform
from purna.run.forwarding import last_forwarding
from purna.run.heartbeat import last_beat, silence
from purna.run.jobs import Jobs
from purna.run.people import users_of

_INGEST_SILENT = 15.0


def serve(platform: Platform) -> None:
    """Serve until a signal ends the process; requests and jobs under way are finished.

    Raises
    ------
    AskOperator
        When the port is taken.
    """
    settings = platform.settings.api
    listener = listening_socket(settings.host, settings.port, "PURNA_API__PORT")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(services_of(platform)),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )
    scheduler = make_scheduler(platform)
    scheduler.start()
    try:
        server.run(sockets=[listener])
    finally:
        scheduler.shutdown(wait=True)


def make_scheduler(platform: Platform) -> BackgroundScheduler:
    """The jobs with their intervals; a job never runs beside itself, and missed runs are one."""
    jobs, every = Jobs(platform), platform.settings.schedule
    scheduler = BackgroundScheduler(
        timezone="UTC",
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
    scheduler.add_job(jobs.score_and_decide, "interval", seconds=every.score_seconds)
    scheduler.add_job(jobs.send, "interval", seconds=every.outbox_seconds)
    scheduler.add_job(jobs.prune, "interval", hours=1)
    return scheduler


def services_of(platform: Platform) -> Services:
    """What the API works on."""
    metrics = CollectorRegistry()
    metrics.register(_IngestCounters(platform))
    if platform.forwards:
        metrics.register(_Forwarding(platform))
    return Services(
        catalogue=platform.catalogue,
        registry=platform.registry,
        credentials=platform.credentials,
        enrolment=platform.enrolment,
        commands=platform.commands,
        maintenance=platform.maintenance,
        store=platform.store,
        waveforms=platform.waveforms,
        gaps=platform.gaps,
        quarantine=platform.quarantine,
        assessments=platform.assessments,
        alerts=platform.alerts,
        models=platform.models,
        broker=BrokerAddress(*platform.mqtt_address),
        users=users_of(platform),
        clock=platform.clock,
        mode=platform.settings.alerts.mode,
        version=__version__,
        settings=ApiSettings(hosts=platform.settings.api.allowed_hosts),
        checks=_checks(platform),
        metrics=metrics,
    )


def _checks(platform: Platform) -> Mapping[str, Callable[[], None]]:
    def database() -> None:
        with platform.db.read() as session:
            session.execute(text("SELECT 1"))

    def store() -> None:
        platform.store.span()

    def ingest() -> None:
        silent = silence(platform.folder.heartbeat)
        if silent > _INGEST_SILENT:
            raise RetryLater("ingest.silent", f"no progress for {silent:.0f} s")

    return {"database": database, "store": store, "ingest": ingest}


class _IngestCounters(Collector):
    """The ingest process's counters as of its last heartbeat, for ``/metrics``."""

    def __init__(self, platform: Platform) -> None:
        self._heartbeat = platform.folder.heartbeat

    def collect(self) -> Iterator[Metric]:
        beat = last_beat(self._heartbeat)
        if beat is not None:
            yield from beat.families()
            yield from families(beat.endpoint)


class _Forwarding(Collector):
    """The forwarder's state as of its last note, for ``/metrics``."""

    def __init__(self, platform: Platform) -> None:
        self._path = platform.folder.forwarding

    def collect(self) -> Iterator[Metric]:
        state = last_forwarding(self._path)
        if state is None:
            return
        yield CounterMetricFamily("purna_forward_sent", "Readings sent on", value=state.sent)
        yield CounterMetricFamily(
            "purna_forward_refused",
            "Rows that the other store will never take",
            value=state.refused,
        )
        yield GaugeMetricFamily(
            "purna_forward_waiting", "Readings to be sent on", value=state.waiting
        )
        yield GaugeMetricFamily(
            "purna_forward_trouble", "Whether something holds it up", value=bool(state.trouble)
        )
