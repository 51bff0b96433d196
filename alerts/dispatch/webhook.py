"""Posts messages to a web address, signed."""

from __future__ import annotations

import hashlib
import hmac
import json

import httpx

from alerts.outbox import Outgoing
from alerts.settings import WebhookSettings
from purna.core.errors import GiveUp, RetryLater

SIGNATURE_HEADER = "Purna-Signature"
BUSY = {408, 425, 429}


class WebhookReceiver:
    """One POST of JSON per message; any 2xx answer means taken.

    Headers: ``Idempotency-Key`` (the same at every attempt), ``Purna-Event``, and with a secret
    ``Purna-Signature: sha256=<hex>``, the HMAC-SHA256 of the body.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings

    def send(self, message: Outgoing) -> None:
        content = {"key": message.key, "event": message.event, **message.payload}
        body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.key,
            "Purna-Event": message.event,
        }
        if secret := self._settings.secret.get_secret_value():
            headers[SIGNATURE_HEADER] = signature(secret, body)
        try:
            answer = httpx.post(
                self._settings.url,
                content=body,
                headers=headers,
                timeout=self._settings.timeout_s,
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise GiveUp("outbox.webhook", f"webhook address is wrong: {error}") from error
        except httpx.HTTPError as error:
            raise RetryLater("outbox.webhook", f"webhook: {error!r}") from error
        if answer.is_success:
            return
        detail = f"webhook answered {answer.status_code}"
        if answer.is_server_error or answer.status_code in BUSY:
            raise RetryLater("outbox.webhook", detail)
        raise GiveUp("outbox.webhook", detail)


def signature(secret: str, body: bytes) -> str:
    """What stands in the signature header for this body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
