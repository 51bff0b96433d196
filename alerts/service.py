"""The use cases: from assessments to orders, and what people do with them.

:meth:`AlertService.open_order` is the only place where an order is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from alerts import parts
from alerts.alert import Alert
from alerts.decision import Decision
from alerts.dispatch import receivers_for
from alerts.engine import Checkpoint
from alerts.facts import FactsReader
from alerts.lifecycle import AlertAction, AlertState, OrderAction, OrderState, step
from alerts.maintenance import add_records
from alerts.order import (
    PLATFORM,
    Action,
    HistoryEntry,
    Kind,
    Order,
    OutcomeKind,
    PartStock,
    RejectReason,
    Technician,
)
from alerts.outbox import enqueue
from alerts.report import OrderSpan
from alerts.repository import (
    ACTIVE_STATES,
    audit,
    load_checkpoints,
    lock_position,
    next_number,
    pack,
    set_position,
    table_of,
    unpack,
    upsert,
)
from alerts.round import Actions, Draft, Round, rank_of
from alerts.rules import FoldState, Rule, finding_of, reason_of, rules_of
from alerts.settings import AlertSettings
from alerts.tables import AlertRow, OrderPartRow, OrderRow, PartRow, PositionRow, TechnicianRow
from alerts.views import Happening, OrderFilter, Page, ServiceSummary, Views
from purna.core.assessments import Assessment
from purna.core.catalogue import Catalogue
from purna.core.clock import MINUTE, Clock
from purna.core.devices import Maintenance
from purna.core.errors import BadInput, Conflict, NotFound
from purna.core.ids import IdFactory
from purna.core.ports import AssessmentLog, DeviceRegistry
from purna.core.texts import Message
from purna.db.engine import Database

CONSUMER = "alerts"

_EVENTS = {
    OrderAction.ACCEPT: "order.accepted",
    OrderAction.SCHEDULE: "order.scheduled",
    OrderAction.REJECT: "order.rejected",
    OrderAction.RESCHEDULE: "order.rescheduled",
    OrderAction.START: "order.started",
    OrderAction.COMPLETE: "order.completed",
    OrderAction.CANCEL: "order.cancelled",
    OrderAction.FULFIL: "order.fulfilled",
    OrderAction.WITHDRAW: "order.withdrawn",
}

START_TOLERANCE = 5 * MINUTE
"""How long a start may have passed when somebody enters it: typing and clocks take their time."""

_CLOSED = (OrderState.COMPLETED, OrderState.REJECTED, OrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the engine thinks of one failure mode of a device, for ``purna explain``.

    ``found`` is the evidence in the newest window, ``state`` where the rule stands, ``decision``
    what would be decided now.
    """

    failure_mode: str
    found: Message
    state: Message
    decision: Decision


class PositionedLog(AssessmentLog, Protocol):
    """An assessment log that also tells how far it has come."""

    def position(self) -> int: ...


class AlertService:
    """Alerts and orders in the service database."""

    def __init__(
        self,
        db: Database,
        registry: DeviceRegistry,
        catalogue: Catalogue,
        clock: Clock,
        ids: IdFactory,
        settings: AlertSettings | None = None,
    ) -> None:
        self._db = db
        self._registry = registry
        self._catalogue = catalogue
        self._clock = clock
        self._ids = ids
        self._settings = settings or AlertSettings()
        self._views = Views(db, registry, catalogue)

    # What the platform does

    def process_pending(self, log: AssessmentLog, limit: int = 5000) -> list[Decision]:
        """Take in all new assessments of the log, each exactly once.

        They are taken in portions of ``limit``, each in one transaction: the position in the log
        moves together with everything that follows from the assessments. Late and re-scored
        windows are folded in by reading their neighbours in the log again. Also without new
        assessments recorded maintenance is taken note of and the queue is ranked anew.
        """
        decisions: list[Decision] = []
        while True:
            with self._db.write() as session:
                pending = log.pending(lock_position(session, CONSUMER), limit)
                decisions += self._round(session).run([a for _, a in pending], history=log)
                if pending:
                    set_position(session, CONSUMER, pending[-1][0])
            if len(pending) < limit:
                return decisions

    def skip_pending(self, log: PositionedLog) -> None:
        """Take the assessments that wait in the log for read: they are there to be looked at only.

        For windows of the past that were scored late: nobody could have acted on them.
        """
        with self._db.write() as session:
            lock_position(session, CONSUMER)
            set_position(session, CONSUMER, log.position())

    def position(self) -> int:
        """How far the log has been taken in."""
        with self._db.read() as session:
            row = session.get(PositionRow, CONSUMER)
            return row.position if row else 0

    def process(self, assessments: Sequence[Assessment]) -> list[Decision]:
        """Fold these assessments in, in one transaction.

        They need no order. A window that is not later than the device's last one is not looked at
        again: only :meth:`process_pending` has the log that this takes.
        """
        with self._db.write() as session:
            lock_position(session, CONSUMER)
            return self._round(session).run(assessments)

    def reconcile(self) -> None:
        """Take note of recorded maintenance of devices that send no more.

        For all others :meth:`process` does it, at the right place between the windows.
        """
        self.process([])

    def explain(self, device_id: str, log: AssessmentLog) -> list[Explanation]:
        """Per failure mode: what was found, where the rule stands, what would be decided now.

        Raises
        ------
        NotFound
            For an unknown device.
        """
        device = self._registry.get(device_id)
        product = self._catalogue[device.product]
        newest = log.latest([device_id]).get(device_id)
        if newest is None:
            return []
        with self._db.read() as session:
            checkpoint = load_checkpoints(session, [device_id]).get(device_id, Checkpoint())
            facts = FactsReader(session, self._settings, self._clock.now())
            out = []
            for rule in rules_of(product):
                state = checkpoint.now.get(rule.mode.id, FoldState())
                finding = finding_of(newest, rule)
                decision = facts.decide(finding, device, product)
                if not state.raised:
                    decision = replace(
                        decision,
                        action=Action.WAIT,
                        reason=Message("decision.not_raised", _progress(state, rule)),
                    )
                out.append(
                    Explanation(
                        rule.mode.id, reason_of(finding, product), _state(state, rule), decision
                    )
                )
            return out

    def open_order(self, session: Session, draft: Draft, now: int) -> OrderRow:
        """Open an order: the only place. All or nothing, within the caller's transaction.

        Writes the order with its number, holds its part, links the alert, and notes it in the
        history and the outbox. The incident key is unique, and there is one active order per
        (device, failure mode): of several who try at once, one succeeds.

        Raises
        ------
        Conflict
            ``order.exists``: somebody else has opened it; nothing was written.
        """
        order, alert = draft.order, draft.alert
        try:
            with session.begin_nested():
                order.number = next_number(session, "S" if order.kind == Kind.SHIPMENT else "V")
                session.add(order)
                session.flush()
        except IntegrityError as error:
            if not self._answered(session, order):
                raise
            raise Conflict(
                "order.exists", f"incident {order.incident} has its order", incident=order.incident
            ) from error
        if draft.part:
            held = parts.reserve(session, draft.part)
            session.add(
                OrderPartRow(order_id=order.id, number=draft.part, quantity=1, reserved=held)
            )
        alert.order_id = order.id
        reason = Message(f"history.opened.{order.kind}", {"number": order.number})
        audit(session, "orders", order.id, now, PLATFORM, "open", reason)
        self._tell(session, order, "order.opened", now, unpack(alert.reason))
        session.flush()
        return order

    # What people do; ``actor`` is a user's id and goes into the history

    def acknowledge(self, alert_id: str, actor: str) -> Alert:
        """Say that an alert has been seen."""
        with self._db.write() as session:
            alert = self._views.alert(session, alert_id)
            after = step(alert.state, AlertAction.ACKNOWLEDGE)
            statement = (
                update(AlertRow)
                .where(AlertRow.id == alert_id, AlertRow.state == alert.state)
                .values(state=after)
            )
            if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
                raise Conflict("alert.state", "somebody else was faster", state=alert.state)
            text = Message("history.alert.acknowledged")
            audit(session, "alerts", alert_id, self._clock.now(), actor, "acknowledge", text)
            session.flush()
            session.expire_all()
            return self._views.alert(session, alert_id)

    def accept(
        self,
        order_id: str,
        actor: str,
        *,
        technician: str | None = None,
        planned_start: int | None = None,
        note: str = "",
    ) -> Order:
        """Take a proposal. Without technician and start the platform's suggestion stands.

        A suggested start that has passed is suggested anew. A part that was not there when the
        order was proposed is held now if it has come in.

        Raises
        ------
        BadInput
            ``order.technician``: unknown; ``order.start_past``: the start has passed.
        """
        with self._db.write() as session:
            row = self._row(session, order_id)
            now = self._clock.now()
            self._accept(session, row, actor, now, technician, planned_start)
            self._noted(session, row, actor, now, note)
            return self._views.order(session, order_id)

    def reject(self, order_id: str, actor: str, reason: RejectReason, note: str = "") -> Order:
        """Turn a proposal down; no other order is opened for the same episode."""
        text = Message(f"history.rejected.{reason.value}")
        return self._simple(order_id, actor, OrderAction.REJECT, text, note)

    def reschedule(
        self,
        order_id: str,
        actor: str,
        planned_start: int,
        *,
        technician: str | None = None,
        note: str = "",
    ) -> Order:
        """Another time or another technician.

        Raises
        ------
        BadInput
            ``order.technician``: unknown; ``order.start_past``: the start has passed.
        """
        with self._db.write() as session:
            row = self._row(session, order_id)
            now = self._clock.now()
            self._check_technician(session, technician)
            _check_start(planned_start, now)
            row.planned_start = planned_start
            row.technician = technician or row.technician
            text = self._plan_text("history.rescheduled", session, row)
            self._move(session, row, OrderAction.RESCHEDULE, actor, now, text)
            self._noted(session, row, actor, now, note)
            return self._views.order(session, order_id)

    def start(self, order_id: str, actor: str) -> Order:
        """The technician is on site, or the part is on its way."""
        return self._simple(order_id, actor, OrderAction.START, Message("history.started"))

    def complete(
        self,
        order_id: str,
        actor: str,
        outcome: OutcomeKind,
        *,
        component: str | None = None,
        serial: str = "",
        note: str = "",
        done_at: int | None = None,
        failed: bool = False,
    ) -> Order:
        """Work done: what was found becomes a label for the models.

        Confirmed: the component was worn and was replaced. Other component: that one was. Both
        are noted as maintenance at ``done_at`` (now unless given); ``failed`` when it had failed
        in service before. No fault found notes nothing. A held part is used up when it was the
        right one, else given back.

        Raises
        ------
        BadInput
            ``order.component``: the product has no such component, or none was named;
            ``order.done_at``: in the future.
        """
        with self._db.write() as session:
            row = self._row(session, order_id)
            now = self._clock.now()
            done = now if done_at is None else done_at
            if done > now:
                raise BadInput("order.done_at", "done_at is in the future", field="done_at")
            found = self._found(row, outcome, component)
            row.outcome = {"kind": outcome, "component": found, "note": note, "serial": serial}
            params = {"component": self._component_name(row, found), "serial": serial or "–"}
            text = Message(f"history.completed.{outcome.value}", params)
            self._move(session, row, OrderAction.COMPLETE, actor, now, text)
            self._noted(session, row, actor, now, note)
            if found is not None:
                record = Maintenance(row.device, found, done, failed, now, row.number)
                add_records(session, [record])
                self._take_other_part(session, row, found)
            return self._views.order(session, order_id)

    def cancel(self, order_id: str, actor: str, note: str) -> Order:
        """Call off an accepted order."""
        text = Message("history.cancelled")
        return self._simple(order_id, actor, OrderAction.CANCEL, text, note)

    # What people see; NotFound for an unknown id

    def orders(
        self, where: OrderFilter | None = None, *, cursor: str | None = None, limit: int = 50
    ) -> Page[Order]:
        """The queue, highest rank first; closed orders have no rank and come newest first."""
        return self._views.orders(where or OrderFilter(), cursor, limit, self._clock.now())

    def order(self, order_id: str) -> Order:
        with self._db.read() as session:
            return self._views.order(session, order_id)

    def history(self, order_id: str) -> list[HistoryEntry]:
        """What happened to an order, oldest first."""
        return self._views.history(order_id)

    def alerts(
        self,
        *,
        states: Sequence[AlertState] = (),
        device: str = "",
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Alert]:
        """Newest first."""
        return self._views.alerts(states, device, cursor, limit)

    def alert(self, alert_id: str) -> Alert:
        with self._db.read() as session:
            return self._views.alert(session, alert_id)

    def technicians(self) -> list[Technician]:
        """All technicians by name, with the number of their open orders."""
        return self._views.technicians()

    def parts(self) -> list[PartStock]:
        """All parts by number."""
        return self._views.parts()

    def summary(self) -> ServiceSummary:
        return self._views.summary(self._clock.now())

    def open_orders(self) -> dict[str, int]:
        """How many active orders each device has; devices without any are left out."""
        return self._views.open_orders()

    def happenings(self, after: int, limit: int = 100) -> list[Happening]:
        """What happened to orders and alerts after this sequence number, for the live stream."""
        return self._views.happenings(after, limit)

    def last_happening(self) -> int:
        """The newest sequence number, 0 when nothing has happened yet."""
        return self._views.last_happening()

    def order_spans(self) -> list[OrderSpan]:
        """When each order was open, for :func:`alerts.report.service_report`."""
        row = OrderRow
        query = select(row.number, row.device, row.component, row.opened_at, row.closed_at)
        with self._db.read() as session:
            found = session.execute(query.order_by(row.opened_at, row.id))
            return [OrderSpan(*columns) for columns in found]

    # Master data

    def add_technicians(self, technicians: Iterable[Technician]) -> None:
        """Adds or replaces, by id."""
        rows = [
            {
                "id": t.id,
                "name": t.name,
                "skills": list(t.skills),
                "home_site": t.home_site,
                "latitude": t.latitude,
                "longitude": t.longitude,
            }
            for t in technicians
        ]
        with self._db.write() as session:
            upsert(session, table_of(TechnicianRow), rows)

    def add_parts(self, stock: Iterable[PartStock]) -> None:
        """Adds parts, or sets name, stock and delivery time; what is held for orders stays so."""
        with self._db.write() as session:
            for part in stock:
                row = session.get(PartRow, part.number)
                if row is None:
                    row = PartRow(number=part.number, reserved=0)
                    session.add(row)
                row.name = dict(part.name.texts)
                row.stock = part.stock
                row.delivery_hours = part.delivery_hours

    # Inside

    def _round(self, session: Session) -> Round:
        actions = Actions(self.open_order, self._move, self._auto_accept)
        devices = {device.id: device for device in self._registry.all()}
        now = self._clock.now()
        return Round(session, devices, self._catalogue, self._ids, self._settings, actions, now)

    def _simple(
        self, order_id: str, actor: str, action: OrderAction, text: Message, note: str = ""
    ) -> Order:
        with self._db.write() as session:
            row = self._row(session, order_id)
            now = self._clock.now()
            self._move(session, row, action, actor, now, text)
            self._noted(session, row, actor, now, note)
            return self._views.order(session, order_id)

    def _auto_accept(self, session: Session, row: OrderRow, now: int) -> None:
        self._accept(session, row, PLATFORM, now, None, None)

    def _accept(
        self,
        session: Session,
        row: OrderRow,
        actor: str,
        now: int,
        technician: str | None,
        planned_start: int | None,
    ) -> None:
        self._check_technician(session, technician)
        if planned_start is not None:
            _check_start(planned_start, now)
        if row.kind == Kind.VISIT:
            row.technician = technician or row.technician
            row.planned_start = planned_start or row.planned_start
            if planned_start is None and (row.planned_start or 0) < now:
                self._suggest_anew(session, row, now, keep=technician)
        scheduled = row.technician is not None and row.planned_start is not None
        action = OrderAction.SCHEDULE if scheduled else OrderAction.ACCEPT
        code = "history.scheduled" if scheduled else "history.accepted"
        text = self._plan_text(code, session, row)
        self._move(session, row, action, actor, now, text)
        for line in self._lines(session, row):
            if not line.reserved:
                line.reserved = parts.reserve(session, line.number, line.quantity)
        session.flush()

    def _suggest_anew(self, session: Session, row: OrderRow, now: int, keep: str | None) -> None:
        device = self._registry.get(row.device)
        facts = FactsReader(session, self._settings, now)
        row.planned_start, technician = facts.plan_anew(row, device)
        if keep is None:
            row.technician = technician

    def _move(
        self,
        session: Session,
        row: OrderRow,
        action: OrderAction,
        actor: str,
        at: int,
        text: Message,
    ) -> None:
        """Take an order along its lifecycle, only from the state in which it was seen."""
        before = OrderState(row.state)
        after = step(before, action)
        session.flush()
        statement = (
            update(OrderRow)
            .where(OrderRow.id == row.id, OrderRow.state == before)
            .values(state=after)
            .execution_options(synchronize_session=False)
        )
        if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
            raise Conflict(
                "order.state",
                f"order {row.number} is no longer {before.value}: somebody else was faster",
                state=before.value,
                action=action.value,
            )
        session.refresh(row)
        now = self._clock.now()
        if after in _CLOSED:
            row.closed_at = at
            row.rank = 0.0
            self._settle_parts(session, row)
            self._acknowledge_alert(session, row)
        else:
            row.rank = rank_of(row, now)
        audit(session, "orders", row.id, now, actor, action, text)
        self._tell(session, row, _EVENTS[action], now, text)
        session.flush()

    def _settle_parts(self, session: Session, row: OrderRow) -> None:
        """Use up what was held when the right component was replaced, else give it back."""
        outcome = row.outcome or {}
        used = row.state == OrderState.COMPLETED and outcome.get("component") == row.component
        for line in self._lines(session, row):
            if line.reserved:
                (parts.consume if used else parts.release)(session, line.number, line.quantity)
                line.reserved = False

    def _take_other_part(self, session: Session, row: OrderRow, found: str) -> None:
        """Another component's part was used: it comes out of free stock, when it is listed."""
        product = self._catalogue.get(row.product)
        component = product.component(found) if product else None
        if found != row.component and component is not None and component.part:
            parts.take(session, component.part)

    @staticmethod
    def _acknowledge_alert(session: Session, row: OrderRow) -> None:
        """Whoever closed the order has seen the alert; it clears when the finding has gone."""
        statement = (
            update(AlertRow)
            .where(AlertRow.order_id == row.id, AlertRow.state == AlertState.OPEN)
            .values(state=AlertState.ACKNOWLEDGED)
        )
        session.execute(statement)

    def _tell(self, session: Session, row: OrderRow, event: str, now: int, text: Message) -> None:
        names = receivers_for(event, self._settings)
        payload = {"ts": now, "text": pack(text), "order": self._payload(session, row)}
        enqueue(session, names, self._ids.new("msg"), event, row.id, payload, now)

    @staticmethod
    def _answered(session: Session, order: OrderRow) -> bool:
        same = (OrderRow.device == order.device) & (OrderRow.failure_mode == order.failure_mode)
        active = same & OrderRow.state.in_(ACTIVE_STATES)
        query = select(OrderRow.id).where((OrderRow.incident == order.incident) | active)
        return session.scalars(query).first() is not None

    def _payload(self, session: Session, row: OrderRow) -> dict[str, object]:
        device = self._registry.find(row.device)
        return {
            "id": row.id,
            "number": row.number,
            "kind": row.kind,
            "state": row.state,
            "priority": row.priority,
            "device": row.device,
            "product": row.product,
            "site": device.site.name if device else row.site,
            "customer": device.site.customer.name if device else row.customer,
            "failure_mode": row.failure_mode,
            "component": row.component,
            "reason": row.reason,
            "probability": row.probability,
            "horizon_hours": row.horizon_hours,
            "life_hours": row.life_hours,
            "opened_at": row.opened_at,
            "due": row.due,
            "planned_start": row.planned_start,
            "technician": row.technician,
            "parts": [line.number for line in self._lines(session, row)],
        }

    @staticmethod
    def _row(session: Session, order_id: str) -> OrderRow:
        row = session.get(OrderRow, order_id)
        if row is None:
            raise NotFound(
                "error.not_found", f"there is no order {order_id}", kind="order", id=order_id
            )
        return row

    @staticmethod
    def _lines(session: Session, row: OrderRow) -> Sequence[OrderPartRow]:
        return session.scalars(select(OrderPartRow).where(OrderPartRow.order_id == row.id)).all()

    @staticmethod
    def _check_technician(session: Session, technician: str | None) -> None:
        if technician is not None and session.get(TechnicianRow, technician) is None:
            raise BadInput(
                "order.technician", f"there is no technician {technician}", field="technician"
            )

    @staticmethod
    def _noted(session: Session, row: OrderRow, actor: str, now: int, note: str) -> None:
        if note:
            text = Message("history.note", {"note": note})
            audit(session, "orders", row.id, now, actor, "note", text)
            session.flush()

    @staticmethod
    def _plan_text(code: str, session: Session, row: OrderRow) -> Message:
        technician = session.get(TechnicianRow, row.technician) if row.technician else None
        name = technician.name if technician else "–"
        return Message(code, {"technician": name, "start": row.planned_start or "–"})

    def _found(self, row: OrderRow, outcome: OutcomeKind, component: str | None) -> str | None:
        if outcome is OutcomeKind.NO_FAULT_FOUND:
            return None
        named = component if outcome is OutcomeKind.OTHER_COMPONENT else component or row.component
        product = self._catalogue.get(row.product)
        if not named or product is None or product.component(named) is None:
            raise BadInput(
                "order.component",
                f"component: name one of this product's, got {named!r}",
                field="component",
            )
        return named

    def _component_name(self, row: OrderRow, component: str | None) -> dict[str, str]:
        product = self._catalogue.get(row.product)
        found = product.component(component) if product and component else None
        return dict(found.name.texts) if found else {"en": component or "–"}


def _check_start(planned_start: int, now: int) -> None:
    if planned_start < now - START_TOLERANCE:
        raise BadInput("order.start_past", "planned_start lies in the past", field="planned_start")


def _progress(state: FoldState, rule: Rule) -> dict[str, object]:
    return {"hits": state.hits, "raise_after": rule.raise_after}


def _state(state: FoldState, rule: Rule) -> Message:
    """Where a rule stands, in a sentence."""
    if state.window < state.muted_until:
        return Message("explain.muted", {"until": state.muted_until})
    if state.raised:
        params = {"since": state.episode, "quiet": state.quiet, "clear_after": rule.clear_after}
        return Message("explain.raised", params)
    if state.episode:
        ends = state.last_hit + rule.gap
        return Message("explain.cleared", {"since": state.episode, "ends": ends})
    return Message("explain.quiet", _progress(state, rule))
