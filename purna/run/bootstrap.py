"""The only wiring: builds stores, links and services from settings, each on first use.

What a part needs is imported where it is built: the ingest process has no use for scikit-learn,
and a start should not wait for what is not used.
"""

from __future__ import annotations

import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from purna.core.catalogue import Catalogue
from purna.core.clock import SystemClock
from purna.core.ids import TimeOrderedIds
from purna.core.ports import ReadingStore, WaveformStore
from purna.run.catalogue import load_catalogue
from purna.run.clock import FileClock
from purna.run.folder import DataFolder
from purna.run.keys import instance_key
from purna.run.settings import Settings

if TYPE_CHECKING:
    from alerts.maintenance import SqlMaintenanceLog
    from alerts.outbox import Outbox
    from alerts.service import AlertService
    from ingest.command_log import SqlCommandLog
    from ingest.credentials import SqlCredentials
    from ingest.enrolment import Enrolment
    from ingest.links.base import Link
    from ingest.links.endpoint.accounts import Account
    from ingest.payloads import Decoders
    from ingest.payloads.foreign import Find
    from ingest.quarantine import SqliteQuarantine
    from ingest.registry import SqlDeviceRegistry
    from ingest.stores.gaps import SqliteGapLog
    from ingest.stores.sqlite import SqliteReadingStore
    from models.assessments import SqlAssessmentLog
    from models.registry import ModelRegistry
    from purna.db.engine import Database


LOOPBACK = "127.0.0.1"


class Platform:
    """One installation: its settings, its data folder and everything that works on them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = DataFolder(settings.data_dir)
        self.clock = FileClock(self.folder.clock)
        self.ids = TimeOrderedIds(self.clock)

    # Service data

    @cached_property
    def db(self) -> Database:
        from purna.db.engine import Database

        return Database(self.database_url)

    @property
    def database_url(self) -> str:
        return self.settings.database_url or f"sqlite:///{self.folder.path / 'service.sqlite'}"

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue(self.folder.catalogue)

    @cached_property
    def registry(self) -> SqlDeviceRegistry:
        from ingest.registry import SqlDeviceRegistry

        return SqlDeviceRegistry(self.db)

    @cached_property
    def credentials(self) -> SqlCredentials:
        """What devices prove themselves with."""
        from ingest.credentials import SqlCredentials

        return SqlCredentials(self.db)

    @cached_property
    def enrolment(self) -> Enrolment:
        """How devices get into the registry."""
        from ingest.enrolment import Enrolment

        real = SystemClock()
        return Enrolment(self.db, self.catalogue, self.clock, real, TimeOrderedIds(real))

    @cached_property
    def commands(self) -> SqlCommandLog:
        """Commands to devices; they live by the computer's clock, like the devices."""
        from ingest.command_log import SqlCommandLog

        clock = SystemClock()
        return SqlCommandLog(self.db, clock, TimeOrderedIds(clock))

    @cached_property
    def maintenance(self) -> SqlMaintenanceLog:
        from alerts.maintenance import SqlMaintenanceLog

        return SqlMaintenanceLog(self.db)

    @cached_property
    def assessments(self) -> SqlAssessmentLog:
        from models.assessments import SqlAssessmentLog

        return SqlAssessmentLog(self.db)

    @cached_property
    def models(self) -> ModelRegistry:
        from models.registry import ModelRegistry

        return ModelRegistry(self.db, self.folder.models, instance_key(self.folder.path))

    @cached_property
    def alerts(self) -> AlertService:
        from alerts.service import AlertService

        return AlertService(
            self.db, self.registry, self.catalogue, self.clock, self.ids, self.settings.alerts
        )

    @cached_property
    def outbox(self) -> Outbox:
        from alerts.dispatch import receivers
        from alerts.outbox import Outbox

        alerts = self.settings.alerts
        return Outbox(self.db, receivers(alerts), self.clock, alerts.send_attempts)

    # Readings

    @property
    def readings_file(self) -> Path:
        """The file into which the ingest process stores all readings."""
        scheme, _, path = self.settings.ingest.store_url.partition(":///")
        return Path(path) if scheme == "sqlite" else self.folder.path / "readings.sqlite"

    @property
    def forwards(self) -> bool:
        """Whether all readings are sent on to another store, from which they are read."""
        return self.settings.ingest.store_url.startswith("influx")

    @property
    def store_url(self) -> str:
        """Where readings are read from."""
        return self.settings.ingest.store_url or self.readings_url

    @property
    def readings_url(self) -> str:
        return f"sqlite:///{self.readings_file}"

    @cached_property
    def store(self) -> ReadingStore:
        """The reading store for looking; only the ingest process opens the file for writing."""
        from ingest.stores import open_store

        return open_store(self.store_url, read_only=True)

    def open_for_writing(self, *, seal_aside: bool = False) -> SqliteReadingStore:
        """The readings' file for whoever stores: one process at a time."""
        from ingest.forwarding import CursorFile
        from ingest.stores.sqlite import SqliteReadingStore

        cursor = CursorFile(self.folder.forwarded)
        return SqliteReadingStore(
            self.readings_file,
            seal_aside=seal_aside,
            forwarded=(lambda: cursor.read().entry) if self.forwards else None,
        )

    @cached_property
    def local_store(self) -> ReadingStore:
        """The file of the ingest process, for looking; the same as ``store`` without forwarding."""
        from ingest.stores import open_store

        return open_store(self.readings_url, read_only=True) if self.forwards else self.store

    @cached_property
    def waveforms(self) -> WaveformStore:
        """The waveform store for looking; only the ingest process opens it for writing."""
        from ingest.stores.waveforms import SqliteWaveformStore

        return SqliteWaveformStore(self.folder.waveforms, read_only=True)

    @cached_property
    def quarantine(self) -> SqliteQuarantine:
        """The quarantine for looking."""
        from ingest.quarantine import SqliteQuarantine

        return SqliteQuarantine(self.folder.quarantine, read_only=True)

    @cached_property
    def gaps(self) -> SqliteGapLog:
        """The gaps in the devices' numbering, for looking."""
        from ingest.stores.gaps import SqliteGapLog

        return SqliteGapLog(self.readings_file, read_only=True)

    # MQTT

    def decoders(self, find: Find | None = None) -> Decoders:
        """What reads messages; ``find`` looks a device up where that matters."""
        from ingest.payloads import Decoders
        from purna.run.catalogue import load_mappings

        sparkplug = bool(self.settings.ingest.sparkplug_host)
        return Decoders(find, load_mappings(self.folder.mappings), sparkplug=sparkplug)

    def link(self) -> Link:
        """What brings messages in: the endpoint of our own, or the client of a broker."""
        decoders, ingest = self.decoders(), self.settings.ingest
        if not self.settings.endpoint.enabled:
            from ingest.links.mqtt import MqttLink
            from ingest.state import state_messages

            return MqttLink(
                ingest,
                decoders.subscriptions(ingest.share_group),
                lambda online: state_messages(online, self.clock.now(), ingest.sparkplug_host),
            )
        from ingest.caps import Buckets
        from ingest.links.endpoint.access import Access
        from ingest.links.endpoint.accounts import accounts_in
        from ingest.links.endpoint.link import EndpointLink

        access = Access(
            self.credentials,
            self.registry.behind,
            accounts_in(self.folder.accounts),
            secrets.token_bytes(32),
            decoders.device_of,
        )
        return EndpointLink(
            self.settings.endpoint,
            access,
            self.folder.sessions,
            self.clock.now,
            ingest.sparkplug_host,
            Buckets(ingest.device_rate, ingest.device_burst),
        )

    @property
    def mqtt_address(self) -> tuple[str, int]:
        """Where devices connect to."""
        endpoint, ingest = self.settings.endpoint, self.settings.ingest
        if not endpoint.enabled:
            return ingest.mqtt_host, ingest.mqtt_port
        everywhere = endpoint.host in ("0.0.0.0", "::")  # noqa: S104 - asked, not done
        return LOOPBACK if everywhere else endpoint.host, endpoint.port

    @property
    def fleet_account(self) -> Account:
        """The account under which simulated fleets and replays publish for many devices.

        A broker in front needs an account of this name too, see docs/brokers.md.
        """
        from ingest.links.endpoint.access import FLEET
        from ingest.links.endpoint.accounts import Account, accounts_in

        return Account(FLEET, accounts_in(self.folder.accounts)[FLEET])

    @property
    def feed_account(self) -> Account:
        """The account that follows what the endpoint has stored."""
        from ingest.links.endpoint.access import FEED
        from ingest.links.endpoint.accounts import Account, accounts_in

        return Account(FEED, accounts_in(self.folder.accounts)[FEED])
