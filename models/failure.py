"""Failure probability of one component within one horizon."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from models.base import Bool, Features, Float32, Float64, Int64, RiskModel, source_of
from models.binning import condensed
from purna.core.errors import GiveUp

FEWEST_FAILURES = 5
_TINY = 1e-6


class BoostedRisk(RiskModel):
    """Gradient boosting with probabilities calibrated on rows of devices it was not fitted on.

    Needs failures of the past; with fewer than five failing devices' worth of positive groups it
    learns nothing and says so. Weights must undo any sampling of rows, else the probabilities
    are those of the sample.

    Parameters
    ----------
    trees, rate
        Number of trees and learning rate. Early stopping stays off: it is unstable on rare
        classes.
    bins
        Different values that a tree tells apart per column, at most 255.
    folds
        Groups of devices held out in turn for the calibration; below 2 there is none.
    seed
        Of column sampling and of the folds.
    """

    def __init__(
        self,
        trees: int = 200,
        rate: float = 0.05,
        bins: int = 250,
        folds: int = 2,
        seed: int = 0,
    ) -> None:
        self.trees = trees
        self.rate = rate
        self.bins = bins
        self.folds = folds
        self.seed = seed

    def fit(self, features: Features, failed: Bool, groups: Int64, weights: Float64) -> Self:
        """Learn from rows; ``held_out_`` keeps the probabilities found in the folds, else NaN.

        Raises
        ------
        GiveUp
            ``model.too_few_failures`` when fewer than two rows or no group failed.
        """
        if failed.sum() < 2 or failed.all():
            raise GiveUp("model.too_few_failures", "needs rows that failed and rows that did not")
        self.columns_ = tuple(sorted(features.names))
        x = features.columns(self.columns_)
        self.typical_ = np.nanmedian(
            np.vstack([x[~failed], np.zeros((1, x.shape[1]), np.float32)]), axis=0
        ).astype(np.float32)
        coarse = condensed(x, self.bins)
        held_out = np.full(len(x), np.nan)
        for fold in self._folds(failed, groups):
            if failed[~fold].any() and not failed[~fold].all():
                boosted = self._boosted(coarse[~fold], failed[~fold], weights[~fold])
                held_out[fold] = boosted.predict_proba(x[fold])[:, 1]
        self.slope_, self.offset_ = _calibration(held_out, failed, weights)
        self.held_out_ = self._calibrated(held_out)
        self.boosted_ = self._boosted(coarse, failed, weights)
        return self

    def score(self, features: Features) -> Float64:
        """Shape (rows,): calibrated probability."""
        return self._probability(features.columns(self.columns_))

    def contributions(self, features: Features) -> tuple[tuple[str, ...], Float64]:
        """How much of a row's log-odds each source explains.

        Per source the mean of two answers: what is lost when its columns are set to their typical
        values, and what is won when only they are put into the typical row. Shares of the
        positive parts sum to 1.
        """
        x = features.columns(self.columns_)
        sources = tuple(dict.fromkeys(source_of(name) for name in self.columns_))
        whose = np.array([sources.index(source_of(name)) for name in self.columns_])
        typical = np.broadcast_to(self.typical_, x.shape)
        variants: list[Float32] = [x, self.typical_[None, :]]
        for index in range(len(sources)):
            variants.append(np.where(whose == index, typical, x))
            variants.append(np.where(whose == index, x, typical))
        odds = _logit(self._probability(np.vstack(variants)))
        full, base = odds[: len(x)], odds[len(x)]
        rest = odds[len(x) + 1 :].reshape(len(sources), 2, len(x))
        parts = np.maximum(((full - rest[:, 0]) + (rest[:, 1] - base)).T / 2, 0.0)
        total = parts.sum(axis=1, keepdims=True)
        return sources, np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)

    def _boosted(
        self, x: Float32, failed: Bool, weights: Float64
    ) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.rate,
            max_leaf_nodes=15,
            min_samples_leaf=10,
            max_bins=self.bins,
            max_features=0.2,
            early_stopping=False,
            random_state=self.seed,
        ).fit(x, failed, sample_weight=weights)

    def _folds(self, failed: Bool, groups: Int64) -> list[Bool]:
        """Rows of each fold; the groups that fail are spread evenly."""
        if self.folds < 2:
            return []
        rng = np.random.default_rng(self.seed)
        fold_of: dict[int, int] = {}
        failing = np.unique(groups[failed])
        others = np.setdiff1d(groups, failing)
        for kind in (rng.permutation(failing), rng.permutation(others)):
            fold_of.update({int(g): i % self.folds for i, g in enumerate(kind)})
        fold = np.array([fold_of[int(g)] for g in groups])
        return [fold == k for k in range(self.folds)]

    def _probability(self, x: Float32) -> Float64:
        return self._calibrated(self.boosted_.predict_proba(x)[:, 1])

    def _calibrated(self, probability: Float64) -> Float64:
        return 1.0 / (1.0 + np.exp(-(self.slope_ * _logit(probability) + self.offset_)))


def _calibration(held_out: Float64, failed: Bool, weights: Float64) -> tuple[float, float]:
    """Slope and offset on the log-odds (Platt); unchanged where there is too little to learn."""
    seen = np.isfinite(held_out)
    if failed[seen].sum() < 20 or failed[seen].all():
        return 1.0, 0.0
    x = _logit(held_out[seen])[:, None]
    platt = LogisticRegression(C=100.0).fit(x, failed[seen], sample_weight=weights[seen])
    slope = float(platt.coef_[0, 0])
    # Trees fitted on some of the devices are surer than they are right, never the reverse by
    # much; a slope outside these bounds is chance.
    bounded = float(np.clip(slope, 0.2, 1.5))
    return bounded, float(platt.intercept_[0])


def _logit(probability: Float64) -> Float64:
    inside = np.clip(probability, _TINY, 1.0 - _TINY)
    return np.log(inside / (1.0 - inside))
