"""The scheduled jobs, and with them the hand-overs between the packages, from top to bottom.

Each job is idempotent and short-lived: it looks at what is due, does it and remembers how far it
came in the service database, so it does not matter how often or where it is started again.
"""

from __future__ import annotations

import structlog

from models.scoring import Scorer
from purna.core.assessments import Assessment
from purna.core.catalogue import Product
from purna.core.clock import DAY, MINUTE, SECOND
from purna.run.bootstrap import Platform
from purna.run.windows import due_windows

log = structlog.get_logger(__name__)

SCORE_AT_ONCE = 64
"""Windows per product and round: bounds the memory of a replay that comes in bulk."""


class Jobs:
    """The jobs of one service process. Keeps loaded models from one round to the next."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._scorers: dict[str, Scorer] = {}

    def score(self) -> int:
        """Score every product's windows that have ended; returns how many windows."""
        return sum(self._score_product(product) for product in self._platform.catalogue.values())

    def decide(self) -> None:
        """Turn new assessments into alerts and orders."""
        alerts = self._platform.alerts
        alerts.reconcile()
        for decision in alerts.process_pending(self._platform.assessments):
            log.info("decided", **decision.summary())

    def send(self) -> None:
        """Send what the outbox holds."""
        self._platform.outbox.deliver(self._platform.clock.now())

    def prune(self) -> None:
        """Remove assessments that nobody looks at any more."""
        keep = round(self._platform.settings.schedule.keep_assessments_days * DAY)
        self._platform.assessments.prune(self._platform.clock.now() - keep)

    def _score_product(self, product: Product) -> int:
        platform = self._platform
        devices = platform.registry.all(product.id)
        scorer = self._scorer(product)
        if scorer is None or not devices:
            return 0
        ends = due_windows(
            step=product.step_minutes * MINUTE,
            now=platform.clock.now() - self._grace(),
            last=platform.assessments.last_window([device.id for device in devices]),
            backfill=round(platform.settings.schedule.backfill_days * DAY),
            limit=SCORE_AT_ONCE,
        )
        if not ends:
            return 0
        assessments: list[Assessment] = scorer.score(
            devices, platform.store, platform.maintenance, ends
        )
        platform.assessments.put(assessments)
        return len(ends)

    def _grace(self) -> int:
        """How much platform time to wait for the readings of a window that has ended."""
        seconds = self._platform.settings.schedule.grace_seconds * self._platform.clock.speed
        return round(seconds * SECOND)

    def _scorer(self, product: Product) -> Scorer | None:
        """The scorer of the champions; made again when another version has become champion."""
        champions = self._platform.models.champions(product.id)
        known = self._scorers.get(product.id)
        if known is None or known.versions != champions.versions:
            if not champions.versions:
                return None
            known = self._scorers[product.id] = Scorer(product, champions)
        return known
