"""The default receiver: a line in the log."""

from __future__ import annotations

import structlog

from alerts.outbox import Outgoing

log = structlog.get_logger(__name__)


class LogReceiver:
    """Writes one structured line per message."""

    def send(self, message: Outgoing) -> None:
        order = message.payload.get("order", {})
        log.info(
            message.event,
            key=message.key,
            number=order.get("number"),
            device=order.get("device"),
            failure_mode=order.get("failure_mode"),
            priority=order.get("priority"),
        )
