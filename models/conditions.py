"""Operating conditions: what load and ambient explain of a measured value, taken out of it.

Regimes are found by k-means on the settings where they fall into clear clusters; inside a regime
a quadratic ridge regression on the settings gives the expected value. What remains is divided by
its spread, so that quantities, regimes and products become comparable.
"""

from __future__ import annotations

import hashlib
from typing import Self

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from models.base import Float32, Float64, Int64, rowwise
from models.frames import Fleet
from purna.core.catalogue import Product

_CLEAR = 0.9  # silhouette above which clusters are regimes
_ROWS_AT_ONCE = 500_000
_SEEN = 0.02  # a symptom known in a smaller share of the steps has nothing to be learnt from
_RANGE = 4.0  # settings are clipped to so many sd: a quadratic must not extrapolate


class OperatingConditions:
    """Standardises symptoms against what the settings explain.

    Parameters
    ----------
    seed
        Of the sampling and of k-means.
    rows
        At most so many steps are used to learn from.
    """

    def __init__(self, seed: int = 0, rows: int = 20_000) -> None:
        self.seed = seed
        self.rows = rows

    def fit(self, fleet: Fleet, product: Product) -> Self:
        """Learn regimes, expected values and spreads from all steps of the fleet.

        Symptoms that hardly anybody has measured yet are left out: without an expected value,
        their first reading would be an anomaly.
        """
        self.settings_ = tuple(q.id for q in product.quantities if q.setting)
        rng = np.random.default_rng(self.seed)
        known = np.flatnonzero(np.isfinite(fleet.values).any(axis=1))
        measured = dict(
            zip(fleet.quantities, np.isfinite(fleet.values).sum(axis=(0, 2)).tolist(), strict=True)
        )
        self.symptoms_ = tuple(
            q.id
            for q in product.quantities
            if not q.setting and measured.get(q.id, 0) > _SEEN * len(known)
        )
        chosen = np.sort(rng.choice(known, min(self.rows, len(known)), replace=False))
        device, time = np.divmod(chosen, fleet.grid.count)
        settings = _take(fleet, self.settings_, device, time)
        symptoms = _take(fleet, self.symptoms_, device, time)
        self._learn_regimes(settings, rng)
        regime, design = self._design(settings)
        count = len(self.regimes_)
        width = design.shape[1]
        self.expected_ = np.zeros((count, width, len(self.symptoms_)))
        self.spread_ = np.ones((count, len(self.symptoms_)))
        for k in range(count):
            for s in range(len(self.symptoms_)):
                mine = (regime == k) & np.isfinite(symptoms[:, s])
                if not mine.any():
                    continue
                x, y = design[mine], symptoms[mine, s]
                penalty = np.full(width, 1e-3 * len(y))
                penalty[0] = 0.0
                weights = np.linalg.lstsq(x.T @ x + np.diag(penalty + 1e-9), x.T @ y, rcond=None)[0]
                self.expected_[k, :, s] = weights
                spread = float(np.std(y - x @ weights))
                level = float(np.abs(y).max())
                self.spread_[k, s] = spread if spread > 1e-6 * max(level, 1e-9) else np.inf
        parts = (self.centre_, self.scale_, self.regimes_, self.expected_, self.spread_)
        names = "|".join((*self.settings_, "", *self.symptoms_)).encode()
        self.digest_ = hashlib.sha256(names + b"".join(p.tobytes() for p in parts)).hexdigest()
        return self

    def transform(self, fleet: Fleet) -> Float32:
        """Deviations in spreads, ``(device, symptom, time)``; NaN where value or setting is."""
        devices, times = len(fleet.devices), fleet.grid.count
        out = np.full((devices, len(self.symptoms_), times), np.nan, np.float32)
        chunk = max(_ROWS_AT_ONCE // max(times, 1), 1)
        for at in range(0, devices, chunk):
            some = np.arange(at, min(at + chunk, devices))
            device, time = np.repeat(some, times), np.tile(np.arange(times), len(some))
            regime, design = self._design(_take(fleet, self.settings_, device, time))
            symptoms = _take(fleet, self.symptoms_, device, time)
            for k in range(len(self.regimes_)):
                mine = regime == k
                symptoms[mine] -= rowwise(design[mine], self.expected_[k])
                symptoms[mine] /= self.spread_[k]
            out[some] = symptoms.reshape(len(some), times, -1).transpose(0, 2, 1)
        return out

    def _learn_regimes(self, settings: Float64, rng: np.random.Generator) -> None:
        self.centre_ = np.zeros(len(self.settings_))
        self.scale_ = np.ones(len(self.settings_))
        self.regimes_ = np.zeros((1, len(self.settings_)))
        usable = settings[np.isfinite(settings).all(axis=1)]
        if len(self.settings_) and len(usable):
            self.centre_ = usable.mean(axis=0)
            spread = usable.std(axis=0)
            level = np.abs(usable).max(axis=0)
            self.scale_ = np.where(spread > 1e-6 * np.maximum(level, 1e-9), spread, np.inf)
            self.regimes_ = _regimes((usable - self.centre_) / self.scale_, self.seed, rng)
        regime = self._regime_of(settings)
        self.inner_centre_ = np.zeros_like(self.regimes_)
        self.inner_scale_ = np.full_like(self.regimes_, np.inf)
        for k in range(len(self.regimes_)):
            mine = settings[regime == k]
            mine = mine[np.isfinite(mine).all(axis=1)]
            if len(mine) and len(self.settings_):
                self.inner_centre_[k] = mine.mean(axis=0)
                spread = mine.std(axis=0)
                level = np.abs(mine).max(axis=0)
                self.inner_scale_[k] = np.where(spread > 1e-6 * level, spread, np.inf)

    def _regime_of(self, settings: Float64) -> Int64:
        if len(self.regimes_) == 1:
            return np.zeros(len(settings), np.int64)
        scaled = (settings - self.centre_) / self.scale_
        distance = ((scaled[:, None, :] - self.regimes_) ** 2).sum(axis=2)
        nearest: Int64 = np.argmin(distance, axis=1)
        return nearest

    def _design(self, settings: Float64) -> tuple[Int64, Float64]:
        """The regime of each row, and its regressors: 1, settings, squares and products."""
        regime = self._regime_of(settings)
        x = (settings - self.inner_centre_[regime]) / self.inner_scale_[regime]
        x = np.clip(x, -_RANGE, _RANGE)
        columns = [np.ones(len(x))]
        for a in range(x.shape[1]):
            columns.append(x[:, a])
            columns.extend(x[:, a] * x[:, b] for b in range(a, x.shape[1]))
        return regime, np.stack(columns, axis=1)


def _take(fleet: Fleet, names: tuple[str, ...], device: Int64, time: Int64) -> Float64:
    """Values of these quantities at (device, time) rows; a quantity not in the fleet is NaN."""
    out = np.full((len(device), len(names)), np.nan)
    for column, name in enumerate(names):
        if name in fleet.quantities:
            out[:, column] = fleet.values[device, fleet.quantities.index(name), time]
    return out


def _regimes(scaled: Float64, seed: int, rng: np.random.Generator) -> Float64:
    """Centres of the clusters with the best silhouette, if clear; else one at the origin."""
    one = np.zeros((1, scaled.shape[1]))
    some = scaled[rng.choice(len(scaled), min(len(scaled), 1_000), replace=False)]
    distinct = len(np.unique(np.round(some, 3), axis=0))
    best, centres = _CLEAR, one
    for k in range(2, min(9, distinct, len(some) - 1) + 1):
        means = KMeans(k, n_init=4, random_state=seed).fit(some)
        score = float(silhouette_score(some, means.labels_))
        if score > best:
            best, centres = score, means.cluster_centers_
    return np.asarray(centres, np.float64)
