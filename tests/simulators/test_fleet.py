"""The simulated fleet: same seed, same life; wear shows before it ends in failure."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from functools import cache

import msgspec
import numpy as np
import pytest

from purna.core.catalogue import Product, Quantity, Remedy
from purna.core.clock import DAY, HOUR, from_iso
from purna.core.errors import NotFound
from purna.core.quantities import Indicator
from simulators.catalogue import load_catalogue
from simulators.customers import parts, technicians
from simulators.dirt import CLEAN
from simulators.encode import Message
from simulators.fleet import TICK, Fleet

END = from_iso("2026-06-01T00:00:00Z")
START = END - 180 * DAY


class Life:
    """A fleet's decoded history."""

    def __init__(self, seed: int) -> None:
        self.fleet = Fleet(seed, START, odds=CLEAN)
        self.messages = list(self.fleet.history(END))
        self.rows = readings_of(self.messages)
        self.series = {
            (device, quantity): np.array(points).T
            for (device, quantity), points in self.rows.items()
        }
        self.maintenance = self.fleet.maintenance()


def readings_of(messages: Iterable[Message]) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """Readings of running machines by (device, quantity)."""
    out: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for message in messages:
        if message.topic.endswith("/telemetry"):
            body = msgspec.json.decode(message.payload)
            device = message.topic.split("/")[2]
            if "q" in body:
                continue
            for ts, values in body.get("r") or [(body["ts"], body["m"])]:
                for quantity, value in values.items():
                    out[device, quantity].append((ts * 1000, value))
    return out


def measured(product: Product) -> list[Quantity]:
    """What devices measure themselves; indicators are the platform's business."""
    return [q for q in product.quantities if not isinstance(q, Indicator)]


@cache
def life() -> Life:
    return Life(11)


def test_two_fleets_with_one_seed_say_the_same() -> None:
    a, b = Fleet(5, END - 20 * DAY), Fleet(5, END - 20 * DAY)
    assert list(a.history(END)) == list(b.history(END))
    assert list(a.advance(END + DAY)) == list(b.advance(END + DAY))
    assert list(Fleet(6, END - 20 * DAY).history(END)) != list(b.history(END))


def test_a_machine_does_the_same_whatever_other_machines_there_are() -> None:
    few, many = Fleet(5, END - 10 * DAY, 40), Fleet(5, END - 10 * DAY, 60)
    devices = {device.id for device in few.devices()}
    told = [m for m in many.history(END) if m.topic.split("/")[2] in devices]
    assert sorted(told) == sorted(few.history(END))
    assert [d for d in many.devices() if d.id in devices] == few.devices()


def test_a_restored_fleet_goes_on_like_one_that_was_never_stopped() -> None:
    whole = Fleet(5, END - 60 * DAY)
    list(whole.history(END))
    broken = Fleet.restore(whole.state())
    expected = list(whole.advance(END + 5 * DAY + 3 * HOUR))
    told = []
    for hours in range(0, 123, 7):
        told += broken.advance(END + hours * HOUR)
        broken = Fleet.restore(broken.state())
    told += broken.advance(END + 5 * DAY + 3 * HOUR)
    assert told == expected
    assert broken.maintenance() == whole.maintenance()
    assert broken.state() == whole.state()


def test_the_fleet_is_big_enough_and_spread_over_customers() -> None:
    fleet = life().fleet
    devices = fleet.devices()
    assert len(devices) >= 46
    assert Counter(d.product for d in devices) == {"cp-200": 23, "ac-75": 23}
    assert len(fleet.sites()) >= 8
    assert len(fleet.customers()) >= 5
    assert all(d.installed_at <= START for d in devices)
    assert any(d.warranty_until < END for d in devices)
    assert any(d.warranty_until > END for d in devices)


def test_technicians_have_every_skill_that_a_visit_needs_and_every_part_has_a_stock() -> None:
    skills = {skill for technician in technicians() for skill in technician["skills"]}
    numbers = {part["number"] for part in parts()}
    for product in load_catalogue().values():
        assert {c.part for c in product.components} <= numbers
        visits = [m for m in product.failure_modes if m.remedy is Remedy.VISIT]
        assert {m.skill for m in visits} <= skills
        assert {m.component for m in product.failure_modes} == {c.id for c in product.components}


def test_messages_keep_the_limits_of_the_firmware_contract() -> None:
    for message in life().messages:
        assert len(message.payload) <= 64 * 1024
        if not message.topic.endswith("/telemetry"):
            continue
        body = msgspec.json.decode(message.payload)
        rows = body.get("r") or [(body["ts"], body["m"])]
        assert sum(len(values) for _, values in rows) <= 1000
        assert len(message.payload) < 20_000
        assert message.ts == max(ts for ts, _ in rows) * 1000


def test_messages_are_numbered_without_gaps_in_each_boot() -> None:
    fleet = Fleet(11, END - 60 * DAY, odds=CLEAN)
    messages = [*fleet.history(END), *fleet.advance(END + 4 * DAY)]
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for message in messages:
        if message.topic.endswith("/telemetry"):
            body = msgspec.json.decode(message.payload)
            numbers[message.topic, body["boot"]].append(body["seq"])
    assert len(numbers) > 46
    assert all(seen == list(range(1, len(seen) + 1)) for seen in numbers.values())


def test_every_device_measures_every_quantity_of_its_product_all_the_time() -> None:
    catalogue = load_catalogue()
    for device in life().fleet.devices():
        for quantity in measured(catalogue[device.product]):
            ts, value = life().series[device.id, quantity.id]
            assert len(ts) > 0.9 * 180 * DAY / TICK
            assert value.min() >= quantity.low
            assert value.max() <= quantity.high


def test_parts_fail_often_enough_to_learn_from_and_some_are_replaced_before() -> None:
    fleet = life()
    product = {d.id: d.product for d in fleet.fleet.devices()}
    count = Counter((product[m.device], m.component, m.failed) for m in fleet.maintenance)
    for name in load_catalogue():
        for component in ("bearing", "seal", "filter"):
            assert count[name, component, True] >= 12
            assert count[name, component, False] >= 2
        assert count[name, "motor", True] >= 4
        assert count[name, "sensor", True] >= 4
    assert all(m.ts <= m.known_at <= m.ts + 2 * DAY for m in fleet.maintenance)
    assert all(m.known_at == m.ts for m in fleet.maintenance if not m.failed)


def test_vibration_and_temperature_rise_before_a_bearing_fails() -> None:
    rises = []
    for record in life().maintenance:
        if record.component == "bearing" and record.failed and record.ts > START + 60 * DAY:
            ts, value = life().series[record.device, "vib_rms"]
            last = value[(ts > record.ts - DAY) & (ts <= record.ts)]
            week = value[(ts > record.ts - 8 * DAY) & (ts <= record.ts - 6 * DAY)]
            before = value[(ts > record.ts - 45 * DAY) & (ts <= record.ts - 40 * DAY)]
            if min(len(last), len(week), len(before)) > 10:
                rises.append([np.median(part) for part in (before, week, last)])
    before, week, last = np.array(rises).T
    assert len(rises) >= 15
    assert np.mean(last > week + 1) > 0.8
    assert np.mean(week > before + 0.5) > 0.8
    assert np.median(last) > 6  # beyond the alarm at 4.5 mm/s, near zone D of ISO 20816-3


def test_a_leaking_seal_lowers_the_flow_of_a_pump_and_a_clogged_filter_heats_a_compressor() -> None:
    def change(product: str, component: str, quantity: str) -> float:
        changes = []
        prefix = product.replace("-", "")
        for record in life().maintenance:
            if record.failed and record.component == component and record.device.startswith(prefix):
                ts, value = life().series[record.device, quantity]
                last = value[(ts > record.ts - DAY) & (ts <= record.ts)]
                before = value[(ts > record.ts - 36 * DAY) & (ts <= record.ts - 29 * DAY)]
                if len(last) > 10 and len(before) > 100:
                    changes.append(last.mean() - before.mean())
        return float(np.median(changes))

    assert change("cp-200", "seal", "flow") < -15
    assert change("cp-200", "seal", "discharge_pressure") < -0.5
    assert change("ac-75", "filter", "discharge_temp") > 10
    assert change("ac-75", "motor", "motor_current") > 5


def test_a_sensor_fault_moves_or_freezes_its_reading_only() -> None:
    faults = [m for m in life().maintenance if m.component == "sensor" and m.failed]
    frozen = drifted = 0
    for record in faults:
        quantity = "vib_rms" if record.device.startswith("cp200") else "discharge_temp"
        ts, value = life().series[record.device, quantity]
        last = value[(ts > record.ts - 2 * DAY) & (ts <= record.ts)]
        frozen += len(last) > 10 and np.ptp(last) == 0
        drifted += len(last) > 10 and np.ptp(last) > 0
    assert frozen >= 3
    assert drifted >= 3
    assert frozen + drifted >= 0.9 * len(faults)


def test_healthy_machines_stay_within_their_alarms() -> None:
    catalogue = load_catalogue()
    over = total = 0
    for device in life().fleet.devices():
        ends = np.array([m.ts for m in life().maintenance if m.device == device.id])
        for quantity in measured(catalogue[device.product]):
            if quantity.alarm is None:
                continue
            ts, value = life().series[device.id, quantity.id]
            # Healthy: nothing of this machine fails or is replaced within the next 60 days.
            ahead = ends[None, :] - ts[:, None]
            healthy = ~((ahead > -2 * DAY) & (ahead < 60 * DAY)).any(axis=1)
            healthy &= ts < END - 60 * DAY
            over += int((value[healthy] > quantity.alarm).sum())
            total += int(healthy.sum())
    assert total > 50_000
    assert over / total < 1e-4


@pytest.mark.parametrize("seed", [12])
def test_at_the_end_of_the_history_some_machines_are_about_to_fail_and_most_are_well(
    seed: int,
) -> None:
    fleet = Fleet(seed, START)
    deque(fleet.history(END), maxlen=0)
    states = {d.id: fleet.event_state(d.id) for d in fleet.devices()}
    assert sum(min(state.values()) > 0.1 for state in states.values()) > len(states) / 2
    list(fleet.advance(END + 9 * DAY))
    remedy = {
        (p.id, m.component): m.remedy for p in load_catalogue().values() for m in p.failure_modes
    }
    product = {d.id: d.product for d in fleet.devices()}
    soon = Counter(
        remedy[product[m.device], m.component]
        for m in fleet.maintenance()
        if m.failed and END + 2 * DAY <= m.ts <= END + 7 * DAY
    )
    assert soon[Remedy.VISIT] >= 2
    assert soon[Remedy.SHIP] >= 2


def test_devices_raise_codes_before_failures_and_harmless_ones_too() -> None:
    codes: Counter[str] = Counter()
    ahead = 0
    failures = [m for m in life().maintenance if m.failed and m.component == "bearing"]
    for message in life().messages:
        if message.topic.endswith("/event"):
            body = msgspec.json.decode(message.payload)
            codes[body["code"]] += 1
            device = message.topic.split("/")[2]
            ahead += body["code"] == "E12" and any(
                f.device == device and message.ts < f.ts < message.ts + 21 * DAY for f in failures
            )
    assert {"E12", "E17", "E18", "E21", "E22", "E31", "E40", "E41", "E90"} <= set(codes)
    assert codes["W05"] > 50
    assert codes["W11"] > 50
    assert ahead > len(failures)


class TestLive:
    def test_a_repair_in_time_prevents_the_failure(self) -> None:
        fleet = Fleet.restore(life().fleet.state())
        assert fleet.event_state("ac75-004")["bearing"] < 0.1
        record = fleet.repair("ac75-004", "bearing", END)
        assert (record.failed, record.ts, record.known_at) == (False, END, END)
        assert fleet.event_state("ac75-004")["bearing"] == 1.0
        list(fleet.advance(END + 8 * DAY))
        assert ("ac75-004", "bearing") not in {
            (m.device, m.component) for m in fleet.new_maintenance()
        }

    def test_an_unrepaired_machine_stops_and_is_repaired_by_its_owner_after_two_days(self) -> None:
        fleet = Fleet.restore(life().fleet.state())
        messages = list(fleet.advance(END + 7 * DAY))
        record = next(m for m in fleet.new_maintenance() if m.device == "ac75-004")
        assert record.failed
        assert record.component == "bearing"
        assert record.known_at == record.ts + 2 * DAY
        assert record.ts == pytest.approx(END + 3.1 * DAY, abs=2 * TICK)
        current = {
            m.ts: msgspec.json.decode(m.payload)
            for m in messages
            if m.topic == "purna/v1/ac75-004/telemetry"
        }
        still = [b for ts, b in current.items() if record.ts < ts < record.known_at]
        assert len(still) > 80
        assert max(b["m"]["motor_current"] for b in still) < 2
        assert all(b["q"] for b in still)
        after = [b for ts, b in current.items() if ts > record.known_at]
        assert min(b["m"]["motor_current"] for b in after) > 20
        assert {b["boot"] for b in after} == {f"b{int(still[0]['boot'][1:]) + 1}"}
        codes = [
            msgspec.json.decode(m.payload)["code"]
            for m in messages
            if m.topic == "purna/v1/ac75-004/event" and m.ts == record.ts
        ]
        assert "E90" in codes
        assert fleet.new_maintenance() == []

    def test_a_repair_of_a_failed_part_says_that_it_had_failed(self) -> None:
        fleet = Fleet.restore(life().fleet.state())
        list(fleet.advance(END + 4 * DAY))
        record = fleet.repair("ac75-004", "bearing", fleet.now)
        assert record.failed
        assert record.ts < record.known_at == fleet.now

    def test_an_unknown_device_or_component_is_named(self) -> None:
        fleet = Fleet(1, START)
        with pytest.raises(NotFound, match="pump-9"):
            fleet.repair("pump-9", "bearing", END)
        with pytest.raises(NotFound, match="gearbox"):
            fleet.repair("cp200-001", "gearbox", END)


def test_running_pumps_send_waveforms_four_times_a_day_and_the_history_has_only_the_last_ones() -> (
    None
):
    fleet = Fleet(11, END - 20 * DAY, odds=CLEAN)
    past = [m for m in fleet.history(END) if "/waveform/" in m.topic]
    assert {m.topic.split("/")[2][:5] for m in past} == {"cp200"}
    assert min(m.ts for m in past) >= END - 2 * DAY - TICK
    assert 23 * 7 <= len(past) <= 23 * 9
    assert len({m.ts for m in past}) > 8  # not all at once
    live = [m for m in fleet.advance(END + 2 * DAY) if "/waveform/" in m.topic]
    assert 23 * 6 <= len(live) <= 23 * 8
