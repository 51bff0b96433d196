"""The password and ACL files of a Mosquitto in front of the platform. Pure: facts in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingest import topics

UP = (
    f"{topics.TELEMETRY}/#",  # and the level above it
    f"{topics.WAVEFORM}/#",
    topics.EVENT,
    topics.STATUS,
    topics.COMMAND_RESULT,
)
DOWN = (topics.ACK, topics.REJECT, topics.COMMAND)
STATE = f"{topics.PREFIX}STATE"
_SPARKPLUG_DEVICES = (
    *(f"pattern write spBv1.0/+/{kind}/%u" for kind in ("NBIRTH", "NDATA", "NDEATH")),
    *(f"pattern write spBv1.0/+/{kind}/%u/+" for kind in ("DBIRTH", "DDATA", "DDEATH")),
    *("pattern read spBv1.0/+/NCMD/%u", "pattern read spBv1.0/+/DCMD/%u/+"),
    "pattern read spBv1.0/STATE/+",
)
_SPARKPLUG_PLATFORM = ("topic write spBv1.0/+/NCMD/+", "topic write spBv1.0/STATE/+")


def password_file(hashes: Mapping[str, str]) -> str:
    """One line per account; ``hashes`` are in Mosquitto's form, see :mod:`ingest.passwords`."""
    return "".join(f"{name}:{kept}\n" for name, kept in sorted(hashes.items()))


def acl_file(
    platform: str, fleet: str, subscriptions: Iterable[str], gateways: Mapping[str, Iterable[str]]
) -> str:
    """Who may say and hear what.

    Parameters
    ----------
    platform
        The account of the ingester: hears what devices say, and answers.
    fleet
        The account that speaks for all devices: simulated fleets and replays.
    subscriptions
        What the ingester subscribes to.
    gateways
        The devices behind each gateway.
    """
    subscriptions = list(subscriptions)
    sparkplug = any("spBv1.0/" in name for name in subscriptions)
    lines = [
        "# Written by `purna mosquitto`; changes are overwritten.",
        "# A device speaks and listens under its own id, which is its user name.",
        *(f"pattern write {topics.PREFIX}%u/{kind}" for kind in UP),
        *(f"pattern read {topics.PREFIX}%u/{kind}" for kind in DOWN),
        f"pattern read {STATE}",
        *(_SPARKPLUG_DEVICES if sparkplug else ()),
        "",
        "# The platform.",
        f"user {platform}",
        *(f"topic read {name}" for name in subscriptions),
        *(f"topic write {topics.PREFIX}+/{kind}" for kind in DOWN),
        f"topic write {STATE}",
        *(_SPARKPLUG_PLATFORM if sparkplug else ()),
        "",
        "# Simulated fleets and replays.",
        f"user {fleet}",
        *(f"topic write {topics.PREFIX}+/{kind}" for kind in UP),
        *(f"topic read {topics.PREFIX}+/{kind}" for kind in DOWN),
    ]
    for gateway, devices in sorted(gateways.items()):
        lines += ["", "# A gateway with the devices behind it.", f"user {gateway}"]
        for device in sorted(devices):
            lines += [f"topic write {topics.PREFIX}{device}/{kind}" for kind in UP]
            lines += [f"topic read {topics.PREFIX}{device}/{kind}" for kind in DOWN]
    return "\n".join(lines) + "\n"
