"""Warranty: is a repair covered at a time?"""

from __future__ import annotations

from alerts.order import Coverage
from purna.core.devices import Device


def coverage(device: Device, at: int) -> Coverage:
    """Cover at ``at`` (micros): the warranty holds until, and not at, ``warranty_until``."""
    return Coverage(covered=at < device.warranty_until, until=device.warranty_until)
