"""What became of the rows of each file: taken, left out on purpose, or wrong and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from purna.core.errors import BadInput

SHOWN = 20
"""So many wrong rows of a file are described one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One wrong row. ``line`` counts from 1 with the header; 0 where a file has no lines."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """``rows = taken + left_out + wrong``; a row with one wrong value of several counts as wrong.

    The good values of such a row are taken all the same.
    """

    file: str
    rows: int
    taken: int
    left_out: int
    wrong: int
    troubles: tuple[Trouble, ...] = ()


class Notes:
    """Collects what is wrong with one file while it is read."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.rows = 0
        self.left_out = 0
        self._wrong: dict[int, Trouble] = {}

    def wrong(self, line: int, column: str, reason: str) -> None:
        self._wrong.setdefault(line, Trouble(line, column, reason))

    def wrong_all(self, lines: Iterable[int], column: str, reason: str) -> None:
        for line in lines:
            self.wrong(int(line), column, reason)

    def report(self) -> FileReport:
        """The file's report.

        Raises
        ------
        BadInput
            ``import.rows`` when every row is wrong: then the mapping is, not the data.
        """
        troubles = tuple(self._wrong[line] for line in sorted(self._wrong))
        wrong = len(troubles)
        taken = self.rows - self.left_out - wrong
        if wrong and wrong >= self.rows - self.left_out:
            first = troubles[0]
            raise BadInput(
                "import.rows",
                f"{self.file}: no row can be read; line {first.line}, column {first.column}: "
                f"{first.reason}",
                field=first.column,
            )
        return FileReport(self.file, self.rows, taken, self.left_out, wrong, troubles[:SHOWN])
