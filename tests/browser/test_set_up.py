from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from api.v1.session.schemas import Role
from tests.api.plant import Plant
from tests.browser.desk import PASSWORD


def test_the_set_up_link_makes_the_first_administrator_and_leads_to_the_queue(
    page: Page, plant: Plant
) -> None:
    token = plant.users.create_setup_token()
    page.goto(f"/setup?token={token}")
    expect(page.get_by_role("heading", name="Set up Purna")).to_be_visible()
    expect(page).to_have_url(re.compile("/setup$"))  # the token is gone from the address
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("User name").fill("ada")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=repeat]").fill("something else")
    page.get_by_role("button", name="Create administrator").click()
    expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    page.locator("[name=repeat]").fill(PASSWORD)
    page.get_by_role("button", name="Create administrator").click()
    expect(page.locator("[data-row]")).to_have_count(2)
    assert not plant.users.setup_required()


def test_a_wrong_password_is_refused_with_a_sentence(page: Page, plant: Plant) -> None:
    plant.users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    page.goto("/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("something else")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("password", re.IGNORECASE))


def test_without_set_up_the_start_page_says_how_to_begin(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text("Open the set-up link")).to_be_visible()
