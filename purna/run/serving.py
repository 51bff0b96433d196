"""The service process: API, console and scheduled jobs."""

from __future__ import annotations

import socket

import structlog
import uvicorn
from apscheduler.schedulers.background import BackgroundScheduler

from api.app import create_app
from purna.core.errors import AskOperator
from purna.run.bootstrap import Platform
from purna.run.jobs import Jobs

log = structlog.get_logger(__name__)


def serve(platform: Platform) -> None:
    """Serve until a signal ends the process; requests under way are finished."""
    settings = platform.settings.api
    scheduler = make_scheduler(platform)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(platform.services()),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    listener = bound_socket(settings.host, settings.port, "PURNA_API__PORT")
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


def bound_socket(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket.

    Raises
    ------
    AskOperator
        When the port is taken; the sentence names the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise AskOperator(
            "port.busy",
            f"Port {port} on {host} can't be used ({error.strerror}): stop what uses it, "
            f"or choose another with {setting}.",
        ) from error
    return listener
