"""How the platform says that it is there: a retained message for devices. Pure."""

from __future__ import annotations

import msgspec

from ingest import topics

TOPIC = f"{topics.PREFIX}STATE"


def state_message(online: bool, now: int) -> bytes:
    """``now`` is the platform's time in micros; a device reads it in milliseconds."""
    return msgspec.json.encode({"online": online, "ts": now // 1000})
