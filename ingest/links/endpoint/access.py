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
from typing import Protocol

from ingest import topics
from ingest.links.endpoint.reasons import Reason
from purna.core.devices import DEVICE_ID
from purna.core.errors import BadPayload, RetryLater

FLEET, FEED = "fleet", "feed"
STATE_TOPICS = (f"{topics.PREFIX}STATE", "spBv1.0/STATE/")
"""Where the platform says that it is there: everybody may listen."""

DeviceOf = Callable[[str], str | None]


class Credentials(Protocol):
    """What devices prove themselves with. Asked in threads of its own; may take its time.

    Raises :class:`~purna.core.errors.RetryLater` when it can't be asked now.
    """

    def verify(self, device_id: str, password: str) -> bool: ...

    def of_certificate(self, common_name: str, fingerprint: str) -> str | None:
        """The device of a certificate that our authority signed; ``fingerprint`` is the SHA-256
        of its DER form in hexadecimal."""
        ...

    def gateways(self) -> Mapping[str, str]:
        """For each device behind a gateway: that gateway."""
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


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """Somebody who has proved who he is, with what he may do.

    ``behind`` tells which gateway a device stands behind, at this moment.
    """

    name: str
    kind: Kind
    device_of: DeviceOf = device_of
    behind: Callable[[str], str | None] = lambda _device: None

    def may_publish(self, topic: str) -> bool:
        if self.kind is Kind.FLEET:
            return not topic.startswith("$")
        return self.kind is Kind.DEVICE and self._speaks_for(self.device_of(topic))

    def may_subscribe(self, name: str) -> bool:
        if name.startswith(STATE_TOPICS):
            return True
        if self.kind is Kind.DEVICE:
            return self._speaks_for(self.device_of(name))
        return True

    def _speaks_for(self, device: str | None) -> bool:
        return device is not None and (
            device == self.name or (bool(device) and self.behind(device) == self.name)
        )


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
        accounts: Mapping[str, str],
        key: bytes,
        device_of: DeviceOf = device_of,
    ) -> None:
        self._credentials = credentials
        self._accounts = {name: word.encode() for name, word in accounts.items()}
        self._key = key
        self._device_of = device_of
        self._proven: dict[str, bytes] = {}
        self._gateways: Mapping[str, str] = {}

    def by_password(self, name: str | None, password: bytes | None) -> Identity:
        """Raises :class:`Refused`."""
        name, password = name or "", password or b""
        if name in self._accounts:
            if not hmac.compare_digest(self._accounts[name], password):
                raise _wrong()
            return Identity(name, Kind(name), self._device_of)
        if not DEVICE_ID.fullmatch(name):
            raise _wrong()
        keyed = hmac.new(self._key, password, hashlib.sha256).digest()
        try:
            right = self._credentials.verify(name, password.decode())
        except UnicodeDecodeError:
            right = False
        except RetryLater as error:
            # Who has proved himself to us before may stay while the database is away.
            if not hmac.compare_digest(self._proven.get(name, b""), keyed):
                raise _unavailable() from error
            right = True
        if not right:
            self._proven.pop(name, None)
            raise _wrong()
        self._proven[name] = keyed
        return self._device(name)

    def by_certificate(self, common_name: str, fingerprint: str) -> Identity | None:
        """None when it is no device's; raises :class:`Refused` when that can't be told now."""
        keyed = hmac.new(self._key, fingerprint.encode(), hashlib.sha256).digest()
        try:
            device = self._credentials.of_certificate(common_name, fingerprint)
        except RetryLater as error:
            if not hmac.compare_digest(self._proven.get(common_name, b""), keyed):
                raise _unavailable() from error
            device = common_name
        if device is None:
            return None
        self._proven[device] = keyed
        return self._device(device)

    def forget(self, device: str) -> None:
        """What a device proved before counts no more."""
        self._proven.pop(device, None)

    def refresh(self) -> None:
        """Ask anew which devices stand behind gateways; raises RetryLater."""
        self._gateways = self._credentials.gateways()

    def _device(self, name: str) -> Identity:
        return Identity(name, Kind.DEVICE, self._device_of, lambda device: self._gateways.get(device))


def _wrong() -> Refused:
    return Refused(Reason.BAD_USER_NAME_OR_PASSWORD, "user name or password is wrong")


def _unavailable() -> Refused:
    return Refused(Reason.SERVER_UNAVAILABLE, "the platform can't check the password now")
