"""The whole installation into a folder while everything runs, and back: ``purna backup, restore``.

Databases are copied by SQLite's online backup out of one read transaction each, all of which begin
before the first page is copied: what was acknowledged before the backup began is in it, writers are
not held up, and no file is of a much later moment than another. The manifest is written last; a
folder without one is no backup.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

import apsw
import msgspec

from purna import __version__
from purna.core.errors import AskOperator, BadInput

MANIFEST = "backup.json"
_PAGES_AT_ONCE = 1024
_TRANSIENT = (".lock", "-wal", "-shm", "-journal", ".part", ".tmp", ".new", ".sock", ".probe")


class Entry(msgspec.Struct, frozen=True):
    """A file of the backup: its size in bytes, SHA-256 and permission bits."""

    size: int
    sha256: str
    mode: int


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. ``elsewhere`` names databases that do not lie in the data folder."""

    version: str
    created: str
    files: dict[str, Entry]
    elsewhere: dict[str, str] = {}
    format: Literal[1] = 1


def backup(
    folder: Path,
    target: Path,
    elsewhere: Mapping[str, Path] = {},
    *,
    leave_out: frozenset[str] = frozenset(),
    now: datetime,
    progress: Callable[[str, int, int], object] = lambda _name, _done, _all: None,
) -> Manifest:
    """Copy a data folder into ``target``, which must be new or empty.

    Parameters
    ----------
    elsewhere
        Databases outside of the folder, by the name that they get in the backup.
    leave_out
        Names of files in the folder that are not worth keeping.
    progress
        Called with the name of a database, and how many of its pages are copied.

    Raises
    ------
    BadInput
        ``backup.target`` when ``target`` holds something, or lies inside of the folder.
    AskOperator
        ``backup.database`` when a database can't be read.
    """
    _check_empty(target, "backup.target")
    if target.resolve().is_relative_to(folder.resolve()):
        raise BadInput("backup.target", f"{target} lies inside of the data folder: name another")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = {path.relative_to(folder).as_posix(): path for path in _files(folder, leave_out)}
    paths |= elsewhere
    databases = {name: path for name, path in paths.items() if _is_database(path)}
    for name, path in paths.items():
        _made(target / name).touch(mode=0o600)
        if name not in databases:
            shutil.copyfile(path, target / name)
    _copy_databases(databases, target, progress)
    entries = {}
    for name, path in paths.items():
        mode = stat.S_IMODE(path.stat().st_mode)
        (target / name).chmod(mode)
        entries[name] = Entry((target / name).stat().st_size, _digest(target / name), mode)
    manifest = Manifest(
        __version__,
        now.astimezone(UTC).isoformat(timespec="seconds"),
        entries,
        {name: str(path) for name, path in elsewhere.items()},
    )
    _sync(target)
    partial = target / f"{MANIFEST}.part"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    _sync_one(partial)
    partial.rename(target / MANIFEST)
    _sync_one(target)
    return manifest


def restore(source: Path, folder: Path) -> Manifest:
    """Put a backup into ``folder``, which must be new or empty, after checking all of it.

    Raises
    ------
    BadInput
        ``restore.target`` when the folder holds something, ``restore.source`` when ``source`` is
        no backup, or a file of it is not as it was written.
    """
    _check_empty(folder, "restore.target")
    manifest = _manifest(source)
    for name, entry in manifest.files.items():
        path = source / name
        if not path.is_file() or path.stat().st_size != entry.size or _digest(path) != entry.sha256:
            raise BadInput(
                "restore.source", f"{path} is not as the backup wrote it: take another backup"
            )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, entry in manifest.files.items():
        path = _made(folder / name)
        path.touch(mode=0o600)
        shutil.copyfile(source / name, path)
        path.chmod(entry.mode)
        if _is_database(path):
            _check_database(path)
    _sync(folder)
    return manifest


def _check_empty(folder: Path, code: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(code, f"{folder} is not empty: name a new folder")


def _manifest(source: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(
            "restore.source", f"{source} is no complete backup: {MANIFEST} can't be read ({error})"
        ) from error
    for name in manifest.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise BadInput("restore.source", f"{source} names a file outside of itself: {name}")
    return manifest


def _files(folder: Path, leave_out: frozenset[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        plain = path.is_file() and not path.is_symlink()
        if plain and not path.name.endswith(_TRANSIENT) and path.name not in leave_out:
            yield path


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def _copy_databases(
    paths: Mapping[str, Path], target: Path, progress: Callable[[str, int, int], object]
) -> None:
    with ExitStack() as stack:
        sources = {}
        for name, path in paths.items():
            try:
                source = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
                stack.callback(source.close)
                source.set_busy_timeout(10_000)
                source.execute("BEGIN; SELECT count(*) FROM sqlite_schema").fetchall()
            except apsw.Error as error:
                raise AskOperator(
                    "backup.database", f"{path} can't be read ({error}): run purna doctor."
                ) from error
            sources[name] = source
        for name, source in sources.items():
            with (
                closing(apsw.Connection(str(target / name))) as copy,
                copy.backup("main", source, "main") as running,
            ):
                while not running.done:
                    running.step(_PAGES_AT_ONCE)
                    progress(name, running.page_count - running.remaining, running.page_count)
            source.execute("ROLLBACK")


def _check_database(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        answer = connection.execute("PRAGMA integrity_check").get
    if answer != "ok":
        raise BadInput("restore.source", f"{path} is damaged ({answer}): take another backup")


def _made(path: Path) -> Path:
    """The path, in a folder that is there and its owner's alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
