"""The only wiring: builds stores, links and services from settings, each on first use."""

from __future__ import annotations

from functools import cached_property

from alerts.maintenance import SqlMaintenanceLog
from alerts.service import AlertService
from alerts.settings import AlertSettings
from ingest.quarantine import SqliteQuarantine
from ingest.registry import SqlDeviceRegistry
from ingest.stores import open_store
from models.assessments import SqlAssessmentLog
from models.registry import ModelRegistry
from purna.core.catalogue import Catalogue
from purna.core.ids import TimeOrderedIds
from purna.core.ports import ReadingStore
from purna.db.engine import Database
from purna.run.catalogue import load_catalogue
from purna.run.clock import FileClock
from purna.run.folder import DataFolder
from purna.run.keys import instance_key
from purna.run.settings import Settings


class Platform:
    """One installation: its settings, its data folder and everything that works on them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = DataFolder(settings.data_dir)
        self.clock = FileClock(self.folder.clock)
        self.ids = TimeOrderedIds(self.clock)

    @cached_property
    def db(self) -> Database:
        return Database(self.database_url)

    @property
    def database_url(self) -> str:
        return self.settings.database_url or f"sqlite:///{self.folder.path / 'service.sqlite'}"

    @property
    def store_url(self) -> str:
        return self.settings.ingest.store_url or f"sqlite:///{self.folder.path / 'readings.sqlite'}"

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue(self.folder.catalogue)

    @cached_property
    def registry(self) -> SqlDeviceRegistry:
        return SqlDeviceRegistry(self.db)

    @cached_property
    def maintenance(self) -> SqlMaintenanceLog:
        return SqlMaintenanceLog(self.db)

    @cached_property
    def assessments(self) -> SqlAssessmentLog:
        return SqlAssessmentLog(self.db)

    @cached_property
    def models(self) -> ModelRegistry:
        return ModelRegistry(self.db, self.folder.models, instance_key(self.folder.path))

    @cached_property
    def alerts(self) -> AlertService:
        return AlertService(
            self.db,
            self.registry,
            self.catalogue,
            self.clock,
            self.ids,
            AlertSettings(mode=self.settings.mode),
        )

    @cached_property
    def store(self) -> ReadingStore:
        """The reading store for looking; only the ingest process opens it for writing."""
        return open_store(self.store_url, read_only=True)

    @cached_property
    def quarantine(self) -> SqliteQuarantine:
        return SqliteQuarantine(self.folder.path / "quarantine.sqlite", read_only=True)
