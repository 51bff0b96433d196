"""What an operator may set about alerts and orders."""

from __future__ import annotations

from dataclasses import dataclass, field

from purna.core.catalogue import Mode


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where orders are posted to. Without ``url`` nothing is posted.

    ``secret`` signs the body (HMAC-SHA256); the receiver checks it.
    """

    url: str = ""
    secret: str = field(default="", repr=False)
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class EmailSettings:
    """How mails are sent. Without ``host`` none is sent.

    ``tls`` is ``starttls``, ``tls`` or ``off``; ``language`` that of the recipients.
    """

    host: str = ""
    port: int = 587
    tls: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    recipients: tuple[str, ...] = ()
    language: str = "en"
    timeout_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Alerts and orders.

    ``mute_hours``: after a repair, windows that end within this time raise nothing, because the
    model still looks back at the time before the repair. ``late_hours``: how far back late windows
    are folded in. ``urgent_hours``: how soon an urgent visit is on site. ``inspection_yield``:
    the share of inspections after an anomaly alone that find a fault (your assumption).
    ``shipping_hours``: from order to a part in stock being with the customer.
    ``send_attempts``: how often a message to a receiver is tried before it is given up.
    """

    mode: Mode = Mode.SUGGEST
    mute_hours: float = 24.0
    late_hours: float = 48.0
    urgent_hours: float = 8.0
    inspection_yield: float = 0.25
    shipping_hours: float = 48.0
    send_attempts: int = 12
    webhook: WebhookSettings = WebhookSettings()
    email: EmailSettings = EmailSettings()
