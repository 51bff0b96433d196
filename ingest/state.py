"""How the platform says that it is there: retained messages for devices. Pure."""

from __future__ import annotations

import msgspec

from ingest import topics

TOPIC = f"{topics.PREFIX}STATE"
SPARKPLUG = "spBv1.0/STATE/"


def state_message(online: bool, now: int) -> bytes:
    """``now`` is the platform's time in micros; a device reads it in milliseconds."""
    return msgspec.json.encode({"online": online, "ts": now // 1000})


def state_messages(online: bool, now: int, sparkplug_host: str = "") -> dict[str, bytes]:
    """All that is to be said, by topic; with a host id also what Sparkplug's edge nodes look for.

    A client has one last will only: it is the last of these, which Sparkplug insists on.
    """
    said = {TOPIC: state_message(online, now)}
    if sparkplug_host:
        said[f"{SPARKPLUG}{sparkplug_host}"] = msgspec.json.encode(
            {"online": online, "timestamp": now // 1000}
        )
    return said
