"""Shows the quarantine on the command line."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from purna.core.clock import to_iso
from purna.core.ports import RejectedFilter
from purna.run.bootstrap import Platform

_SHOWN_BYTES = 60


def print_rejected(
    platform: Platform, device: str, code: str, text: str, limit: int, console: Console
) -> None:
    """What was set aside, newest first, and how much of it for which reason."""
    which = RejectedFilter(device, code, text)
    table = Table("received", "device", "code", "hint", "payload", box=None)
    for _, one in platform.quarantine.entries(which, limit=limit):
        payload = repr(one.payload[:_SHOWN_BYTES])[1:]
        table.add_row(to_iso(one.received), one.device or "–", one.code, one.hint, payload)
    console.print(table)
    for reason, count in sorted(platform.quarantine.counts(which).items(), key=lambda c: -c[1]):
        console.print(f"{count:8} {reason}", highlight=False)
