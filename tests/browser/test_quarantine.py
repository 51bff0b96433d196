from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.api.plant import Plant
from tests.browser.desk import Desk


def test_what_a_filter_shows_is_taken_in_again(desk: Desk, page: Page, plant: Plant) -> None:
    desk.open("/quarantine", "Quarantine")
    messages = page.locator("table.quarantine tbody tr")
    expect(messages).to_have_count(2)
    page.get_by_label("Text").fill("PUMP-01")
    expect(messages).to_have_count(1)
    page.get_by_role("button", name="payload.json").click()
    expect(page).to_have_url("/quarantine?q=PUMP-01&code=payload.json")
    dialog = desk.act("Take in again")
    expect(dialog).to_contain_text("Messages: 1.")
    dialog.get_by_role("button", name="Take in again").click()
    expect(page.get_by_role("status").last).to_have_text("Being taken in again: 1")
    [(number, entry)] = plant.quarantine.asked(10)
    assert entry.code == "payload.json"
    plant.quarantine.settle([number], {})
    expect(page.get_by_text("No message matches these filters.")).to_be_visible()
