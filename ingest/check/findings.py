"""What was found, rule by rule: how often, and the first example. Pure."""

from __future__ import annotations

from ingest.check.observations import Observation, Published
from ingest.check.rules import RULES, Grade, Verdict

_EXCERPT = 120


class Findings:
    """Collects findings; the first one of a rule is kept as its example."""

    def __init__(self) -> None:
        self._first: dict[str, Grade] = {}
        self._counts: dict[str, int] = {}

    def note(self, code: str, seen: Observation, field: str = "", **params: object) -> None:
        """``seen`` breaks the rule ``code``."""
        self._counts[code] = self._counts.get(code, 0) + 1
        if code in self._first:
            return
        topic = excerpt = ""
        if isinstance(seen, Published):
            topic = printable(seen.topic)
            excerpt = printable(seen.payload[:_EXCERPT].decode("utf-8", "backslashreplace"))
        verdict, field = Verdict(RULES[code].severity), printable(field)
        params = {
            name: printable(value) if isinstance(value, str) else value
            for name, value in {"field": field, **params}.items()
        }
        self._first[code] = Grade(code, verdict, 1, seen.at, topic, field, excerpt, params)

    def of(self, code: str) -> Grade | None:
        """What was found of a rule; None when nothing."""
        return self._first.get(code)

    def count(self, code: str) -> int:
        return self._counts.get(code, 0)


def printable(text: str) -> str:
    """Without anything that a terminal would obey: what a device sends is shown to people."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
