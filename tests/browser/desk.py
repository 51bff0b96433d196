"""What somebody at the console does, in his own words."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

PASSWORD = "seven green pumps"


class Desk:
    """A person before the console."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sign_in(self, username: str) -> None:
        self.page.goto("/")
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.rows.first).to_be_visible()

    @property
    def rows(self) -> Locator:
        """The orders of the queue or the devices of the fleet."""
        return self.page.locator("[data-row]")

    def open(self, path: str, heading: str) -> None:
        """Go to a page and wait until its charts are drawn."""
        self.page.goto(path)
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(heading)
        expect(self.page.get_by_text("Loading…")).to_have_count(0)

    def act(self, action: str) -> Locator:
        """Press an action of the order page; gives its dialog."""
        self.page.get_by_role("button", name=action, exact=True).click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        return dialog

    def switch_language(self, label: str, language: str) -> None:
        self.page.get_by_label(label).select_option(label=language)
