"""Grades one device's traffic against the firmware contract. Pure.

    grader = Grader("pump-7", product)
    for observation in …:          # what a device did, by its own port, a broker or a recording
        grader.see(observation)
    for grade in grader.grades():  # one for each rule
        …

:mod:`~ingest.check.rules` is the table of what is graded and how much it matters,
:mod:`~ingest.check.witness` a little MQTT server, without its socket, that a device is pointed at.
"""

from ingest.check.grader import Grader
from ingest.check.observations import (
    Acknowledged,
    Closed,
    Observation,
    Opened,
    Published,
    Refused,
    Subscribed,
)
from ingest.check.rules import RULES, Grade, Severity, Verdict

__all__ = [
    "RULES",
    "Acknowledged",
    "Closed",
    "Grade",
    "Grader",
    "Observation",
    "Opened",
    "Published",
    "Refused",
    "Severity",
    "Subscribed",
    "Verdict",
]
