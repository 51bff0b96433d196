"""The ingest process: from devices, or their broker, into the store."""

from __future__ import annotations

import signal
import threading

from ingest.counters import Counters
from ingest.downward import Downward
from ingest.quarantine import SqliteQuarantine
from ingest.service import Ingester
from ingest.stores import open_store
from ingest.stores.gaps import SqliteGapLog
from ingest.stores.waveforms import SqliteWaveformStore
from ingest.waveform_upkeep import WaveformUpkeep
from models.vibration import indicators_of
from purna.run.bootstrap import Platform
from purna.run.heartbeat import Heartbeat


def run_ingest(platform: Platform) -> None:
    """Ingest until a signal ends the process; the group at hand is committed first."""
    settings = platform.settings.ingest
    stop = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    store = open_store(platform.store_url, seal_aside=True)
    quarantine = SqliteQuarantine(
        platform.folder.quarantine,
        limit=settings.quarantine_limit,
        limit_bytes=settings.quarantine_bytes,
    )
    gaps = SqliteGapLog(platform.gaps_file)
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
    heartbeat = Heartbeat(platform.folder.heartbeat, counters, lambda: link.connected)
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
