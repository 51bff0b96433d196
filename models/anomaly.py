"""Anomaly detection: how far a device is from its own healthy baseline.

Two views, each a Mahalanobis distance with a shrunk covariance: the *level* of the last hours,
and the *surprise*, what a ridge regression on the last five steps did not foresee.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import Ridge

from models.base import Detector, Features, Float64, rowwise, source_of
from models.features import ANOMALY_LAGS
from purna.core.errors import GiveUp

_ORDER = 5  # steps that the regression looks back
_MEAN = ANOMALY_LAGS - _ORDER  # surprises that are averaged
_FEWEST = 100  # rows


class DistanceDetector(Detector):
    """Mean of the level's and the surprise's distance, each in units of its healthy limit.

    It works well on faults that shift several quantities or one of them far. A drift as slow as
    the baseline's own learning is not seen; that is what the failure and life models are for.

    Parameters
    ----------
    quantile
        The share of healthy rows that score below 1.0.
    seed
        Not used by the method itself; every model has one.

    References
    ----------
    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
    Journal of Multivariate Analysis 88, 2004.
    """

    def __init__(self, quantile: float = 0.995, seed: int = 0) -> None:
        self.quantile = quantile
        self.seed = seed

    def fit(self, features: Features) -> Self:
        """Learn from healthy rows.

        Raises
        ------
        GiveUp
            ``model.too_few_rows`` with fewer than 100 rows in which anything is known.
        """
        self.columns_ = tuple(sorted(features.names))
        levels = [name for name in self.columns_ if name.endswith("|level")]
        self.sources_ = tuple(source_of(name) for name in levels)
        level, lags = self._views(features)
        usable = np.isfinite(features.columns(levels)).any(axis=1)
        if usable.sum() < _FEWEST:
            raise GiveUp(
                "model.too_few_rows",
                f"{int(usable.sum())} healthy rows, at least {_FEWEST} are needed",
                rows=int(usable.sum()),
                needed=_FEWEST,
            )
        level, lags = level[usable], lags[usable]
        past, now = lags[:, 1 : _ORDER + 1].reshape(len(lags), -1), lags[:, 0]
        ridge = Ridge(alpha=50.0).fit(past, now)
        self.foretell_ = np.asarray(ridge.coef_).reshape(now.shape[1], -1).T
        self.constant_ = np.asarray(ridge.intercept_).reshape(-1)
        self.inverse_, self.limit_ = [], []
        distances = []
        for view in (level, self._surprise(lags)):
            inverse = LedoitWolf(assume_centered=True).fit(_winsorised(view)).precision_
            distance = _distance(view, inverse)
            limit = float(np.quantile(distance, self.quantile))
            self.inverse_.append(inverse)
            self.limit_.append(max(limit, 1e-9))
            distances.append(distance / self.limit_[-1])
        self.scale_ = max(float(np.quantile(np.mean(distances, axis=0), self.quantile)), 1e-9)
        return self

    def score(self, features: Features) -> Float64:
        """Shape (rows,): 1.0 at the limit; NaN where the level of no quantity is known."""
        level, lags = self._views(features)
        total = np.zeros(len(features))
        for view, inverse, limit in zip(
            (level, self._surprise(lags)), self.inverse_, self.limit_, strict=True
        ):
            total += _distance(view, inverse) / limit
        unknown = ~np.isfinite(features.columns(self._levels())).any(axis=1)
        return np.where(unknown, np.nan, total / 2 / self.scale_)

    def contributions(self, features: Features) -> tuple[tuple[str, ...], Float64]:
        """Each quantity's part of the squared distances; negative parts count as none."""
        level, lags = self._views(features)
        parts = np.zeros((len(features), len(self.sources_)))
        for view, inverse, limit in zip(
            (level, self._surprise(lags)), self.inverse_, self.limit_, strict=True
        ):
            parts += np.maximum(view * rowwise(view, inverse), 0.0) / limit**2
        total = parts.sum(axis=1, keepdims=True)
        return self.sources_, np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)

    def _levels(self) -> list[str]:
        return [f"{source}|level" for source in self.sources_]

    def _views(self, features: Features) -> tuple[Float64, Float64]:
        """Levels (rows, quantities) and latest values (rows, lags, quantities); unknown is 0."""
        level = features.columns(self._levels())
        names = [f"{source}|lag{lag}" for lag in range(ANOMALY_LAGS) for source in self.sources_]
        lags = features.columns(names).reshape(len(features), ANOMALY_LAGS, -1)
        return (
            np.nan_to_num(level.astype(np.float64), nan=0.0),
            np.nan_to_num(lags.astype(np.float64), nan=0.0),
        )

    def _surprise(self, lags: Float64) -> Float64:
        """Mean of what the last steps brought beyond what the five steps before each foretold."""
        total = np.zeros((len(lags), lags.shape[2]))
        for lag in range(_MEAN):
            before = lags[:, lag + 1 : lag + 1 + _ORDER].reshape(len(lags), -1)
            total += lags[:, lag] - rowwise(before, self.foretell_) - self.constant_
        return total / _MEAN


def _distance(view: Float64, inverse: Float64) -> Float64:
    squared = (rowwise(view, inverse) * view).sum(axis=1)
    out: Float64 = np.sqrt(np.maximum(squared, 0.0))
    return out


def _winsorised(view: Float64) -> Float64:
    """Clipped to the middle 99 %: what was sick and not known to be must not widen the norm."""
    low, high = np.quantile(view, [0.005, 0.995], axis=0)
    return np.clip(view, low, high)
