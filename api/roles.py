"""Who may do what: the one table of roles and rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from api.v1.session.schemas import Role


class Right(StrEnum):
    """Something that a route may ask for."""

    SESSION_END = "session.end"
    SUMMARY_READ = "summary.read"
    DEVICES_READ = "devices.read"
    DEVICES_ADD = "devices.add"
    DEVICES_ADMIT = "devices.admit"  # passwords, revocation, claim keys
    DEVICES_COMMAND = "devices.command"
    QUARANTINE_READ = "quarantine.read"
    QUARANTINE_REPLAY = "quarantine.replay"
    ALERTS_READ = "alerts.read"
    ORDERS_READ = "orders.read"
    ORDERS_READ_OWN = "orders.read_own"
    ORDERS_ACT = "orders.act"
    ORDERS_COMPLETE_OWN = "orders.complete_own"
    RESOURCES_READ = "resources.read"
    PRODUCTS_READ = "products.read"
    MODELS_READ = "models.read"
    METRICS_READ = "metrics.read"
    USERS_MANAGE = "users.manage"


_EVERYBODY = {
    Right.SESSION_END,
    Right.SUMMARY_READ,
    Right.DEVICES_READ,
    Right.PRODUCTS_READ,
    Right.RESOURCES_READ,
}
_OWN_ORDERS = {Right.ORDERS_READ_OWN, Right.ORDERS_COMPLETE_OWN}

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.TECHNICIAN: frozenset(_EVERYBODY | _OWN_ORDERS),
    Role.DISPATCHER: frozenset(
        _EVERYBODY | _OWN_ORDERS | {Right.ORDERS_READ, Right.ORDERS_ACT, Right.ALERTS_READ}
    ),
    Role.RELIABILITY_ENGINEER: frozenset(
        _EVERYBODY
        | {Right.ORDERS_READ, Right.ORDERS_READ_OWN, Right.ALERTS_READ, Right.DEVICES_COMMAND}
        | {Right.MODELS_READ, Right.QUARANTINE_READ, Right.QUARANTINE_REPLAY, Right.METRICS_READ}
    ),
    Role.FIRMWARE: frozenset(
        _EVERYBODY
        | {Right.DEVICES_ADD, Right.DEVICES_ADMIT, Right.DEVICES_COMMAND}
        | {Right.QUARANTINE_READ, Right.QUARANTINE_REPLAY, Right.METRICS_READ}
    ),
    Role.ADMIN: frozenset(Right),
}
"""What each role may do; a caller with several roles may do what any of them may.

``ORDERS_READ_OWN`` opens the order routes; without ``ORDERS_READ`` they show only the orders given
to the caller's technician. The same holds for ``ORDERS_COMPLETE_OWN`` and ``ORDERS_ACT``.
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request: a signed-in person, or a program with a key (``key:<name>``).

    ``technician`` is the id of the technician that the person is, or empty.
    """

    id: str
    name: str
    roles: frozenset[Role]
    technician: str = ""

    def may(self, right: Right) -> bool:
        return any(right in RIGHTS[role] for role in self.roles)
