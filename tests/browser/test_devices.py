from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.desk import Desk

DAY = 24 * 3600


def test_the_fleet_shows_the_worst_first_and_leads_to_the_device(desk: Desk, page: Page) -> None:
    page.get_by_role("link", name="Fleet").click()
    expect(desk.rows).to_have_count(8)
    expect(page.get_by_role("row").nth(1)).to_contain_text("Act")
    page.get_by_label("Health").select_option("watch")
    expect(desk.rows).to_have_text(["pump-03"])
    desk.rows.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("pump-03")


def test_dragging_over_a_chart_fetches_that_stretch_and_a_double_click_resets(
    desk: Desk, page: Page
) -> None:
    desk.open("/devices/pump-01", "pump-01")
    page.get_by_role("button", name="7 d").click()
    chart = page.get_by_role("img", name=re.compile("^Vibration, mm"))
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.75, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, middle, steps=5)
    with page.expect_request(lambda r: "readings" in r.url and "end=" in r.url) as zoomed:
        page.mouse.up()
    assert 0.5 * DAY < _seconds(zoomed.value) < 2.5 * DAY
    expect(page.get_by_role("button", name="Back to now")).to_be_visible()
    chart.dblclick()
    expect(page.get_by_role("button", name="7 d")).to_have_attribute("aria-pressed", "true")


def test_the_device_page_shows_anomalies_and_the_interval_of_remaining_life(
    desk: Desk, page: Page
) -> None:
    desk.open("/devices/pump-01", "pump-01")
    page.get_by_role("button", name="24 h").click()
    expect(page.get_by_role("img", name=re.compile("Remaining life: Bearing from"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("anomalous stretch")).first).to_be_visible()
    page.get_by_text("Show as table").first.click()
    expect(page.get_by_role("columnheader", name="Bearing").first).to_be_visible()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("/devices/pump-99", "There is no device pump-99."), ("/nowhere", "There is no such page.")],
)
def test_what_is_not_there_is_said_in_a_sentence(
    desk: Desk, page: Page, path: str, sentence: str
) -> None:
    page.goto(path)
    expect(page.get_by_text(sentence)).to_be_visible()


def _seconds(request: Request) -> float:
    query = parse_qs(urlsplit(request.url).query)
    start, end = (datetime.fromisoformat(query[name][0]) for name in ("start", "end"))
    return (end - start).total_seconds()
