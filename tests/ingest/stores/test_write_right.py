"""One writer at a time: a lock among processes, and a fence for whoever lost it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ingest.stores.sqlite import SqliteReadingStore
from ingest.stores.write_right import wait_for_right
from purna.core.errors import AskOperator, StartAgain
from tests.ingest.stores.test_sqlite import points, values


def test_a_holder_whose_lock_was_lost_can_not_commit(tmp_path: Path) -> None:
    old = SqliteReadingStore(tmp_path / "r.db")
    old.append(points(0, 10))
    (tmp_path / "r.db.lock").unlink()
    new = SqliteReadingStore(tmp_path / "r.db")
    for act in (
        lambda: old.append(points(10, 10)),
        lambda: old.seal(),
        lambda: old.append(points(10, 10)),
    ):
        with pytest.raises(StartAgain, match="has taken over"):
            act()
    new.append(points(20, 5))
    assert values(new) == [*map(float, range(10)), *map(float, range(20, 25))]
    new.seal()
    assert len(values(new)) == 15
    old.close()
    new.close()


def test_the_right_is_waited_for_and_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from ingest.stores.sqlite import SqliteReadingStore\n"
        "from tests.ingest.stores.test_sqlite import points\n"
        "store = SqliteReadingStore(Path(sys.argv[1]))\nstore.append(points(0, 10))\n"
        "print('holds', flush=True)\ntime.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holds\n"
    looks: list[float] = []
    free = threading.Event()

    def wait() -> None:
        wait_for_right(path, lambda: looks.append(time.monotonic()), threading.Event())
        free.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while len(looks) < 3:
        time.sleep(0.01)
    assert not free.is_set()
    with pytest.raises(AskOperator, match=r"ingest\.standby"):
        SqliteReadingStore(path)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert free.wait(10)
    waiting.join()
    store = SqliteReadingStore(path)
    assert len(values(store)) == 10
    store.close()


def test_waiting_ends_when_it_is_told_to(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db")
    stop = threading.Event()
    wait_for_right(tmp_path / "r.db", stop.set, stop)
    store.close()
