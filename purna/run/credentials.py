"""The credentials of an installation with the broker of our own."""

from __future__ import annotations

from ingest.credentials import SqlCredentials
from ingest.links.broker import BrokerAccounts
from purna.db.engine import Database


class CredentialsWithBroker(SqlCredentials):
    """Tells the embedded broker about passwords, which it takes in plain text from its own file."""

    def __init__(self, database: Database, accounts: BrokerAccounts) -> None:
        super().__init__(database)
        self._accounts = accounts

    def set_password(self, device: str, password: str, now: int) -> None:
        super().set_password(device, password, now)
        self._accounts.put(device, password)

    def revoke(self, device: str, now: int) -> None:
        super().revoke(device, now)
        self._accounts.remove(device)
