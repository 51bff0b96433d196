"""The newest assessment of every device, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Annotated

from fastapi import Depends, Request

from api.services import AssessmentFeed
from purna.core.assessments import Assessment

_AT_ONCE = 5000


class NewestAssessments:
    """Reads all of them once, and from then on only those that were put since.

    To decode ten thousand assessments at every look at the fleet table would be slow.
    """

    def __init__(self, assessments: AssessmentFeed) -> None:
        self._assessments = assessments
        self._newest: dict[str, Assessment] = {}
        self._position: int | None = None
        self._lock = Lock()

    def by_device(self) -> Mapping[str, Assessment]:
        """By device id, as the log stands now."""
        with self._lock:
            if self._position is None:
                # First the position: what is put in between is read twice rather than missed.
                self._position = self._assessments.position()
                self._newest = dict(self._assessments.latest())
            while pending := self._assessments.pending(self._position, _AT_ONCE):
                for self._position, assessment in pending:
                    known = self._newest.get(assessment.device)
                    if known is None or known.window_end <= assessment.window_end:
                        self._newest[assessment.device] = assessment
            return dict(self._newest)


def newest_of(request: Request) -> NewestAssessments:
    """The one of the application that serves this request."""
    newest: NewestAssessments = request.app.state.newest
    return newest


NewestParam = Annotated[NewestAssessments, Depends(newest_of)]
