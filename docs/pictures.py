"""Take the pictures in docs/images from the running program: ``make images``.

A fresh instance with the demo catalogue is trained and served; Chromium likes a few songs, signs
in as admin and takes screenshots. Needs Debian's Chromium.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from benchmarks.pages import environment, served  # noqa: E402

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


def main() -> None:
    """Build, serve, photograph."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder)
        for command in (["db", "upgrade"], ["ingest", "data/preprocess.csv"], ["train"]):
            flask(instance, *command)
        password = secrets.token_urlsafe(12)
        flask(instance, "create-user", "curator", "--admin", "--password-stdin", stdin=password)
        with served(instance) as port, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            context = browser.new_context(viewport=SIZE, base_url=f"http://127.0.0.1:{port}")
            liked, far = likes(instance)
            photograph(context.new_page(), liked, far, password)
            browser.close()


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
    first = first_tagged(instance, "folk", "nostalgia")
    matches = json.loads(flask(instance, "similar", first, "-n", "2", "--json"))
    matches = matches if isinstance(matches, list) else matches["matches"]
    return [first, *(match["track_id"] for match in matches)], first_tagged(instance, "dance")


def first_tagged(instance: Path, *names: str) -> str:
    """Return the public id of the first track that has all of these tags."""
    query = "SELECT min(track.id), public_id FROM track" + "".join(
        f" JOIN track_tag AS link{i} ON link{i}.track_id = track.id"
        f" JOIN tag AS tag{i} ON tag{i}.id = link{i}.tag_id AND tag{i}.name = ?"
        for i in range(len(names))
    )
    with contextlib.closing(sqlite3.connect(instance / "songrec.db")) as database:
        return database.execute(query, names).fetchone()[1]


def photograph(page: Page, liked: list[str], far: str, password: str) -> None:
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
    page.get_by_label("Name", exact=True).fill("curator")
    page.get_by_label("Password", exact=True).fill(password)
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
        ("light", "phone-clusters", "/", "main"),
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
