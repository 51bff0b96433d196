from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from alerts.order import RejectReason
from tests.api.plant import Plant
from tests.browser.desk import Desk


def test_the_queue_shows_reason_risk_part_and_sla_of_each_order(desk: Desk) -> None:
    expect(desk.rows).to_have_count(2)
    visit = desk.page.get_by_role("listitem").filter(has_text="pump-01")
    for text in ("Bearing wear", "95%", "BRG-1", "V-0000", "Surabaya", "left"):
        expect(visit).to_contain_text(text)


def test_keys_move_through_the_queue_and_enter_opens_the_order(desk: Desk, page: Page) -> None:
    page.keyboard.press("j")
    expect(desk.rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(desk.rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/orders/"))


def test_filters_are_in_the_address_and_an_empty_queue_says_so(desk: Desk, page: Page) -> None:
    page.get_by_label("State").select_option("completed")
    expect(page.get_by_text("No order matches these filters.")).to_be_visible()
    expect(page).to_have_url(re.compile("state=completed"))
    page.get_by_label("State").select_option("open")
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Queue").click(force=True)
    page.keyboard.press("/")
    page.keyboard.type("pump-02")
    expect(desk.rows).to_have_text(["pump-02"])
    page.get_by_label("Search").fill("no such thing")
    expect(page.get_by_text("No order matches these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(desk.rows).to_have_count(2)


def test_a_visit_goes_from_proposal_to_outcome(desk: Desk, page: Page, plant: Plant) -> None:
    desk.rows.filter(has_text="pump-01").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bearing wear: pump-01")
    expect(page.get_by_role("img", name=re.compile("^Vibration"))).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="chosen")).to_contain_text("visit")

    dialog = desk.act("Accept")
    dialog.get_by_label("Technician").select_option(value="tec-03")
    dialog.get_by_label("Start").fill("2026-03-02T09:00")
    dialog.get_by_role("button", name="Accept").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("article .chip").nth(1)).to_have_text("Scheduled")
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)

    dialog = desk.act("Complete")
    dialog.get_by_label("The finding was right").check()
    dialog.get_by_label("Serial number").fill("BRG-77")
    dialog.get_by_label("Note").fill("Inner race pitted")
    dialog.get_by_role("button", name="Complete").click()
    expect(page.locator("article .chip").nth(1)).to_have_text("Completed")
    expect(page.get_by_text("Inner race pitted").first).to_be_visible()
    labels = [(m.component, m.failed) for m in plant.maintenance.records(["pump-01"])]
    assert labels[-1] == ("bearing", False)


def test_a_dialog_takes_the_focus_and_gives_it_back(desk: Desk, page: Page) -> None:
    desk.rows.first.click()
    dialog = desk.act("Reject")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_role("button", name="Reject").click()
    expect(dialog).to_be_visible()  # a reason is required
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Reject", exact=True)).to_be_focused()


def test_a_change_by_somebody_else_appears_by_itself(desk: Desk, plant: Plant) -> None:
    expect(desk.rows).to_have_count(2)
    desk.page.wait_for_timeout(500)  # the stream is open
    plant.alerts.reject(plant.order_of("pump-02"), "somebody", RejectReason.NOT_NEEDED)
    expect(desk.rows).to_have_count(1)
