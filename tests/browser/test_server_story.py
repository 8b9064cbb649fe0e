"""A music server and nothing else: connect it, star songs in its app, read there why a mix came."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import pytest
from libopensonic import Connection
from playwright.sync_api import expect

from songrec import create_app
from songrec.store.db import db
from songrec.store.listeners import users
from tests.browser.conftest import serve
from tests.conftest import ROOT
from tests.databases import close_databases
from tests.servers.supysonic_server import PASSWORD, Supysonic, supysonic_server, write_song

pytestmark = pytest.mark.browser

NAME, OWN_PASSWORD = "Ada", "correct horse battery"
N_SONGS, N_ARTISTS = 20, 10
PATIENCE_S = 240.0
"""A worker starts, analyses and trains meanwhile."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supysonic]:
    """A server of as few songs as mixes and a first training take: one analysis, one training."""
    folder = tmp_path_factory.mktemp("supysonic")
    (folder / "music").mkdir()
    for number in range(N_SONGS):
        artist = f"Artist {number % N_ARTISTS}"
        write_song(
            folder / "music" / f"{number}.flac",
            title=f"Piece {number}",
            artist=artist,
            album=f"Album of {artist}",
            seconds=6.0,
            seed=number,
        )
    with supysonic_server(folder) as running:
        yield running


@pytest.fixture
def url(tmp_path: Path, migrated_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a new instance with an admin and a worker, and no song."""
    instance = tmp_path / "instance"
    instance.mkdir()
    (instance / "songrec.db").write_bytes(migrated_database.read_bytes())
    monkeypatch.setenv("SONGREC_INSTANCE", str(instance))
    app = create_app({"INSTANCE": instance})
    with app.app_context():
        users.create(db.session, NAME, OWN_PASSWORD, is_admin=True)
        db.session.commit()
        db.session.remove()
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "worker"],
        cwd=ROOT,
        env={**os.environ, "FLASK_APP": "app.py"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with serve(app) as address:
            yield address
    finally:
        worker.terminate()
        worker.wait(20)
        with app.app_context():
            close_databases(app)


@pytest.fixture
def player(server: Supysonic) -> Iterator[Connection]:
    """The app that the person uses with their server; it knows nothing of songrec."""
    parts = urlsplit(server.url)
    connection = Connection(
        f"http://{parts.hostname}", server.admin, PASSWORD, port=parts.port, legacy_auth=True
    )
    yield connection
    connection.cleanup()
    connection._loop.close()  # which the library leaves open


def answer_of(server: Supysonic, endpoint: str, **params: str) -> Any:
    """Return an answer of the server whose playlists lack a field that py-opensonic requires."""
    query = {"u": server.admin, "p": PASSWORD, "v": "1.12.0", "c": "app", "f": "json", **params}
    with urlopen(f"{server.url}/rest/{endpoint}.view?{urlencode(query)}") as response:
        content = json.load(response)["subsonic-response"]
    (answer,) = (value for value in content.values() if isinstance(value, dict))
    return answer


def until(page: Any, condition: Callable[[], Any], what: str) -> None:
    """Load the page again until ``condition`` holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"{what}: {page.locator('main').inner_text()}"
        page.wait_for_timeout(1000)
        page.reload()


def test_a_star_in_the_app_becomes_a_mix_in_the_app(
    browser: Any, url: str, server: Supysonic, player: Connection
) -> None:
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Password", exact=True).fill(OWN_PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()

    # The person connects their server. What follows comes by itself: songs, sound, a first run.
    page.goto("/admin/servers")
    page.get_by_label("Address", exact=True).fill(server.url)
    page.get_by_label("Name (optional)").fill("Attic")
    page.get_by_label("User name").fill(server.admin)
    page.get_by_label("Password or API key").fill(PASSWORD)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator(".flashes")).to_contain_text("Attic is connected")
    panel = page.get_by_role("region", name="Attic")
    until(page, lambda: f"{N_SONGS} songs" in panel.inner_text(), "no songs were read")
    page.get_by_role("button", name="Read its songs now").click()
    is_idle = lambda: panel.get_by_role("status").count() == 0  # noqa: E731
    until(page, lambda: is_idle() and "to be analysed" not in panel.inner_text(), "not analysed")
    page.goto("/")
    until(page, lambda: page.locator("[data-starters]").count() > 0, "nothing to like")

    # In the app of their server they star six songs, and songrec reads them.
    songs = player.search3("", song_count=100).song
    starred = {song.id: song.title for song in songs[:6]}
    assert player.star(sids=list(starred))
    page.goto("/account/servers")
    page.get_by_role("button", name="Exchange now").click()
    until(page, lambda: "6 new likes" in page.locator("main").inner_text(), "no likes came in")

    # Mixes are made and written without another press.
    page.goto("/mixes")
    because = page.get_by_role("link", name=re.compile("^Because you like “Piece"))
    written = re.compile(r"\d playlists? there")
    until(page, lambda: written.search(page.locator("main").inner_text()), "no mixes there")
    names = because.all_inner_texts()
    because.first.click()
    reason = page.locator(".page-head .lead").inner_text()
    titles = page.locator(".song-list .title").all_inner_texts()

    # The app has the same mix, with the reason as the comment of the playlist.
    listed = {one["name"]: one["id"] for one in answer_of(server, "getPlaylists")["playlist"]}
    assert set(names) <= set(listed)
    mix = answer_of(server, "getPlaylist", id=listed[names[0]])
    assert mix["comment"] == reason
    assert re.match("Songs like “Piece .+” by Artist", reason)
    assert [song["title"] for song in mix["entry"]] == titles
    assert titles
    assert not set(titles) & set(starred.values())
    context.close()
