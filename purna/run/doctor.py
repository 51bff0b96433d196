"""What commonly goes wrong, each checked for real and answered with what to do."""

from __future__ import annotations

import importlib.metadata
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from purna.core.errors import PurnaError
from purna.run.bootstrap import Platform
from purna.run.forwarding import last_forwarding
from purna.run.heartbeat import last_beat, silence
from purna.run.settings import Settings

OUR_NAMES = ("purna", "ingest", "models", "alerts", "api", "simulators")
_LEAST_DISK = 500_000_000
_STALE_AFTER = 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; ``text`` says what was found and what to do."""

    name: str
    ok: bool
    text: str


def examine(settings: Settings) -> list[Finding]:
    """Run all checks; none of them raises."""
    platform = Platform(settings)
    checks: dict[str, Callable[[Platform], str]] = {
        "packages": _packages,
        "data folder": _folder,
        "disk": _disk,
        "service database": _database,
        "catalogue": _catalogue,
        "reading store": _store,
        "MQTT": _mqtt,
        "ingest": _ingest,
        **({"forwarding": _forwarding} if platform.forwards else {}),
        "API": _api,
    }
    return [_finding(name, check, platform) for name, check in checks.items()]


def foreign_owners() -> dict[str, list[str]]:
    """Our top-level names that another installed distribution claims as well.

    Our names are general words; two distributions that own the same one overwrite each other.
    """
    owners = importlib.metadata.packages_distributions()
    return {
        name: sorted(others)
        for name in OUR_NAMES
        if (others := set(owners.get(name, ())) - {"purna"})
    }


def _finding(name: str, check: Callable[[Platform], str], platform: Platform) -> Finding:
    try:
        return Finding(name, True, check(platform))
    except PurnaError as error:
        return Finding(name, False, error.detail)
    except Exception as error:  # a broken check is a finding too
        return Finding(name, False, f"{type(error).__name__}: {error}")


class _Wrong(PurnaError):
    """Something is wrong, with the advice as its text."""


def _packages(_: Platform) -> str:
    if taken := foreign_owners():
        raise _Wrong(
            "doctor.packages",
            f"other packages own names of ours: {taken}; give Purna an environment of its own",
        )
    return f"Purna {importlib.metadata.version('purna')} alone owns its names"


def _folder(platform: Platform) -> str:
    platform.folder.create()
    return f"{platform.folder.path.resolve()} can be written"


def _disk(platform: Platform) -> str:
    free = shutil.disk_usage(platform.folder.path).free
    if free < _LEAST_DISK:
        raise _Wrong("doctor.disk", f"only {free / 1e6:.0f} MB free; make room or move --data")
    return f"{free / 1e9:.1f} GB free"


def _database(platform: Platform) -> str:
    from purna.run.migrate import current, newest

    have, want = current(platform.db), newest()
    if have != want:
        raise _Wrong(
            "doctor.database",
            f"is at version {have or 'none'}, needs {want}: run `purna db upgrade`",
        )
    return f"{platform.db.engine.dialect.name}, version {have}"


def _catalogue(platform: Platform) -> str:
    products = platform.catalogue
    if not products:
        raise _Wrong(
            "doctor.catalogue",
            f"no product in {platform.folder.catalogue}: put one TOML file per product there",
        )
    return f"{len(products)} products: {', '.join(products)}"


def _store(platform: Platform) -> str:
    span = platform.store.span()
    if span is None:
        return "open, empty"
    return f"{len(platform.store.series())} series over {(span[1] - span[0]) / 86_400e6:.0f} days"


def _mqtt(platform: Platform) -> str:
    host, port = platform.mqtt_address
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError as error:
        raise _Wrong(
            "doctor.mqtt",
            f"nothing answers on {host}:{port} ({error.strerror or error}): "
            "is `purna up` running, or your own broker?",
        ) from error
    return f"answers on {host}:{port}"


def _ingest(platform: Platform) -> str:
    beat, silent = last_beat(platform.folder.heartbeat), silence(platform.folder.heartbeat)
    if beat is None:
        raise _Wrong("doctor.ingest", "has never run here: start `purna up`")
    if silent > _STALE_AFTER:
        raise _Wrong("doctor.ingest", f"last progress {silent:.0f} s ago: start `purna up`")
    if not beat.connected:
        raise _Wrong("doctor.ingest", "runs, but no message can reach it")
    if beat.gauges.get("disk_guard"):
        free = beat.gauges.get("disk_free_bytes", 0) / 1e6
        raise _Wrong(
            "doctor.ingest",
            f"takes nothing in: only {free:.0f} MB are free; make room, it goes on by itself",
        )
    shown = ("received", "stored", "duplicates", "quarantined", "shed")
    text = "messages " + ", ".join(f"{name} {beat.counters[name]}" for name in shown)
    waits = silence(platform.folder.standby) < _STALE_AFTER
    return text + (", another process stands by" if waits else "")


def _forwarding(platform: Platform) -> str:
    state = last_forwarding(platform.folder.forwarding)
    if state is None or time.time() - state.at > _STALE_AFTER:
        raise _Wrong("doctor.forwarding", "does not run: start `purna up`")
    if state.trouble:
        raise _Wrong("doctor.forwarding", f"{state.waiting} readings wait: {state.trouble}")
    return f"readings sent {state.sent}, waiting {state.waiting}, refused {state.refused}"


def _api(platform: Platform) -> str:
    import httpx

    api = platform.settings.api
    url = f"http://{api.host}:{api.port}/healthz"
    try:
        answer = httpx.get(url, timeout=3)
    except httpx.HTTPError as error:
        raise _Wrong("doctor.api", f"{url} does not answer ({error}): start `purna up`") from error
    if answer.status_code != 200:
        raise _Wrong("doctor.api", f"{url} says {answer.status_code}: {answer.text[:200]}")
    return f"{url} is healthy"
