"""The harness's side of ``disk.c``: builds it, turns its knobs, and cuts the power.

A cut leaves of each file what was synced and, of what was written later, any part: sector by
sector a coin decides whether it reached the disk. A file or a new name for it that the folder was
never synced for may be there or not.
"""

from __future__ import annotations

import mmap
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("disk.c")
SECTOR = 512
_KNOBS = (
    "operations",
    "die_at",
    "sync_us",
    "hang",
    "failing_syncs",
    "spare_logs",
    "failed_syncs",
    "room",
)
_LONG = struct.Struct("l")


class Disk:
    """The disk under ``folder`` for processes started with :attr:`environment`.

    Parameters
    ----------
    folder
        The data folder; only the files directly in it are looked after.
    beside
        An empty folder on the same file system, for what the disk has to remember.
    """

    def __init__(self, folder: Path, beside: Path) -> None:
        self._folder = folder
        self._shadow = beside / "shadow"
        self._library = build(beside)
        block = beside / "control"
        block.write_bytes(bytes(_LONG.size * len(_KNOBS)))
        with block.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), 0)
        self.environment = {
            "LD_PRELOAD": str(self._library),
            "FAULT_FOLDER": str(folder),
            "FAULT_SHADOW": str(self._shadow),
            "FAULT_CONTROL": str(block),
        }
        self.turn(room=-1)
        self.settle()

    def turn(self, **knobs: int) -> None:
        """Set knobs; their meaning stands in ``disk.c``."""
        for name, value in knobs.items():
            _LONG.pack_into(self._control, _KNOBS.index(name) * _LONG.size, value)

    def look(self, name: str) -> int:
        value: int = _LONG.unpack_from(self._control, _KNOBS.index(name) * _LONG.size)[0]
        return value

    def settle(self) -> None:
        """From here on, everything in the folder counts as synced. Nobody may have it open."""
        shutil.rmtree(self._shadow, ignore_errors=True)
        self._shadow.mkdir()
        lines = []
        for path in self._files():
            inode = path.stat().st_ino
            shutil.copyfile(path, self._shadow / str(inode))
            lines.append(f"{inode} {path.name}\n")
        (self._shadow / "entries").write_text("".join(lines))

    def cut(self, chance: random.Random) -> None:
        """Leave in the folder what a power cut would have left. All processes must be dead."""
        likely = chance.choice([0.0, 0.2, 0.5, 0.8, 1.0])
        coins = np.random.default_rng(chance.getrandbits(64))
        synced = dict(self._entries())
        present = {path.name: path.stat().st_ino for path in self._files()}
        left: dict[str, bytes] = {}
        for name in sorted(synced.keys() | present.keys()):
            entries = [synced.get(name), present.get(name)]
            inode = entries[chance.random() < likely]
            if inode is not None:
                written = self._folder / name
                if present.get(name) != inode:
                    written = self._shadow / f"limbo-{inode}"
                left[name] = _mixed(self._shadow / str(inode), written, likely, chance, coins)
        for name in present:
            (self._folder / name).unlink()
        for path in self._folder.glob("*-shm"):
            path.unlink()
        for name, content in left.items():
            (self._folder / name).write_bytes(content)
        self.settle()

    def _files(self) -> Iterator[Path]:
        for path in sorted(self._folder.iterdir()):
            if path.is_file() and not path.name.endswith(("-shm", ".lock")):
                yield path

    def _entries(self) -> Iterator[tuple[str, int]]:
        for line in (self._shadow / "entries").read_text().splitlines():
            inode, _, name = line.partition(" ")
            yield name, int(inode)


def build(folder: Path) -> Path:
    """The compiled library."""
    library = folder / "disk.so"
    options = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-D_LARGEFILE64_SOURCE"]
    subprocess.run(
        ["gcc", *options, "-o", os.fspath(library), os.fspath(SOURCE), "-ldl", "-lpthread"],
        check=True,
    )
    return library


def _mixed(
    synced: Path, written: Path, likely: float, chance: random.Random, coins: np.random.Generator
) -> bytes:
    """The synced content with some of the sectors that were written after it."""
    old = synced.read_bytes() if synced.exists() else b""
    new = written.read_bytes() if written.exists() else old
    size = len(new) if chance.random() < likely else len(old)
    sectors = -(-max(size, 1) // SECTOR)
    padded = [
        np.frombuffer(content[:size].ljust(sectors * SECTOR, b"\0"), np.uint8).reshape(-1, SECTOR)
        for content in (old, new)
    ]
    reached = coins.random(sectors) < likely
    return np.where(reached[:, None], padded[1], padded[0]).tobytes()[:size]
