"""One incident, one order: whatever comes, in whatever order, and whatever people do meanwhile."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from alerts.lifecycle import ACTIVE, AlertState, OrderState
from alerts.maintenance import SqlMaintenanceLog
from alerts.order import OutcomeKind, RejectReason
from alerts.tables import AlertRow, OrderRow
from purna.core.devices import Maintenance
from purna.core.errors import Conflict
from tests.alerts.fleet import Plant, anomaly, at, risk, silent, sqlite_url

levels = st.sampled_from([None, 0.05, 0.45, 0.8, 0.95])
happenings = st.one_of(
    st.tuples(st.just("windows"), st.lists(st.tuples(st.integers(0, 120), levels), max_size=8)),
    st.tuples(st.just("anomalies"), st.lists(st.integers(0, 120), max_size=14)),
    st.tuples(st.just("repair"), st.integers(0, 120)),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.sampled_from(["accept", "reject", "complete", "cancel"]), st.integers(0, 3)),
)


def happen(plant: Plant, what: str, value: object) -> None:
    orders = plant.service.orders().items
    service = plant.service
    match what, value:
        case "windows", list(points):
            windows = [silent(h) if p is None else risk(h, p) for h, p in points]
            plant.log.put(windows)
        case "anomalies", list(hours):
            plant.log.put([anomaly(h, 4.0) for h in hours])
        case "repair", int(hours):
            record = Maintenance("p1", "bearing", at(hours), True, at(hours), "logbook")
            SqlMaintenanceLog(plant.db).add([record])
        case "restart", _:
            plant.restarted()
        case action, int(position) if position < len(orders):
            order_id = orders[position].id
            try:
                if action == "accept":
                    service.accept(order_id, "dora")
                elif action == "reject":
                    service.reject(order_id, "dora", RejectReason.NOT_NEEDED)
                elif action == "complete":
                    service.complete(order_id, "tom", OutcomeKind.CONFIRMED, component="bearing")
                else:
                    service.cancel(order_id, "dora", "no")
            except Conflict as refused:
                assert refused.code == "order.state"  # noqa: PT017
    newest = [a.window_end for a in plant.log.latest(["p1"]).values()]
    plant.clock.set(max([plant.clock.now(), *newest]))
    service.process_pending(plant.log, limit=5)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(happenings, min_size=1, max_size=12))
def test_there_is_never_more_than_one_open_alert_and_order_per_failure_mode(
    tmp_path_factory: object, story: list[tuple[str, object]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("plant")  # type: ignore[attr-defined]
    plant = Plant(sqlite_url(folder)).stocked()
    for what, value in story:
        happen(plant, what, value)
        with plant.db.read() as session:
            alerts = session.scalars(select(AlertRow)).all()
            orders = session.scalars(select(OrderRow)).all()
        unclear = Counter(a.failure_mode for a in alerts if a.state != AlertState.CLEARED)
        active = Counter(o.failure_mode for o in orders if o.state in ACTIVE)
        assert max([*unclear.values(), *active.values(), 0]) <= 1
        assert len({order.incident for order in orders}) == len(orders)
        answered = Counter(a.incident for a in alerts)
        assert max([*answered.values(), 0]) <= 1
        stock = {part.number: part for part in plant.service.parts()}
        held = sum(o.state in ACTIVE and o.component == "bearing" for o in orders)
        assert 0 <= stock["BRG-6205"].reserved <= min(held, 1)
        for order in orders:
            assert (order.closed_at is None) == (order.state in ACTIVE)
    plant.db.close()


def test_a_history_in_one_go_gives_the_same_orders_as_window_by_window(tmp_path: Path) -> None:
    windows = [
        risk(h, 0.9 if h % 100 in (40, 42, 50) else 0.05, device=device, component=component)
        for h in range(400)
        for device, component in (("p1", "bearing"), ("p2", "seal"))
    ]
    records = [Maintenance("p1", "bearing", at(h), True, at(h), "logbook") for h in (60, 160, 360)]
    found = []
    for size in (2, 37, len(windows)):
        folder = tmp_path / str(size)
        folder.mkdir()
        plant = Plant(sqlite_url(folder))
        SqlMaintenanceLog(plant.db).add(records)
        for start in range(0, len(windows), size):
            portion = windows[start : start + size]
            plant.clock.set(portion[-1].window_end)
            plant.service.process(portion)
        orders = plant.service.orders(limit=200).items
        found.append(
            sorted((o.incident, o.state.value, o.opened_at, o.closed_at or 0) for o in orders)
        )
        plant.db.close()
    assert found[0] == found[1] == found[2]
    states = Counter(state for _, state, _, _ in found[0])
    assert states == {OrderState.COMPLETED: 3, OrderState.CANCELLED: 5}
