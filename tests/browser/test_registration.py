from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from ingest.commands import Command
from ingest.payloads.command_result import CommandResult, ResultState
from tests.api.plant import Plant
from tests.browser.desk import Desk


def test_a_device_is_registered_on_a_new_site_and_its_password_is_shown_once(
    desk: Desk, page: Page, plant: Plant
) -> None:
    desk.open("/fleet", "Fleet")
    dialog = desk.act("Register device")
    dialog.get_by_label("Device id").fill("pump-42")
    dialog.get_by_label("Site").select_option(label="A new site …")
    dialog.get_by_label("Name of the site").fill("Semarang")
    dialog.get_by_label("Site id").fill("site-07")
    dialog.get_by_label("Customer id").fill("cus-1")
    dialog.get_by_role("button", name="Register device").click()

    secret = page.get_by_role("dialog", name="Password of pump-42")
    expect(secret).to_contain_text("purna/v1/pump-42/telemetry")
    password = secret.locator("pre").inner_text()
    assert plant.credentials.verify("pump-42", password)
    assert plant.registry.get("pump-42").site.name == "Semarang"
    secret.get_by_role("button", name="Close").click()
    expect(page.get_by_text(password)).to_have_count(0)
    expect(desk.rows).to_have_count(9)


def test_a_refused_device_keeps_the_dialog_and_names_the_field(desk: Desk, page: Page) -> None:
    desk.open("/fleet", "Fleet")
    dialog = desk.act("Register device")
    dialog.get_by_label("Device id").fill("pump-01")
    dialog.get_by_label("Site").select_option(label="Bandung")
    dialog.get_by_role("button", name="Register device").click()
    expect(dialog.get_by_role("alert")).to_have_text("There is a device pump-01 already.")


def test_a_file_names_its_wrong_lines_and_its_good_ones_can_be_had(
    desk: Desk, page: Page, plant: Plant, tmp_path: Path
) -> None:
    file = tmp_path / "devices.csv"
    file.write_text("device,product,site\npump-43,cp-200,site-01\npump-44,cp-300,site-01\n")
    desk.open("/fleet", "Fleet")
    dialog = desk.act("Import CSV")
    dialog.get_by_label("CSV file").set_input_files(file)
    dialog.get_by_role("button", name="Import CSV").click()
    wrong = dialog.get_by_role("list", name="Wrong lines")
    expect(wrong).to_contain_text("Line 3")
    expect(wrong).to_contain_text("There is no product cp-300 in the catalogue.")
    assert plant.registry.find("pump-43") is None

    dialog.get_by_label("Register the good lines").check()
    dialog.get_by_role("button", name="Import CSV").click()
    done = page.get_by_role("dialog", name="One device registered")
    name, password = done.locator("pre").inner_text().splitlines()[1].split(",")
    assert plant.credentials.verify(name, password)
    with page.expect_download() as download:
        done.get_by_role("link", name="Save as file").click()
    assert Path(download.value.path()).read_text().splitlines()[1] == f"{name},{password}"


def test_claim_keys_are_made_for_labels(desk: Desk, page: Page, plant: Plant) -> None:
    desk.open("/fleet", "Fleet")
    dialog = desk.act("Claim keys")
    dialog.get_by_label("Site").select_option(label="Bandung")
    dialog.get_by_label("How many").fill("2")
    dialog.get_by_role("button", name="Make keys").click()
    keys = page.get_by_role("dialog", name="2 claim keys").locator("pre").inner_text().split()
    assert plant.credentials.verify("pump-42", plant.enrolment.claim(keys[1], "pump-42"))


def test_a_command_goes_through_its_states_before_ones_eyes(
    desk: Desk, page: Page, plant: Plant
) -> None:
    desk.open("/devices/pump-01", "pump-01")
    dialog = desk.act("Send command")
    dialog.get_by_label("Name").fill("sample.faster")
    arguments = dialog.get_by_label("Arguments (JSON)")
    arguments.fill("seconds=60")
    dialog.get_by_role("button", name="Send command").click()
    assert plant.commands.count("pump-01") == 0  # the browser says what is wrong with it
    arguments.fill('{"seconds": 60}')
    dialog.get_by_role("button", name="Send command").click()

    line = page.get_by_role("list", name="Commands").get_by_role("listitem").first
    expect(line).to_contain_text("queued")
    expect(line).to_contain_text('{"seconds":60}')
    (command,) = plant.commands.of("pump-01")
    assert command.arguments == {"seconds": 60}

    def says(state: ResultState) -> Callable[[Command], object]:
        return lambda one: plant.commands.take_result(
            CommandResult("pump-01", one.id, state, "at 10 Hz")
        )

    for happens, shown in (
        (lambda _: plant.commands.move_due(), "sent"),
        (says(ResultState.RECEIVED), "delivered"),
        (says(ResultState.OK), "done"),
    ):
        happens(command)
        expect(line.locator(".chip")).to_have_text(shown)
    expect(line).to_contain_text("at 10 Hz")
    expect(line).to_contain_text("ada")


def test_access_is_revoked_and_given_again(desk: Desk, page: Page, plant: Plant) -> None:
    desk.open("/devices/pump-01", "pump-01")
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Connection"))
    expect(card).to_contain_text("3 missing")
    expect(card).to_contain_text("4711–4713")
    dialog = desk.act("Revoke access")
    dialog.get_by_role("button", name="Revoke access").click()
    expect(card).to_contain_text("Access revoked")
    assert not plant.credentials.of(["pump-01"])["pump-01"].has_password

    dialog = desk.act("New password")
    dialog.get_by_role("button", name="New password").click()
    password = page.get_by_role("dialog", name="Password of pump-01").locator("pre").inner_text()
    assert plant.credentials.verify("pump-01", password)


def test_who_may_not_finds_no_buttons(page: Page, plant: Plant) -> None:
    from api.v1.session.schemas import Role
    from tests.browser.desk import PASSWORD

    plant.users.add_user("rini", "Rini", PASSWORD, [Role.DISPATCHER])
    desk = Desk(page)
    desk.sign_in("rini")
    desk.open("/fleet", "Fleet")
    expect(page.get_by_role("button", name="Register device")).to_have_count(0)
    desk.open("/devices/pump-01", "pump-01")
    expect(page.get_by_role("heading", name="Commands")).to_be_visible()
    for action in ("Send command", "Revoke access", "New password"):
        expect(page.get_by_role("button", name=action)).to_have_count(0)
