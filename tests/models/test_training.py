from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import training
from models.artifacts import load, save
from models.kinds import ANOMALY, FAILURE, LIFE
from models.scoring import Scorer
from models.training import Artifacts, Effort, train
from purna.core.assessments import Assessment
from purna.core.clock import DAY, HOUR
from purna.core.errors import BadInput, Denied, GiveUp, NotFound
from purna.core.readings import DeviceEvent
from tests.models.fleets import EPOCH, Plant, plant

KEY = b"k" * 32
SMALL_EFFORT = Effort(
    negatives=1_500, positives=500, trees=40, rate=0.1,
    life_rows=1_500, life_trees=40, life_rate=0.15, life_vectors=500, life_folds=3,
)  # fmt: skip


def learn(some: Plant, until: int | None = None, seed: int = 0) -> Artifacts:
    return train(
        some.product, some.devices, some.store, some.maintenance, until or some.until,
        seed=seed, effort=SMALL_EFFORT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def old() -> Plant:
    return plant()


@pytest.fixture(scope="module")
def artifacts(old: Plant) -> Artifacts:
    return learn(old)


@pytest.fixture(scope="module")
def new() -> Plant:
    """The same kind of fleet with another fate."""
    return plant(count=6, seed=77)


@pytest.fixture(scope="module")
def said(new: Plant, artifacts: Artifacts) -> dict[tuple[str, int], Assessment]:
    ends = [EPOCH + HOUR * n for n in range(10 * 24, 60 * 24 + 1, 2)]
    scored = Scorer(new.product, artifacts).score(new.devices, new.store, new.maintenance, ends)
    return {(a.device, a.window_end): a for a in scored}


def test_cards_tell_what_was_learnt_and_how_well(artifacts: Artifacts) -> None:
    assert set(artifacts.by_kind) == {ANOMALY, FAILURE, LIFE}
    failure = artifacts.by_kind[FAILURE].card.metrics
    assert failure["seal@24"]["average_precision"] > 0.9
    assert failure["seal@24"]["failures_caught"] > 0.8 * failure["seal@24"]["failures"]
    assert failure["bearing@168"]["average_precision"] > 0.7
    life = artifacts.by_kind[LIFE].card.metrics["bearing"]
    assert life["rmse"] < 40
    assert 0.85 <= life["coverage"] <= 0.95
    anomaly = artifacts.by_kind[ANOMALY].card.metrics["fleet"]
    assert anomaly["false_alarm_rate"] < 0.02


def test_a_component_that_never_failed_is_not_spoken_of(
    artifacts: Artifacts, said: dict[tuple[str, int], Assessment]
) -> None:
    assert {(s.kind, s.component, s.found) for s in artifacts.skipped} >= {
        (FAILURE, "fan", 0),
        (LIFE, "fan", 0),
    }
    assert all(a.risk_of("fan") is None and a.life_of("fan") is None for a in said.values())


def test_failures_of_machines_never_seen_are_foretold(
    new: Plant, said: dict[tuple[str, int], Assessment]
) -> None:
    bursts = [m for m in new.maintenance if m.component == "seal" and m.ts > EPOCH + 12 * DAY]
    before = [said.get((m.device, (m.ts - 6 * HOUR) // (2 * HOUR) * 2 * HOUR)) for m in bursts]
    risks = [a.risk_of("seal") for a in before if a is not None]
    foretold = [r.probability[24] >= 0.5 for r in risks if r is not None]
    assert np.mean(foretold) >= 0.8


def test_quiet_machines_are_left_alone(new: Plant, said: dict[tuple[str, int], Assessment]) -> None:
    bursts = [(m.device, m.ts) for m in new.maintenance if m.component == "seal"]
    quiet = [
        a for a in said.values()
        if not any(d == a.device and -2 * DAY < ts - a.window_end < 4 * DAY for d, ts in bursts)
    ]  # fmt: skip
    alarms = [r.probability[24] >= 0.5 for a in quiet if (r := a.risk_of("seal"))]
    assert np.mean(alarms) < 0.01


def test_a_reason_names_what_moved(new: Plant, said: dict[tuple[str, int], Assessment]) -> None:
    risks = [r for a in said.values() if (r := a.risk_of("seal")) and r.probability[24] > 0.8]
    named = {c.name for r in risks for c in r.contributions[:2]}
    assert "event:E17" in named or "pressure" in named
    worn = [r for a in said.values() if (r := a.risk_of("bearing")) and r.probability[24] > 0.6]
    assert worn
    assert np.mean(["vibration" in [c.name for c in r.contributions] for r in worn]) > 0.7


def test_longer_horizons_are_never_less_likely(
    said: dict[tuple[str, int], Assessment],
) -> None:
    for assessment in said.values():
        for risk in assessment.risks:
            values = list(risk.probability.values())
            assert list(risk.probability) == [24, 168]
            assert values == sorted(values)


def test_remaining_life_shrinks_towards_the_end_and_new_parts_have_none(
    new: Plant, said: dict[tuple[str, int], Assessment]
) -> None:
    errors, early = [], []
    for failure in (m for m in new.maintenance if m.component == "bearing"):
        near = said.get((failure.device, (failure.ts - 24 * HOUR) // (2 * HOUR) * 2 * HOUR))
        if near is not None and (life := near.life_of("bearing")) is not None:
            errors.append(abs(life.median - 24))
        fresh = said.get((failure.device, (failure.ts + 30 * HOUR) // (2 * HOUR) * 2 * HOUR))
        if fresh is not None:
            early.append(fresh.life_of("bearing"))
    assert np.median(errors) < 20
    assert early.count(None) >= 0.8 * len(early)


def test_a_window_scores_the_same_alone_in_a_batch_and_in_a_growing_history(
    new: Plant, artifacts: Artifacts
) -> None:
    ends = [new.until - k * HOUR for k in range(5, -1, -1)]
    batch = Scorer(new.product, artifacts).score(new.devices, new.store, new.maintenance, ends)
    live = Scorer(new.product, artifacts)
    one_by_one = [
        assessment
        for end in ends
        for assessment in live.score(new.devices, new.store, new.maintenance, [end])
    ]
    assert one_by_one == batch
    assert [a.window_end for a in batch] == sorted(a.window_end for a in batch)


def test_training_twice_gives_the_same_version_and_the_same_scores(
    old: Plant, new: Plant, artifacts: Artifacts
) -> None:
    again = learn(old)
    for kind, artifact in artifacts.by_kind.items():
        assert again.by_kind[kind].card == artifact.card
    ends = [new.until]
    first = Scorer(new.product, artifacts).score(new.devices, new.store, [], ends)
    assert Scorer(new.product, again).score(new.devices, new.store, [], ends) == first


def test_what_happens_later_changes_nothing(old: Plant) -> None:
    until = old.until - 20 * DAY
    truncated = plant()
    truncated.store.raised = [e for e in truncated.store.raised if e.ts <= until]
    past = [m for m in truncated.maintenance if m.known_at <= until]
    expected = learn(replace(truncated, maintenance=past), until)
    later = learn(old, until)
    assert {k: a.card.version for k, a in later.by_kind.items()} == {
        k: a.card.version for k, a in expected.by_kind.items()
    }


def test_a_silent_device_is_not_assessed(new: Plant, artifacts: Artifacts) -> None:
    end = new.until + 30 * HOUR
    assert Scorer(new.product, artifacts).score(new.devices, new.store, [], [end]) == []


def test_an_end_off_the_grid_is_refused(new: Plant, artifacts: Artifacts) -> None:
    with pytest.raises(BadInput, match="multiple of the step"):
        Scorer(new.product, artifacts).score(new.devices, new.store, [], [new.until + 1])


def test_an_unknown_event_code_after_training_is_harmless(new: Plant, artifacts: Artifacts) -> None:
    other = plant(count=6, seed=77)
    device = other.devices[0].id
    other.store.raised.append(DeviceEvent(device, other.until - HOUR, "event", "E99"))
    scorer = Scorer(other.product, artifacts)
    assert len(scorer.score(other.devices, other.store, [], [other.until])) >= 5


def test_without_readings_training_says_so(old: Plant) -> None:
    with pytest.raises(GiveUp, match="no readings"):
        learn(old, EPOCH - DAY)


def test_saved_and_loaded_models_score_the_same(
    new: Plant, artifacts: Artifacts, tmp_path: Path
) -> None:
    loaded = {}
    for kind, artifact in artifacts.by_kind.items():
        save(artifact, tmp_path, KEY)
        loaded[kind] = load(tmp_path, artifact.card.version, KEY)
        assert loaded[kind].card == artifact.card
    again = Artifacts(artifacts.product, loaded)
    ends = [new.until - DAY, new.until]
    assert Scorer(new.product, again).score(
        new.devices, new.store, new.maintenance, ends
    ) == Scorer(new.product, artifacts).score(new.devices, new.store, new.maintenance, ends)


@pytest.mark.parametrize("name", ["model.skops", "card.json", "signature"])
def test_a_file_with_one_changed_byte_is_refused_before_it_is_parsed(
    name: str, artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = artifacts.by_kind[ANOMALY]
    file = save(artifact, tmp_path, KEY) / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr("models.artifacts.skops.get_untrusted_types", parsed)
    monkeypatch.setattr("models.artifacts.skops.loads", parsed)
    monkeypatch.setattr("models.artifacts.msgspec.json.decode", parsed)
    with pytest.raises(Denied) as refused:
        load(tmp_path, artifact.card.version, KEY)
    assert refused.value.code == "model.signature"


def test_missing_signatures_and_other_keys_and_renamed_folders_are_refused(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    artifact = artifacts.by_kind[ANOMALY]
    folder = save(artifact, tmp_path, KEY)
    with pytest.raises(Denied):
        load(tmp_path, artifact.card.version, b"x" * 32)
    folder.rename(tmp_path / "other")
    with pytest.raises(Denied):
        load(tmp_path, "other", KEY)
    (tmp_path / "other" / "signature").unlink()
    with pytest.raises(Denied):
        load(tmp_path, "other", KEY)
    with pytest.raises(NotFound):
        load(tmp_path, artifact.card.version, KEY)


def test_a_signed_file_with_a_type_that_is_not_listed_is_refused(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    artifact = artifacts.by_kind[ANOMALY]
    stranger = replace(artifact, model=Path("/"))  # type: ignore[arg-type]
    save(stranger, tmp_path, KEY)
    with pytest.raises(Denied) as refused:
        load(tmp_path, artifact.card.version, KEY)
    assert refused.value.code == "model.types"


def test_progress_rises_to_one(old: Plant) -> None:
    told: list[tuple[str, float]] = []
    train(
        old.product, old.devices[:2], old.store, [], old.until,
        effort=training.QUICK, progress=lambda what, share: told.append((what, share)),
    )  # fmt: skip
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert told[-1] == ("done", 1.0)
