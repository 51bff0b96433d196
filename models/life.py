"""Remaining useful life of one component: two regressions averaged, with a conformal interval."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold
from sklearn.svm import SVR

from models.base import Features, Float32, Float64, Int64, LifeModel
from models.binning import condensed
from purna.core.errors import GiveUp

FEWEST_FAILURES = 6
_UNITS = 125.0  # the recipe's constants are for targets of 0..125
_BINS = 10


class BlendedLife(LifeModel):
    """Mean of gradient boosting and a support vector regression on gain-scaled columns.

    The interval is split-conformal on rows of devices that were held out: absolute error divided
    by its typical size at that prediction, so that it narrows towards the end of a life.

    Parameters
    ----------
    cap
        Hours above which lives are not told apart; targets must not exceed it.
    level
        Share of true lives that the interval promises to hold.
    trees, rate, bins
        Of the boosting; ``bins`` is how many values of a column it tells apart.
    vectors
        Rows that the support vector regression sees at most.
    folds
        Groups of devices held out in turn for the interval.
    seed
        Of all sampling.
    """

    def __init__(
        self,
        cap: float = 125.0,
        level: float = 0.9,
        trees: int = 400,
        rate: float = 0.03,
        bins: int = 250,
        vectors: int = 7_000,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.cap = cap
        self.level = level
        self.trees = trees
        self.rate = rate
        self.bins = bins
        self.vectors = vectors
        self.folds = folds
        self.seed = seed

    def fit(self, features: Features, hours: Float64, groups: Int64, weights: Float64) -> Self:
        """Learn from rows with finite ``hours``; ``held_out_`` keeps the folds' predictions.

        Raises
        ------
        GiveUp
            ``model.too_few_lives`` with fewer than two groups.
        """
        known = np.unique(groups)
        if len(known) < 2:
            raise GiveUp("model.too_few_lives", "needs lives of at least two devices")
        self.columns_ = tuple(sorted(features.names))
        x = features.columns(self.columns_)
        target = np.minimum(hours, self.cap) * (_UNITS / self.cap)
        folds = GroupKFold(min(self.folds, len(known)), shuffle=True, random_state=self.seed)
        held_out = np.full(len(x), np.nan)
        for train, test in folds.split(x, target, groups):
            blend = _Blend(self).fit(x[train], target[train], weights[train])
            held_out[test] = blend.predict(x[test])
        self.held_out_ = held_out * (self.cap / _UNITS)
        self._learn_interval(held_out, target, weights)
        self.blend_ = _Blend(self).fit(x, target, weights)
        return self

    def score(self, features: Features) -> Float64:
        """Shape (rows, 3): low, median, high hours, all within 0..cap."""
        return self._interval(self.blend_.predict(features.columns(self.columns_)))

    def held_out_interval(self) -> Float64:
        """Low, median and high hours of the training rows, from models that never saw them."""
        return self._interval(self.held_out_ * (_UNITS / self.cap))

    def _interval(self, median: Float64) -> Float64:
        width = self.factor_ * np.interp(median, self.knots_, self.sizes_)
        bounds = np.stack([median - width, median, median + width], axis=1)
        out: Float64 = np.clip(bounds, 0.0, _UNITS) * (self.cap / _UNITS)
        return out

    def _learn_interval(self, predicted: Float64, target: Float64, weights: Float64) -> None:
        counted = weights > 0
        predicted, error = predicted[counted], np.abs(predicted - target)[counted]
        edges = np.unique(np.quantile(predicted, np.linspace(0, 1, _BINS + 1)))
        bins = np.clip(np.searchsorted(edges, predicted, side="right") - 1, 0, len(edges) - 1)
        found = np.unique(bins)
        self.knots_ = np.array([predicted[bins == b].mean() for b in found])
        self.sizes_ = np.array([max(error[bins == b].mean(), 0.5) for b in found])
        ratio = error / np.interp(predicted, self.knots_, self.sizes_)
        rank = min(self.level * (1 + 1 / len(ratio)), 1.0)
        self.factor_ = float(np.quantile(ratio, rank))


class _Blend:
    """The two regressions; targets in units of 0..125."""

    def __init__(self, settings: BlendedLife) -> None:
        self.trees = settings.trees
        self.rate = settings.rate
        self.bins = settings.bins
        self.vectors = settings.vectors
        self.seed = settings.seed

    def fit(self, x: Float32, target: Float64, weights: Float64) -> Self:
        used = weights > 0
        x, target, weights = x[used], target[used], weights[used]
        self.boosted_ = HistGradientBoostingRegressor(
            max_iter=self.trees,
            learning_rate=self.rate,
            max_leaf_nodes=15,
            min_samples_leaf=40,
            max_bins=self.bins,
            l2_regularization=5.0,
            max_features=0.2,
            early_stopping=False,
            random_state=self.seed,
        ).fit(condensed(x, self.bins), target, sample_weight=weights)
        rng = np.random.default_rng(self.seed)
        few = rng.choice(len(x), min(self.vectors, len(x)), replace=False)
        self.middle_ = np.nanmedian(np.vstack([x, np.zeros_like(x[:1])]), axis=0)
        filled = self._filled(x[few])
        self.centre_ = filled.mean(axis=0)
        spread = filled.std(axis=0)
        scaled = (filled - self.centre_) / np.where(spread > 1e-9, spread, np.inf)
        gain = ExtraTreesRegressor(
            40, max_features=0.3, min_samples_leaf=20, random_state=self.seed
        ).fit(scaled, target[few], sample_weight=weights[few])
        factor = np.sqrt(gain.feature_importances_ * x.shape[1])
        # After scaling by gain the mean square of a row stays 1 per column, as gamma expects.
        factor /= max(np.sqrt(np.mean((scaled * factor) ** 2)), 1e-9)
        self.factor_ = factor / np.where(spread > 1e-9, spread, np.inf)
        self.vector_ = SVR(C=100.0, epsilon=5.0, gamma=0.004).fit(
            (filled - self.centre_) * self.factor_, target[few], sample_weight=weights[few]
        )
        return self

    def predict(self, x: Float32) -> Float64:
        vector = self.vector_.predict((self._filled(x) - self.centre_) * self.factor_)
        boosted = self.boosted_.predict(x)
        return np.asarray((np.clip(boosted, 0, _UNITS) + np.clip(vector, 0, _UNITS)) / 2)

    def _filled(self, x: Float32) -> Float64:
        return np.where(np.isfinite(x), x, self.middle_).astype(np.float64)
