"""songrec can be installed: its manifest and icons, and what a link to a page shows elsewhere."""

from __future__ import annotations

import importlib.metadata
import io
import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store.tables import Artist
from songrec.web import installation
from tests.factories import make_track
from tests.web.html import parse, texts


def properties(client: FlaskClient, address: str) -> dict[str, str]:
    page = parse(client.get(address))
    return {
        str(tag["property"]): str(tag["content"]) for tag in page.select("meta[property^='og:']")
    }


def test_the_manifest_names_icons_that_exist(client: FlaskClient, session: Session) -> None:
    page = parse(client.get("/"))
    (link,) = page.select("link[rel=manifest]")
    answer = client.get(str(link["href"]))
    assert answer.mimetype == "application/manifest+json"
    manifest = answer.json
    assert manifest["start_url"] == manifest["scope"] == "/"
    assert manifest["display"] == "standalone"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        with Image.open(io.BytesIO(client.get(icon["src"]).data)) as image:
            assert "x".join(map(str, image.size)) == icon["sizes"]
    assert client.get("/icons/1000000.png").status_code == 404


def test_an_icon_keeps_its_sign_within_what_every_system_shows(client: FlaskClient) -> None:
    with Image.open(io.BytesIO(client.get("/icons/192.png").data)) as image:
        side = image.size[0]
        for x in range(0, side, 4):
            for y in range(0, side, 4):
                away = ((x - side / 2) ** 2 + (y - side / 2) ** 2) ** 0.5
                if away > 0.4 * side:
                    assert image.getpixel((x, y))[1] < 100, (x, y)


def shell_of(client: FlaskClient, root: str = "") -> tuple[list[str], str]:
    """What the service worker keeps, and the page that it shows when the server is gone."""
    answer = client.get("/service-worker.js", environ_overrides={"SCRIPT_NAME": root})
    assert answer.mimetype == "text/javascript"
    assert answer.cache_control.no_cache
    shell, offline = (
        json.loads(re.findall(rf"^const {name} = (.*);$", answer.text, re.MULTILINE)[0])
        for name in ("SHELL", "OFFLINE")
    )
    return shell, offline


def test_the_service_worker_keeps_what_every_page_names_and_nothing_else(
    client: FlaskClient, session: Session
) -> None:
    shell, offline = shell_of(client)
    page = parse(client.get("/sign-in"))
    named = [
        *(str(link["href"]) for link in page.select("link[rel=stylesheet], link[rel=preload]")),
        *(str(script["src"]) for script in page.select("script[src]")),
    ]
    assert set(named) <= set(shell)
    others = set(shell) - set(named)
    assert {address.partition("?")[0] for address in others} == {
        "/static/favicon.svg",
        "/static/icons.svg",
    }
    for address in (one for one in shell if not one.startswith("/assets/fonts/")):
        with client.get(address) as answer:
            assert answer.status_code == 200, address
    assert offline == "/offline"


def test_a_new_version_of_what_is_kept_is_another_service_worker(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of what has the same address in every version: a browser keeps it until then."""

    def cache() -> str:
        installation._worker.cache_clear()
        text = client.get("/service-worker.js").text
        return re.findall(r"^const CACHE = (.*);$", text, re.MULTILINE)[0]

    before = cache()
    assert cache() == before
    monkeypatch.setattr(installation, "file_name", "{}-2.woff2".format)
    typefaces = cache()
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "6.0.0")
    assert len({before, typefaces, cache()}) == 3
    installation._worker.cache_clear()


def test_the_page_for_when_the_server_is_gone_is_the_same_for_everybody(
    client: FlaskClient, session: Session
) -> None:
    answer = client.get("/offline")
    assert texts(answer, "h1") == ["songrec can’t be reached"]
    assert "Set-Cookie" not in answer.headers
    assert not parse(answer).select("form, input, script")


def test_workers_come_from_songrec_alone(client: FlaskClient, session: Session) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "worker-src 'self';" in policy


class TestBelowAPath:
    """Where songrec lies below a path, so does the application."""

    def test_the_manifest_stays_below_it(self, client: FlaskClient, session: Session) -> None:
        answer = client.get("/manifest.webmanifest", environ_overrides={"SCRIPT_NAME": "/music"})
        assert answer.json["start_url"] == answer.json["scope"] == "/music/"
        assert all(icon["src"].startswith("/music/icons/") for icon in answer.json["icons"])

    def test_so_does_what_the_service_worker_keeps(
        self, client: FlaskClient, session: Session
    ) -> None:
        shell, offline = shell_of(client, "/music")
        assert offline == "/music/offline"
        assert all(address.startswith("/music/") for address in shell)


def test_the_colour_of_the_windows_frame_follows_the_theme(
    client: FlaskClient, session: Session
) -> None:
    def colours() -> dict[str, Any]:
        tags = parse(client.get("/")).select("meta[name=theme-color]")
        return {str(tag.get("media", "")): tag["content"] for tag in tags}

    assert colours() == {
        "(prefers-color-scheme: light)": "#fbfaf7",
        "(prefers-color-scheme: dark)": "#161512",
    }
    client.set_cookie("theme", "dark")
    assert colours() == {"": "#161512"}


def test_a_link_to_a_song_shows_its_cover_elsewhere(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    track = make_track(session, "Swell", artists="Ada", album="Tides")
    session.commit()
    shown = properties(client, f"/tracks/{track.public_id}")
    assert (shown["og:title"], shown["og:description"]) == ("Swell", "Ada · Tides")
    assert shown["og:image"].startswith("http://localhost/covers/albums/")
    assert client.get(shown["og:image"]).mimetype == "image/png"
    artist = session.scalars(select(Artist.public_id)).one()
    for address in ("/", "/tracks", f"/artists/{artist}"):
        image = properties(client, address)["og:image"]
        assert client.get(image).mimetype == "image/png", address


def test_an_error_has_no_preview(client: FlaskClient) -> None:
    # Nor the absolute address that it needs: the host may be the one that was refused.
    assert not properties(client, "/nothing")


@pytest.mark.parametrize("address", ["/", "/tracks", "/map", "/sign-in"])
def test_every_page_says_what_it_is(client: FlaskClient, session: Session, address: str) -> None:
    assert properties(client, address)["og:title"]
