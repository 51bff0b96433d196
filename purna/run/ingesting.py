"""The ingest process: from devices, or their broker, into the store."""

from __future__ import annotations

import signal
import sys
import threading

import structlog

from ingest.clock_jumps import ClockJumps
from ingest.counters import Counters
from ingest.disk import DiskGuard
from ingest.downward import Downward
from ingest.links.endpoint.link import EndpointLink
from ingest.quarantine import SqliteQuarantine
from ingest.service import Ingester
from ingest.stores.base import IngestStore
from ingest.stores.gaps import SqliteGapLog
from ingest.stores.waveforms import SqliteWaveformStore
from ingest.stores.write_right import LOCKED, wait_for_right
from ingest.waveform_upkeep import WaveformUpkeep
from models.vibration import indicators_of
from purna.core.errors import AskOperator
from purna.run.bootstrap import Platform
from purna.run.heartbeat import Heartbeat

log = structlog.get_logger(__name__)


def run_ingest(platform: Platform) -> None:
    """Ingest until a signal ends the process; the group at hand is committed first."""
    settings = platform.settings.ingest
    # The thread of the sockets waits half a millisecond for its turn, not five, while the other
    # one is at work: what it has to do takes less.
    sys.setswitchinterval(0.0005)
    stop = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    store = _opened_store(platform, stop)
    if store is None:
        return
    quarantine = SqliteQuarantine(
        platform.folder.quarantine,
        limit=settings.quarantine_limit,
        limit_bytes=settings.quarantine_bytes,
    )
    gaps = SqliteGapLog(platform.readings_file)
    waveforms = SqliteWaveformStore(platform.folder.waveforms)
    waveform_upkeep = WaveformUpkeep(
        waveforms,
        store,
        platform.registry,
        platform.catalogue,
        indicators_of,
        platform.clock,
        retention_days=settings.waveform_retention_days,
        limit_bytes=int(settings.waveform_limit_mb * 2**20),
    )
    counters = Counters()
    link = platform.link()
    heartbeat = Heartbeat(
        platform.folder.heartbeat,
        counters,
        lambda: link.connected,
        link.figures if isinstance(link, EndpointLink) else dict,
    )
    downward = Downward(link, platform.credentials, platform.commands)
    ingester = Ingester(
        link,
        store,
        quarantine,
        platform.registry,
        platform.catalogue,
        platform.clock,
        settings,
        counters,
        decoders=platform.decoders,
        take_result=platform.commands.take_result,
        waveforms=waveforms,
        gaps=gaps,
        shed_above_rate=not platform.settings.endpoint.enabled,
        disk=DiskGuard(platform.folder.path, round(settings.disk_reserve_mb * 1e6)),
        clock_jumps=None if platform.folder.clock.exists() else ClockJumps(),
        chores=[waveform_upkeep.once],
    )

    def each_step() -> None:
        heartbeat.beat()
        downward.pump()

    downward.start()
    try:
        ingester.run(stop, each_step)
    finally:
        downward.stop()
        quarantine.close()
        waveforms.close()
        gaps.close()
        store.close()


def _opened_store(platform: Platform, stop: threading.Event) -> IngestStore | None:
    """The store for writing; in standby as soon as nobody else writes, None when stopped before."""
    while not stop.is_set():
        try:
            return platform.open_for_writing(seal_aside=True)
        except AskOperator as error:
            if error.code != LOCKED or not platform.settings.ingest.standby:
                raise
        log.info("another process ingests: standing by")
        standby = Heartbeat(platform.folder.standby, Counters(), lambda: False)
        wait_for_right(platform.readings_file, standby.beat, stop)
        log.info("taking over")
    return None
