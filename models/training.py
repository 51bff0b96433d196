"""Trains a product's models from what the store and the maintenance log know at a moment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as library_version

import msgspec
import numpy as np

from models.anomaly import DistanceDetector
from models.base import Bool, Features, Float64, Int64, anything_known
from models.conditions import OperatingConditions
from models.evaluation import life_metrics, risk_metrics
from models.failure import FEWEST_FAILURES, BoostedRisk
from models.features import FeaturePlan, Past, Rows, plan_features
from models.frames import Fleet, FleetReader, last_end
from models.kinds import (
    ANOMALY,
    FAILURE,
    FIRST_LIFE_STEP,
    LIFE,
    AnomalyKind,
    FailureKind,
    LifeKind,
    LifeMember,
)
from models.labels import failure_labels, healthy, remaining_hours
from models.life import FEWEST_FAILURES as FEWEST_LIVES
from models.life import BlendedLife
from models.threads import one_thread
from models.wear import WearPlan, keep_slow, life_step, lives_of, wear_features
from purna.core.catalogue import Product
from purna.core.clock import HOUR, to_iso
from purna.core.devices import Device, Maintenance
from purna.core.errors import GiveUp
from purna.core.ports import ReadingStore

Progress = Callable[[str, float], None]
"""Told what is being done now, and the share (0..1) that is over."""

_LIBRARIES = ("numpy", "scikit-learn", "scipy", "skops")
_WARM_UP_HOURS = 48
_FEWEST_LIFE_STEPS = 30
_SKILL = 0.25


class Card(msgspec.Struct, frozen=True):
    """All that one should know of a trained model before using it.

    ``metrics`` are found on devices that were held out: by component (and ``@<hours>``) for
    failure and life, ``fleet`` for anomaly. ``data`` is a digest of what was learnt from.
    """

    kind: str
    version: str
    product: str
    product_version: int
    seed: int
    start: str
    until: str
    devices: int
    data: str
    features: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, float]
    metrics: Mapping[str, Mapping[str, float]]
    libraries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A trained model of one kind with its card."""

    card: Card
    model: AnomalyKind | FailureKind | LifeKind


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not trained, and why.

    ``too_few``: there are ``found`` failures (or healthy rows) and ``needed`` are needed.
    ``no_trend``: devices held out show that the readings do not foretell this component's end;
    ``found`` and ``needed`` are then percent of the variance of remaining life.
    """

    kind: str
    component: str
    found: int
    needed: int
    why: str = "too_few"


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The models of one product by kind; a kind that could not be trained is not there."""

    product: str
    by_kind: Mapping[str, Artifact] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work training may be.

    ``negatives`` and ``positives`` bound the rows per failure model, ``trees`` and ``rate`` are
    of its boosting; the ``life_`` values are the same for remaining life.
    """

    negatives: int = 24_000
    positives: int = 6_000
    trees: int = 200
    rate: float = 0.05
    bins: int = 250
    folds: int = 2
    life_rows: int = 20_000
    life_trees: int = 400
    life_rate: float = 0.03
    life_vectors: int = 7_000
    life_folds: int = 5


FULL = Effort()
"""For retraining by schedule: minutes."""

QUICK = Effort(
    negatives=2_500,
    positives=1_000,
    trees=60,
    rate=0.12,
    bins=63,
    folds=2,
    life_rows=3_000,
    life_trees=80,
    life_rate=0.12,
    life_vectors=1_000,
    life_folds=2,
)
"""For the first start and for trying things: seconds."""


def train(
    product: Product,
    devices: Sequence[Device],
    store: ReadingStore,
    maintenance: Sequence[Maintenance],
    until: int,
    *,
    seed: int = 0,
    effort: Effort = FULL,
    progress: Progress | None = None,
) -> Artifacts:
    """Models of every kind that there is enough to learn for.

    Parameters
    ----------
    until
        Micros; nothing that was measured or learnt later is used.

    Raises
    ------
    GiveUp
        ``model.no_data`` when the store holds no reading of these devices up to ``until``.
    """
    told = progress or (lambda _what, _share: None)
    told("read", 0.0)
    end = last_end(product, until)
    fleet = FleetReader(product).read(store, devices, maintenance, [end]).until(end)
    if not np.isfinite(fleet.values).any():
        raise GiveUp(
            "model.no_data",
            f"no readings of {product.id} up to {to_iso(until)}",
            product=product.id,
            until=until,
        )
    with one_thread():
        return _Training(product, fleet, end, seed, effort, told).run()


class _Training:
    def __init__(
        self, product: Product, fleet: Fleet, until: int, seed: int, effort: Effort, told: Progress
    ) -> None:
        self.product, self.fleet, self.until = product, fleet, until
        self.seed, self.effort, self.told = seed, effort, told
        self.components = tuple(c.id for c in product.components)
        self.rng = np.random.default_rng(seed)
        self.skipped: list[Skipped] = []

    def run(self) -> Artifacts:
        self.told("conditions", 0.1)
        self.conditions = OperatingConditions(self.seed).fit(self.fleet, self.product)
        self.past = Past(self.conditions.transform(self.fleet))
        self.rows = self._usable_rows()
        made = {}
        for make in (self._anomaly, self._failure, self._life):
            artifact = make()
            if artifact is not None:
                made[artifact.card.kind] = artifact
        self.told("done", 1.0)
        return Artifacts(self.product.id, made, tuple(self.skipped))

    def _usable_rows(self) -> Rows:
        """Steps with a reading, after the device's first two days."""
        known = anything_known(self.fleet.values)
        begin = known.argmax(axis=1) + max(_WARM_UP_HOURS * HOUR // self.fleet.grid.step, 1)
        known &= np.arange(self.fleet.grid.count) >= begin[:, None]
        device, time = np.nonzero(known)
        return Rows(device.astype(np.int64), time.astype(np.int64))

    def _sample(self, chosen: Int64, most: int) -> Int64:
        if len(chosen) <= most:
            return chosen
        return np.sort(self.rng.choice(chosen, most, replace=False))

    def _take(self, chosen: Int64) -> Rows:
        return Rows(self.rows.device[chosen], self.rows.time[chosen])

    def _anomaly(self) -> Artifact | None:
        self.told("anomaly", 0.15)
        well = np.flatnonzero(healthy(self.fleet, self.components, self.rows))
        rows = self._take(self._sample(well, self.effort.negatives))
        model = AnomalyKind(self.conditions, DistanceDetector(seed=self.seed))
        features = model.features(self.fleet, self.past, rows)
        half = np.isin(rows.device, self.rng.permutation(len(self.fleet.devices))[::2])
        try:
            model.detector.fit(features)
            judge = DistanceDetector(seed=self.seed).fit(features.rows(half))
        except GiveUp as too_few:
            found, needed = too_few.params["rows"], too_few.params["needed"]
            self.skipped.append(Skipped(ANOMALY, "", int(str(found)), int(str(needed))))
            return None
        scores = judge.score(features.rows(~half))
        scores = scores[np.isfinite(scores)]
        limit = self.product.policy.anomaly_score
        fleet_metrics = {
            "healthy_rows": float(len(rows.device)),
            "false_alarm_rate": float(np.mean(scores >= limit)) if len(scores) else float("nan"),
            "above_limit_rate": float(np.mean(scores >= 1.0)) if len(scores) else float("nan"),
        }
        return self._artifact(
            ANOMALY, model, {"fleet": model.detector.columns_}, {"fleet": fleet_metrics}
        )

    def _failure(self) -> Artifact | None:
        plan = plan_features(self.product, self.fleet, self.conditions.symptoms_)
        base = self._sample(np.arange(len(self.rows.device)), self.effort.negatives)
        risks: dict[str, dict[int, BoostedRisk]] = {}
        metrics: dict[str, dict[str, float]] = {}
        names: dict[str, tuple[str, ...]] = {}
        for number, component in enumerate(self.components):
            self.told(f"failure {component}", 0.2 + 0.5 * number / len(self.components))
            found = int(sum(m.failed and m.component == component for m in self.fleet.maintenance))
            if found < FEWEST_FAILURES:
                self.skipped.append(Skipped(FAILURE, component, found, FEWEST_FAILURES))
                continue
            risks[component] = self._risks(plan, component, base, metrics)
            if not risks[component]:
                del risks[component]
                self.skipped.append(Skipped(FAILURE, component, found, FEWEST_FAILURES))
            else:
                names[component] = next(iter(risks[component].values())).columns_
        if not risks:
            return None
        return self._artifact(FAILURE, FailureKind(self.conditions, plan, risks), names, metrics)

    def _risks(
        self, plan: FeaturePlan, component: str, base: Int64, metrics: dict[str, dict[str, float]]
    ) -> dict[int, BoostedRisk]:
        """One model per horizon, from all that failed and a sample of what did not."""
        picked: dict[int, tuple[Int64, Float64]] = {}
        for horizon in self.product.horizons:
            failed, known = failure_labels(self.fleet, component, horizon, self.rows, self.until)
            positive = self._sample(np.flatnonzero(failed), self.effort.positives)
            negative = base[known[base] & ~failed[base]]
            if not len(positive) or not len(negative):
                continue
            weights = np.concatenate(
                [
                    np.full(len(positive), failed.sum() / len(positive)),
                    np.full(len(negative), (known & ~failed).sum() / len(negative)),
                ]
            )
            picked[horizon] = (np.concatenate([positive, negative]), weights)
        if not picked:
            return {}
        every = np.unique(np.concatenate([chosen for chosen, _ in picked.values()]))
        rows = self._take(every)
        kind = FailureKind(self.conditions, plan, {})
        shared = kind.features(self.fleet, self.past, rows)
        features = kind.features_of(component, shared, self.fleet, self.past, rows)
        models: dict[int, BoostedRisk] = {}
        for horizon, (chosen, weights) in picked.items():
            where = np.searchsorted(every, chosen)
            mine = self._take(chosen)
            failed, _ = failure_labels(self.fleet, component, horizon, mine, self.until)
            model = BoostedRisk(
                self.effort.trees,
                self.effort.rate,
                self.effort.bins,
                self.effort.folds,
                self.seed,
            ).fit(features.rows(where), failed, mine.device, weights)
            models[horizon] = model
            metrics[f"{component}@{horizon}"] = self._judge_risk(
                model, component, mine, failed, weights
            )
        return models

    def _judge_risk(
        self,
        model: BoostedRisk,
        component: str,
        rows: Rows,
        failed: Bool,
        weights: Float64,
    ) -> dict[str, float]:
        probability = model.held_out_
        seen = np.isfinite(probability)
        if not seen.any():
            return {"rows": float(len(failed))}
        threshold = self.product.policy.raise_probability
        out = risk_metrics(probability[seen], failed[seen], weights[seen], threshold)
        ends = self.fleet.grid.first + rows.time * self.fleet.grid.step
        coming = self.fleet.failures(component).next(rows.device, ends)
        events = np.stack([rows.device, coming])[:, failed & seen]
        alarmed = np.stack([rows.device, coming])[:, failed & seen & (probability >= threshold)]
        out["failures"] = float(len(np.unique(events, axis=1).T))
        out["failures_caught"] = float(len(np.unique(alarmed, axis=1).T))
        return out

    def _life(self) -> Artifact | None:
        cap = float(max(self.product.horizons))
        if cap * HOUR < _FEWEST_LIFE_STEPS * self.fleet.grid.step:
            return None  # the longest horizon is too short to see a life's end coming
        members: dict[str, LifeMember] = {}
        metrics: dict[str, dict[str, float]] = {}
        for number, component in enumerate(self.components):
            self.told(f"life {component}", 0.7 + 0.3 * number / len(self.components))
            plan = WearPlan(component, cap, life_step(self.fleet, cap), self.conditions.symptoms_)
            member = self._life_member(plan, metrics)
            if member is not None:
                members[component] = member
        if not members:
            return None
        names = {c: m.model.columns_ for c, m in members.items()}
        return self._artifact(LIFE, LifeKind(self.conditions, members), names, metrics)

    def _life_member(
        self, plan: WearPlan, metrics: dict[str, dict[str, float]]
    ) -> LifeMember | None:
        ends = self.fleet.grid.first + self.rows.time * self.fleet.grid.step
        on_life_steps = np.flatnonzero(ends % plan.step == 0)
        rows = self._take(on_life_steps)
        hours = remaining_hours(self.fleet, plan.component, rows, self.until, plan.cap)
        symptoms = self.conditions.symptoms_
        deviations = self.past.now.transpose(0, 2, 1)
        lives, life, step = lives_of(plan, symptoms, self.fleet, deviations, rows)
        plan = keep_slow(plan, lives)
        failures = self.fleet.failures(plan.component)
        ended = failures.next(rows.device, ends[on_life_steps])
        usable = np.isfinite(hours) & (step >= FIRST_LIFE_STEP)
        worn = usable & (hours < plan.cap)
        found = len(np.unique(np.stack([rows.device, ended])[:, worn], axis=1).T)
        groups = len(np.unique(rows.device[worn]))
        if min(found, groups) < FEWEST_LIVES or not plan.symptoms:
            self.skipped.append(Skipped(LIFE, plan.component, min(found, groups), FEWEST_LIVES))
            return None
        chosen = self._sample(np.flatnonzero(usable), self.effort.life_rows)
        lives, life, step = lives_of(
            plan, symptoms, self.fleet, deviations, Rows(rows.device[chosen], rows.time[chosen])
        )
        features: Features = wear_features(plan, lives, life, step)
        true_hours = remaining_hours(
            self.fleet,
            plan.component,
            Rows(rows.device[chosen], rows.time[chosen]),
            self.until,
            np.inf,
        )
        # Rows far from the end all have the same target; they should not drown the others.
        weights = np.where(true_hours > 1.2 * plan.cap, 0.3, 1.0)
        model = BlendedLife(
            cap=plan.cap,
            trees=self.effort.life_trees,
            rate=self.effort.life_rate,
            bins=self.effort.bins,
            vectors=self.effort.life_vectors,
            folds=self.effort.life_folds,
            seed=self.seed,
        ).fit(features, hours[chosen], rows.device[chosen], weights)
        intervals, target = model.held_out_interval(), hours[chosen]
        end = target < plan.cap
        skill = 1.0 - np.mean((intervals[end, 1] - target[end]) ** 2) / max(
            np.var(target[end]), 1e-9
        )
        if skill < _SKILL:
            found, needed = max(round(100 * skill), 0), round(100 * _SKILL)
            self.skipped.append(Skipped(LIFE, plan.component, found, needed, "no_trend"))
            return None
        judged = life_metrics(intervals, target)
        near = target < plan.cap / 2
        judged["rmse_near_end"] = life_metrics(intervals[near], target[near])["rmse"]
        judged["skill"] = float(skill)
        judged["lives"] = float(found)
        metrics[plan.component] = judged
        return LifeMember(plan, model)

    def _artifact(
        self,
        kind: str,
        model: AnomalyKind | FailureKind | LifeKind,
        features: Mapping[str, tuple[str, ...]],
        metrics: Mapping[str, Mapping[str, float]],
    ) -> Artifact:
        card = Card(
            kind=kind,
            version="",
            product=self.product.id,
            product_version=self.product.version,
            seed=self.seed,
            start=to_iso(self.fleet.grid.first),
            until=to_iso(self.until),
            devices=len(self.fleet.devices),
            data=fleet_digest(self.fleet),
            features=features,
            settings={name: float(getattr(self.effort, name)) for name in self.effort.__slots__},
            metrics=metrics,
            libraries={name: library_version(name) for name in _LIBRARIES},
        )
        named = msgspec.structs.replace(card, metrics={})
        digest = hashlib.sha256(msgspec.json.encode(named, order="deterministic")).hexdigest()
        return Artifact(
            msgspec.structs.replace(card, version=f"{self.product.id}-{kind}-{digest[:12]}"), model
        )


def fleet_digest(fleet: Fleet) -> str:
    """SHA-256 over everything that is learnt from."""
    parts = hashlib.sha256(np.ascontiguousarray(fleet.values).tobytes())
    for columns in (fleet.event_device, fleet.event_code, fleet.event_ts):
        parts.update(columns.tobytes())
    names = [list(fleet.quantities), list(fleet.codes), fleet.grid.first, fleet.grid.step]
    parts.update(msgspec.json.encode([names, fleet.devices, fleet.maintenance]))
    return parts.hexdigest()
