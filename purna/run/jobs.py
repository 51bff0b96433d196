"""The scheduled jobs, and with them the hand-overs between the packages, from top to bottom.

Each job is idempotent: it looks at what is due, does it, and what it has done is remembered in the
service database. So it does not matter how often it runs, or that a process dies in between.
"""

from __future__ import annotations

import structlog

from models.scoring import Scorer
from purna.core.catalogue import Product
from purna.core.clock import DAY, MINUTE, SECOND
from purna.run.bootstrap import Platform
from purna.run.windows import due_windows

log = structlog.get_logger(__name__)

WINDOWS_AT_ONCE = 168
"""Windows per product and round: bounds the memory when there is much to catch up on."""


class Jobs:
    """The jobs of one service process. Keeps loaded models from one round to the next."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._scorers: dict[str, Scorer] = {}

    def score_and_decide(self) -> int:
        """Score all windows that are due, then decide on them; returns how many windows."""
        scored = sum(self._score(product) for product in self._platform.catalogue.values())
        self._decide()
        return scored

    def send(self) -> None:
        """Send what the outbox holds."""
        self._platform.outbox.send_due()

    def prune(self) -> None:
        """Remove assessments that nobody looks at any more."""
        keep = round(self._platform.settings.schedule.keep_assessments_days * DAY)
        decided = self._platform.alerts.position()
        self._platform.assessments.prune(self._platform.clock.now() - keep, decided)

    def _score(self, product: Product) -> int:
        platform, schedule = self._platform, self._platform.settings.schedule
        devices = platform.registry.all(product.id)
        scorer = self._scorer(product)
        if scorer is None or not devices:
            return 0
        ids = [device.id for device in devices]
        # Readings need a moment of real time to arrive; a fast clock makes more of it.
        grace = round(schedule.grace_seconds * platform.clock.speed * SECOND)
        ends = due_windows(
            step=product.step_minutes * MINUTE,
            now=platform.clock.now() - grace,
            last=platform.assessments.last_window(ids),
            backfill=round(schedule.backfill_days * DAY),
            limit=WINDOWS_AT_ONCE,
        )
        if ends:
            records = platform.maintenance.records(ids)
            platform.assessments.put(scorer.score(devices, platform.store, records, ends))
        return len(ends)

    def _decide(self) -> None:
        for decision in self._platform.alerts.process_pending(self._platform.assessments):
            log.info(
                "decided",
                device=decision.device,
                failure_mode=decision.failure_mode,
                action=decision.action.value,
                why=decision.reason.text(),
            )

    def _scorer(self, product: Product) -> Scorer | None:
        """The scorer of the champions; a new one when others have become champions."""
        versions = self._platform.models.champion_versions(product.id)
        if not versions:
            return None
        known = self._scorers.get(product.id)
        if known is None or known.versions != versions:
            known = Scorer(product, self._platform.models.champions(product.id))
            self._scorers[product.id] = known
        return known
