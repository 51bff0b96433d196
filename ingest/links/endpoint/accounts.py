"""The installation's own accounts at the endpoint, in a file that only its owner may read."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingest.links.endpoint.access import FEED, FLEET


@dataclass(frozen=True, slots=True)
class Account:
    """A user name and its password; the password does not show when printed."""

    username: str
    password: str = field(repr=False)


def accounts_in(path: Path) -> Mapping[str, str]:
    """Passwords of ``fleet`` and ``feed`` by name; the file is made when it is missing.

    Processes that do so at the same moment agree on one.
    """
    with contextlib.suppress(FileNotFoundError):
        return dict(json.loads(path.read_text("utf-8")))
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({name: secrets.token_hex(16) for name in (FLEET, FEED)}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
    return dict(json.loads(path.read_text("utf-8")))
