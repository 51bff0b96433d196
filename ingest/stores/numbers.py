"""Numbers for names, given once and kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from purna.core.readings import Int32, SeriesKey

Name = TypeVar("Name", SeriesKey, str)


class Numbered(NamedTuple, Generic[Name]):
    """The number of each name of a batch, and which names were without one."""

    names: Sequence[Name]
    numbers: Int32
    new: Mapping[Name, int]


class Numbers(Generic[Name]):
    """Numbers from 1 on.

    Batches of one source share their list of names, which only grows: of a list that was there
    before, only what is new is looked at.
    """

    def __init__(self, known: Mapping[Name, int]) -> None:
        self._known: dict[Name, int] = dict(known)
        self._seen: Numbered[Name] = Numbered((), np.empty(0, np.int32), {})

    def __len__(self) -> int:
        return len(self._known)

    def of(self, names: Sequence[Name]) -> Numbered[Name]:
        """Numbers for ``names``; those of new ones count only after :meth:`keep`."""
        seen = self._seen.numbers if names is self._seen.names else self._seen.numbers[:0]
        if len(seen) == len(names):
            return Numbered(names, seen, {})
        known, new, more = self._known, dict[Name, int](), []
        for name in names[len(seen) :]:
            number = known.get(name) or new.setdefault(name, len(known) + len(new) + 1)
            more.append(number)
        return Numbered(names, np.concatenate([seen, np.array(more, np.int32)]), new)

    def keep(self, numbered: Numbered[Name]) -> None:
        """Note that the new names of a batch are on disk."""
        self._known.update(numbered.new)
        self._seen = numbered
