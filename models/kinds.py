"""The three kinds of trained models that a product has, and what each says of rows of a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.anomaly import DistanceDetector
from models.base import Features, Float64
from models.conditions import OperatingConditions
from models.failure import BoostedRisk
from models.features import (
    FeaturePlan,
    Past,
    Rows,
    anomaly_features,
    component_features,
    failure_features,
)
from models.frames import Fleet
from models.life import BlendedLife
from models.wear import WearPlan, lives_of, wear_features
from purna.core.clock import HOUR

ANOMALY, FAILURE, LIFE = "anomaly", "failure", "life"
KINDS = (ANOMALY, FAILURE, LIFE)

FIRST_LIFE_STEP = 15
"""Life steps that a new part must have run before anything is said of its remaining life."""

_AT_THE_CAP = 0.9


@dataclass
class AnomalyKind:
    """One detector for all devices of a product."""

    conditions: OperatingConditions
    detector: DistanceDetector

    def features(self, fleet: Fleet, past: Past, rows: Rows) -> Features:
        return anomaly_features(self.conditions.symptoms_, fleet, past, rows)


@dataclass
class FailureKind:
    """A risk model per component and horizon; components with too few failures have none."""

    conditions: OperatingConditions
    plan: FeaturePlan
    risks: Mapping[str, Mapping[int, BoostedRisk]]

    def features(self, fleet: Fleet, past: Past, rows: Rows) -> Features:
        """What all components share."""
        return failure_features(self.plan, fleet, past, rows)

    def features_of(
        self, component: str, shared: Features, fleet: Fleet, past: Past, rows: Rows
    ) -> Features:
        """The shared features and the component's own."""
        return shared.beside(component_features(self.plan, component, fleet, past, rows))

    def probabilities(self, component: str, features: Features) -> dict[int, Float64]:
        """By horizon in rising order; a longer horizon is never less likely to hold a failure."""
        out: dict[int, Float64] = {}
        floor = np.zeros(len(features))
        for horizon, model in sorted(self.risks[component].items()):
            floor = np.maximum(floor, model.score(features))
            out[horizon] = floor
        return out


@dataclass
class LifeMember:
    """What the life model of one component sees, and the model."""

    plan: WearPlan
    model: BlendedLife


@dataclass
class LifeKind:
    """A life model per component that has been run to failure often enough."""

    conditions: OperatingConditions
    members: Mapping[str, LifeMember]

    def hours(self, component: str, fleet: Fleet, past: Past, rows: Rows) -> Float64:
        """Low, median and high hours at each row, ``(rows, 3)``; NaN where nothing can be said.

        That is for parts that are too new, and for parts without a trend: a prediction at the
        cap says only that the end is not in sight.
        """
        member = self.members[component]
        out = self.capped_hours(component, fleet, past, rows)
        out[out[:, 1] >= _AT_THE_CAP * member.plan.cap] = np.nan
        return out

    def capped_hours(self, component: str, fleet: Fleet, past: Past, rows: Rows) -> Float64:
        """The same with predictions at the cap left in."""
        member = self.members[component]
        deviations = past.now.transpose(0, 2, 1)
        lives, life, step = lives_of(
            member.plan, self.conditions.symptoms_, fleet, deviations, rows
        )
        out = np.full((len(rows.device), 3), np.nan)
        old_enough = step >= FIRST_LIFE_STEP
        if not old_enough.any():
            return out
        life, step = life[old_enough], step[old_enough]
        # Thousands of windows share few life steps: predict each of those once.
        steps, which = np.unique(np.stack([life, step]), axis=1, return_inverse=True)
        features = wear_features(member.plan, lives, steps[0], steps[1])
        predicted = member.model.score(features)[which.reshape(-1)]
        ends = fleet.grid.first + rows.time[old_enough] * fleet.grid.step
        elapsed = (ends - (lives.first[life] + step) * member.plan.step) / HOUR
        out[old_enough] = np.maximum(predicted - elapsed[:, None], 0.0)
        return out
