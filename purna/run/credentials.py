"""The credentials of an installation with the broker of our own."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.credentials import SqlCredentials
from ingest.enrolment import DeviceRequest, Enrolment
from ingest.links.broker import BrokerAccounts
from purna.core.devices import Device
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


class EnrolmentWithBroker(Enrolment):
    """Tells the embedded broker about the passwords of new devices."""

    def __init__(self, accounts: BrokerAccounts, enrolment: Enrolment) -> None:
        self.__dict__.update(enrolment.__dict__)
        self._accounts = accounts

    def register(self, request: DeviceRequest) -> str:
        password = super().register(request)
        self._accounts.put(request.id, password)
        return password

    def register_all(self, devices: Sequence[Device]) -> dict[str, str]:
        passwords = super().register_all(devices)
        for device, password in passwords.items():
            self._accounts.put(device, password)
        return passwords

    def claim(self, key: str, device: str, *, site: str = "", serial: str = "") -> str:
        password = super().claim(key, device, site=site, serial=serial)
        self._accounts.put(device, password)
        return password
