"""The instance key: signs model files, so that nothing else is ever loaded."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def instance_key(folder: Path) -> bytes:
    """32 secret bytes of this installation, made on first use and readable by its owner only."""
    path = folder / "instance.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_bytes(32)
        file.write(key)
    return key
