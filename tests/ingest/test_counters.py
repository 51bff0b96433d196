"""The figures: the equation of messages at every moment, and what is shown beside it."""

from __future__ import annotations

import random
import re
import threading
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from ingest.counters import GAUGES, HISTOGRAMS, NAMES, Counters, Figures
from purna.run.heartbeat import Heartbeat, last_beat
from tests.ingest.conftest import Desks
from tests.ingest.kit import telemetry
from tests.ingest.poison import POISON

NOW = 1_780_000_000_000_000
FATES = ("stored", "duplicates", "quarantined", "shed")


def scraped(counters: Counters) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(counters)
    text = generate_latest(registry).decode()
    return {
        name: float(value)
        for name, value in re.findall(r"^purna_ingest_(\w+?)(?:_total)? (\S+)$", text, re.MULTILINE)
    }


def test_the_equation_holds_at_every_sample_under_load(desks: Desks) -> None:
    desk = desks(NOW, device_rate=100, device_burst=300, group_size=97)
    samples: list[dict[str, float]] = []
    done = threading.Event()

    def sample() -> None:
        while not done.is_set():
            samples.append(scraped(desk.counters))

    sampler = threading.Thread(target=sample)
    sampler.start()
    random_ = random.Random(5)
    poison = list(POISON.values())
    sent = 0
    for turn in range(30):
        messages = [
            random_.choice(poison)
            if random_.random() < 0.1
            else telemetry(NOW + (n := random_.randrange(2000)), n, temp=1.0)
            for _ in range(100)
        ]
        desk.link.now += 0.2
        desk.send(*messages, device=f"d{turn % 2 + 1}")
        sent += len(messages)
    done.set()
    sampler.join()
    samples.append(scraped(desk.counters))
    assert len(samples) > 20
    for one in samples:
        assert one["received"] == sum(one[fate] for fate in FATES)
    assert samples[-1]["received"] == sent
    assert all(samples[-1][fate] > 0 for fate in FATES)
    assert samples[-1]["partial"] <= samples[-1]["stored"]


def test_everything_that_can_be_shown_is_shown_after_the_first_steps(desks: Desks) -> None:
    desk = desks(NOW)
    desk.send(telemetry(NOW, 1, temp=1.0))
    desk.pass_time(2)
    shown = scraped(desk.counters)
    assert set(NAMES) <= set(shown)
    assert set(GAUGES) <= set(shown)
    for name in HISTOGRAMS:
        assert shown[f"{name}_count"] == 1
    assert shown["last_commit_age_seconds"] >= 1


def test_the_heartbeat_carries_all_figures(tmp_path: Path) -> None:
    counters = Counters()
    counters.add(received=3, stored=3)
    counters.show(gaps_open=2)
    counters.observe(commit_seconds=0.003)
    Heartbeat(tmp_path / "beat.json", counters, lambda: True).beat()
    beat = last_beat(tmp_path / "beat.json")
    assert beat is not None
    assert Figures(beat.counters, beat.gauges, beat.histograms).counters == counters.as_dict()
    assert beat.gauges == {"gaps_open": 2}
    counts, total = beat.histograms["commit_seconds"]
    assert (sum(counts), total) == (1, 0.003)
    assert {family.name for family in beat.families()} == {
        family.name for family in counters.collect()
    }
