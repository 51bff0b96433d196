"""The contracts of everything that learns here, and the table of features that it learns from.

scikit-learn's habits: ``__init__`` only stores its arguments, ``fit`` validates and learns,
learned attributes end in ``_``, a second ``fit`` forgets the first. Randomness comes from the
``seed`` argument, never from a clock. :func:`models.checks.yield_checks` tests all of this.

Directions, said once: a :class:`Detector`'s score is higher for the more anomalous row and 1.0 is
its own limit; a :class:`RiskModel` gives the probability of failure; a :class:`LifeModel` gives
the remaining hours, so *lower* is worse.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Features:
    """Rows of named columns: ``values`` is float32 of shape (rows, columns), NaN where unknown.

    A column is named ``<source>|<what>``, where the source is what people read in a contribution:
    a quantity, ``event:<code>`` or ``age:<component>``.
    """

    names: tuple[str, ...]
    values: Float32

    def __len__(self) -> int:
        return len(self.values)

    def columns(self, names: Sequence[str]) -> Float32:
        """These columns in this order; one that is not there is all NaN."""
        if tuple(names) == self.names:
            return self.values
        where = {name: position for position, name in enumerate(self.names)}
        out = np.full((len(self.values), len(names)), np.nan, np.float32)
        for position, name in enumerate(names):
            if name in where:
                out[:, position] = self.values[:, where[name]]
        return out

    def rows(self, chosen: NDArray[Any]) -> Features:
        return Features(self.names, self.values[chosen])

    def beside(self, other: Features) -> Features:
        """The columns of both; rows must be the same."""
        return Features(self.names + other.names, np.hstack([self.values, other.values]))


def anything_known(values: NDArray[Any]) -> Bool:
    """Shape (device, time) from (device, quantity, time): at least one quantity is known."""
    return np.asarray(np.isfinite(values).any(axis=1), np.bool_)


def rowwise(rows: Float64, matrix: Float64) -> Float64:
    """``rows @ matrix``, such that a row's result does not depend on which rows are beside it.

    The library behind ``@`` sums in another order for another number of rows, so that a window
    would score differently alone and in a batch, in the last bit.
    """
    return np.asarray(np.einsum("ij,jk->ik", rows, matrix, optimize=False))


def source_of(column: str) -> str:
    """What a column speaks of: the part of its name before the last ``|``."""
    return column.rpartition("|")[0]


class Detector(ABC):
    """Learns what is normal from healthy rows."""

    columns_: tuple[str, ...]

    @abstractmethod
    def fit(self, features: Features) -> Self:
        """Learn from healthy rows."""

    @abstractmethod
    def score(self, features: Features) -> Float64:
        """Shape (rows,): higher is more anomalous, 1.0 is the limit, NaN where nothing is known."""

    @abstractmethod
    def contributions(self, features: Features) -> tuple[tuple[str, ...], Float64]:
        """Sources, and the share of each in each row's score: (rows, sources), rows sum to 1."""


class RiskModel(ABC):
    """Learns how likely a failure is within a horizon."""

    columns_: tuple[str, ...]

    @abstractmethod
    def fit(self, features: Features, failed: Bool, groups: Int64, weights: Float64) -> Self:
        """Learn from rows; ``groups`` are the devices, ``weights`` undo a sampling of rows."""

    @abstractmethod
    def score(self, features: Features) -> Float64:
        """Shape (rows,): probability of failure, 0..1."""

    @abstractmethod
    def contributions(self, features: Features) -> tuple[tuple[str, ...], Float64]:
        """Sources, and the share of each in each row's score: (rows, sources)."""


class LifeModel(ABC):
    """Learns how many hours are left."""

    columns_: tuple[str, ...]

    @abstractmethod
    def fit(self, features: Features, hours: Float64, groups: Int64, weights: Float64) -> Self:
        """Learn from rows with known remaining ``hours``; ``groups`` are the devices."""

    @abstractmethod
    def score(self, features: Features) -> Float64:
        """Shape (rows, 3): low, median and high remaining hours."""
