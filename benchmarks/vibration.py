"""How well bearings are diagnosed: ``python -m benchmarks.vibration DATA``.

``DATA`` is a folder with the sets ``bearings_cwru``, ``bearings_mfpt`` and ``gearbox_fault``. One
JSON line per figure. Nothing is fitted: whole records and one-second pieces of them go through the
product's own analysis as waveforms. What is usual, for the finding "raised", is the first second of
the healthy record of the same machine; it is not judged.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.io import loadmat

from ingest.stores.waveforms import SqliteWaveformStore
from models.vibration import Analysis, analyse
from models.vibration.indicators import overall
from models.vibration.signals import Float64
from purna.core.catalogue import Product, parse_product
from purna.core.waveforms import Waveform

RACES = {"IR": "inner_race", "OR": "outer_race"}
HEALTHY, BALL = "normal", "B"
WINDOW = 4000


class Record(NamedTuple):
    """``fault`` is IR, OR, B or normal; ``bearing`` names the physical one."""

    set: str
    name: str
    bearing: str
    fault: str
    rate: float
    speed: float
    samples: Float64


def report(name: str, value: float, unit: str = "", **more: Any) -> None:
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, **more}), flush=True)


def product(bpfo: float, bpfi: float, bsf: float, ftf: float) -> Product:
    return parse_product(
        {
            "id": "test-stand",
            "name": "Test stand",
            "waveform": [
                {
                    "id": "vib",
                    "name": "Vibration",
                    "unit": "g",
                    "full_scale": 100,
                    "bands": [[1000, 3000]],
                }
            ],
            "component": [{"id": "bearing", "name": "Bearing", "part": "1"}],
            "bearing": [
                {
                    "id": "b",
                    "name": "Bearing",
                    "component": "bearing",
                    "waveform": "vib",
                    "bpfo": bpfo,
                    "bpfi": bpfi,
                    "bsf": bsf,
                    "ftf": ftf,
                }
            ],
        }
    )


PRODUCTS = {
    # Drive end: 6205-2RS. The fan end, of the healthy record only, is judged with it, too.
    "cwru": product(3.5848, 5.4152, 4.7135 / 2, 0.3983),
    "mfpt": product(81.125 / 25, 118.875 / 25, 63.91 / 25, 1 - 14.8375 / 25),
}


def cwru(folder: Path) -> Iterator[Record]:
    with (folder / "index.csv").open() as lines:
        for row in csv.DictReader(lines):
            with np.load(folder / row["file"]) as content:
                for channel in row["channels"].split(","):
                    fault = row["fault"].split("@")[0]
                    yield Record(
                        "cwru",
                        f"{row['file'].removesuffix('.npz')}.{channel}",
                        f"{row['fault']} {row['fault_diameter_mil']} mil",
                        fault,
                        float(row["sample_rate_hz"]),
                        float(row["rpm"]) / 60,
                        content[channel].ravel(),
                    )


def mfpt(folder: Path) -> Iterator[Record]:
    for path in sorted(folder.glob("*.mat")):
        bearing = loadmat(path, squeeze_me=True, struct_as_record=False)["bearing"]
        fault = {"i": "IR", "o": "OR"}.get(path.stem[0].lower(), HEALTHY)
        yield Record(
            "mfpt",
            path.stem,
            fault,
            fault,
            float(bearing.sr),
            float(bearing.rate),
            np.asarray(bearing.gs, np.float64).ravel(),
        )


def judged(record: Record, samples: Float64, usual: Mapping[str, float]) -> Analysis:
    waveform = Waveform(
        "d", "vib", 0, record.rate, "g", samples.astype(np.float32), speed=record.speed
    )
    return analyse(waveform, PRODUCTS[record.set], usual)


def measure_bearings(records: list[Record]) -> None:
    name = records[0].set
    healthy = [record for record in records if record.fault == HEALTHY]
    usual: dict[str, float] = {}
    for record in healthy[:1]:
        usual = dict(judged(record, record.samples[: round(record.rate)], {}).indicators)
    files: list[tuple[Record, str]] = []
    pieces: list[tuple[str, str]] = []
    took: list[float] = []
    for record in records:
        second = round(record.rate)
        samples = record.samples[second:] if record.fault == HEALTHY else record.samples
        whole = judged(record, samples, usual)
        (verdict,) = whole.verdicts
        files.append((record, verdict.finding.value))
        report(
            f"{name}.{record.name}",
            max(line.score for fault, line in verdict.lines.items() if fault != "ftf"),
            "score",
            finding=verdict.finding.value,
            truth=record.fault,
            rms_1_to_3_khz=round(whole.indicators["vib.band_1000_3000"], 4),
            **{fault: round(line.score, 3) for fault, line in verdict.lines.items()},
        )
        for start in range(0, len(samples) - second + 1, second):
            began = time.perf_counter()
            piece = judged(record, samples[start : start + second], usual)
            took.append(time.perf_counter() - began)
            pieces.append((record.fault, piece.verdicts[0].finding.value))
    summarise(f"{name}.files", [(record.fault, finding) for record, finding in files])
    summarise(f"{name}.seconds", pieces)
    by_bearing: dict[str, list[bool]] = defaultdict(list)
    for record, finding in files:
        if record.fault in RACES:
            by_bearing[record.bearing].append(finding == RACES[record.fault])
    for bearing, right in sorted(by_bearing.items()):
        report(f"{name}.bearing.race_named", np.mean(right), bearing=bearing, files=len(right))
    report(
        f"{name}.analysis",
        1000 * float(np.median(took)),
        "ms per second of samples",
        rate=max(record.rate for record in records),
        p95=round(1000 * float(np.quantile(took, 0.95)), 2),
    )


def summarise(name: str, found: list[tuple[str, str]]) -> None:
    """Shares of each truth; a healthy one that is flagged at all, and a ball named as a race."""
    races = [(truth, finding) for truth, finding in found if truth in RACES]
    right = sum(finding == RACES[truth] for truth, finding in races)
    report(
        f"{name}.race_named",
        right / len(races),
        right=right,
        of=len(races),
        wrong_race=sum(f in RACES.values() and f != RACES[t] for t, f in races),
    )
    for truth in (HEALTHY, BALL):
        findings = Counter(finding for t, finding in found if t == truth)
        if findings:
            wrong = sum(count for finding, count in findings.items() if finding != "none")
            label = "healthy.flagged" if truth == HEALTHY else "ball.noticed"
            report(f"{name}.{label}", wrong / findings.total(), of=findings.total(), **findings)


def measure_store(records: list[Record]) -> None:
    """Room and time of a second of samples: 16 bits over a sensor's range of 50 g, and float32."""
    pieces = [
        (record, record.samples[: round(record.rate)]) for record in records for _ in range(3)
    ]
    for name, dtype, scale in (("int16", np.int16, 50 / 32_767), ("float32", np.float32, 1.0)):
        waveforms = [
            Waveform("d", "vib", number, record.rate, "g", (x / scale).astype(dtype), scale)
            for number, (record, x) in enumerate(pieces)
        ]
        with tempfile.TemporaryDirectory() as scratch:
            store = SqliteWaveformStore(Path(scratch) / "waveforms.sqlite")
            took = []
            for waveform in waveforms:
                began = time.perf_counter()
                store.add([waveform])
                took.append(time.perf_counter() - began)
            store.close()
            size = (Path(scratch) / "waveforms.sqlite").stat().st_size
        samples = sum(len(waveform.samples) for waveform in waveforms)
        report(f"waveforms.{name}.size", size / samples, "bytes per sample")
        report(f"waveforms.{name}.add", 1000 * float(np.median(took)), "ms per durable waveform")


def measure_gearbox(folder: Path) -> None:
    """Mean indicators over windows of 4,000 rows, healthy beside broken tooth.

    The set tells neither sampling rate nor unit: so no spectra and no velocity, only shapes.
    ``auc`` is the share of pairs of windows in which the broken one has the higher value.
    """
    for load in ("0", "50"):
        windows = {}
        for state in "hb":
            with gzip.open(folder / f"{state}30hz{load}.csv.gz", "rt") as lines:
                rows = np.loadtxt(lines, delimiter=",", skiprows=1)
            count = len(rows) // WINDOW
            windows[state] = rows[: count * WINDOW].reshape(count, WINDOW, 4).transpose(2, 0, 1)
        healthy, broken = overall(windows["h"]), overall(windows["b"])
        for channel in range(4):
            for kind in ("rms", "peak_to_peak", "crest", "kurtosis"):
                h, b = getattr(healthy, kind)[channel], getattr(broken, kind)[channel]
                report(
                    f"gearbox.load_{load}.a{channel + 1}.{kind}",
                    b.mean() / h.mean(),
                    "broken / healthy",
                    healthy=round(float(h.mean()), 3),
                    broken=round(float(b.mean()), 3),
                    auc=round(float((b[:, None] > h[None, :]).mean()), 3),
                )


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    data = Path(sys.argv[1])
    measure_store(list(cwru(data / "bearings_cwru")))
    measure_bearings(list(cwru(data / "bearings_cwru")))
    measure_bearings(list(mfpt(data / "bearings_mfpt")))
    measure_gearbox(data / "gearbox_fault")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
