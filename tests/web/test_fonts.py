"""The typefaces: cut from installed packages, served for long, and missed by no page."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from fontTools.ttLib import TTFont

from songrec.web.fonts import faces, views
from songrec.web.fonts.faces import FACES, LATIN, file_name, make_face

CSS = (Path(__file__).resolve().parents[2] / "static/css/theme.css").read_text(encoding="utf-8")


def test_a_face_has_the_characters_and_weights_of_the_pages_and_its_licence() -> None:
    font = TTFont(io.BytesIO(make_face("hanken-grotesk")["arrays"]["font"].tobytes()))
    assert font.flavor == "woff2"
    assert set(map(ord, "Aaßéł“”’–…·←→")) <= set(font.getBestCmap()) <= set(LATIN)
    (axis,) = font["fvar"].axes
    assert (axis.axisTag, axis.minValue, axis.maxValue) == ("wght", 400, 700)
    assert "Open Font License" in font["name"].getDebugName(13)


def test_the_style_sheet_declares_the_characters_that_the_files_have() -> None:
    declared = re.findall(
        r'fonts/([\w-]+)\.woff2"\) format\("woff2"\); unicode-range: ([^;]+);', CSS
    )
    assert [name for name, _ in declared] == [
        "hanken-grotesk-rest", "hanken-grotesk", "source-serif-rest", "source-serif",
    ]  # fmt: skip
    for name, ranges in declared:
        characters: set[int] = set()
        for one in ranges.split(", "):
            low, _, high = one.removeprefix("U+").partition("-")
            characters |= set(range(int(low, 16), int(high or low, 16) + 1))
        assert (characters == set(LATIN)) != FACES[name].rest


def test_a_face_is_sent_for_long_and_made_in_the_background_where_it_is_missing(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(views, "INSTALLED", tmp_path)
    monkeypatch.setattr(views, "_begun", set())
    monkeypatch.setattr(views, "make_file", lambda app, name, path: made.append(name))
    address = "/assets/fonts/source-serif.woff2"
    assert [client.get(address).status_code for _ in range(2)] == [404, 404]
    assert made == ["source-serif"]
    (tmp_path / str(file_name("source-serif"))).write_bytes(b"wOF2")
    answer = client.get(address, buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, "font/woff2")
    assert answer.cache_control.public
    assert answer.cache_control.max_age == views.CACHE_SECONDS


def test_without_its_package_a_face_is_left_to_the_machine(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FACES, "hanken-grotesk", faces.Face("no-such-package"))
    assert client.get("/assets/fonts/hanken-grotesk.woff2").status_code == 404
