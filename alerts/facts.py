"""What a decision looks at, read from the database: orders, stock, technicians, warranty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.decision import Decision, Facts, decide
from alerts.lifecycle import OrderState
from alerts.order import Action, Kind, PartStock, Priority, Technician
from alerts.repository import active_orders, part_of, technician_of
from alerts.rules import ANOMALY, Finding
from alerts.schedule import Slot, Suggestion, suggest
from alerts.settings import AlertSettings
from alerts.tables import OrderRow, PartRow, TechnicianRow
from purna.core.catalogue import Product
from purna.core.clock import HOUR
from purna.core.devices import Device


class FactsReader:
    """Reads once per transaction, at the first question; ``now`` is server time in micros."""

    def __init__(self, session: Session, settings: AlertSettings, now: int) -> None:
        self._session = session
        self._settings = settings
        self._now = now

    @cached_property
    def orders(self) -> list[OrderRow]:
        """The active orders. Whoever opens or closes one keeps this list true."""
        return active_orders(self._session)

    def decide(self, finding: Finding, device: Device, product: Product) -> Decision:
        """The decision on a finding as things stand."""
        facts = self._facts(finding, device, product)
        return decide(finding, facts, product.policy, self._settings.mode)

    def suggest(
        self, device: Device, skill: str, hours: float, decided: int, action: Action = Action.VISIT
    ) -> Suggestion | None:
        """Who could go, and when; an urgent visit starts after the urgent hours, at any time."""
        urgent = action is Action.URGENT_VISIT
        soonest = max(decided, self._now)
        earliest = soonest + round(self._settings.urgent_hours * HOUR) * urgent
        due = max(soonest + round(device.site.customer.sla_hours * HOUR), earliest)
        return suggest(
            self._technicians, self._busy(), device.site, skill, hours, earliest, due, urgent
        )

    def plan(
        self,
        device: Device,
        failure_mode: str,
        skill: str,
        hours: float,
        decided: int,
        action: Action = Action.VISIT,
    ) -> tuple[int | None, str | None]:
        """Start (micros) and technician's id of a visit; None each when there is nobody to send.

        A planned visit joins one that goes to the device anyway, when that technician has the
        skill or nobody else has it. An urgent one waits for no other.
        """
        joined = self.joinable(device.id, failure_mode) if action is Action.VISIT else None
        planned = joined is not None and joined.planned_start is not None
        if joined is not None and planned and joined.skill == skill:
            return joined.planned_start, joined.technician
        suggestion = self.suggest(device, skill, hours, decided, action)
        if suggestion is not None:
            return suggestion.start, suggestion.technician.id
        if joined is not None and planned:
            return joined.planned_start, joined.technician
        return None, None

    def plan_anew(self, order: OrderRow, device: Device) -> tuple[int | None, str | None]:
        """As :meth:`plan`, from now on, for an order whose start has passed."""
        urgent = order.priority == Priority.URGENT
        action = Action.URGENT_VISIT if urgent else Action.VISIT
        return self.plan(
            device, order.failure_mode, order.skill, order.work_hours, self._now, action
        )

    def outdated(self, order: OrderRow) -> bool:
        """A visit that nobody has taken up while its suggested start went by."""
        start = order.planned_start
        waiting = order.kind == Kind.VISIT and order.state == OrderState.PROPOSED
        return waiting and start is not None and start < self._now

    def active_for(self, device: str, failure_mode: str) -> OrderRow | None:
        """The active order for this failure mode of this device."""
        return next(
            (o for o in self.orders if (o.device, o.failure_mode) == (device, failure_mode)), None
        )

    def joinable(self, device: str, failure_mode: str) -> OrderRow | None:
        """The next visit to the device for something else: the way there is made anyway.

        One whose start has passed is not waited for; one that has no start yet comes last. A
        visit for a named failure mode is not saved by one that only looks after an anomaly
        and needs no part, but the way is.
        """
        coming = [
            order
            for order in self.orders
            if order.device == device
            and order.failure_mode != failure_mode
            and order.kind == Kind.VISIT
            and (order.planned_start is None or order.planned_start >= self._now)
        ]
        return min(
            coming,
            key=lambda o: (o.planned_start is None, o.planned_start or 0, o.id),
            default=None,
        )

    def part(self, number: str) -> PartStock | None:
        """A part as it stands now in this transaction; None when the stock does not list it."""
        query = select(PartRow).where(PartRow.number == number)
        row = self._session.scalar(query.execution_options(populate_existing=True))
        return part_of(row) if row else None

    def _facts(self, finding: Finding, device: Device, product: Product) -> Facts:
        mode, sla = finding.mode, device.site.customer.sla_hours
        component = product.component(mode.component)
        start = max(finding.window_end, self._now)
        suggestion = self.suggest(device, mode.skill, mode.hours, finding.window_end)
        joined = self.joinable(device.id, mode.id)
        joined_start = joined.planned_start if joined else None
        return Facts(
            mode=mode,
            price=component.price if component else 0.0,
            part=self.part(component.part) if component and component.part else None,
            sla_hours=sla,
            visit_hours=(suggestion.start - start) / HOUR if suggestion else None,
            urgent_hours=self._settings.urgent_hours,
            shipping_hours=self._settings.shipping_hours,
            inspection_yield=self._settings.inspection_yield if mode.id == ANOMALY else 0.0,
            joined=joined.number if joined else "",
            joined_hours=max(0, joined_start - start) / HOUR if joined_start else sla,
        )

    @cached_property
    def _technician_rows(self) -> Sequence[TechnicianRow]:
        return self._session.scalars(select(TechnicianRow).order_by(TechnicianRow.id)).all()

    @property
    def _technicians(self) -> list[Technician]:
        load = Counter(order.technician for order in self.orders)
        return [technician_of(row, load[row.id]) for row in self._technician_rows]

    def _busy(self) -> Mapping[str, list[Slot]]:
        busy: dict[str, list[Slot]] = {}
        for order in self.orders:
            if order.technician and order.planned_start and not self.outdated(order):
                end = order.planned_start + round(order.work_hours * HOUR)
                busy.setdefault(order.technician, []).append(Slot(order.planned_start, end))
        return busy
