"""axe finds nothing serious on any page, in either theme, at either size."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask

from songrec.store.db import db
from songrec.store.listeners import users
from songrec.store.runs import runs
from tests.browser.conftest import LiveServer
from tests.browser.sizes import SIZES, both_sizes

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
PARTS = (
    "/clusters/0",
    "/tracks?q=song&energy_min=0.2",
    "/mood?genre=Jazz&emotion=calm",
    "/artists/Artist 1",
    "/stations/cluster?of=0&from=1-0",
    "/path?from=song",
    "/nothing-here",
)
"""Pages for anybody whose address has parameters, and an error."""
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
"""All that a theme may change."""
OURS = {"exclude": [[".api-docs"]]}
"""Swagger UI draws the description of the interface: its buttons hold links."""


def plain_addresses(app: Flask) -> tuple[list[str], list[str]]:
    """The addresses of all pages that need no parameter: for anybody, and for who signs in."""
    client, open_pages, closed_pages = app.test_client(), [], []
    for rule in app.url_map.iter_rules():
        address = str(rule)
        if "GET" in (rule.methods or ()) and not rule.arguments:
            answer = client.get(address)
            if answer.status_code == 303 and "/sign-in" in answer.location:
                closed_pages.append(address)
            elif answer.status_code == 200 and answer.data.startswith(b"<!doctype html>"):
                open_pages.append(address)
    return open_pages, closed_pages


def serious(page: Any) -> list[str]:
    """The serious and critical findings of axe, one line each; in dark of the colours alone."""
    light = Axe().run(page, context=OURS).response
    page.emulate_media(color_scheme="dark")
    # axe is on the page by now.
    dark = page.evaluate("([context, options]) => axe.run(context, options)", [OURS, COLOURS])
    page.emulate_media(color_scheme="light")
    assert light["passes"], f"axe did not look at {page.url}"
    assert dark["passes"] or dark["inapplicable"], f"axe did not look at {page.url} in dark"
    return [
        f"{page.url} {theme}: {found['id']}: {found['nodes'][0]['html'][:160]} "
        f"{found['nodes'][0]['failureSummary']}"
        for theme, response in (("light", light), ("dark", dark))
        for found in response["violations"]
        if found["impact"] in ("serious", "critical")
    ]


def fits(page: Any) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@both_sizes
def test_pages_are_accessible_and_fit(browser: Any, live_server: LiveServer, viewport: str) -> None:
    name = f"axe-{viewport}"
    open_pages, closed_pages = plain_addresses(live_server.app)
    assert {"/", "/map", "/mixes", "/upload"} <= set(open_pages)
    assert {"/account", "/admin", "/admin/library"} <= set(closed_pages)
    with live_server.app.app_context():
        users.create(db.session, name, PASSWORD, is_admin=True)
        published = runs.published(db.session)
        assert published is not None
        run = published.public_id
        db.session.commit()
        db.session.remove()
    context = browser.new_context(
        base_url=live_server.url, color_scheme="light", bypass_csp=True, **SIZES[viewport]
    )
    page = context.new_page()
    problems: list[str] = []

    def look(address: str) -> None:
        page.goto(address)
        if address == "/map":
            page.wait_for_selector("[data-map][data-ready=true]")
        problems.extend(serious(page))
        if not fits(page):
            problems.append(f"{address}: wider than the window")

    for address in (*open_pages, *PARTS):
        look(address)
    page.goto("/tracks")
    page.locator(".songs-table button[value=like]").first.click()
    song = page.locator(".songs-table .title").first.get_attribute("href")
    for address in (song, f"{song}/more", "/", "/likes", "/recommendations"):
        look(address)
    page.goto("/sign-in")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.locator("form[action$='/sign-out']").wait_for(state="attached")
    for address in (*closed_pages, f"/admin/runs/{run}"):
        look(address)
    context.close()
    assert problems == []
