"""Receivers of the outbox, one file each: who is told what."""

from __future__ import annotations

from alerts.dispatch.email import EmailReceiver
from alerts.dispatch.log import LogReceiver
from alerts.dispatch.webhook import WebhookReceiver
from alerts.outbox import Receiver
from alerts.settings import AlertSettings

MAILED = frozenset({"order.opened", "order.withdrawn", "order.fulfilled"})
"""People get mails about what the platform does; what they do themselves they know."""


def receivers(settings: AlertSettings) -> dict[str, Receiver]:
    """The receivers that are set up, by name; connects nowhere yet."""
    found: dict[str, Receiver] = {"log": LogReceiver()}
    if settings.webhook.url:
        found["webhook"] = WebhookReceiver(settings.webhook)
    if settings.email.host:
        found["email"] = EmailReceiver(settings.email)
    return found


def receivers_for(event: str, settings: AlertSettings) -> tuple[str, ...]:
    """Names of those who are told of this event."""
    names = ["log"]
    if settings.webhook.url:
        names.append("webhook")
    if settings.email.host and event in MAILED:
        names.append("email")
    return tuple(names)
