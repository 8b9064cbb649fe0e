"""A new instance with a folder of songs: play at once, like three, and read why others follow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from songrec import create_app
from songrec.jobs import queue
from songrec.store.db import db
from tests.browser.conftest import serve
from tests.conftest import ROOT
from tests.databases import close_databases
from tests.sounding import write_wav

pytestmark = pytest.mark.browser

PATIENCE_MS = 120_000
"""A worker starts, analyses and trains meanwhile."""


@pytest.fixture
def url(tmp_path: Path, migrated_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a new instance whose worker sets up a folder of twelve songs."""
    for number in range(12):
        path = tmp_path / "music" / f"Band {number % 4} - Song {number}.wav"
        write_wav(path, 20.0, 220.0 * 1.06**number, 8000)
    instance = tmp_path / "instance"
    instance.mkdir()
    (instance / "songrec.db").write_bytes(migrated_database.read_bytes())
    monkeypatch.setenv("SONGREC_INSTANCE", str(instance))
    app = create_app({"INSTANCE": instance})
    with app.app_context():
        parameters = {"catalogue": None, "audio": str(tmp_path / "music")}
        queue.enqueue(db.session, "setup", parameters)
        db.session.commit()
        db.session.remove()
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "worker"],
        cwd=ROOT,
        # Without a network: weights are not what this is about.
        env={**os.environ, "FLASK_APP": "app.py", "PIP_NO_INDEX": "1"},
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


def until(page: Any, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        page.wait_for_timeout(100)


def test_play_within_seconds_like_three_and_read_why(browser: Any, url: str) -> None:
    context = browser.new_context(base_url=url)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto("/")
    expect(page.locator("[data-setup-sentence]")).to_be_visible()
    # Before anything is analysed or trained there is something to play, and it sounds.
    page.locator("main [data-play]").first.click()
    clock = "document.querySelector('[data-player-audio]').currentTime"
    until(page, lambda: page.evaluate(clock) > 0.5)
    # The page turns by itself into one with songs to like, without a reload that stops the music.
    page.evaluate("document.documentElement.dataset.mark = 'same'")
    expect(page.locator("[data-starters]")).to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate("document.documentElement.dataset.mark") == "same"
    for liked in range(1, 4):
        page.locator("[data-starters] .i-heart[aria-pressed=false]").first.click()
        expect(page.locator("[data-like-count]").first).to_have_text(str(liked))
    expect(page.locator("[data-home-rows] .tile").first).to_be_visible(timeout=PATIENCE_MS)
    page.goto("/recommendations")
    expect(page.locator("main .reason").first).to_be_visible(timeout=PATIENCE_MS)
    assert problems == []
    context.close()
