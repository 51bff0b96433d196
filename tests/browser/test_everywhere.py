"""What holds on every screen: language, narrow layout, accessibility."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.api.plant import Plant
from tests.browser.desk import Desk

SCREENS = {
    "queue": ("/", "Queue"),
    "order": ("/orders/{order}", "pump-01"),
    "fleet": ("/fleet", "Fleet"),
    "device": ("/devices/pump-01", "pump-01"),
    "models": ("/models", "Models"),
    "quarantine": ("/quarantine", "Quarantine"),
    "people": ("/people", "Users and keys"),
}


def show(desk: Desk, plant: Plant, screen: str) -> None:
    path, heading = SCREENS[screen]
    desk.open(path.format(order=plant.order_of("pump-01")), heading)


def test_the_language_switch_reaches_the_servers_texts_and_stays(desk: Desk, page: Page) -> None:
    desk.open("/devices/pump-01", "pump-01")
    desk.switch_language("Language", "Indonesia")
    expect(page.locator("html")).to_have_attribute("lang", "id")
    expect(page.get_by_role("link", name="Antrean")).to_be_visible()
    expect(page.get_by_text("Getaran, mm/s")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Armada").first).to_be_visible()
    desk.switch_language("Bahasa", "English")
    expect(page.get_by_role("link", name="Queue")).to_be_visible()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_narrow_screen_needs_no_sideways_scrolling(desk: Desk, plant: Plant, screen: str) -> None:
    desk.page.set_viewport_size({"width": 360, "height": 740})
    show(desk, plant, screen)
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_in_light_or_dark(desk: Desk, plant: Plant, screen: str) -> None:
    desk.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    show(desk, plant, screen)
    light = Axe().run(desk.page)
    desk.page.emulate_media(color_scheme="dark")
    dark = Axe().run(desk.page)
    assert light.violations_count == 0, light.generate_report()
    assert dark.violations_count == 0, dark.generate_report()


def test_a_lost_server_is_named_and_the_page_recovers_by_itself(desk: Desk, page: Page) -> None:
    page.route("**/api/v1/**", lambda route: route.abort())
    page.get_by_role("link", name="Fleet").click()
    expect(page.get_by_role("alert").first).to_contain_text("The server does not answer.")
    page.unroute("**/api/v1/**")
    expect(desk.rows).to_have_count(8, timeout=10_000)
    expect(page.get_by_text("The server does not answer.")).to_have_count(0)
