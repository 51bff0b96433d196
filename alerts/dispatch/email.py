"""Sends messages as plain-text mails over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

from alerts.outbox import Outgoing
from alerts.settings import EmailSettings
from purna.core.errors import GiveUp, RetryLater
from purna.core.texts import Message, render


class EmailReceiver:
    """One mail per message to all recipients, in the configured language.

    ``Message-ID`` is made of the message's key, so a mail sent twice shows as one in most readers.
    """

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings

    def send(self, message: Outgoing) -> None:
        mail = compose(message, self._settings)
        try:
            with self._connect() as server:
                if self._settings.user:
                    server.login(self._settings.user, self._settings.password.get_secret_value())
                server.send_message(mail)
        except smtplib.SMTPResponseException as error:
            detail = f"mail server answered {error.smtp_code}: {error.smtp_error!r}"
            raise _by_code(error.smtp_code)("outbox.email", detail) from error
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            detail = f"mail server refused all recipients: {codes}"
            raise _by_code(min(codes))("outbox.email", detail) from error
        except (smtplib.SMTPException, OSError) as error:
            raise RetryLater("outbox.email", f"mail: {error!r}") from error

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        place = (settings.host, settings.port)
        if settings.tls == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(*place, timeout=settings.timeout_s, context=context)
        server = smtplib.SMTP(*place, timeout=settings.timeout_s)
        if settings.tls == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except Exception:
                server.close()
                raise
        return server


def compose(message: Outgoing, settings: EmailSettings) -> EmailMessage:
    """The mail for a message."""
    language, order = settings.language, message.payload["order"]
    values = {
        **order,
        "planned_start": order["planned_start"] or "–",
        "reason": _text(order["reason"], language),
        "decision": _text(message.payload["text"], language),
    }
    mail = EmailMessage()
    mail["Subject"] = render(f"mail.{message.event}.subject", language, **values)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.recipients)
    mail["Message-ID"] = f"<{message.key.replace(':', '.')}@purna>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(render("mail.body", language, **values))
    return mail


def _text(stored: Mapping[str, Any], language: str) -> str:
    return Message(stored["code"], stored["params"]).text(language)


def _by_code(code: int) -> type[RetryLater] | type[GiveUp]:
    """SMTP: 4xx is transient, 5xx is for good (RFC 5321, 4.2.1)."""
    return GiveUp if code >= 500 else RetryLater
