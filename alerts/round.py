"""One round of the engine inside one transaction: fold what is new, then act on what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts.coverage import coverage
from alerts.decision import Decision, rank
from alerts.engine import Checkpoint, Event, Repair, Step, advance, refold
from alerts.facts import FactsReader
from alerts.lifecycle import AlertAction, AlertState, OrderAction, OrderState, step
from alerts.maintenance import record_of
from alerts.order import PLATFORM, Action, Evidence, Kind, OutcomeKind
from alerts.repository import (
    audit,
    load_checkpoints,
    pack,
    pack_option,
    save_checkpoints,
)
from alerts.rules import Change, Finding, Rule, finding_of, reason_of, rules_of
from alerts.settings import AlertSettings
from alerts.tables import AlertRow, MaintenanceRow, OrderRow
from purna.core.assessments import Assessment
from purna.core.catalogue import Catalogue, Mode, Product
from purna.core.clock import HOUR
from purna.core.devices import Device, Maintenance
from purna.core.errors import Conflict
from purna.core.ids import IdFactory
from purna.core.ports import AssessmentLog
from purna.core.texts import Message

EVIDENCE_HOURS = 72
"""How far back the evidence chart looks, or the policy's horizon when that is longer."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that is about to be opened, and the part that it needs (empty: none)."""

    order: OrderRow
    part: str
    alert: AlertRow


@dataclass(frozen=True, slots=True)
class Actions:
    """What a round may do to orders; the service hands in its use cases."""

    open_order: Callable[[Session, Draft, int], OrderRow]
    move: Callable[[Session, OrderRow, OrderAction, str, int, Message], None]
    auto_accept: Callable[[Session, OrderRow, int], None]


class Round:
    """Folds assessments and repairs of many devices, and opens, refreshes and closes orders."""

    def __init__(
        self,
        session: Session,
        devices: Mapping[str, Device],
        catalogue: Catalogue,
        ids: IdFactory,
        settings: AlertSettings,
        actions: Actions,
        now: int,
    ) -> None:
        self._session = session
        self._devices = devices
        self._catalogue = catalogue
        self._ids = ids
        self._settings = settings
        self._do = actions
        self._now = now
        self._facts = FactsReader(session, settings, now)
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self._alerts: dict[tuple[str, str], AlertRow] = {}
        self._decisions: list[Decision] = []

    def run(
        self, assessments: Sequence[Assessment], history: AssessmentLog | None = None
    ) -> list[Decision]:
        """What was decided, in the order of time. ``history`` lets late windows be folded in."""
        mute, late = self._hours(self._settings.mute_hours), self._hours(self._settings.late_hours)
        batches = self._by_device(assessments)
        repairs, checkpoints = self._due_repairs(batches)
        folded: dict[str, Checkpoint] = {}
        events: list[Event] = []
        for device in sorted(batches.keys() | repairs.keys()):
            rules = self._rules_for(device)
            checkpoint = before = checkpoints.get(device, Checkpoint())
            windows = batches.get(device, [])
            fresh = [w for w in windows if w.window_end > before.window]
            if history and any(before.base_window < w.window_end <= before.window for w in windows):
                known = history.between(device, before.base_window + 1, before.window + 1)
                checkpoint, changed = refold(checkpoint, device, rules, known)
                events += changed
            checkpoint, changed = advance(
                checkpoint, device, rules, fresh, repairs.get(device, []), mute, late
            )
            events += changed
            if checkpoint is not before:
                folded[device] = checkpoint
        self._plan_anew()  # ahead of the events: what is decided may join one of these visits
        self._load_alerts(events, checkpoints)
        for event in sorted(events, key=lambda e: e.at):  # stable: per device as they happened
            if isinstance(event, Repair):
                self._fulfil(event.record)
            else:
                self._apply(event)
        self._refresh({device: windows[-1] for device, windows in batches.items()})
        save_checkpoints(self._session, folded)
        return self._decisions

    def _by_device(self, assessments: Iterable[Assessment]) -> dict[str, list[Assessment]]:
        """Per known device the windows in order, each once: the last one given counts."""
        found: dict[str, dict[int, Assessment]] = {}
        for assessment in assessments:
            found.setdefault(assessment.device, {})[assessment.window_end] = assessment
        unknown = [device for device in found if not self._rules_for(device)]
        if unknown:
            log.warning("alerts.unknown_device", devices=sorted(unknown)[:10], count=len(unknown))
        return {
            device: [windows[end] for end in sorted(windows)]
            for device, windows in found.items()
            if device not in unknown
        }

    def _due_repairs(
        self, batches: Mapping[str, Sequence[Assessment]]
    ) -> tuple[dict[str, list[Maintenance]], dict[str, Checkpoint]]:
        """Repairs whose place on the timeline is reached, and the checkpoints of all concerned.

        A repair waits for the window that follows it, so that windows of before it are folded
        first; when a device sends no more, it waits no longer than the mute time.
        """
        newest = max((windows[-1].window_end for windows in batches.values()), default=0)
        query = (
            select(MaintenanceRow)
            .where(
                MaintenanceRow.applied.is_(False),
                MaintenanceRow.known_at <= max(self._now, newest),
                MaintenanceRow.ts <= max(self._now, newest),
            )
            .order_by(MaintenanceRow.ts, MaintenanceRow.id)
        )
        waiting = [row for row in self._session.scalars(query) if self._rules_for(row.device)]
        checkpoints = load_checkpoints(
            self._session, batches.keys() | {row.device for row in waiting}
        )
        silent = self._now - self._hours(self._settings.mute_hours)
        due: dict[str, list[Maintenance]] = {}
        applied: list[dict[str, object]] = []
        for row in waiting:
            windows = batches.get(row.device)
            reached = checkpoints.get(row.device, Checkpoint()).window
            if windows:
                reached = max(reached, windows[-1].window_end)
            if row.ts <= max(reached, silent):
                due.setdefault(row.device, []).append(record_of(row))
                applied.append({"id": row.id, "applied": True})
        if applied:
            self._session.execute(update(MaintenanceRow), applied)
        return due, checkpoints

    def _load_alerts(self, events: Sequence[Event], checkpoints: Mapping[str, Checkpoint]) -> None:
        devices = {event.device for event in events if isinstance(event, Step)}
        incidents = [
            incident_key(device, mode, state.episode)
            for device in devices & checkpoints.keys()
            for mode, state in checkpoints[device].now.items()
            if state.episode
        ]
        if incidents:
            query = select(AlertRow).where(AlertRow.incident.in_(incidents))
            for alert in self._session.scalars(query):
                self._alerts[alert.device, alert.failure_mode] = alert

    def _apply(self, event: Step) -> None:
        key = (event.device, event.rule.mode.id)
        alert = self._alerts.get(key)
        if event.change is Change.CLEARED:
            if alert is not None:
                self._clear(alert, event.at)
        elif event.change is Change.ENDED:
            if alert is not None:
                self._withdraw(alert, event.at)
                del self._alerts[key]
        elif event.change is Change.RAISED or alert is None:
            self._raise(event)
        elif event.change is Change.REOPENED:
            alert.state = step(AlertState(alert.state), AlertAction.REOPEN)
            alert.cleared_at = None
            self._note(alert, "reopened", Message("history.alert.reopened", {"at": event.at}))
            self._decide(alert, event)
        elif alert.order_id is None:
            self._decide(alert, event)

    def _raise(self, event: Step) -> None:
        device = self._devices[event.device]
        finding = self._finding(event)
        reason = reason_of(finding, self._product(device))
        alert = AlertRow(
            id=self._ids.new("alr"),
            incident=incident_key(event.device, event.rule.mode.id, event.episode),
            device=event.device,
            product=device.product,
            failure_mode=event.rule.mode.id,
            state=AlertState.OPEN,
            episode=event.episode,
            opened_at=event.at,
            cleared_at=None,
            reason=pack(reason),
            decision=pack(reason),
            action=Action.WAIT,
            order_id=None,
        )
        self._session.add(alert)
        self._alerts[event.device, event.rule.mode.id] = alert
        self._note(alert, "raised", reason)
        self._decide(alert, event, first=True)

    def _decide(self, alert: AlertRow, event: Step, *, first: bool = False) -> None:
        """Decide on an alert that has no order yet, and act on it; say so when it is news."""
        device, finding = self._devices[event.device], self._finding(event)
        if alert.order_id is not None:
            return
        existing = self._facts.active_for(alert.device, alert.failure_mode)
        decision = self._facts.decide(finding, device, self._product(device))
        if existing is not None:
            self._answer(alert, existing, event.at)
            reason = Message("decision.answered", {"number": existing.number})
            decision = replace(decision, reason=reason, order=existing.id)
        elif decision.action is not Action.WAIT and self._settings.mode is not Mode.OBSERVE:
            decision = self._open(alert, finding, decision)
        if first or decision.action != alert.action or decision.order:
            self._decisions.append(decision)
        alert.decision, alert.action = pack(decision.reason), decision.action

    def _open(self, alert: AlertRow, finding: Finding, decision: Decision) -> Decision:
        draft = self._draft(alert, finding, decision)
        try:
            order = self._do.open_order(self._session, draft, self._now)
        except Conflict:
            query = select(OrderRow).where(OrderRow.incident == alert.incident)
            winner = self._session.scalar(query)
            return replace(decision, order=winner.id if winner else "")
        self._facts.orders.append(order)
        if self._settings.mode is Mode.AUTO:
            self._do.auto_accept(self._session, order, self._now)
        return replace(decision, order=order.id)

    def _draft(self, alert: AlertRow, finding: Finding, decision: Decision) -> Draft:
        device = self._devices[finding.device]
        product, mode, at = self._product(device), finding.mode, finding.window_end
        shipment = decision.action is Action.SHIP
        component = product.component(mode.component)
        customer = device.site.customer
        cover = coverage(device, at)
        start, technician = None, None
        if not shipment:
            start, technician = self._facts.plan(
                device, mode.id, mode.skill, mode.hours, at, decision.action
            )
        order = OrderRow(
            id=self._ids.new("ord"),
            incident=alert.incident,
            kind=Kind.SHIPMENT if shipment else Kind.VISIT,
            state=OrderState.PROPOSED,
            priority=decision.priority,
            rank=rank(decision.saving, finding.probability, 1.0),
            device=device.id,
            product=device.product,
            site=device.site.id,
            customer=customer.id,
            failure_mode=mode.id,
            component=mode.component,
            reason=pack(reason_of(finding, product)),
            probability=finding.probability,
            horizon_hours=product.policy.horizon_hours,
            life_hours=finding.life.median if finding.life else None,
            opened_at=at,
            # The finding is of the window's end; the customer waits since we could know of it.
            due=max(at, self._now) + self._hours(customer.sla_hours),
            sla_hours=customer.sla_hours,
            closed_at=None,
            planned_start=start,
            technician=technician,
            warranty_until=cover.until,
            warranty_covered=cover.covered,
            saving=decision.saving,
            currency=product.policy.currency,
            skill=mode.skill,
            work_hours=0.0 if shipment else mode.hours,
            evidence=[asdict(item) for item in self._evidence(finding, product)],
            options=[pack_option(option) for option in decision.options],
            models=dict(finding.models),
            outcome=None,
        )
        return Draft(order, component.part if component else "", alert)

    @staticmethod
    def _evidence(finding: Finding, product: Product) -> list[Evidence]:
        hours = max(EVIDENCE_HOURS, product.policy.horizon_hours)
        start, end = finding.window_end - hours * HOUR, finding.window_end
        ordered = sorted(finding.contributions, key=lambda c: (-c.share, c.name))
        return [Evidence(c.name, c.share, start, end) for c in ordered]

    def _clear(self, alert: AlertRow, at: int) -> None:
        if alert.state == AlertState.CLEARED:
            return
        alert.state = step(AlertState(alert.state), AlertAction.CLEAR)
        alert.cleared_at = at
        self._note(alert, "cleared", Message("history.alert.cleared", {"at": at}))
        # An alert of a later episode may need the place in the index within this transaction.
        self._session.flush()

    def _withdraw(self, alert: AlertRow, at: int) -> None:
        """The episode is over: a proposal that nobody has taken up would only mislead."""
        for order in self._facts.orders:
            if order.id == alert.order_id and order.state == OrderState.PROPOSED:
                text = Message("history.withdrawn", {"hours": order.horizon_hours})
                self._close(order, OrderAction.WITHDRAW, at, text)

    def _fulfil(self, record: Maintenance) -> None:
        """Orders for the component that was replaced are answered, whoever did it."""
        for order in list(self._facts.orders):
            asked_for = order.component in ("", record.component)
            if order.device == record.device and asked_for and order.opened_at <= record.ts:
                order.outcome = {
                    "kind": OutcomeKind.CONFIRMED if record.failed else None,
                    "component": record.component,
                    "note": "",
                    "serial": "",
                }
                how = "failed" if record.failed else "replaced"
                params = {"source": record.source or "–", "at": record.ts}
                text = Message(f"history.fulfilled.{how}", params)
                self._close(order, OrderAction.FULFIL, record.ts, text)

    def _close(self, order: OrderRow, action: OrderAction, at: int, text: Message) -> None:
        self._do.move(self._session, order, action, PLATFORM, at, text)
        self._facts.orders.remove(order)

    def _answer(self, alert: AlertRow, order: OrderRow, at: int) -> None:
        """A new episode while its order is still open: the order goes on answering it."""
        alert.order_id = order.id
        text = Message("history.raised_again", {"at": at})
        audit(self._session, "orders", order.id, self._now, PLATFORM, "note", text)

    def _plan_anew(self) -> None:
        """Suggest another start for proposals whose start has passed, the most pressing first."""
        outdated = [order for order in self._facts.orders if self._facts.outdated(order)]
        for order in sorted(outdated, key=lambda o: (-o.rank, o.id)):
            device = self._devices.get(order.device)
            if device is not None:
                start, technician = self._facts.plan_anew(order, device)
                # Whoever takes the order up at this moment has the last word on its start.
                self._session.execute(
                    update(OrderRow)
                    .where(OrderRow.id == order.id, OrderRow.state == OrderState.PROPOSED)
                    .values(planned_start=start, technician=technician)
                )

    def _refresh(self, newest: Mapping[str, Assessment]) -> None:
        """Bring probability, remaining life and rank of the active orders up to date."""
        for order in self._facts.orders:
            assessment = newest.get(order.device)
            if assessment is not None and order.component:
                risk = assessment.risk_of(order.component)
                if risk is not None and order.horizon_hours in risk.probability:
                    order.probability = risk.probability[order.horizon_hours]
                life = assessment.life_of(order.component)
                order.life_hours = life.median if life else None
            order.rank = rank_of(order, self._now)

    def _note(self, alert: AlertRow, action: str, text: Message) -> None:
        audit(self._session, "alerts", alert.id, self._now, PLATFORM, action, text)

    def _finding(self, event: Step) -> Finding:
        # Only windows raise, repairs never do.
        assert event.assessment is not None  # noqa: S101
        return replace(finding_of(event.assessment, event.rule), window_end=event.at)

    def _rules_for(self, device: str) -> tuple[Rule, ...]:
        """The rules of a device; none when it or its product is not known."""
        known = self._devices.get(device)
        product = self._catalogue.get(known.product) if known else None
        if product is None:
            return ()
        if product.id not in self._rules:
            self._rules[product.id] = rules_of(product)
        return self._rules[product.id]

    def _product(self, device: Device) -> Product:
        return self._catalogue[device.product]

    @staticmethod
    def _hours(hours: float) -> int:
        return round(hours * HOUR)


def incident_key(device: str, failure_mode: str, episode: int) -> str:
    """What makes an incident one: the device, what fails, and when it was first raised."""
    return f"{device}/{failure_mode}/{episode}"


def rank_of(order: OrderRow, now: int) -> float:
    """The rank of an active order at ``now``."""
    left = (order.due - now) / (order.sla_hours * HOUR) if order.sla_hours > 0 else 0.0
    return rank(order.saving, order.probability, left)
