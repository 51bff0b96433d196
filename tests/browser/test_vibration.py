"""The device page shows what its waveforms say, and by what evidence."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk


def test_the_newest_waveform_is_shown_with_its_diagnosis_and_evidence(
    desk: Desk, page: Page
) -> None:
    desk.open("/devices/pump-01", "pump-01")
    shown = page.locator(".waveform")
    expect(shown).to_contain_text("Drive-end bearing: Damage on the outer race.")
    expect(shown).to_contain_text("Zone A")
    row = shown.get_by_role("row", name=re.compile("Outer race"))
    expect(row).to_contain_text("107.4 Hz")
    envelope = page.get_by_role("img", name=re.compile("^Envelope spectrum"))
    expect(envelope).to_have_attribute("aria-label", re.compile(r"Marked: BPFO 107.* Hz, 2× 21"))
    shown.get_by_role("button", name="BPFI").click()
    expect(envelope).to_have_attribute("aria-label", re.compile(r"Marked: BPFI 16"))


def test_another_waveform_is_chosen_from_the_list(desk: Desk, page: Page) -> None:
    desk.open("/devices/pump-01", "pump-01")
    listed = page.get_by_role("region", name="Waveforms")
    expect(listed.get_by_role("row")).to_have_count(5)
    expect(listed).to_contain_text("can't be analysed")
    listed.get_by_role("button", name="28 Feb, 06:00").click()
    expect(page.locator(".waveform")).to_contain_text("Drive-end bearing: No damage heard.")


def test_the_curves_have_tables_and_the_indicators_a_chart(desk: Desk, page: Page) -> None:
    desk.open("/devices/pump-01", "pump-01")
    spectrum = page.locator("figure", has_text=re.compile("^Spectrum"))
    spectrum.get_by_text("Show as table").click()
    expect(spectrum.get_by_role("columnheader", name="Frequency")).to_be_visible()
    page.get_by_label("Indicator").select_option(label="Drive-end bearing: outer race")
    chart = page.get_by_role("img", name=re.compile("^Drive-end bearing: outer race"))
    expect(chart).to_be_visible()


def test_a_curve_is_zoomed_by_dragging_and_reset_by_a_double_click(desk: Desk, page: Page) -> None:
    desk.open("/devices/pump-01", "pump-01")
    chart = page.get_by_role("img", name=re.compile("^Spectrum, .* from [0-9.]+ Hz to [56],"))
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    zoomed = page.get_by_role("img", name=re.compile(r"^Spectrum, .* from [12],\d"))
    zoomed.dblclick()
    expect(chart).to_be_visible()


def test_a_device_without_waveforms_says_so(desk: Desk, page: Page) -> None:
    desk.open("/devices/pump-02", "pump-02")
    expect(page.get_by_text("No waveform yet.")).to_be_visible()
