"""Take the pictures in docs/images from the running program: ``make images``.

A fresh instance is set up as ``make run`` does it, with the demo music; Chromium likes a few songs,
signs in as admin and takes screenshots. ``--instance FOLDER`` photographs one that is set up
already. Needs Debian's Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from benchmarks.pages import environment, free_port, served  # noqa: E402

IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)
SIZE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TALL = {"width": 1280, "height": 1200}
TALL_SHOTS = ("recommendations", "song", "path")
LIKED_GENRE, FAR_GENRE = "jazz", "techno"
"""Genres of the demo music: of the songs that are liked, and of the end of the path."""
SETUP_SECONDS = 3600


def main() -> None:
    """Set up, serve, photograph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instance", type=Path, help="an instance folder with the demo music")
    given = parser.parse_args().instance
    with tempfile.TemporaryDirectory() as folder:
        instance = given.resolve() if given else Path(folder)
        if not given:
            set_up(instance)
        password = secrets.token_urlsafe(12)
        name = f"curator-{secrets.token_hex(2)}"
        flask(instance, "create-user", name, "--admin", "--password-stdin", stdin=password)
        with served(instance) as port, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            context = browser.new_context(viewport=SIZE, base_url=f"http://127.0.0.1:{port}")
            liked, far = likes(instance)
            photograph(context.new_page(), liked, far, (name, password))
            browser.close()


def set_up(instance: Path) -> None:
    """Make the demo music, listen to it and train on it; returns once no job is left."""
    serve = [sys.executable, "-m", "songrec.cli.serve"]
    options: dict[str, Any] = {
        "cwd": ROOT,
        "env": {**environment(instance), "PORT": str(free_port())},
    }
    subprocess.run([*serve, "first-run"], check=True, stdout=subprocess.DEVNULL, **options)
    worker = subprocess.Popen([*serve, "worker"], **options)
    try:
        end = time.monotonic() + SETUP_SECONDS
        while open_jobs(instance):
            if worker.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the demo music was not set up; see the worker's lines above")
            time.sleep(1)
    finally:
        worker.terminate()
        worker.wait(60)


def open_jobs(instance: Path) -> int:
    """Return the number of jobs that wait or run."""
    with contextlib.closing(sqlite3.connect(instance / "songrec.db", timeout=30)) as database:
        query = "SELECT count(*) FROM job WHERE state IN ('waiting', 'running')"
        return database.execute(query).fetchone()[0]


def flask(instance: Path, *words: str, stdin: str | None = None) -> str:
    """Run one flask command on the instance and return its standard output."""
    return subprocess.run(
        [sys.executable, "-m", "flask", *words],
        cwd=ROOT,
        env=environment(instance),
        check=True,
        capture_output=True,
        text=True,
        input=stdin,
    ).stdout


def likes(instance: Path) -> tuple[list[str], str]:
    """Return three similar songs, and one that is far from them."""
    first = first_tagged(instance, LIKED_GENRE)
    matches = json.loads(flask(instance, "similar", first, "-n", "2", "--json"))
    matches = matches if isinstance(matches, list) else matches["matches"]
    return [first, *(match["track_id"] for match in matches)], first_tagged(instance, FAR_GENRE)


def first_tagged(instance: Path, *names: str) -> str:
    """Return the public id of the first track that has all of these tags."""
    query = "SELECT min(track.id), public_id FROM track" + "".join(
        f" JOIN track_tag AS link{i} ON link{i}.track_id = track.id"
        f" JOIN tag AS tag{i} ON tag{i}.id = link{i}.tag_id AND tag{i}.name = ?"
        for i in range(len(names))
    )
    with contextlib.closing(sqlite3.connect(instance / "songrec.db")) as database:
        return database.execute(query, names).fetchone()[1]


def photograph(page: Page, liked: list[str], far: str, account: tuple[str, str]) -> None:
    """Take all pictures of the documentation."""
    for public_id in liked:
        page.goto(f"/tracks/{public_id}")
        page.locator(".song-tools button[value=like]").first.click()
        page.locator(".song-tools button[aria-pressed=true]").first.wait_for()
    shots: dict[str, dict[str, Any]] = {
        "home": {"address": "/"},
        "song": {"address": f"/tracks/{liked[0]}"},
        "recommendations": {"address": "/recommendations"},
        "path": {"address": f"/path?from={liked[0]}&to={far}"},
        "map": {"address": "/map", "ready": "[data-map][data-ready=true]"},
    }
    for name, shot in shots.items():
        take(page, name, **shot)
    page.context.add_cookies([{"name": "theme", "value": "dark", "url": page.url.split("/map")[0]}])
    take(page, "map-dark", "/map", "[data-map][data-ready=true]")
    phone(page)
    page.goto("/sign-in")
    page.get_by_label("Name", exact=True).fill(account[0])
    page.get_by_label("Password", exact=True).fill(account[1])
    page.locator("main form button").first.click()
    page.wait_for_load_state("networkidle")
    page.goto("/admin/runs")
    page.locator("main a[href*='/admin/runs/']").first.click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / "run.png")


def phone(page: Page) -> None:
    """Take three pages at the size of a phone, with the likes of ``page``."""
    browser = page.context.browser
    assert browser is not None
    for theme, name, address, ready in (
        ("light", "phone-home", "/", "main"),
        ("light", "phone-for-you", "/recommendations", ".song-list"),
        ("dark", "phone-map", "/map", "[data-map][data-ready=true]"),
    ):
        context = browser.new_context(
            viewport=PHONE,
            device_scale_factor=2,
            has_touch=True,
            color_scheme=theme,
            base_url=page.url.split("/map")[0],
            storage_state=page.context.storage_state(),
        )
        small = context.new_page()
        context.add_cookies([{"name": "theme", "value": theme, "url": page.url.split("/map")[0]}])
        small.goto(address)
        small.locator(ready).first.wait_for()
        small.wait_for_load_state("networkidle")
        small.screenshot(path=IMAGES / f"{name}.png")
        context.close()


def take(page: Page, name: str, address: str, ready: str = "main") -> None:
    """Take one picture of the window once ``ready`` is visible."""
    page.set_viewport_size(TALL if name in TALL_SHOTS else SIZE)
    page.goto(address)
    page.locator(ready).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
