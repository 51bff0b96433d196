"""The mappings that come with Purna, on the real files where they are present."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ingest.imports import read_history, shipped_sets
from purna.core.clock import HOUR, from_iso
from purna.core.errors import BadInput


def test_the_sets_there_are() -> None:
    assert shipped_sets() == ["azure_pdm", "cmapss"]


def test_cmapss_wants_to_know_the_subset(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="FD001, FD002, FD003, FD004"):
        read_history("cmapss", tmp_path)


@pytest.mark.parametrize("subset", ["FD002", "FD004"])
def test_six_regime_subsets_of_cmapss_are_read_when_somebody_has_them(
    tmp_path: Path, subset: str
) -> None:
    # Sea level and cruise, in the ranges of the set's documentation.
    low = "0.001 0.0 100.0 518.67 642 1590 1400 14.62 21.6 554 2388 9050 1.3 47.3 522 2388 8130 8.4"
    high = "42.0 0.84 100.0 445.0 549 1350 1120 3.91 5.7 138 2212 8320 1.02 42.0 130 2388 8080 9.4"
    rest = " 0.03 392 2388 100.0 38.9 23.4 "
    for kind, cycles in (("train", 3), ("test", 2)):
        rows = [f"1 {n} {low if n % 2 else high}{rest}\n" for n in range(1, cycles + 1)]
        (tmp_path / f"{kind}_{subset}.txt").write_text("".join(rows))
    history = read_history("cmapss", tmp_path, subset)
    assert [d.id for d in history.devices] == [f"{subset}-test-001", f"{subset}-train-001"]
    assert history.readings == 5 * 24
    assert not any(batch.quality.any() for batch in history.batches())
    (failure,) = history.maintenance
    assert failure.device == f"{subset}-train-001"
    assert failure.ts == from_iso("2000-01-01T03:00:00Z")


@pytest.mark.data
def test_azure_has_the_rows_that_its_readme_counts(public_data: Path) -> None:
    history = read_history("azure_pdm", public_data / "azure_pdm")
    assert {f.file: f.rows for f in history.files} == {
        "telemetry_3h.parquet": 204_470,
        "PdM_errors.csv.gz": 2705,
        "PdM_maint.csv.gz": 2319,
        "PdM_failures.csv.gz": 508,
        "PdM_machines.csv.gz": 70,
    }
    assert sum(f.wrong for f in history.files) == 0
    assert sum(f.left_out for f in history.files) == 10  # the seed batch
    assert len(history.devices) == 70
    assert history.readings == 4 * 204_470
    assert all(len(track.ts) == 2921 for track in history.tracks.values())
    assert Counter(e.code for e in history.events) == {
        "error1": 687, "error2": 695, "error3": 582, "error4": 498, "error5": 243,
    }  # fmt: skip
    failed = Counter(m.component for m in history.maintenance if m.failed)
    assert sum(failed.values()) == 498
    assert len(history.maintenance) == 2319  # every failure is one of the replacements
    assert Counter(d.attributes["model"] for d in history.devices)["model3"] == 27
    assert not any(batch.quality.any() for batch in history.batches())


@pytest.mark.data
def test_azure_readings_are_dated_when_they_are_known(public_data: Path) -> None:
    history = read_history("azure_pdm", public_data / "azure_pdm")
    first = history.tracks["azure-001"]
    assert first.ts[0] == from_iso("2015-01-01T07:00:00Z")
    assert np.unique(np.diff(first.ts)).tolist() == [3 * HOUR]
    assert first.values[0] == pytest.approx([172.8832, 414.5646, 108.6737, 44.6693], abs=1e-3)


@pytest.mark.data
@pytest.mark.parametrize(
    ("subset", "train", "test"), [("FD001", 20631, 13096), ("FD003", 24720, 16596)]
)
def test_cmapss_has_the_rows_that_its_readme_counts(
    public_data: Path, subset: str, train: int, test: int
) -> None:
    history = read_history("cmapss", public_data / "cmapss", subset)
    assert [f.rows for f in history.files] == [train, test]
    assert sum(f.wrong + f.left_out for f in history.files) == 0
    assert history.readings == 24 * (train + test)
    assert len(history.devices) == 200
    assert len(history.maintenance) == 100
    for record in history.maintenance:
        assert "-train-" in record.device
        assert record.failed
        assert record.ts == history.tracks[record.device].ts[-1] + 60_000_000
    assert not any(batch.quality.any() for batch in history.batches())
