"""Where songrec was installed and its server is gone, a page says so in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LiveServer, serve
from tests.browser.test_player import songs, time_of, until

__all__ = ["songs"]  # a fixture

pytestmark = pytest.mark.browser

PREFIX = "/music"
KEPT = """async () => {
  const addresses = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) addresses.push(request.url);
  }
  return addresses;
}"""


@pytest.fixture(scope="module")
def live_config() -> dict[str, Any]:
    return {"PREFIX": PREFIX}


@pytest.fixture
def visitor(browser: Any) -> Iterator[Any]:
    """A page of a profile that lets service workers work."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def controlled(page: Any) -> bool:
    return page.evaluate("Boolean(navigator.serviceWorker.controller)")


def test_the_shell_is_kept_and_the_page_without_a_server_says_so(
    visitor: Any, live_server: LiveServer, songs: list[str]
) -> None:
    page = visitor
    with serve(live_server.app) as url:
        page.goto(f"{url}/clusters/0")
        until(page, lambda: controlled(page))
        scope = page.evaluate(
            "navigator.serviceWorker.ready.then((registration) => registration.scope)"
        )
        assert scope == f"{url}/"
        page.get_by_role("link", name=f"Play {songs[0]}", exact=True).click()
        until(page, lambda: time_of(page) > 0.3)
        page.goto(f"{url}/tracks")
        page.goto(f"{url}/")
        paths = {urlsplit(address).path for address in page.evaluate(KEPT)}
    # Styles, scripts, typefaces and one page: no sound, no cover, no other page.
    assert f"{PREFIX}/offline" in paths
    assert f"{PREFIX}/static/css/theme.css" in paths
    assert all(
        path == f"{PREFIX}/offline"
        or path.startswith((f"{PREFIX}/static/", f"{PREFIX}/assets/fonts/", f"{PREFIX}/bootstrap"))
        for path in paths
    )

    page.goto(f"{url}/playlists")
    expect(page.get_by_role("heading", level=1)).to_have_text("songrec can’t be reached")
    again = page.get_by_role("link", name="Try again")
    expect(again).to_be_visible()
    # The style is there as well: the button has its shape.
    assert again.evaluate("(link) => getComputedStyle(link).borderRadius") != "0px"
    again.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("songrec can’t be reached")
    assert page.url == f"{url}/playlists"
