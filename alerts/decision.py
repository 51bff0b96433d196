"""From a finding to an action with its expected cost and its reason. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.order import Action, Option
from purna.core.texts import Message


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a finding, why, and what else was weighed.

    ``order`` is the id of the order that was opened or that answers it already, else empty.
    """

    device: str
    failure_mode: str
    window_end: int
    action: Action
    reason: Message
    options: Sequence[Option] = ()
    order: str = ""
