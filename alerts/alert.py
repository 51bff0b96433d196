"""Alert: an episode of one failure mode of one device, from raised to cleared. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.lifecycle import AlertState
from purna.core.catalogue import FailureMode, Product
from purna.core.devices import Device
from purna.core.texts import Message


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode. Times are the ends of the windows that opened and cleared it (micros UTC).

    ``reason`` says what was found, ``decision`` what the platform made of it. ``order`` and
    ``order_number`` are empty when no order was opened.
    """

    id: str
    device: Device
    product: Product
    mode: FailureMode
    state: AlertState
    opened_at: int
    cleared_at: int | None
    reason: Message
    decision: Message
    order: str = ""
    order_number: str = ""
