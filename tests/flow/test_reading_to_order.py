"""The whole line in one process on virtual time: a reading becomes an order, its outcome a label.

Everything is real but the broker: a link hands over the messages that the fleet would publish.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path

import pytest
from msgspec import json

from alerts.lifecycle import OrderState
from alerts.order import Kind, Order, OutcomeKind
from alerts.service import OrderFilter
from ingest.counters import Counters
from ingest.links.base import Received
from ingest.links.mqtt import Token
from ingest.quarantine import SqliteQuarantine
from ingest.service import Ingester
from ingest.stores import open_store
from ingest.stores.waveforms import SqliteWaveformStore
from ingest.waveform_upkeep import WaveformUpkeep
from models.scoring import Scorer
from models.training import QUICK, train
from models.vibration import Finding, indicators_of, named
from purna.core.assessments import Assessment
from purna.core.clock import DAY, HOUR, MINUTE, from_iso
from purna.core.readings import SeriesKey
from purna.run.bootstrap import Platform
from purna.run.demo import found
from purna.run.jobs import Jobs
from purna.run.migrate import upgrade
from purna.run.settings import load_settings
from simulators.encode import Message
from simulators.fleet import Fleet

SEED = 7
TODAY = from_iso("2026-11-25")
DAYS_AHEAD = 5


@dataclass
class HandOver:
    """A link that gives what it holds and notes what was acknowledged and answered."""

    held: list[Received] = field(default_factory=list)
    acknowledged: int = 0
    answers: list[str] = field(default_factory=list)
    connected: bool = True

    @property
    def waiting(self) -> int:
        return len(self.held)

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def receive(self, limit: int, timeout: float) -> list[Received]:
        given, self.held = self.held[:limit], self.held[limit:]
        return given

    def acknowledge(
        self, messages: Sequence[Received], refused: Mapping[int, str] | None = None
    ) -> None:
        self.acknowledged += len(messages)

    def delivered(self) -> list[str]:
        return []

    def expel(self, device: str) -> None:
        pass

    def publish(self, topic: str, payload: bytes, key: str = "") -> bool:
        self.answers.append(topic.rsplit("/", 1)[-1])
        return True


class Line:
    """A platform on a folder, its ingester and its fleet."""

    def __init__(self, folder: Path) -> None:
        self.platform = Platform(load_settings(folder))
        self.platform.folder.create()
        upgrade(self.platform.db)
        found(self.platform, SEED, TODAY)
        self.fleet = Fleet.restore(self.platform.folder.fleet.read_bytes())
        self.link, self.counters = HandOver(), Counters()
        self.store = open_store(self.platform.store_url)
        self.quarantine = SqliteQuarantine(self.platform.folder.quarantine)
        self.waveforms = SqliteWaveformStore(self.platform.folder.waveforms)
        self.upkeep = WaveformUpkeep(
            self.waveforms,
            self.store,
            self.platform.registry,
            self.platform.catalogue,
            indicators_of,
            self.platform.clock,
        )
        self.ingester = Ingester(
            self.link,
            self.store,
            self.quarantine,
            self.platform.registry,
            self.platform.catalogue,
            self.platform.clock,
            self.platform.settings.ingest,
            self.counters,
            waveforms=self.waveforms,
        )
        self.ingester.start()
        self.jobs = Jobs(self.platform)
        self.began = 0

    def take_in(self, messages: Iterable[Message]) -> int:
        self.link.held = [
            Received(message.topic, message.payload, Token(1, number))
            for number, message in enumerate(messages)
        ]
        count = len(self.link.held)
        while self.link.held:
            self.ingester.step(timeout=0)
        while self.upkeep.once():
            pass
        return count

    def live(self, days: float) -> None:
        """Let the fleet live on; the platform takes six windows at a time."""
        for _ in range(round(days * 4)):
            now = self.platform.clock.now() + 6 * HOUR
            self.platform.clock.set(now)
            self.take_in(self.fleet.advance(now))
            self.jobs.score_and_decide()
            self.platform.maintenance.add(self.fleet.new_maintenance())

    def orders(self, *states: OrderState) -> list[Order]:
        found = self.platform.alerts.orders(OrderFilter(states=states), limit=200)
        return list(found.items)

    def close(self) -> None:
        self.waveforms.close()
        self.store.close()
        self.quarantine.close()
        self.platform.db.close()


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A platform whose fleet's history is stored, with champions trained on it."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("PURNA_")]:
            environment.delenv(name)
        line = Line(tmp_path_factory.mktemp("flow") / "data")
    platform = line.platform
    end = platform.clock.now()
    sent = line.take_in(line.fleet.history(end))
    assert line.link.acknowledged == sent
    platform.maintenance.add(line.fleet.maintenance())
    for product in platform.catalogue.values():
        devices = platform.registry.all(product.id)
        known = platform.maintenance.records(known_before=end)
        trained = train(product, devices, line.store, known, end, seed=SEED, effort=QUICK)
        for version in platform.models.add(trained, end):
            platform.models.promote(version, end)
    line.began = end
    line.live(DAYS_AHEAD)
    yield line
    line.close()


class TestLine:
    def test_every_message_is_accounted_for(self, line: Line) -> None:
        counts = line.counters.as_dict()
        kept = counts["stored"] + counts["duplicates"] + counts["quarantined"]
        assert counts["received"] == kept == line.link.acknowledged
        assert counts["quarantined"] == 0
        assert counts["readings_stored"] > 2_500_000

    def test_what_is_about_to_fail_has_an_order_before_it_fails(self, line: Line) -> None:
        staged = [record for record in line.platform.maintenance.records() if record.failed]
        end = line.platform.clock.now()
        failed = [r for r in staged if end - DAYS_AHEAD * DAY < r.ts <= end]
        ordered = {(o.device.id, o.component.id) for o in line.orders() if o.component}
        wear_out = [r for r in failed if r.component in ("bearing", "seal", "filter")]
        assert wear_out
        caught = [r for r in wear_out if (r.device, r.component) in ordered]
        assert len(caught) >= 0.75 * len(wear_out)

    def test_waveforms_name_a_worn_bearing_before_it_fails_and_no_sound_one(
        self, line: Line
    ) -> None:
        end = line.platform.clock.now()
        failed = {
            record.device: record.ts
            for record in line.platform.maintenance.records()
            if record.failed and record.component == "bearing" and record.ts > line.began
        }
        heard = {}
        for device in line.platform.registry.all("cp-200"):
            until = failed.get(device.id, end)
            info = line.waveforms.find(device.id, "vib_de", until - DAY, until, limit=1)
            worn = 1 - line.fleet.event_state(device.id)["bearing"]
            if info and (device.id in failed or worn < 0.5):
                heard[device.id] = self._finding(line, device.id, info[0].key.ts)
        races = {Finding.OUTER_RACE, Finding.INNER_RACE}
        assert failed.keys() & heard.keys()
        assert all(heard[device] in races for device in failed.keys() & heard.keys())
        assert len(heard) > 10
        assert all(heard[device] is None for device in heard.keys() - failed.keys())

    @staticmethod
    def _finding(line: Line, device: str, ts: int) -> Finding | None:
        """By the stored indicators, as the console's list tells it."""
        keys = [SeriesKey(device, f"vib_de.de.{fault}") for fault in ("bpfo", "bpfi", "bsf")]
        points = line.store.read(keys, ts, ts + 1)
        return named({key.quantity.rsplit(".", 1)[-1]: log(points[key].value[0]) for key in keys})

    def test_there_are_visits_and_shipments_each_with_reason_evidence_and_part(
        self, line: Line
    ) -> None:
        named = [order for order in line.orders() if order.component]
        assert {order.kind for order in named} == {Kind.VISIT, Kind.SHIPMENT}
        for order in named:
            assert order.reason.text("en") != order.reason.code
            assert order.reason.text("id") != order.reason.text("en")
            assert order.evidence
            assert order.options
            assert order.parts
            assert order.due > order.opened_at

    def test_no_order_is_dated_before_the_platform_could_act(self, line: Line) -> None:
        first = min(order.opened_at for order in line.orders())
        assert first >= line.began - 3 * HOUR

    def test_an_incident_has_one_order(self, line: Line) -> None:
        incidents = [order.incident for order in line.orders()]
        assert len(incidents) == len(set(incidents))

    def test_orders_go_to_machines_that_really_wear(self, line: Line) -> None:
        proposed = [o for o in line.orders(OrderState.PROPOSED) if o.component]
        worn = [
            order
            for order in proposed
            if order.component and line.fleet.event_state(order.device.id)[order.component.id] < 0.9
        ]
        assert proposed
        assert len(worn) >= 0.7 * len(proposed)

    def test_a_completed_visit_becomes_a_label_and_heals_the_machine(self, line: Line) -> None:
        order = next(o for o in line.orders(OrderState.PROPOSED) if o.component)
        assert order.component is not None
        alerts, now = line.platform.alerts, line.platform.clock.now()
        alerts.accept(order.id, "dispatcher")
        alerts.complete(order.id, "technician", OutcomeKind.CONFIRMED, serial="B-77")
        label = [
            record
            for record in line.platform.maintenance.records([order.device.id])
            if record.component == order.component.id and record.ts >= now - MINUTE
        ]
        assert len(label) == 1
        line.fleet.repair(order.device.id, order.component.id, label[0].ts)
        line.live(1.5)
        again = [
            other
            for other in line.orders(OrderState.PROPOSED)
            if (other.device.id, other.component) == (order.device.id, order.component)
        ]
        assert not again

    def test_readings_that_come_late_count_as_if_they_had_come_in_time(self, line: Line) -> None:
        platform, hours = line.platform, 6
        product = next(iter(platform.catalogue.values()))
        devices = platform.registry.all(product.id)
        late = devices[0].id
        now = platform.clock.now() + hours * HOUR
        platform.clock.set(now)
        messages = list(line.fleet.advance(now))
        held = [message for message in messages if late in message.topic.split("/")]
        line.take_in([message for message in messages if message not in held])
        line.jobs.score_and_decide()
        before = platform.assessments.between(late, now - hours * HOUR + 1, now + 1)
        line.take_in(reversed(held))
        line.jobs.score_and_decide()
        after = platform.assessments.between(late, now - hours * HOUR + 1, now + 1)
        ends = [now - (hours - 1 - at) * HOUR for at in range(hours)]
        records = platform.maintenance.records([device.id for device in devices])
        fresh = Scorer(product, platform.models.champions(product.id))
        scored = fresh.score(devices, platform.store, records, ends)
        expected = json.decode(json.encode(scored), type=list[Assessment])
        assert after != before
        assert after == [one for one in expected if one.device == late]
        latest = platform.assessments.latest()
        assert all(latest[one.device] == one for one in expected if one.window_end == now)

    def test_scoring_again_changes_nothing(self, line: Line) -> None:
        before = line.platform.assessments.position()
        assert line.jobs.score_and_decide() == 0
        assert line.platform.assessments.position() == before
