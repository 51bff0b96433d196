"""The device registry of an installation with the broker of our own."""

from __future__ import annotations

from ingest.links.broker import BrokerAccounts
from ingest.registry import SqlDeviceRegistry
from purna.core.devices import Device
from purna.db.engine import Database


class RegistryWithBroker(SqlDeviceRegistry):
    """Tells the embedded broker about passwords, which it takes in plain text from its own file."""

    def __init__(self, database: Database, accounts: BrokerAccounts) -> None:
        super().__init__(database)
        self._accounts = accounts

    def register(self, device: Device, password: str) -> None:
        super().register(device, password)
        self._accounts.put(device.id, password)

    def revoke(self, device_id: str) -> None:
        super().revoke(device_id)
        self._accounts.remove(device_id)
