"""Who is at the other end, and what may it do.

A device proves itself by its password or its certificate and speaks for itself; as a gateway also
for the devices whose attribute ``gateway`` names it. Two accounts are the installation's own:
``fleet`` speaks for every device, ``feed`` only listens to what has been stored.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn, Protocol

from ingest import topics
from ingest.links.endpoint.reasons import Reason
from ingest.state import SPARKPLUG
from ingest.state import TOPIC as STATE
from purna.core.devices import DEVICE_ID
from purna.core.errors import BadPayload, RetryLater

FLEET, FEED = "fleet", "feed"
DeviceOf = Callable[[str], str | None]


class Credentials(Protocol):
    """What devices prove themselves with. Asked in threads of its own; may take its time.

    Raises :class:`~purna.core.errors.RetryLater` when it can't be asked now.
    """

    def verify(self, device: str, password: str) -> bool: ...

    def device_of_certificate(self, fingerprint: str, common_name: str) -> str | None:
        """The device of a certificate that the operator's authority signed.

        ``fingerprint`` is the SHA-256 of its DER form in hexadecimal.
        """
        ...


class Kind(Enum):
    """What somebody may do."""

    DEVICE = "device"
    FLEET = "fleet"
    FEED = "feed"


def device_of(topic: str) -> str | None:
    """The device that a topic or a filter of the contract is about; None when it is about none."""
    try:
        return topics.parse(topic).device
    except BadPayload:
        return None


def about_the_platform(name: str) -> bool:
    """Whether a filter is about the platform's own state: everybody may listen to that."""
    return name == STATE or name.startswith(SPARKPLUG)


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """Somebody who has proved who he is, with the devices that he may speak for."""

    name: str
    kind: Kind
    devices: frozenset[str] = frozenset()
    device_of: DeviceOf = device_of

    def may_publish(self, topic: str) -> bool:
        if self.kind is Kind.FLEET:
            return not topic.startswith("$")
        return self.kind is Kind.DEVICE and self.device_of(topic) in self.devices

    def may_subscribe(self, name: str) -> bool:
        """Whether it may listen; a filter with a wildcard for the device is about no device."""
        if self.kind is Kind.DEVICE:
            return about_the_platform(name) or self.device_of(name) in self.devices
        return True


class Refused(Exception):
    """Somebody does not get in."""

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class Access:
    """Decides who gets in. Methods may be called from several threads.

    Parameters
    ----------
    credentials
        Of the devices.
    behind
        The devices behind a gateway; called like the credentials.
    accounts
        Passwords of the installation's own accounts by name.
    key
        Random bytes of this process: what is remembered of a password is of no use without them.
    device_of
        Which device a topic is about, also in formats other than ours.
    """

    def __init__(
        self,
        credentials: Credentials,
        behind: Callable[[str], frozenset[str]],
        accounts: Mapping[str, str],
        key: bytes,
        device_of: DeviceOf = device_of,
    ) -> None:
        self._credentials = credentials
        self._behind = behind
        self._accounts = {name: word.encode() for name, word in accounts.items()}
        self._key = key
        self._device_of = device_of
        self._proven: dict[str, tuple[bytes, frozenset[str]]] = {}

    def by_password(self, name: str | None, password: bytes | None) -> Identity:
        """Raises :class:`Refused`."""
        name, password = name or "", password or b""
        if name in self._accounts:
            if not hmac.compare_digest(self._accounts[name], password):
                raise _wrong()
            return Identity(name, Kind(name), device_of=self._device_of)
        if not DEVICE_ID.fullmatch(name):
            raise _wrong()
        try:
            right = self._credentials.verify(name, password.decode())
            return self._proved(name, password) if right else self._failed(name)
        except UnicodeDecodeError:
            return self._failed(name)
        except RetryLater as error:
            return self._remembered(name, password, error)

    def by_certificate(self, common_name: str, fingerprint: str) -> Identity | None:
        """None when it is no device's; raises :class:`Refused` when that can't be told now."""
        try:
            device = self._credentials.device_of_certificate(fingerprint, common_name)
            return self._proved(device, fingerprint.encode()) if device is not None else None
        except RetryLater as error:
            return self._remembered(common_name, fingerprint.encode(), error)

    def forget(self, device: str) -> None:
        """What a device proved before counts no more."""
        self._proven.pop(device, None)

    def _proved(self, device: str, proof: bytes) -> Identity:
        devices = self._behind(device) | {device}
        self._proven[device] = self._keyed(proof), devices
        return Identity(device, Kind.DEVICE, devices, self._device_of)

    def _failed(self, device: str) -> NoReturn:
        self._proven.pop(device, None)
        raise _wrong()

    def _remembered(self, device: str, proof: bytes, error: RetryLater) -> Identity:
        """Who has proved himself to us before may come in while the database is away."""
        keyed, devices = self._proven.get(device, (b"", frozenset()))
        if not hmac.compare_digest(keyed, self._keyed(proof)):
            raise Refused(
                Reason.SERVER_UNAVAILABLE, "the platform can't check who you are now"
            ) from error
        return Identity(device, Kind.DEVICE, devices, self._device_of)

    def _keyed(self, proof: bytes) -> bytes:
        return hmac.new(self._key, proof, hashlib.sha256).digest()


def _wrong() -> Refused:
    return Refused(Reason.BAD_USER_NAME_OR_PASSWORD, "user name or password is wrong")
