"""Whoever races for an incident, one order comes of it, and the loser is told."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from alerts.lifecycle import AlertState, OrderState
from alerts.order import Action, Kind, Priority, RejectReason
from alerts.repository import pack
from alerts.round import Draft, incident_key
from alerts.tables import AlertRow, AuditRow, OrderPartRow, OrderRow, OutboxRow
from purna.core.clock import HOUR, SystemClock
from purna.core.errors import Conflict
from purna.core.ids import TimeOrderedIds
from purna.core.texts import Message
from tests.alerts.fleet import Plant, at, risk, sqlite_url

RACERS = 6


def race(run: Callable[[int], object], racers: int = RACERS) -> list[object]:
    """Run at the same moment in so many threads; what each returned or raised."""
    gate = threading.Barrier(racers)
    results: list[object] = [None] * racers

    def racer(number: int) -> None:
        gate.wait()
        try:
            results[number] = run(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=racer, args=(n,)) for n in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def count_of(plant: Plant, table: type[object]) -> int:
    with plant.db.read() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def draft(plant: Plant, racer: int, alert: AlertRow, episode: int) -> Draft:
    reason = pack(Message("finding.risk"))
    order = OrderRow(
        id=f"ord_{racer}", incident=incident_key("p1", "bearing_wear", episode), kind=Kind.VISIT,
        state=OrderState.PROPOSED, priority=Priority.NORMAL, rank=1.0, device="p1", product="pump",
        site="hill", customer="acme", failure_mode="bearing_wear", component="bearing",
        reason=reason, probability=0.9, horizon_hours=24, life_hours=None, opened_at=at(0),
        due=at(48), sla_hours=48.0, closed_at=None, planned_start=None, technician=None,
        warranty_until=0, warranty_covered=False, saving=1.0, currency="EUR", skill="mechanical",
        work_hours=2.0, evidence=[], options=[], models={}, outcome=None,
    )  # fmt: skip
    return Draft(order, "BRG-6205", alert)


@pytest.mark.parametrize("same_incident", [True, False], ids=["same incident", "same device"])
def test_of_all_who_open_an_order_for_an_incident_one_succeeds(
    plant: Plant, same_incident: bool
) -> None:
    plant.ids = TimeOrderedIds(SystemClock())
    plant.restarted()
    with plant.db.write() as session:
        session.add(
            AlertRow(
                id="alr_1",
                incident=incident_key("p1", "bearing_wear", at(0)),
                device="p1",
                product="pump",
                failure_mode="bearing_wear",
                state=AlertState.OPEN,
                episode=at(0),
                opened_at=at(0),
                cleared_at=None,
                reason=pack(Message("finding.risk")),
                decision=pack(Message("finding.risk")),
                action=Action.WAIT,
                order_id=None,
            )
        )

    def open_one(racer: int) -> str:
        with plant.db.write() as session:
            alert = session.get_one(AlertRow, "alr_1")
            episode = at(0) if same_incident else at(racer)
            opened = plant.service.open_order(session, draft(plant, racer, alert, episode), at(0))
            return opened.id

    results = race(open_one)
    winners = [result for result in results if isinstance(result, str)]
    losers = [result for result in results if isinstance(result, Conflict)]
    assert (len(winners), len(losers)) == (1, RACERS - 1), results
    assert {loser.code for loser in losers} == {"order.exists"}
    assert plant.states() == {"V-000001": "proposed"}
    for table in (OrderPartRow, AuditRow, OutboxRow):
        assert count_of(plant, table) == 1
    assert plant.service.parts()[0].reserved == 1
    with plant.db.read() as session:
        assert session.get_one(AlertRow, "alr_1").order_id == winners[0]


def test_services_that_process_the_same_log_at_once_open_each_order_once(plant: Plant) -> None:
    plant.ids = TimeOrderedIds(SystemClock())
    plant.log.put([risk(h, 0.9, device=d) for h in range(5) for d in ("p1", "p2", "p3")])
    services = [plant.restarted() for _ in range(3)]
    results = race(lambda n: services[n].process_pending(plant.log, limit=4), racers=3)
    decided = [decision for result in results for decision in result]  # type: ignore[attr-defined]
    assert sorted(d.device for d in decided) == ["p1", "p2", "p3"]
    assert len(plant.states()) == 3
    assert plant.service.position() == 15


def test_of_all_who_accept_a_proposal_one_succeeds(plant: Plant) -> None:
    plant.see(risk(0, 0.9))
    results = race(lambda n: plant.service.accept("ord_000001", f"user{n}").state)
    assert results.count(OrderState.SCHEDULED) == 1
    assert sum(isinstance(result, Conflict) for result in results) == RACERS - 1


def test_of_accepting_and_rejecting_at_once_exactly_one_counts(plant: Plant) -> None:
    plant.see(risk(0, 0.9))

    def either(racer: int) -> OrderState:
        if racer % 2:
            return plant.service.accept("ord_000001", "dora").state
        return plant.service.reject("ord_000001", "rita", RejectReason.OTHER).state

    results = race(either)
    done = [result for result in results if isinstance(result, OrderState)]
    assert len(done) == 1
    assert plant.states() == {"V-000001": done[0].value}
    # The alert's line, the order's opening and the one thing that was done to it.
    assert count_of(plant, AuditRow) == 3


def test_of_many_orders_that_want_the_last_part_one_holds_it(plant: Plant) -> None:
    plant.see(*(risk(0, 0.9, device=device) for device in ("p1", "p2", "p3")))
    held = [part.reserved for order in plant.service.orders().items for part in order.parts]
    assert sorted(held) == [False, False, True]
    assert plant.service.parts()[0].available == 0


_CHILD = """
import sys
from purna.core.clock import SystemClock
from purna.core.ids import TimeOrderedIds
from tests.alerts.fleet import Plant, risk

plant = Plant(sys.argv[1], ids=TimeOrderedIds(SystemClock()))
sys.stdin.readline()
decided = plant.service.process([risk(0, 0.9, device=d) for d in ("p1", "p2", "p3")])
print(len([d for d in decided if d.order]))
"""


def test_processes_that_see_the_same_windows_at_once_open_each_order_once(
    tmp_path: Path,
) -> None:
    plant = Plant(sqlite_url(tmp_path)).stocked()
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _CHILD, sqlite_url(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(3)
    ]
    opened = [int(child.communicate("go\n")[0]) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    assert sum(opened) == 3
    assert len(plant.states()) == 3
    assert plant.clock.now() < at(0) + HOUR
    plant.db.close()
