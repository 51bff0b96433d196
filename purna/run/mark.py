"""How far a job has come in something that only grows: one number in a small file."""

from __future__ import annotations

from pathlib import Path


class Mark:
    """A number that survives a restart."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int | None:
        """The number; None when none was ever written."""
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return None

    def write(self, number: int) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(str(number))
        draft.replace(self._path)
