"""How far orders, alerts and assessments have come, whichever process moves them."""

from __future__ import annotations

from typing import NamedTuple, get_args

from alerts.service import AlertService
from api.services import AssessmentFeed
from api.v1.summary.schemas import Topic

_AT_ONCE = 1000


class Position(NamedTuple):
    """Sequence numbers that only grow."""

    happening: int
    assessment: int


class Changes:
    """Asks the service database what happened since a position."""

    def __init__(self, alerts: AlertService, assessments: AssessmentFeed) -> None:
        self._alerts = alerts
        self._assessments = assessments

    def position(self) -> Position:
        """Where things stand now."""
        return Position(self._alerts.last_happening(), self._assessments.position())

    def since(self, position: Position) -> tuple[Position, dict[Topic, str]]:
        """The new position and what changed: by topic the id, empty when it was several."""
        happening, found = position.happening, dict[Topic, str]()
        for change in self._alerts.happenings(happening, _AT_ONCE):
            topic = _TOPICS[change.topic]
            found[topic] = change.id if found.get(topic, change.id) == change.id else ""
            happening = change.seq
        assessment = self._assessments.position()
        if assessment != position.assessment:
            found["assessments"] = ""
        return Position(happening, assessment), found


_TOPICS: dict[str, Topic] = {topic: topic for topic in get_args(Topic)}
