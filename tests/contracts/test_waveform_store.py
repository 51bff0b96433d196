"""What every waveform store promises, over every backend."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import apsw
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ingest.stores.memory import MemoryWaveformStore
from ingest.stores.waveforms import SqliteWaveformStore
from purna.core.errors import NotFound
from purna.core.ports import WaveformStore
from purna.core.waveforms import Samples, Waveform, WaveformKey, WaveformState

T0 = 1_750_000_000_000_000
ALL_TIME = (0, 2**62)
BACKENDS = ["memory", "sqlite"]


def opened_store(kind: str, folder: Path) -> WaveformStore:
    return MemoryWaveformStore() if kind == "memory" else SqliteWaveformStore(folder / "w.sqlite")


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WaveformStore]:
    opened = opened_store(request.param, tmp_path)
    yield opened
    opened.close()


def waveform(
    ts: int = T0,
    device: str = "p1",
    quantity: str = "vib",
    samples: Samples | None = None,
    boot: str = "b1",
    seq: int = 1,
) -> Waveform:
    if samples is None:
        samples = np.array([1, -2, 32767, -32768], np.int16)
    return Waveform(device, quantity, ts, 12_000.0, "g", samples, 0.001, 29.95, boot, seq)


def same(one: Waveform, other: Waveform) -> bool:
    return (
        replace(one, samples=other.samples) == other
        and one.samples.dtype == other.samples.dtype
        and one.samples.tobytes() == other.samples.tobytes()
    )


def keys(store: WaveformStore, device: str = "p1", quantity: str = "") -> list[WaveformKey]:
    return [info.key for info in store.find(device, quantity, *ALL_TIME)]


def test_what_was_added_comes_back_bit_by_bit(store: WaveformStore) -> None:
    odd = np.array([0.1, -0.0, np.nan, np.inf, 1e-45], np.float32)
    given_ = [waveform(), waveform(T0 + 1, samples=odd), waveform(T0 + 2, "p2", "vib.de")]
    assert store.add(given_) == [True, True, True]
    for one in given_:
        assert same(store.get(one.key), one)
    assert store.get(given_[0].key).values.tolist() == pytest.approx(
        [0.001, -0.002, 32.767, -32.768]
    )


def test_a_search_goes_back_from_the_newest(store: WaveformStore) -> None:
    store.add([waveform(T0 + i) for i in range(5)] + [waveform(T0 + 2, quantity="other")])
    infos = store.find("p1", "vib", T0 + 1, T0 + 4)
    assert [info.key.ts - T0 for info in infos] == [3, 2, 1]
    assert infos[0][1:] == (12_000.0, "g", 4, 29.95, WaveformState.PENDING, "")
    assert [info.key.ts - T0 for info in store.find("p1", "vib", *ALL_TIME, limit=2)] == [4, 3]
    assert [k[1:] for k in keys(store)[:3]] == [("vib", T0 + 4), ("vib", T0 + 3), ("other", T0 + 2)]


def test_an_empty_store_says_so(store: WaveformStore) -> None:
    assert (store.add([]), store.find("p1", "", *ALL_TIME), store.pending(9)) == ([], [], [])
    assert store.prune(T0, 1) == 0
    with pytest.raises(NotFound):
        store.get(waveform().key)


def test_sending_again_changes_nothing(store: WaveformStore) -> None:
    assert store.add([waveform(), waveform()]) == [True, False]
    store.done([waveform()])
    assert store.add([waveform()]) == [False]
    assert store.pending(9) == []


@pytest.mark.parametrize("winner_first", [True, False])
@pytest.mark.parametrize(
    ("winner", "loser"),
    [(("b2", 0, 1), ("b1", 9, 5)), (("b1", 3, 1), ("b1", 2, 5)), (("", -1, 5), ("", -1, 1))],
)
def test_the_same_one_stays_in_any_order(
    store: WaveformStore,
    winner: tuple[str, int, int],
    loser: tuple[str, int, int],
    winner_first: bool,
) -> None:
    best, other = (
        waveform(samples=np.full(3, value, np.int16), boot=boot, seq=seq)
        for boot, seq, value in (winner, loser)
    )
    for one in (best, other) if winner_first else (other, best):
        store.add([one])
    assert same(store.get(best.key), best)


def test_pending_are_worked_off_oldest_first(store: WaveformStore) -> None:
    store.add([waveform(T0 + i) for i in (2, 0, 1)])
    assert [one.ts - T0 for one in store.pending(2)] == [0, 1]
    store.done(store.pending(1))
    store.done(store.pending(1), error="too short")
    assert [one.ts - T0 for one in store.pending(9)] == [2]
    assert [(i.state, i.error) for i in store.find("p1", "", *ALL_TIME)] == [
        (WaveformState.PENDING, ""),
        (WaveformState.FAILED, "too short"),
        (WaveformState.DONE, ""),
    ]


def test_one_that_was_replaced_meanwhile_stays_pending(store: WaveformStore) -> None:
    old, new = waveform(seq=1), waveform(seq=2)
    store.add([old])
    taken = store.pending(1)
    store.add([new])
    store.done(taken)
    assert [one.seq for one in store.pending(9)] == [2]
    store.done(store.pending(9))
    assert store.pending(9) == []
    store.done([waveform(T0 + 99)])  # not there: nothing to note


def prune_all(store: WaveformStore, before: int, limit_bytes: int = 0) -> int:
    total = 0
    while gone := store.prune(before, limit_bytes):
        total += gone
    return total


def test_old_ones_go_but_the_newest_of_each_series_stays(store: WaveformStore) -> None:
    store.add([waveform(T0 + i) for i in range(5)])
    store.add([waveform(T0, "p2"), waveform(T0 + 1, "p2")])
    assert prune_all(store, T0 + 3) == 4
    assert [key.ts - T0 for key in keys(store)] == [4, 3]
    assert [key.ts - T0 for key in keys(store, "p2")] == [1]
    assert prune_all(store, T0 + 99) == 1
    assert [key.ts - T0 for key in keys(store)] == [4]


def test_the_oldest_go_when_there_are_too_many_bytes(store: WaveformStore) -> None:
    noise = np.random.default_rng(1).integers(-30_000, 30_000, 5000).astype(np.int16)
    store.add([waveform(T0 + i, samples=noise) for i in range(400)])
    store.add([waveform(T0 - 1, "p2", samples=noise)])
    assert prune_all(store, 0, 10_000_000) == 0
    size = noise.nbytes
    assert prune_all(store, 0, int(100.5 * size)) == pytest.approx(301, abs=1)
    left = [key.ts - T0 for key in keys(store)]
    assert left == list(range(399, 399 - len(left), -1))
    assert len(keys(store, "p2")) == 1
    assert prune_all(store, 0, 1) == len(left) - 1


specs = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2"]),
        st.integers(0, 3),
        st.sampled_from(["", "b1", "b2"]),
        st.integers(-1, 2),
        st.one_of(
            arrays.arrays(np.int16, st.integers(1, 6)),
            arrays.arrays(np.float32, st.integers(1, 6)),
        ),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(specs=specs, seed=st.integers(0, 2**32))
def test_shuffled_and_repeated_ones_end_in_the_same_content_everywhere(
    tmp_path_factory: pytest.TempPathFactory,
    specs: Sequence[tuple[str, int, str, int, Samples]],
    seed: int,
) -> None:
    random_ = random.Random(seed)
    ones = [
        waveform(T0 + at, device, samples=samples, boot=boot, seq=seq)
        for device, at, boot, seq, samples in specs
    ]
    again = ones + random_.sample(ones, len(ones) // 2)
    random_.shuffle(again)
    found = []
    for kind in BACKENDS:
        for order in (ones, again):
            store = opened_store(kind, tmp_path_factory.mktemp("store"))
            half = len(order) // 2
            new = store.add(order[:half]) + store.add(order[half:])
            everything = [store.get(key) for device in ("p1", "p2") for key in keys(store, device)]
            assert sum(new) == len(everything)
            found.append(
                [
                    (w.key, w.boot, w.seq, w.samples.dtype.str, w.samples.tobytes())
                    for w in everything
                ]
            )
            store.close()
    assert all(one == found[0] for one in found)


def test_another_process_may_look_while_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    reader = SqliteWaveformStore(path, read_only=True)
    assert (reader.find("p1", "", *ALL_TIME), reader.pending(1)) == ([], [])
    with pytest.raises(NotFound):
        reader.get(waveform().key)
    writer = SqliteWaveformStore(path)
    writer.add([waveform()])
    assert same(reader.get(waveform().key), waveform())
    with pytest.raises(RuntimeError, match="reading only"):
        reader.add([waveform()])
    reader.close()
    writer.close()


_ADD_AND_DIE = """
import os, sys
from pathlib import Path
from ingest.stores.waveforms import SqliteWaveformStore
from tests.contracts.test_waveform_store import waveform
SqliteWaveformStore(Path(sys.argv[1])).add([waveform()])
os.kill(os.getpid(), 9)
"""


def test_what_was_added_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    ended = subprocess.run([sys.executable, "-c", _ADD_AND_DIE, str(path)], check=False)
    assert ended.returncode == -9
    reader = SqliteWaveformStore(path, read_only=True)
    assert same(reader.get(waveform().key), waveform())
    reader.close()
    store = SqliteWaveformStore(path)
    assert same(store.pending(1)[0], waveform())
    store.close()


def test_damaged_samples_stop_nobody(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    store = SqliteWaveformStore(path)
    store.add([waveform(T0), waveform(T0 + 1)])
    damage = apsw.Connection(str(path))
    damage.execute("UPDATE waveform SET samples = x'0102030405' WHERE ts = ?", (T0,))
    damage.close()
    assert [one.ts - T0 for one in store.pending(9)] == [1]
    assert [i.state for i in store.find("p1", "", T0, T0 + 1)] == [WaveformState.FAILED]
    with pytest.raises(NotFound):
        store.get(waveform(T0).key)
    assert store.add([waveform(T0)]) == [False]  # sent again, it is whole again
    assert same(store.get(waveform(T0).key), waveform(T0))
    store.close()


def test_int16_needs_no_more_room_than_it_was_sent_with(tmp_path: Path) -> None:
    store = SqliteWaveformStore(tmp_path / "w.sqlite")
    hum = (3000 * np.sin(np.arange(24_000) / 5)).astype(np.int16)
    noise = np.random.default_rng(1).integers(-32_768, 32_767, 24_000).astype(np.int16)
    store.add([waveform(T0 + i, samples=hum if i % 2 else noise) for i in range(40)])
    store.close()
    assert (tmp_path / "w.sqlite").stat().st_size < 40 * noise.nbytes * 1.05
