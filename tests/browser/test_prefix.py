"""Below a path of the host a person plays, likes and looks at the map as elsewhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import LiveServer
from tests.browser.test_player import songs, time_of, until

__all__ = ["songs"]  # a fixture

pytestmark = pytest.mark.browser

PREFIX = "/music"


@pytest.fixture(scope="module")
def live_config() -> dict[str, Any]:
    return {"PREFIX": PREFIX}


def test_a_person_stays_below_the_prefix(
    page: Any, live_server: LiveServer, songs: list[str]
) -> None:
    requested: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("response", lambda one: one.status >= 400 and failed.append(f"{one.status} {one.url}"))
    page.goto(f"{live_server.url}/clusters/0")
    page.get_by_role("link", name=f"Play {songs[0]}", exact=True).click()
    until(page, lambda: time_of(page) > 0.3)

    # The page is swapped, the song plays on, and a like counts at once.
    page.get_by_role("link", name=songs[0], exact=True).first.click()
    page.wait_for_url(f"**{PREFIX}/tracks/*")
    page.get_by_role("heading", name=songs[0], level=1).wait_for()
    page.get_by_role("main").get_by_role("button", name="Like").first.click()
    until(page, lambda: page.locator("[data-like-count]").first.inner_text().strip() == "1")

    # The theme's and the session's cookies are of this path alone.
    page.get_by_role("button", name="theme").first.click()
    cookies = {one["name"]: one["path"] for one in page.context.cookies()}
    assert cookies["session"] == cookies["theme"] == PREFIX

    page.get_by_role("link", name="Map", exact=True).click()
    page.wait_for_selector("[data-map][data-ready=true]")
    page.locator("[data-menu] > summary").click()
    page.locator("[data-menu]").get_by_role("link", name="For you").click()
    page.get_by_role("heading", level=1).wait_for()
    assert len(requested) > 20
    below = [url for url in requested if urlsplit(url).path.startswith(f"{PREFIX}/")]
    others = [url for url in requested if url not in below and urlsplit(url).scheme == "http"]
    assert others == []
    assert failed == []
