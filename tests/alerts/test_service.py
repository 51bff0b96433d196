from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alerts.lifecycle import AlertState, OrderAction, OrderState
from alerts.maintenance import SqlMaintenanceLog
from alerts.order import Kind, Order, OutcomeKind, Priority, RejectReason
from alerts.service import AlertService
from alerts.settings import AlertSettings
from alerts.views import OrderFilter
from purna.core.catalogue import Mode
from purna.core.clock import DAY, HOUR, MINUTE, from_iso
from purna.core.devices import Maintenance
from purna.core.errors import BadInput, Conflict, NotFound
from tests.alerts.fleet import (
    PUMP,
    T0,
    Plant,
    anomaly,
    at,
    life,
    pump,
    risk,
    sqlite_url,
)


def only_order(plant: Plant) -> Order:
    (order,) = plant.service.orders().items
    return order


def repaired(
    plant: Plant, hours: float, component: str = "bearing", *, failed: bool = True
) -> None:
    record = Maintenance("p1", component, at(hours), failed, at(hours), "logbook")
    SqlMaintenanceLog(plant.db).add([record])


def test_a_finding_becomes_one_proposed_visit_with_all_a_dispatcher_needs(plant: Plant) -> None:
    assert plant.see(risk(0, 0.2), risk(1, 0.87)) == ["visit"]
    order = only_order(plant)
    assert (order.number, order.kind, order.state) == ("V-000001", Kind.VISIT, OrderState.PROPOSED)
    assert order.incident == f"p1/bearing_wear/{at(1)}"
    assert order.device.site.customer.name == "Acme Water"
    assert order.component is not None
    assert order.component.part == "BRG-6205"
    assert (order.probability, order.horizon_hours, order.priority) == (0.87, 24, Priority.HIGH)
    assert "87%" in order.reason.text("en")
    assert order.opened_at == at(1)
    assert order.due == at(1) + 48 * HOUR
    assert order.technician is not None
    assert order.technician.id == "eka"
    assert order.planned_start == from_iso("2026-03-02T08:00:00Z")
    assert order.warranty.covered
    assert [(part.number, part.reserved, part.available) for part in order.parts] == [
        ("BRG-6205", True, 0)
    ]
    assert [(e.name, e.share, e.end) for e in order.evidence] == [
        ("vib", 0.6, at(1)), ("event:E17", 0.3, at(1)),
    ]  # fmt: skip
    assert [option.action.value for option in order.options] == ["wait", "visit", "urgent_visit"]
    assert order.saving > 0
    assert order.models == {"failure": "f-1"}
    alert = plant.service.alert(order.alert)
    assert (alert.state, alert.order, alert.order_number) == (
        AlertState.OPEN, order.id, "V-000001",
    )  # fmt: skip
    assert alert.decision.text("en").startswith("Planned visit: €")


def test_a_customer_s_part_is_shipped(plant: Plant) -> None:
    plant.service.add_technicians([])
    cheap = replace(PUMP.failure_modes[1], failure_cost=200.0)
    plant.product = replace(PUMP, failure_modes=(cheap,))
    plant.restarted()
    plant.see(risk(0, 0.7, component="filter"))
    order = only_order(plant)
    assert (order.number, order.kind) == ("S-000001", Kind.SHIPMENT)
    assert order.technician is None
    assert order.planned_start is None
    accepted = plant.service.accept(order.id, "dora")
    assert accepted.state is OrderState.ACCEPTED
    assert OrderAction.COMPLETE in accepted.actions


def test_more_windows_of_the_same_episode_open_nothing_but_refresh_the_order(plant: Plant) -> None:
    plant.see(*(risk(h, 0.7 + h / 100) for h in range(20)))
    order = only_order(plant)
    assert order.probability == pytest.approx(0.89)
    assert order.rank > 0
    assert len(plant.service.alerts().items) == 1


def test_the_queue_ranks_the_more_pressing_order_first(plant: Plant) -> None:
    plant.service.add_parts([replace(plant.service.parts()[0], stock=9)])
    plant.see(risk(0, 0.65, device="p1"), risk(0, 0.95, device="p2"), risk(0, 0.8, device="p3"))
    assert [o.device.id for o in plant.service.orders().items] == ["p2", "p3", "p1"]
    plant.see(risk(1, 0.99, device="p1"), risk(1, 0.61, device="p2"))
    assert [o.device.id for o in plant.service.orders().items] == ["p1", "p3", "p2"]


def test_pages_of_the_queue_join_without_gap_or_repeat(plant: Plant) -> None:
    plant.registry.add([pump(f"d{n}") for n in range(7)])
    plant.service.process([risk(0, 0.7, device=f"d{n}") for n in range(7)])
    seen, cursor = [], None
    while True:
        page = plant.service.orders(cursor=cursor, limit=3)
        assert page.total == 7
        seen += [order.id for order in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert len(seen) == len(set(seen)) == 7
    with pytest.raises(BadInput) as wrong:
        plant.service.orders(cursor="nonsense")
    assert wrong.value.field == "cursor"


def test_filters_narrow_the_queue(plant: Plant) -> None:
    plant.see(risk(0, 0.7), risk(0, 0.9, device="p2"))
    plant.service.reject(_of(plant, "p1").id, "dora", RejectReason.OTHER)

    def found(where: OrderFilter) -> list[str]:
        return [order.device.id for order in plant.service.orders(where).items]

    assert found(OrderFilter(states=[OrderState.REJECTED])) == ["p1"]
    assert found(OrderFilter(device="p2")) == ["p2"]
    assert found(OrderFilter(text="p2")) == ["p2"]
    assert found(OrderFilter(text="v-00000")) == ["p2", "p1"]
    assert found(OrderFilter(text="%")) == []
    assert found(OrderFilter(site="elsewhere")) == []
    assert found(OrderFilter(technician="eka", kinds=[Kind.VISIT])) == ["p2", "p1"]
    assert found(OrderFilter(overdue=True)) == []
    plant.clock.advance(50 * HOUR)
    assert found(OrderFilter(overdue=True)) == ["p2"]


def _of(plant: Plant, device: str) -> Order:
    (order,) = plant.service.orders(OrderFilter(device=device)).items
    return order


def test_observe_mode_decides_and_opens_nothing(tmp_path: Path) -> None:
    plant = Plant(sqlite_url(tmp_path), settings=AlertSettings(mode=Mode.OBSERVE)).stocked()
    assert plant.see(risk(0, 0.9)) == ["visit"]
    assert plant.service.orders().total == 0
    (alert,) = plant.service.alerts().items
    assert "Observe mode" in alert.decision.text("en")
    plant.restarted(AlertSettings(mode=Mode.SUGGEST))
    plant.see(risk(1, 0.9))
    assert plant.states() == {"V-000001": "proposed"}
    plant.db.close()


def test_auto_mode_opens_orders_as_accepted(tmp_path: Path) -> None:
    plant = Plant(sqlite_url(tmp_path), settings=AlertSettings(mode=Mode.AUTO)).stocked()
    plant.see(risk(0, 0.9))
    order = only_order(plant)
    assert order.state is OrderState.SCHEDULED
    assert [(e.actor, e.action) for e in plant.service.history(order.id)] == [
        ("purna", "open"), ("purna", "schedule"),
    ]  # fmt: skip
    plant.db.close()


def test_waiting_is_reconsidered_when_the_probability_rises(tmp_path: Path) -> None:
    cautious = replace(PUMP, policy=replace(PUMP.policy, raise_probability=0.02))
    plant = Plant(sqlite_url(tmp_path), product=cautious).stocked()
    assert plant.see(risk(0, 0.02), risk(1, 0.03), risk(2, 0.9)) == ["wait", "visit"]
    assert plant.states() == {"V-000001": "proposed"}
    plant.db.close()


def test_a_second_failure_mode_on_the_same_device_joins_the_open_visit(plant: Plant) -> None:
    plant.see(risk(0, 0.7), risk(1, 0.7, component="seal"))
    first, second = (plant.service.orders(OrderFilter(text=f"V-00000{n}")).items[0] for n in (1, 2))
    assert second.mode.id == "leak"
    assert (second.planned_start, second.technician) == (
        first.planned_start, replace(first.technician, open_orders=2),
    )  # fmt: skip
    alert = plant.service.alert(second.alert)
    assert "V-000001" in alert.decision.text("en")


def test_an_anomaly_on_a_device_that_is_visited_anyway_opens_no_inspection(plant: Plant) -> None:
    plant.see(risk(0, 0.9), *(anomaly(h, 5.0) for h in range(1, 15)))
    assert plant.states() == {"V-000001": "proposed"}
    assert [a.mode.id for a in plant.service.alerts().items] == ["anomaly", "bearing_wear"]


def test_an_anomaly_alone_becomes_an_inspection_without_part(plant: Plant) -> None:
    plant.see(*(anomaly(h, 3.0) for h in range(12)))
    order = only_order(plant)
    assert order.mode.id == "anomaly"
    assert order.component is None
    assert list(order.parts) == []


def test_short_remaining_life_becomes_an_order_that_follows_it(tmp_path: Path) -> None:
    by_life = replace(PUMP, policy=replace(PUMP.policy, life_hours=120.0))
    plant = Plant(sqlite_url(tmp_path), product=by_life).stocked()
    plant.see(life(0, 150.0), life(1, 110.0), life(2, 90.0))
    order = only_order(plant)
    assert (order.opened_at, order.life_hours, order.probability) == (at(1), 90.0, None)
    assert order.reason.code == "finding.life"
    plant.db.close()


# Episodes


def test_a_proposal_is_withdrawn_when_its_episode_has_ended(plant: Plant) -> None:
    plant.see(risk(0, 0.9), *(risk(h, 0.1) for h in range(1, 25)))
    assert plant.states() == {"V-000001": "proposed"}
    assert plant.alert_states() == ["cleared"]
    plant.see(risk(25, 0.1))
    assert plant.states() == {"V-000001": "cancelled"}
    order = only_order(plant)
    assert order.closed_at == at(25)
    assert plant.service.history(order.id)[-1].text.code == "history.withdrawn"
    assert plant.service.parts()[0].reserved == 0


def test_an_accepted_order_is_not_withdrawn(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    plant.service.accept(only_order(plant).id, "dora")
    plant.see(*(risk(h, 0.1) for h in range(1, 40)))
    assert plant.states() == {"V-000001": "scheduled"}
    plant.see(risk(40, 0.9))
    assert plant.states() == {"V-000001": "scheduled"}
    raised_again = plant.service.alerts().items[0]
    assert (raised_again.state, raised_again.order_number) == (AlertState.OPEN, "V-000001")


def test_a_flickering_probability_is_one_alert_and_one_order(plant: Plant) -> None:
    plant.see(*(risk(h, 0.9 if h % 5 == 0 else 0.05) for h in range(60)))
    assert plant.states() == {"V-000001": "proposed"}
    assert len(plant.service.alerts().items) == 1


def test_after_a_rejection_the_same_episode_opens_nothing_more(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    plant.service.reject(only_order(plant).id, "dora", RejectReason.NOT_NEEDED, "seen on Friday")
    plant.see(*(risk(h, 0.9 if h % 6 else 0.1) for h in range(1, 60)))
    assert plant.states() == {"V-000001": "rejected"}
    plant.see(*(risk(h, 0.05) for h in range(60, 90)), risk(90, 0.9))
    assert plant.states() == {"V-000001": "rejected", "V-000002": "proposed"}


def test_no_fault_found_leaves_no_label_and_opens_nothing_more_in_the_episode(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    order = plant.service.accept(only_order(plant).id, "dora")
    plant.service.complete(order.id, "tom", OutcomeKind.NO_FAULT_FOUND, note="runs fine")
    plant.see(*(risk(h, 0.9) for h in range(1, 60)))
    assert plant.states() == {"V-000001": "completed"}
    assert SqlMaintenanceLog(plant.db).records() == []
    assert (plant.service.parts()[0].stock, plant.service.parts()[0].reserved) == (1, 0)
    assert plant.service.summary().needless_90d == 1


def test_a_confirmed_completion_becomes_a_label_and_mutes_the_rule(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    order = plant.service.accept(only_order(plant).id, "dora")
    plant.clock.set(at(5))
    done = plant.service.complete(
        order.id, "tom", OutcomeKind.CONFIRMED, serial="SN7", done_at=at(4)
    )
    assert (done.state, done.closed_at) == (OrderState.COMPLETED, at(5))
    assert done.outcome is not None
    assert (done.outcome.kind, done.outcome.component) == (OutcomeKind.CONFIRMED, "bearing")
    assert SqlMaintenanceLog(plant.db).records() == [
        Maintenance("p1", "bearing", at(4), False, at(5), "V-000001")
    ]
    assert (plant.service.parts()[0].stock, plant.service.parts()[0].reserved) == (0, 0)
    plant.see(*(risk(h, 0.95) for h in range(6, 28)))
    assert plant.states() == {"V-000001": "completed"}
    assert plant.alert_states() == ["cleared"]
    plant.see(risk(28, 0.95))
    assert plant.states() == {"V-000001": "completed", "V-000002": "proposed"}


def test_another_component_is_the_label_and_its_part_leaves_the_stock(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    order = plant.service.accept(only_order(plant).id, "dora")
    plant.service.complete(order.id, "tom", OutcomeKind.OTHER_COMPONENT, component="seal")
    assert [r.component for r in SqlMaintenanceLog(plant.db).records()] == ["seal"]
    stock = {part.number: (part.stock, part.reserved) for part in plant.service.parts()}
    assert stock == {"BRG-6205": (1, 0), "FLT-12": (5, 0), "SEAL-3": (1, 0)}


def test_recorded_maintenance_closes_the_open_order(plant: Plant) -> None:
    plant.see(risk(0, 0.9), risk(20, 0.95))
    repaired(plant, 24)
    plant.see(risk(24, 0.99), risk(27, 0.99))
    order = only_order(plant)
    assert (order.state, order.closed_at) == (OrderState.COMPLETED, at(24))
    assert order.outcome is not None
    assert order.outcome.kind is OutcomeKind.CONFIRMED
    assert "failed and was replaced" in plant.service.history(order.id)[-1].text.text("en")
    assert plant.alert_states() == ["cleared"]
    plant.see(*(risk(h, 0.1) for h in range(48, 400, 4)), risk(500, 0.9))
    assert plant.states() == {"V-000001": "completed", "V-000002": "proposed"}


def test_a_replacement_before_the_failure_closes_the_order_without_a_verdict(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    repaired(plant, 3, failed=False)
    plant.see(risk(4, 0.9))
    order = only_order(plant)
    assert order.state is OrderState.COMPLETED
    assert order.outcome is not None
    assert order.outcome.kind is None


def test_maintenance_of_another_component_or_device_closes_nothing(plant: Plant) -> None:
    plant.see(risk(0, 0.9), risk(0, 0.9, device="p2"))
    repaired(plant, 3, component="seal")
    plant.see(risk(4, 0.9), risk(4, 0.9, device="p2"))
    assert plant.states() == {"V-000001": "proposed", "V-000002": "proposed"}


def test_maintenance_that_is_not_known_yet_is_not_used(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    record = Maintenance("p1", "bearing", at(3), True, known_at=at(30), source="late letter")
    SqlMaintenanceLog(plant.db).add([record])
    plant.see(risk(4, 0.9))
    assert plant.states() == {"V-000001": "proposed"}
    plant.see(risk(30, 0.1))
    assert plant.states() == {"V-000001": "completed"}


def test_a_repair_of_before_the_finding_does_not_answer_it_however_late_it_is_told(
    plant: Plant,
) -> None:
    plant.see(risk(0, 0.9))
    SqlMaintenanceLog(plant.db).add(
        [Maintenance("p1", "bearing", at(-30), True, known_at=at(2), source="late letter")]
    )
    plant.see(risk(3, 0.9))
    assert plant.states() == {"V-000001": "proposed"}
    assert plant.alert_states() == ["open"]


def test_a_finding_that_a_late_told_repair_would_have_muted_is_withdrawn(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    SqlMaintenanceLog(plant.db).add(
        [Maintenance("p1", "bearing", at(-3), True, known_at=at(2), source="late letter")]
    )
    plant.see(risk(3, 0.9))
    assert plant.states() == {"V-000001": "cancelled"}
    assert plant.alert_states() == ["cleared"]


def test_maintenance_of_a_device_that_went_silent_is_reconciled_in_the_end(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    repaired(plant, 3)
    plant.clock.set(at(10))
    plant.service.reconcile()
    assert plant.states() == {"V-000001": "proposed"}
    plant.clock.set(at(28))
    plant.service.reconcile()
    assert plant.states() == {"V-000001": "completed"}


def test_windows_of_before_a_repair_still_count_when_both_come_together(plant: Plant) -> None:
    repaired(plant, 24)
    plant.clock.set(at(30))
    plant.service.process([risk(h, 0.9) for h in range(0, 31, 3)])
    order = only_order(plant)
    assert (order.opened_at, order.closed_at) == (at(0), at(24))


# What people do


def test_accepting_takes_the_suggestion_unless_told_otherwise(plant: Plant) -> None:
    plant.see(risk(0, 0.9), risk(0, 0.9, device="p2"))
    taken = plant.service.accept(_of(plant, "p1").id, "dora")
    assert taken.state is OrderState.SCHEDULED
    other = plant.service.accept(
        _of(plant, "p2").id, "dora", technician="tom", planned_start=at(30), note="after lunch"
    )
    assert other.technician is not None
    assert (other.technician.id, other.planned_start) == ("tom", at(30))
    history = plant.service.history(other.id)
    assert [(entry.actor, entry.action) for entry in history] == [
        ("purna", "open"), ("dora", "schedule"), ("dora", "note"),
    ]  # fmt: skip
    assert history[-1].text.text("id") == "Catatan: after lunch"


def test_a_suggestion_that_has_passed_is_made_anew(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    plant.clock.set(at(26))
    taken = plant.service.accept(only_order(plant).id, "dora")
    assert taken.planned_start == from_iso("2026-03-03T08:00:00Z")


def test_a_proposal_that_waits_gets_another_start_when_its_own_has_passed(plant: Plant) -> None:
    plant.see(risk(0, 0.9), risk(1, 0.7, component="seal"))
    first = from_iso("2026-03-02T08:00:00Z")
    assert [o.planned_start for o in plant.service.orders().items] == [first, first]
    plant.clock.set(at(26))
    plant.service.reconcile()
    orders = plant.service.orders().items
    assert [o.planned_start for o in orders] == [from_iso("2026-03-03T08:00:00Z")] * 2
    assert [o.technician and o.technician.id for o in orders] == ["eka", "eka"]
    assert {o.state for o in orders} == {OrderState.PROPOSED}


def test_an_urgent_proposal_that_waits_is_planned_urgently_again(tmp_path: Path) -> None:
    costly = tuple(replace(mode, failure_cost=1e6) for mode in PUMP.failure_modes)
    plant = Plant(sqlite_url(tmp_path), product=replace(PUMP, failure_modes=costly)).stocked()
    assert plant.see(risk(12, 0.97)) == ["urgent_visit"]  # in the evening
    assert only_order(plant).planned_start == at(20)
    plant.clock.set(at(36))
    plant.service.reconcile()
    assert only_order(plant).planned_start == at(44)
    plant.db.close()


def test_a_start_that_somebody_has_agreed_to_stays(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    taken = plant.service.accept(only_order(plant).id, "dora")
    plant.clock.set(at(26))
    plant.service.reconcile()
    assert only_order(plant).planned_start == taken.planned_start


def test_a_visit_whose_start_has_passed_is_not_joined(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    taken = plant.service.accept(only_order(plant).id, "dora")
    assert taken.planned_start is not None
    plant.see(risk(26, 0.9, component="seal"))
    (second,) = plant.service.orders(OrderFilter(text="V-000002")).items
    assert second.planned_start == from_iso("2026-03-03T08:00:00Z")
    assert "V-000001" not in plant.service.alert(second.alert).decision.text("en")


def test_a_visit_that_nobody_has_the_skill_for_joins_the_one_that_goes_there(
    tmp_path: Path,
) -> None:
    modes = tuple(
        replace(mode, skill="hydraulic") if mode.id == "leak" else mode
        for mode in PUMP.failure_modes
    )
    plant = Plant(sqlite_url(tmp_path), product=replace(PUMP, failure_modes=modes)).stocked()
    plant.see(risk(0, 0.9), risk(1, 0.7, component="seal"))
    first, second = (plant.service.orders(OrderFilter(text=f"V-00000{n}")).items[0] for n in (1, 2))
    assert (second.skill, second.planned_start) == ("hydraulic", first.planned_start)
    assert second.technician == first.technician
    plant.db.close()


def test_no_start_in_the_past_is_taken_but_one_of_a_moment_ago_is(plant: Plant) -> None:
    plant.see(risk(0, 0.9), risk(30, 0.9))
    order = only_order(plant)
    for enter in (plant.service.accept, plant.service.reschedule):
        with pytest.raises(BadInput) as refused:
            enter(order.id, "dora", planned_start=at(30) - 6 * MINUTE)
        assert (refused.value.code, refused.value.field) == ("order.start_past", "planned_start")
        assert plant.service.order(order.id).planned_start == order.planned_start
        entered = enter(order.id, "dora", planned_start=at(30) - 4 * MINUTE)
        assert entered.planned_start == at(30) - 4 * MINUTE
        order = entered


def test_an_order_without_anybody_to_send_is_accepted_and_planned_later(tmp_path: Path) -> None:
    plant = Plant(sqlite_url(tmp_path))
    plant.see(risk(0, 0.9))
    order = plant.service.accept(only_order(plant).id, "dora")
    assert order.state is OrderState.ACCEPTED
    plant.stocked()
    order = plant.service.reschedule(order.id, "dora", at(30), technician="eka")
    assert (order.state, order.planned_start) == (OrderState.SCHEDULED, at(30))
    assert plant.service.start(order.id, "eka").state is OrderState.IN_PROGRESS
    plant.db.close()


def test_a_part_that_was_missing_is_held_when_it_has_come_in(plant: Plant) -> None:
    plant.see(risk(0, 0.9), risk(0, 0.9, device="p2"))
    second = _of(plant, "p2")
    assert [part.reserved for part in second.parts] == [False]
    plant.service.add_parts([replace(plant.service.parts()[0], stock=2)])
    accepted = plant.service.accept(second.id, "dora")
    assert [part.reserved for part in accepted.parts] == [True]
    assert plant.service.parts()[0].available == 0


def test_cancelling_gives_the_part_back_and_keeps_the_note(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    order = plant.service.accept(only_order(plant).id, "dora")
    cancelled = plant.service.cancel(order.id, "dora", "customer closed")
    assert cancelled.state is OrderState.CANCELLED
    assert cancelled.actions == ()
    assert plant.service.parts()[0].reserved == 0
    assert plant.service.history(order.id)[-1].text.params == {"note": "customer closed"}


def test_what_the_lifecycle_does_not_allow_is_refused_and_changes_nothing(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    order = only_order(plant)
    for forbidden in (
        lambda: plant.service.complete(order.id, "dora", OutcomeKind.CONFIRMED),
        lambda: plant.service.cancel(order.id, "dora", "no"),
        lambda: plant.service.start(order.id, "dora"),
        lambda: plant.service.reschedule(order.id, "dora", at(50)),
    ):
        with pytest.raises(Conflict):
            forbidden()
    assert only_order(plant) == order
    assert SqlMaintenanceLog(plant.db).records() == []


def test_wrong_input_names_its_field(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    order = only_order(plant)
    with pytest.raises(BadInput) as wrong:
        plant.service.accept(order.id, "dora", technician="nobody")
    assert wrong.value.field == "technician"
    plant.service.accept(order.id, "dora")
    other = OutcomeKind.OTHER_COMPONENT
    for component in (None, "gearbox"):
        with pytest.raises(BadInput) as wrong:
            plant.service.complete(order.id, "tom", other, component=component)
        assert wrong.value.field == "component"
    with pytest.raises(BadInput) as wrong:
        plant.service.complete(order.id, "tom", OutcomeKind.CONFIRMED, done_at=at(99))
    assert wrong.value.field == "done_at"
    for unknown in (
        lambda: plant.service.order("ord_x"),
        lambda: plant.service.history("ord_x"),
        lambda: plant.service.alert("alr_x"),
        lambda: plant.service.acknowledge("alr_x", "dora"),
        lambda: plant.service.accept("ord_x", "dora"),
    ):
        with pytest.raises(NotFound):
            unknown()


def test_an_alert_is_acknowledged_once(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    (alert,) = plant.service.alerts().items
    assert plant.service.acknowledge(alert.id, "dora").state is AlertState.ACKNOWLEDGED
    with pytest.raises(Conflict):
        plant.service.acknowledge(alert.id, "dora")
    plant.see(risk(1, 0.1), risk(2, 0.1))
    assert plant.alert_states() == ["cleared"]
    assert plant.service.alerts(states=[AlertState.OPEN]).total == 0


def test_the_summary_counts_what_is_to_be_done(plant: Plant) -> None:
    plant.see(risk(0, 0.9), risk(0, 0.9, device="p2"), *(anomaly(h, 0.5) for h in range(3)))
    plant.service.accept(_of(plant, "p2").id, "dora")
    summary = plant.service.summary()
    assert (summary.proposed, summary.accepted, summary.overdue) == (1, 1, 0)
    assert summary.devices_act == {"p1", "p2"}
    assert plant.service.open_orders() == {"p1": 1, "p2": 1}
    repaired(plant, 1)
    plant.clock.set(at(49))
    summary = plant.service.summary()
    assert (summary.overdue, summary.failures_90d) == (2, 1)
    plant.clock.advance(91 * DAY)
    assert plant.service.summary().failures_90d == 0


def test_everything_that_happens_gets_a_growing_number(plant: Plant) -> None:
    assert plant.service.last_happening() == 0
    plant.see(risk(0, 0.9))
    seen = plant.service.happenings(0)
    assert [(h.topic, h.id) for h in seen] == [("alerts", "alr_000001"), ("orders", "ord_000001")]
    plant.service.accept("ord_000001", "dora")
    newer = plant.service.happenings(seen[-1].seq)
    assert [(h.topic, h.id) for h in newer] == [("orders", "ord_000001")]
    assert plant.service.last_happening() == newer[-1].seq


def test_explain_says_for_each_failure_mode_where_it_stands_and_what_would_be_done(
    plant: Plant,
) -> None:
    assert plant.service.explain("p1", plant.log) == []
    window = risk(0, 0.9)
    plant.log.put([window])
    plant.service.process_pending(plant.log)
    lines = {line.failure_mode: line for line in plant.service.explain("p1", plant.log)}
    assert list(lines) == ["bearing_wear", "clogging", "leak", "anomaly"]
    assert lines["bearing_wear"].state.code == "explain.raised"
    assert lines["bearing_wear"].decision.action.value == "visit"
    assert lines["leak"].state.code == "explain.quiet"
    assert lines["leak"].decision.action.value == "wait"
    for line in lines.values():
        for message in (line.found, line.state, line.decision.reason):
            assert "{" not in message.text("en") + message.text("id")
            assert message.text("id") != message.code


# The log


def test_each_assessment_of_the_log_is_taken_in_exactly_once_over_restarts(plant: Plant) -> None:
    windows = [risk(h, 0.9 if h in (3, 4) else 0.1) for h in range(8)]
    for portion in (windows[:3], windows[3:5], windows[5:]):
        plant.log.put(portion)
        decided = plant.restarted().process_pending(plant.log, limit=2)
        assert len(decided) == (1 if portion[0] is windows[3] else 0)
        assert plant.restarted().process_pending(plant.log) == []
    assert plant.service.position() == len(windows)
    assert len(plant.states()) == 1


def test_windows_that_are_skipped_lead_to_nothing_and_what_follows_them_is_taken_in(
    plant: Plant,
) -> None:
    plant.log.put([risk(0, 0.9), risk(0, 0.9, device="p2")])
    plant.service.skip_pending(plant.log)
    assert plant.service.position() == 2
    assert plant.restarted().process_pending(plant.log) == []
    assert (plant.states(), plant.alert_states()) == ({}, [])
    plant.log.put([risk(1, 0.9, device="p2")])
    plant.service.process_pending(plant.log)
    assert [order.device.id for order in plant.service.orders().items] == ["p2"]


def test_a_crash_in_the_middle_leaves_no_trace_and_the_next_start_does_it_all(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.log.put([risk(0, 0.9), risk(0, 0.9, device="p2")])

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("alerts.service.set_position", crash)
        with pytest.raises(KeyboardInterrupt):
            plant.service.process_pending(plant.log)
    assert plant.states() == {}
    assert plant.service.position() == 0
    plant.restarted().process_pending(plant.log)
    assert plant.states() == {"V-000001": "proposed", "V-000002": "proposed"}


def test_a_late_window_is_folded_in_where_it_belongs(tmp_path: Path) -> None:
    slow = replace(PUMP, policy=replace(PUMP.policy, raise_after=3))
    plant = Plant(sqlite_url(tmp_path), product=slow).stocked()
    for hours in (0, 1, 2, 4, 5):  # at 3 the device was cut off
        plant.log.put([risk(hours, 0.9 if hours in (2, 4) else 0.1)])
        plant.service.process_pending(plant.log)
    assert plant.states() == {}
    plant.log.put([risk(3, 0.9)])
    plant.service.process_pending(plant.log)
    assert plant.states() == {}  # raised at 4, but quiet at 5 is one of two that it takes to clear
    plant.db.close()


def test_an_order_that_was_opened_stays_when_the_window_is_scored_anew(plant: Plant) -> None:
    plant.log.put([risk(0, 0.9)])
    plant.service.process_pending(plant.log)
    plant.log.put([risk(0, 0.1)])
    plant.service.process_pending(plant.log)
    assert plant.states() == {"V-000001": "proposed"}
    assert plant.alert_states() == ["cleared"]
    plant.clock.set(at(30))
    plant.log.put([risk(30, 0.1)])
    plant.service.process_pending(plant.log)
    assert plant.states() == {"V-000001": "cancelled"}


def test_a_device_that_nobody_knows_is_passed_over(plant: Plant) -> None:
    assert plant.service.process([risk(0, 0.9, device="ghost")]) == []
    assert plant.states() == {}


def test_orders_of_a_device_that_was_removed_can_still_be_read(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    plant.registry = type(plant.registry)([])
    order = plant.restarted().orders().items[0]
    assert (order.device.id, order.device.site.id) == ("p1", "hill")


def test_due_counts_from_when_the_platform_could_know(plant: Plant) -> None:
    plant.clock.set(at(20))  # the device was offline for long
    plant.service.process([risk(0, 0.9)])
    order = only_order(plant)
    assert (order.opened_at, order.due) == (at(0), at(20) + 48 * HOUR)


def test_the_warranty_is_that_of_the_order_s_time(plant: Plant) -> None:
    plant.registry.add([pump("old", warranty_until=T0 - 1)])
    plant.see(risk(0, 0.9, device="old"))
    assert not _of(plant, "old").warranty.covered


def test_services_share_nothing_but_the_database(plant: Plant) -> None:
    other = AlertService(plant.db, plant.registry, {"pump": PUMP}, plant.clock, plant.ids)
    plant.see(risk(0, 0.9))
    taken = other.accept(only_order(plant).id, "dora")
    assert plant.service.order(taken.id) == taken
