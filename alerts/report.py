"""How well orders met the failures that were recorded, in the words of service. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from purna.core.catalogue import Policy
from purna.core.clock import HOUR
from purna.core.devices import Maintenance


@dataclass(frozen=True, slots=True)
class OrderSpan:
    """When an order was open (micros); ``component`` is empty for an inspection."""

    number: str
    device: str
    component: str
    opened_at: int
    closed_at: int | None


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Hours between order and failure; None when there was no failure ahead of which one stood."""

    p5: float | None
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """Failures and orders of one component, or of all.

    ``failures = caught + missed``. ``needless`` orders had no failure behind them, ``undecided``
    ones were opened too late in the period to tell.
    """

    component: str
    failures: int
    caught: int
    orders: int
    needless: int
    undecided: int
    lead: LeadTime

    @property
    def missed(self) -> int:
        return self.failures - self.caught


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """The whole, by component, and the failures that no order stood ahead of.

    ``inspections`` (after an anomaly alone) are not in the other figures: they name no component.
    """

    start: int
    end: int
    within_hours: float
    devices: int
    total: Score
    components: Sequence[Score]
    inspections: Score
    missed: Sequence[Maintenance]

    @property
    def needless_per_device_year(self) -> float:
        """Needless orders, without inspections, per device and year."""
        years = (self.end - self.start) / (HOUR * 24 * 365)
        watched = self.devices * years
        return self.total.needless / watched if watched > 0 else 0.0


def within_hours(policy: Policy) -> float:
    """How soon a failure must follow an order to justify it: twice the horizon, 48 h at least."""
    return max(48.0, 2.0 * policy.horizon_hours)


def service_report(
    orders: Sequence[OrderSpan],
    records: Sequence[Maintenance],
    start: int,
    end: int,
    *,
    devices: int,
    within: float = 48.0,
) -> ServiceReport:
    """Match failures in ``[start, end)`` with orders.

    A failure is *caught* when an order for its component was open at its time and had been opened
    before it, but not longer than ``within`` hours before: what is open for ever predicts nothing.
    An order is *needless* when its component does not fail within ``within`` hours.

    Parameters
    ----------
    records
        Maintenance; only those with ``failed`` count as failures.
    devices
        How many devices were watched.
    within
        Hours; see :func:`within_hours`.
    """
    failures = [r for r in records if r.failed and start <= r.ts < end]
    asked = [o for o in orders if start <= o.opened_at < end]
    named = [o for o in asked if o.component]
    inspections = [o for o in asked if not o.component]
    reach = round(within * HOUR)
    leads = {failure: _lead(failure, named, reach) for failure in failures}
    names = sorted({f.component for f in failures} | {o.component for o in named})
    return ServiceReport(
        start=start,
        end=end,
        within_hours=within,
        devices=devices,
        total=_score("", failures, named, leads, reach, end),
        components=[
            _score(
                name,
                [f for f in failures if f.component == name],
                [o for o in named if o.component == name],
                leads,
                reach,
                end,
            )
            for name in names
        ],
        inspections=_score("", failures, inspections, leads, reach, end),
        missed=[failure for failure in failures if leads[failure] is None],
    )


def _lead(failure: Maintenance, orders: Sequence[OrderSpan], reach: int) -> float | None:
    """Hours from the first order that was open ahead of the failure; None when none was."""
    ahead = [
        failure.ts - order.opened_at
        for order in orders
        if _about(order, failure)
        and failure.ts - reach <= order.opened_at < failure.ts
        and (order.closed_at is None or order.closed_at >= failure.ts)
    ]
    return max(ahead) / HOUR if ahead else None


def _score(
    component: str,
    failures: Sequence[Maintenance],
    orders: Sequence[OrderSpan],
    leads: dict[Maintenance, float | None],
    reach: int,
    end: int,
) -> Score:
    needless = undecided = 0
    for order in orders:
        justified = any(
            _about(order, failure) and order.opened_at <= failure.ts <= order.opened_at + reach
            for failure in failures
        )
        if not justified:
            undecided += order.opened_at + reach >= end
            needless += order.opened_at + reach < end
    hours = sorted(lead for f in failures if (lead := leads[f]) is not None)
    return Score(
        component, len(failures), len(hours), len(orders), needless, undecided, _lead_time(hours)
    )


def _about(order: OrderSpan, failure: Maintenance) -> bool:
    return order.device == failure.device and order.component in ("", failure.component)


def _lead_time(hours: Sequence[float]) -> LeadTime:
    if not hours:
        return LeadTime(None, None, None)
    if len(hours) == 1:
        return LeadTime(hours[0], hours[0], hours[0])
    cuts = quantiles(hours, n=20, method="inclusive")
    return LeadTime(cuts[0], cuts[9], cuts[18])
