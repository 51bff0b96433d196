"""The scheduled jobs, and with them the hand-overs between the packages, from top to bottom.

Each job is idempotent: it looks at what is due, does it, and what it has done is remembered in the
service database. So it does not matter how often it runs, or that a process dies in between.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import structlog

from models.scoring import Scorer
from purna.core.catalogue import Product
from purna.core.clock import DAY, MINUTE, SECOND
from purna.run.bootstrap import Platform
from purna.run.mark import Mark
from purna.run.windows import due_windows, late_windows

log = structlog.get_logger(__name__)

WINDOWS_AT_ONCE = 168
"""Windows per product and round: bounds the memory when there is much to catch up on."""


class Jobs:
    """The jobs of one service process. Keeps loaded models from one round to the next."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._scorers: dict[str, Scorer] = {}
        self._reached: dict[str, int] = {}  # also windows in which every device was silent

    def score_and_decide(self) -> int:
        """Score all windows that are due, then decide on them; returns how many windows.

        Windows that got readings after they were scored are scored again first.
        """
        self._look_back()
        self._score_again()
        scored = sum(self._score(product) for product in self._platform.catalogue.values())
        self._decide()
        return scored

    def send(self) -> None:
        """Send what the outbox holds."""
        self._platform.outbox.send_due()

    def prune(self) -> None:
        """Remove assessments and commands that nobody looks at any more."""
        keep = round(self._platform.settings.schedule.keep_assessments_days * DAY)
        decided = self._platform.alerts.position()
        self._platform.assessments.prune(self._platform.clock.now() - keep, decided)
        self._platform.commands.prune()

    def _look_back(self) -> None:
        """Score the recent past of products that are scored for the first time.

        That is to be looked at, not acted upon: an order must not be dated before anybody could
        act. Only as many windows are left over as a finding takes to be raised.
        """
        platform, schedule = self._platform, self._platform.settings.schedule
        past = {}
        for product in platform.catalogue.values():
            if self._scorer(product) and self._last(product) is None:
                ends = self._due(product, None, round(schedule.backfill_days * DAY))
                past[product.id] = ends[: -product.policy.raise_after]
        if any(past.values()):
            self._decide()  # what is not of the past is not to be skipped
            for product_id, ends in past.items():
                for at in range(0, len(ends), WINDOWS_AT_ONCE):
                    self._assess(platform.catalogue[product_id], ends[at : at + WINDOWS_AT_ONCE])
            platform.alerts.skip_pending(platform.assessments)

    def _score_again(self) -> None:
        """Score windows that got readings since the last round, as far back as is looked back.

        What came before the first round of all is no news.
        """
        platform = self._platform
        mark = Mark(platform.folder.rescored)
        since = mark.read()
        touched = platform.store.touched(since or 0)
        if since is not None:
            for product in platform.catalogue.values():
                self._score_late(product, touched.hours)
        if touched.cursor != since:
            mark.write(touched.cursor)

    def _score_late(self, product: Product, touched: Collection[tuple[str, int]]) -> None:
        platform, last = self._platform, self._last(product)
        scorer = self._scorer(product)
        if not touched or scorer is None or last is None:
            return
        reach = round(platform.settings.schedule.backfill_days * DAY)
        devices = platform.registry.all(product.id)
        mine = {device.id for device in devices}
        late = late_windows(
            [(device, hour) for device, hour in touched if device in mine],
            step=product.step_minutes * MINUTE,
            since=last - reach,
            last=last,
        )
        if late:
            records = platform.maintenance.records(sorted(mine))
            if not scorer.has_read:
                scorer.score(devices, platform.store, records, [last])
            again = scorer.score_again(platform.store, records, late)
            platform.assessments.put(again)
            log.info("scored again", product=product.id, devices=len(late), windows=len(again))

    def _score(self, product: Product) -> int:
        if self._scorer(product) is None:
            return 0
        ends = self._due(product, self._last(product), backfill=0)[:WINDOWS_AT_ONCE]
        self._assess(product, ends)
        return len(ends)

    def _last(self, product: Product) -> int | None:
        """The last window that was scored, by this process or one before it."""
        if product.id not in self._reached:
            devices = [device.id for device in self._platform.registry.all(product.id)]
            return self._platform.assessments.last_window(devices)
        return self._reached[product.id]

    def _due(self, product: Product, last: int | None, backfill: int) -> list[int]:
        clock = self._platform.clock
        # Readings need a moment of real time to arrive; a fast clock makes more of it.
        grace = round(self._platform.settings.schedule.grace_seconds * clock.speed * SECOND)
        step = product.step_minutes * MINUTE
        return due_windows(step=step, now=clock.now() - grace, last=last, backfill=backfill)

    def _assess(self, product: Product, ends: Sequence[int]) -> None:
        platform, scorer = self._platform, self._scorer(product)
        if scorer is None or not ends:
            return
        devices = platform.registry.all(product.id)
        records = platform.maintenance.records([device.id for device in devices])
        platform.assessments.put(scorer.score(devices, platform.store, records, ends))
        self._reached[product.id] = ends[-1]

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
