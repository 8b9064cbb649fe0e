"""songrec can be installed: its manifest and icons, and what a link to a page shows elsewhere."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store.tables import Artist
from tests.factories import make_track
from tests.web.html import parse


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


class TestBelowAPath:
    """Where songrec lies below a path, so does the application."""

    def test_the_manifest_stays_below_it(self, client: FlaskClient, session: Session) -> None:
        answer = client.get("/manifest.webmanifest", environ_overrides={"SCRIPT_NAME": "/music"})
        assert answer.json["start_url"] == answer.json["scope"] == "/music/"
        assert all(icon["src"].startswith("/music/icons/") for icon in answer.json["icons"])


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
