"""The alerts section of the settings, read by ``purna.run``; no environment is touched here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from purna.core.catalogue import Mode

Tls = Literal["starttls", "tls", "off"]


class WebhookSettings(BaseModel):
    """Where orders are posted to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field("", description="Address to post to; empty = none")
    secret: SecretStr = Field(
        SecretStr(""), description="Signs the body (HMAC-SHA256), so that the receiver can check it"
    )
    timeout_s: float = Field(10.0, gt=0, description="Seconds to wait for an answer")


class EmailSettings(BaseModel):
    """How mails are sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("", description="Mail server; empty = no mails")
    port: int = Field(587, ge=1, le=65535, description="Its port")
    tls: Tls = Field("starttls", description="Encryption: starttls, tls from the start, or off")
    user: str = Field("", description="User name at the mail server; empty = none")
    password: SecretStr = Field(SecretStr(""), description="Password at the mail server")
    sender: str = Field("", description="Address that mails come from")
    recipients: tuple[str, ...] = Field((), description="Addresses that mails go to")
    language: Literal["en", "id"] = Field("en", description="Language of the mails")
    timeout_s: float = Field(20.0, gt=0, description="Seconds to wait for the mail server")


class AlertSettings(BaseModel):
    """Alerts, orders and who is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = Field(
        Mode.SUGGEST,
        description="observe = decide but open no order, suggest = propose, auto = open accepted",
    )
    mute_hours: float = Field(
        24.0,
        ge=0,
        description="After a repair, windows that end within this time raise nothing: the models "
        "still look back at the time before it",
    )
    late_hours: float = Field(
        48.0, gt=0, description="How late a window may come and still be folded in"
    )
    urgent_hours: float = Field(8.0, gt=0, description="How soon an urgent visit is on site")
    shipping_hours: float = Field(
        48.0, gt=0, description="How soon a part in stock is with the customer"
    )
    inspection_yield: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Share of inspections after an anomaly alone that find a fault (assumed)",
    )
    send_attempts: int = Field(
        12, ge=1, description="How often a message is tried before it is given up"
    )
    webhook: WebhookSettings = Field(WebhookSettings(), description="Posting orders elsewhere")
    email: EmailSettings = Field(EmailSettings(), description="Mails about orders")
