"""Where readings are kept: one module per backend, all behind the same port."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from ingest.stores.base import IngestStore
from purna.core.errors import AskOperator


def open_store(url: str, *, read_only: bool = False, seal_aside: bool = False) -> IngestStore:
    """The store that ``url`` names.

    Parameters
    ----------
    url
        ``memory://``, ``sqlite:///relative/path`` (``sqlite:////absolute/path``), or
        ``influx://TOKEN@host:8086/org/bucket`` (``influxs://`` for TLS).
    read_only
        For every process but the one that ingests.
    seal_aside
        For the process that ingests: compress readings in another one, where that is done here.

    Raises
    ------
    AskOperator
        When the URL is none of these, or the store can't be opened.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "memory":
        from ingest.stores.memory import MemoryReadingStore

        return MemoryReadingStore()
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from ingest.stores.sqlite import SqliteReadingStore

        return SqliteReadingStore(Path(rest[1:]), read_only=read_only, seal_aside=seal_aside)
    if scheme in ("influx", "influxs"):
        from ingest.stores.influx import InfluxReadingStore

        return InfluxReadingStore.from_url(urlsplit(url))
    raise AskOperator(
        "store.url",
        f"No store is known for {scheme or url!r}: ingest.store_url begins with "
        "memory://, sqlite:/// or influx://.",
    )
