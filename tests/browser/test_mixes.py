"""A person likes five songs, finds mixes ready, lets them be renewed, and sets one to Mondays."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LiveServer
from tests.browser.sizes import SIZES, both_sizes
from tests.browser.test_accessibility import fits, serious
from tests.browser.test_for_you import like

pytestmark = pytest.mark.browser


@both_sizes
def test_mixes_are_ready_renewed_and_set(
    browser: Any, live_server: LiveServer, viewport: str
) -> None:
    context = browser.new_context(
        base_url=live_server.url,
        bypass_csp=True,  # for axe
        timezone_id="Europe/Berlin",
        color_scheme="dark" if viewport == "phone" else "light",
        **SIZES[viewport],
    )
    page = context.new_page()
    page.goto("/mixes")
    expect(page.get_by_role("heading", name="Like 5 songs")).to_be_visible()
    like(page, 0, 1, 2, 3, 4)
    page.goto("/mixes")
    expect(page.get_by_role("link", name="New to you")).to_be_visible()
    assert serious(page) == []
    assert fits(page)
    page.get_by_role("button", name="Update every morning").click()
    expect(page.locator(".flashes")).to_contain_text("new songs every morning")
    page.get_by_role("link", name="New to you").click()
    expect(page.locator(".page-head")).to_contain_text("Every day at 4:00")
    expect(page.locator(".reason").first).not_to_be_empty()
    assert serious(page) == []
    assert fits(page)
    page.get_by_label("When").select_option("Mondays")
    page.get_by_label("At", exact=True).fill("18:30")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".page-head")).to_contain_text("Mondays at 18:30")
    page.get_by_text("More", exact=True).click()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    before = page.locator("[data-song]").first.get_attribute("data-song")
    page.locator("[data-song]").first.get_by_role("button", name=re.compile("^Not for me")).click()
    expect(page.locator(f'[data-song="{before}"] .reason')).to_have_count(0)
    page.goto("/")
    expect(page.get_by_role("heading", name="Your mixes")).to_be_visible()
    assert fits(page)
    context.close()
