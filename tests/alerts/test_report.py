from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.report import OrderSpan, service_report, within_hours
from purna.core.clock import DAY, HOUR
from purna.core.devices import Maintenance
from tests.alerts.fleet import POLICY, T0, at

END = T0 + 365 * DAY


def failure(hours: float, component: str = "seal", device: str = "p1") -> Maintenance:
    return Maintenance(device, component, at(hours), True, at(hours))


def order(
    opened: float, closed: float | None = None, component: str = "seal", device: str = "p1"
) -> OrderSpan:
    closed_at = None if closed is None else at(closed)
    return OrderSpan(f"V-{opened}", device, component, at(opened), closed_at)


def test_a_failure_with_an_open_order_before_it_is_caught_with_its_lead_time() -> None:
    report = service_report([order(0, 20)], [failure(20)], T0, END, devices=1)
    total = report.total
    assert (total.failures, total.caught, total.missed, total.needless) == (1, 1, 0, 0)
    assert (total.lead.p5, total.lead.median, total.lead.p95) == (20.0, 20.0, 20.0)


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        ([order(0, 10)], "closed before the failure"),
        ([order(21)], "opened after it"),
        ([order(20)], "opened at its very time"),
        ([order(5, component="filter")], "another component"),
        ([order(5, device="p2")], "another device"),
        ([order(-60)], "open for so long that it predicts nothing"),
        ([order(5, component="")], "an inspection names no component"),
        ([], "none at all"),
    ],
)
def test_a_failure_without_such_an_order_is_missed(orders: list[OrderSpan], why: str) -> None:
    report = service_report(orders, [failure(20)], T0 - 30 * DAY, END, devices=1)
    assert (report.total.caught, report.total.missed) == (0, 1), why
    assert list(report.missed) == [failure(20)]


def test_an_order_that_no_failure_follows_in_time_is_needless() -> None:
    orders = [order(0), order(100, component="filter"), order(200)]
    report = service_report(orders, [failure(40), failure(249)], T0, END, devices=2)
    assert report.total.needless == 2
    by_component = {score.component: score.needless for score in report.components}
    assert by_component == {"seal": 1, "filter": 1}
    assert report.needless_per_device_year == pytest.approx(1.0)


def test_an_order_shortly_before_the_end_cannot_be_judged() -> None:
    late = (END - T0) / HOUR - 10
    report = service_report([order(late)], [], T0, END, devices=1)
    assert (report.total.needless, report.total.undecided) == (0, 1)


def test_what_was_replaced_before_it_failed_is_no_failure() -> None:
    replaced = Maintenance("p1", "seal", at(5), False, at(5))
    report = service_report([order(0, 5)], [replaced], T0, END, devices=1)
    assert (report.total.failures, report.total.needless) == (0, 1)


def test_inspections_are_counted_apart() -> None:
    report = service_report(
        [order(0, component=""), order(500, component="")], [failure(20)], T0, END, devices=1
    )
    assert (report.inspections.orders, report.inspections.needless) == (2, 1)
    assert report.total.orders == 0


def test_without_anything_there_is_a_report_of_nothing() -> None:
    report = service_report([], [], T0, END, devices=0)
    assert report.total.lead.median is None
    assert report.needless_per_device_year == 0


def test_a_period_of_no_length_has_no_needless_orders_per_year() -> None:
    report = service_report([], [], T0, T0, devices=3)
    assert report.needless_per_device_year == 0.0


def test_the_time_that_justifies_an_order_follows_the_policy() -> None:
    assert within_hours(POLICY) == 48


hours = st.integers(0, 2000)
kinds = st.sampled_from(["seal", "filter"])


@given(
    st.lists(st.tuples(hours, st.one_of(st.none(), st.integers(1, 100)), kinds), max_size=20),
    st.lists(st.tuples(hours, kinds), max_size=20, unique=True),
)
def test_the_sums_hold_whatever_was_recorded(
    spans: list[tuple[int, int | None, str]], failures: list[tuple[int, str]]
) -> None:
    orders = [order(a, None if b is None else a + b, c) for a, b, c in spans]
    report = service_report(orders, [failure(*f) for f in failures], T0, END, devices=3)
    total = report.total
    assert total.failures == len(failures) == sum(s.failures for s in report.components)
    assert total.caught == sum(s.caught for s in report.components)
    assert total.missed == len(report.missed)
    assert total.needless == sum(s.needless for s in report.components)
    assert total.needless + total.undecided <= total.orders == len(orders)
