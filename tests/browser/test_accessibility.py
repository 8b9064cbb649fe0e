"""axe finds nothing serious on any page, in either theme, at either size."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from songrec.store.db import db
from songrec.store.listeners import users
from songrec.store.runs import runs
from tests.browser.conftest import LiveServer
from tests.browser.sizes import SIZES, both_sizes

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
PUBLIC = (
    "/",
    "/clusters/0",
    "/tracks",
    "/tracks?q=song&energy_min=0.2",
    "/mood",
    "/words",
    "/map",
    "/mood?genre=Jazz&emotion=calm",
    "/likes",
    "/artists/Artist 1",
    "/recommendations",
    "/playlists",
    "/mixes",
    "/stations",
    "/stations/cluster?of=0&from=1-0",
    "/path",
    "/path?from=song",
    "/blend",
    "/me",
    "/me/matches",
    "/sign-in",
    "/sign-up",
    "/nothing-here",
)
CLOSED = (
    "/account",
    "/account/listening",
    "/account/servers",
    "/admin",
    "/admin/catalogue",
    "/admin/invitations",
    "/admin/servers",
    "/admin/train",
    "/admin/jobs",
    "/admin/runs",
    "/admin/users",
    "/admin/security",
    "/admin/compare",
    "/admin/grids",
)


COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
"""All that a theme may change."""


def serious(page: Any, options: dict[str, Any]) -> list[str]:
    """The serious and critical findings of axe, one line each."""
    response = Axe().run(page, options=options).response
    assert response["passes"], "axe did not look at the page"
    return [
        f"{page.url}: {v['id']}: {v['nodes'][0]['html'][:160]} {v['nodes'][0]['failureSummary']}"
        for v in response["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def fits(page: Any) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
@both_sizes
def test_pages_are_accessible_and_fit(
    browser: Any, live_server: LiveServer, viewport: str, theme: str
) -> None:
    name = f"axe-{viewport}-{theme}"
    with live_server.app.app_context():
        users.create(db.session, name, PASSWORD, is_admin=True)
        published = runs.published(db.session)
        assert published is not None
        run = published.public_id
        db.session.commit()
        db.session.remove()
    context = browser.new_context(
        base_url=live_server.url, color_scheme=theme, bypass_csp=True, **SIZES[viewport]
    )
    page = context.new_page()
    problems: list[str] = []

    def look(address: str) -> None:
        page.goto(address)
        if address == "/map":
            page.wait_for_selector("[data-map][data-ready=true]")
        problems.extend(serious(page, COLOURS if theme == "dark" else {}))
        if not fits(page):
            problems.append(f"{address}: wider than the window")

    for address in PUBLIC:
        look(address)
    page.goto("/tracks")
    page.locator(".songs-table button[value=like]").first.click()
    song = page.locator(".songs-table .title").first.get_attribute("href")
    for address in (song, "/", "/likes", "/recommendations"):
        look(address)
    page.goto("/sign-in")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.locator("form[action$='/sign-out']").wait_for(state="attached")
    for address in (*CLOSED, f"/admin/runs/{run}"):
        look(address)
    context.close()
    assert problems == []
