"""What every model must pass: :func:`yield_checks` crossed with all of them in the tests.

A check takes a function that makes a fresh model, and a :class:`Problem` to learn from; it raises
``AssertionError`` with a sentence. A new model gets its tests by being added to the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.base import Detector, Features, Float64, Int64, LifeModel, RiskModel

Make = Callable[[], Any]


@dataclass(frozen=True)
class Problem:
    """Something to learn: ``hours`` until failure follow from the features, and ``failed`` too."""

    features: Features
    hours: Float64
    groups: Int64


Check = Callable[[Make, Problem], None]


def example_problem(rows: int = 600, seed: int = 0) -> Problem:
    """Two quantities with the columns that all kinds of models look for, from 20 devices."""
    rng = np.random.default_rng(seed)
    hours = rng.uniform(0, 125, rows)
    rise = np.maximum(60 - hours, 0) / 15
    names, columns = [], []
    for quantity, share in (("vibration", 1.0), ("temperature", 0.3)):
        names.append(f"{quantity}|level")
        columns.append(share * rise + 0.3 * rng.normal(size=rows))
        for lag in range(8):
            names.append(f"{quantity}|lag{lag}")
            columns.append(share * rise + rng.normal(size=rows))
    names.append("age:bearing|hours")
    columns.append(200 - hours + 20 * rng.normal(size=rows))
    values = np.stack(columns, axis=1).astype(np.float32)
    return Problem(Features(tuple(names), values), hours, rng.integers(0, 20, rows))


def yield_checks(model: Any) -> Iterator[tuple[str, Check]]:
    """(name, check) for each check that applies to this model."""
    yield from _EVERY.items()
    if isinstance(model, Detector):
        yield from _DETECTOR.items()
    if isinstance(model, RiskModel):
        yield from _RISK.items()
    if isinstance(model, LifeModel):
        yield from _LIFE.items()


def fitted(make: Make, problem: Problem) -> Any:
    """A fresh model that has learnt the problem in the way of its kind."""
    model = make()
    weights = np.ones(len(problem.hours))
    if isinstance(model, Detector):
        well = problem.hours > 70
        return model.fit(problem.features.rows(well))
    if isinstance(model, RiskModel):
        return model.fit(problem.features, problem.hours < 24, problem.groups, weights)
    return model.fit(problem.features, problem.hours, problem.groups, weights)


def _require(holds: Any, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _init_only_stores(make: Make, _problem: Problem) -> None:
    learned = [name for name in vars(make()) if name.endswith("_")]
    _require(not learned, f"learned before fit: {learned}")


def _input_is_not_mutated(make: Make, problem: Problem) -> None:
    before = problem.features.values.copy()
    fitted(make, problem).score(problem.features)
    _require(np.array_equal(before, problem.features.values), "changed its input")


def _same_seed_same_scores(make: Make, problem: Problem) -> None:
    first, second = fitted(make, problem), fitted(make, problem)
    _require(_same(first.score(problem.features), second.score(problem.features)), "not repeatable")


def _order_of_columns_does_not_matter(make: Make, problem: Problem) -> None:
    turned = Problem(_turned(problem.features), problem.hours, problem.groups)
    expected = fitted(make, problem).score(problem.features)
    _require(_same(fitted(make, problem).score(turned.features), expected), "when scoring")
    _require(_same(fitted(make, turned).score(problem.features), expected), "when learning")


def _one_row_scores_as_in_a_batch(make: Make, problem: Problem) -> None:
    model = fitted(make, problem)
    batch = model.score(problem.features)
    for row in (0, 7):
        alone = model.score(problem.features.rows(np.array([row])))
        _require(_same(alone[0], batch[row]), "depends on other rows")


def _missing_values_are_tolerated(make: Make, problem: Problem) -> None:
    values = problem.features.values.copy()
    values[np.random.default_rng(0).random(values.shape) < 0.2] = np.nan
    holed = Problem(Features(problem.features.names, values), problem.hours, problem.groups)
    _require(
        np.isfinite(fitted(make, holed).score(holed.features)).mean() > 0.9, "gave up on holes"
    )


def _a_missing_quantity_is_tolerated(make: Make, problem: Problem) -> None:
    names = [n for n in problem.features.names if not n.startswith("temperature")]
    fewer = Features(tuple(names), problem.features.columns(names))
    _require(np.isfinite(fitted(make, problem).score(fewer)).all(), "needs every quantity")


def _a_quantity_that_never_came_is_tolerated(make: Make, problem: Problem) -> None:
    values = problem.features.values.copy()
    lost = [n.startswith("temperature") for n in problem.features.names]
    values[:, lost] = np.nan
    blind = Problem(Features(problem.features.names, values), problem.hours, problem.groups)
    model = fitted(make, blind)
    _require(np.isfinite(model.score(blind.features)).all(), "can't learn without a quantity")
    _require(np.isfinite(model.score(problem.features)).all(), "surprised by a new quantity")


def _a_second_fit_forgets_the_first(make: Make, problem: Problem) -> None:
    other = example_problem(seed=99)
    model = fitted(make, other)
    again = fitted(lambda: model, problem)
    expected = fitted(make, problem).score(problem.features)
    _require(_same(again.score(problem.features), expected), "remembers the first fit")


def _shares_are_shares(make: Make, problem: Problem) -> None:
    near = problem.features.rows(problem.hours < 10)
    sources, shares = fitted(make, problem).contributions(near)
    _require(shares.shape == (len(near), len(sources)), "one share per row and source")
    _require((shares >= 0).all(), "a share is not negative")
    _require(np.allclose(shares.sum(axis=1), 1.0), "shares sum to 1")
    biggest = sources[int(shares.mean(axis=0).argmax())]
    _require(biggest == "vibration", f"the cause is vibration, not {biggest}")


def _higher_is_more_anomalous(make: Make, problem: Problem) -> None:
    score = fitted(make, problem).score(problem.features)
    _require(score[problem.hours < 10].mean() > 2 * score[problem.hours > 70].mean(), "wrong way")


def _limit_is_kept_on_healthy_rows(make: Make, problem: Problem) -> None:
    score = fitted(make, problem).score(problem.features)[problem.hours > 70]
    _require(np.mean(score > 1.0) <= 0.01, "more than 1 % of healthy rows above the limit")


def _gives_probabilities(make: Make, problem: Problem) -> None:
    probability = fitted(make, problem).score(problem.features)
    _require(((probability >= 0) & (probability <= 1)).all(), "outside 0..1")
    failed = problem.hours < 24
    _require(probability[failed].mean() > 0.6 > 0.2 > probability[~failed].mean(), "wrong way")


def _interval_is_ordered_and_capped(make: Make, problem: Problem) -> None:
    low, median, high = fitted(make, problem).score(problem.features).T
    _require(((low >= 0) & (low <= median) & (median <= high)).all(), "not in order")
    _require((high <= 125).all(), "above the cap")


def _interval_covers_new_devices(make: Make, problem: Problem) -> None:
    new = example_problem(seed=5)
    low, _, high = fitted(make, problem).score(new.features).T
    covered = float(np.mean((low <= new.hours) & (new.hours <= high)))
    _require(0.84 <= covered <= 0.96, f"covers {covered:.2f} where 0.90 is promised")


def _same(left: Float64, right: Float64) -> bool:
    return np.array_equal(left, right, equal_nan=True)


def _turned(features: Features) -> Features:
    return Features(features.names[::-1], np.ascontiguousarray(features.values[:, ::-1]))


def _named(*checks: Check) -> dict[str, Check]:
    return {check.__name__.lstrip("_"): check for check in checks}


_EVERY = _named(
    _init_only_stores,
    _input_is_not_mutated,
    _same_seed_same_scores,
    _order_of_columns_does_not_matter,
    _one_row_scores_as_in_a_batch,
    _missing_values_are_tolerated,
    _a_missing_quantity_is_tolerated,
    _a_quantity_that_never_came_is_tolerated,
    _a_second_fit_forgets_the_first,
)
_DETECTOR = _named(_higher_is_more_anomalous, _limit_is_kept_on_healthy_rows, _shares_are_shares)
_RISK = _named(_gives_probabilities, _shares_are_shares)
_LIFE = _named(_interval_is_ordered_and_capped, _interval_covers_new_devices)
