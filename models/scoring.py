"""Latest windows and trained models to assessments, for a whole fleet at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.base import Bool, Float64, Int64, anything_known
from models.conditions import OperatingConditions
from models.features import Past, Rows
from models.frames import Fleet, FleetReader, step_of
from models.kinds import ANOMALY, FAILURE, LIFE, AnomalyKind, FailureKind, LifeKind
from models.threads import one_thread
from models.training import Artifacts
from purna.core.assessments import (
    Anomaly,
    Assessment,
    Contribution,
    FailureRisk,
    RemainingLife,
)
from purna.core.catalogue import Product
from purna.core.clock import HOUR
from purna.core.devices import Device, Maintenance
from purna.core.errors import BadInput
from purna.core.ports import ReadingStore

_ROWS_AT_ONCE = 50_000
_NAMED = 5  # contributions that are kept
_SMALLEST = 0.03  # share below which a contribution is not worth a word
_SILENT = 24 * HOUR


class Scorer:
    """Assesses devices of one product with one set of trained models.

    Keeps what it read, so that the next round reads only the new steps: use one scorer per
    product for as long as the champions stay. Not for several threads at once.
    """

    def __init__(self, product: Product, artifacts: Artifacts) -> None:
        self._product = product
        self._reader = FleetReader(product)
        self._versions = {k: a.card.version for k, a in artifacts.by_kind.items()}
        models = {k: a.model for k, a in artifacts.by_kind.items()}
        anomaly, failure, life = models.get(ANOMALY), models.get(FAILURE), models.get(LIFE)
        self._anomaly = anomaly if isinstance(anomaly, AnomalyKind) else None
        self._failure = failure if isinstance(failure, FailureKind) else None
        self._life = life if isinstance(life, LifeKind) else None

    @property
    def versions(self) -> dict[str, str]:
        """Model versions by kind."""
        return dict(self._versions)

    @property
    def has_read(self) -> bool:
        """Whether there was a round that :meth:`score_again` can go back to."""
        return self._reader.has_read

    def score(
        self,
        devices: Sequence[Device],
        store: ReadingStore,
        maintenance: Sequence[Maintenance],
        ends: Sequence[int],
    ) -> list[Assessment]:
        """Assessments in the order of (window end, device as given).

        A device that has been silent for a day before a window's end has none for that window.

        Parameters
        ----------
        devices
            All of this scorer's product.
        maintenance
            Everything known; each window uses only what was known at its end.
        ends
            Window ends in micros, multiples of the product's step. Readings from the earliest of
            them on are read anew: asking for an end says that it may have changed.

        Raises
        ------
        BadInput
            ``window.off_grid`` for an end that is no multiple of the step.
        """
        if not ends or not devices:
            return []
        step = step_of(self._product)
        wrong = [end for end in ends if end % step]
        if wrong:
            detail = f"{wrong[0]} is no multiple of the step"
            raise BadInput("window.off_grid", detail, field="ends", end=wrong[0])
        wanted = np.unique(np.asarray(ends, np.int64))
        fleet = self._reader.read(store, devices, maintenance, [int(e) for e in wanted])
        pasts: dict[str, Past] = {}
        alive = _alive(fleet)
        out: list[Assessment] = []
        per_chunk = max(_ROWS_AT_ONCE // len(devices), 1)
        for at in range(0, len(wanted), per_chunk):
            time = (wanted[at : at + per_chunk] - fleet.grid.first) // fleet.grid.step
            every = np.arange(len(devices), dtype=np.int64)
            rows = Rows(np.tile(every, len(time)), np.repeat(time, len(devices)))
            spoken = alive[rows.device, rows.time]
            with one_thread():
                out.extend(self._assess(fleet, Rows(rows.device[spoken], rows.time[spoken]), pasts))
        return out

    def score_again(
        self,
        store: ReadingStore,
        maintenance: Sequence[Maintenance],
        late: Mapping[str, Sequence[int]],
    ) -> list[Assessment]:
        """Assessments of windows that got readings after they were scored.

        The same as :meth:`score` would give, for these windows alone; what this scorer keeps of
        the devices is put right for the next round. Without a round before, there are none.

        Parameters
        ----------
        late
            Window ends in micros by device, each at least one.
        """
        fleet = self._reader.read_again(store, maintenance, late)
        if fleet is None or not fleet.devices:
            return []
        grid = fleet.grid
        pairs = [
            (place, (end - grid.first) // grid.step)
            for place, device in enumerate(fleet.devices)
            for end in late[device.id]
            if grid.first <= end <= grid.last
        ]
        rows = Rows(*np.array(pairs, np.int64).reshape(-1, 2).T)
        spoken = _alive(fleet)[rows.device, rows.time]
        with one_thread():
            return self._assess(fleet, Rows(rows.device[spoken], rows.time[spoken]), {})

    def _assess(self, fleet: Fleet, rows: Rows, pasts: dict[str, Past]) -> list[Assessment]:
        count = len(rows.device)
        anomalies: Sequence[Anomaly | None] = [None] * count
        risks: list[list[FailureRisk]] = [[] for _ in range(count)]
        lives: list[list[RemainingLife]] = [[] for _ in range(count)]
        if count and self._anomaly:
            past = _past(self._anomaly.conditions, fleet, pasts)
            anomalies = _anomalies(self._anomaly, fleet, past, rows)
        if count and self._life:
            past = _past(self._life.conditions, fleet, pasts)
            for component in self._life.members:
                hours = self._life.hours(component, fleet, past, rows)
                level = self._life.members[component].model.level
                for row in np.flatnonzero(np.isfinite(hours[:, 1])).tolist():
                    low, median, high = hours[row].tolist()
                    lives[row].append(RemainingLife(component, low, median, high, level))
        if count and self._failure:
            past = _past(self._failure.conditions, fleet, pasts)
            self._add_risks(self._failure, fleet, past, rows, lives, risks)
        ends = (fleet.grid.first + rows.time * fleet.grid.step).tolist()
        return [
            Assessment(
                device=fleet.devices[device].id,
                window_end=end,
                models=self._versions,
                anomaly=anomalies[row],
                risks=tuple(risks[row]),
                lives=tuple(lives[row]),
            )
            for row, (device, end) in enumerate(zip(rows.device.tolist(), ends, strict=True))
        ]

    def _add_risks(
        self,
        kind: FailureKind,
        fleet: Fleet,
        past: Past,
        rows: Rows,
        lives: Sequence[Sequence[RemainingLife]],
        out: list[list[FailureRisk]],
    ) -> None:
        policy = self._product.policy
        shared = kind.features(fleet, past, rows)
        for component, models in kind.risks.items():
            features = kind.features_of(component, shared, fleet, past, rows)
            by_horizon = kind.probabilities(component, features)
            horizon = policy.horizon_hours if policy.horizon_hours in models else min(models)
            # A reason is owed where an alert may rise or stand, and is too dear for every row.
            matters = by_horizon[horizon] >= policy.clear_probability
            matters |= _short(lives, component, policy.life_hours)
            why: dict[int, tuple[Contribution, ...]] = {}
            if matters.any():
                sources, shares = models[horizon].contributions(features.rows(matters))
                why = _named(np.flatnonzero(matters), sources, shares)
            columns = zip(*(p.tolist() for p in by_horizon.values()), strict=True)
            horizons = tuple(by_horizon)
            for row, values in enumerate(columns):
                probability = dict(zip(horizons, values, strict=True))
                out[row].append(FailureRisk(component, probability, why.get(row, ())))


def _short(lives: Sequence[Sequence[RemainingLife]], component: str, hours: float) -> Bool:
    """For each row whether the remaining life of the component is below ``hours``."""
    return np.array(
        [any(life.component == component and life.median < hours for life in row) for row in lives]
    )


def _anomalies(kind: AnomalyKind, fleet: Fleet, past: Past, rows: Rows) -> list[Anomaly | None]:
    features = kind.features(fleet, past, rows)
    scores = kind.detector.score(features)
    raised = scores >= 1.0
    why: dict[int, tuple[Contribution, ...]] = {}
    if raised.any():
        sources, shares = kind.detector.contributions(features.rows(raised))
        why = _named(np.flatnonzero(raised), sources, shares)
    return [
        None if score != score else Anomaly(score, why.get(row, ()))
        for row, score in enumerate(scores.tolist())
    ]


def _named(
    rows: Int64, sources: Sequence[str], shares: Float64
) -> dict[int, tuple[Contribution, ...]]:
    """The largest contributions of each row; what describes the device itself is left out.

    Rounded: more digits would not be true, and would differ with the rows of the batch.
    """
    order = np.argsort(-shares, axis=1, kind="stable")
    out = {}
    for row, ranked, values in zip(rows.tolist(), order.tolist(), shares.tolist(), strict=True):
        best = [
            Contribution(sources[i], round(values[i], 3))
            for i in ranked
            if values[i] >= _SMALLEST and sources[i] != "device"
        ]
        out[row] = tuple(best[:_NAMED])
    return out


def _past(conditions: OperatingConditions, fleet: Fleet, pasts: dict[str, Past]) -> Past:
    """Models trained together share their conditions, and so this work."""
    if conditions.digest_ not in pasts:
        pasts[conditions.digest_] = Past(conditions.transform(fleet))
    return pasts[conditions.digest_]


def _alive(fleet: Fleet) -> Bool:
    """Shape (device, time): a reading came within the last day, or the last step if longer."""
    total = np.cumsum(anything_known(fleet.values), axis=1)
    window = max(_SILENT // fleet.grid.step, 1)
    total[:, window:] = total[:, window:] - total[:, :-window].copy()
    return total > 0
