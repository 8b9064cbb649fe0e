"""Covers: the picture of the file where there is one, else a drawing that is always the same."""

from __future__ import annotations

import io
import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy.orm import Session

from songrec.jobs import tasks
from songrec.store import jobs
from songrec.web.covers.drawing import CALM, LIVELY, Subject, draw, draw_in_colour
from songrec.web.covers.palettes import MOODS, group_palette
from songrec.web.covers.shapes import Picture, to_png, to_svg
from songrec.web.covers.views import drawn_cover_address
from tests.factories import make_track
from tests.sounding import add_sound, write_wav

TRAITS = {"energy": 0.8, "positiveness": 0.3}


def pixels(picture: Picture, side: int = 48) -> np.ndarray:
    """The picture as it is seen in a list."""
    with Image.open(io.BytesIO(to_png(picture, side))) as image:
        return np.asarray(image.convert("RGB"), dtype=float)


def test_a_cover_is_drawn_the_same_way_every_time() -> None:
    first = to_svg(draw(Subject("a song", TRAITS)))
    assert first == to_svg(draw(Subject("a song", TRAITS)))
    assert first != to_svg(draw(Subject("another song", TRAITS)))
    assert len(first) < 6_000


def test_covers_of_like_songs_are_told_apart_in_a_list() -> None:
    drawn = [pixels(draw(Subject(f"song {n}", TRAITS))) for n in range(40)]
    differences = [np.abs(one - other).mean() for one, other in itertools.combinations(drawn, 2)]
    assert min(differences) > 6
    assert np.median(differences) > 50


def test_a_cover_stands_out_from_its_ground() -> None:
    for number in range(60):
        picture = pixels(draw(Subject(f"cover {number}", {})))
        assert picture.std(axis=(0, 1)).max() > 20, number


@pytest.mark.parametrize("energy", [0.1, 0.9])
@pytest.mark.parametrize("happiness", [0.1, 0.9])
def test_colours_follow_energy_and_happiness(energy: float, happiness: float) -> None:
    grounds = {palette[0] for palette in MOODS[energy > 0.5, happiness > 0.5]}
    traits = {"energy": energy, "positiveness": happiness}
    drawn = {draw(Subject(f"song {n}", traits)).ground for n in range(200)}
    assert drawn == grounds


def test_the_waveform_shows() -> None:
    quiet_end = [1.0] * 300 + [0.05] * 300
    subjects = [Subject("song", TRAITS, peaks) for peaks in ((), quiet_end, quiet_end[::-1])]
    drawn = [draw(subject) for subject in subjects]
    assert len({to_svg(picture) for picture in drawn}) == 3
    # All else is the same before and after a song is played for the first time.
    assert len({(one.ground, *(colour for colour, _ in one.shapes)) for one in drawn}) == 1


@pytest.mark.parametrize("composition", sorted({*CALM, *LIVELY}, key=lambda one: one.__name__))
def test_svg_and_png_show_the_same(composition: object) -> None:
    numbers = (n for n in itertools.count() if _composition(n) is composition)
    picture = draw_in_colour(Subject(f"number {next(numbers)}"), group_palette(3))
    tree = ET.fromstring(to_svg(picture))
    painted = {path.get("fill") for path in tree}
    seen = pixels(picture, 120).reshape(-1, 3)
    for colour in painted:
        channels = [int(str(colour)[at : at + 2], 16) for at in (1, 3, 5)]
        assert np.abs(seen - channels).max(axis=1).min() < 12, colour


def _composition(number: int) -> object:
    from songrec.web.covers.drawing import Dice

    dice = Dice(f"number {number}")
    return dice.choose((*LIVELY, *CALM))


def test_the_cover_of_a_song_is_drawn_and_revalidated(
    client: FlaskClient, session: Session
) -> None:
    track = make_track(session, "Drawn")
    session.commit()
    answer = client.get(f"/covers/songs/{track.public_id}")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert answer.cache_control.max_age
    tag = answer.headers["ETag"]
    assert client.get(answer.request.path, headers={"If-None-Match": tag}).status_code == 304
    preview = client.get(f"/covers/songs/{track.public_id}?size=preview")
    with Image.open(io.BytesIO(preview.data)) as image:
        assert (image.format, image.size) == ("PNG", (480, 480))
    for address in ("/covers/songs/nothing", "/covers/albums/nothing"):
        assert client.get(address).status_code == 404


def test_songs_of_an_album_share_its_cover(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    for title in ("One", "Two"):
        make_track(session, title, artists="Ada", album="Both")
    alone = make_track(session, "Three", artists="Ada")
    session.commit()
    page = client.get("/tracks").text
    covers = [part.split('"')[0] for part in page.split('class="cover" src="')[1:]]
    assert len(covers) == 3
    assert len(set(covers)) == 2
    assert sum(f"/covers/songs/{alone.public_id}?" in address for address in covers) == 1
    drawn = {address: client.get(address.replace("&amp;", "&")).text for address in set(covers)}
    assert len(set(drawn.values())) == 2


def test_a_sound_group_has_a_drawing_in_its_colour(client: FlaskClient, session: Session) -> None:
    drawn = client.get("/covers/groups/2").text
    assert "#0f5a3c" in drawn
    assert drawn != client.get("/covers/groups/14").text
    assert "#8a857b" in client.get("/covers/groups/-1").text


def test_the_picture_of_a_file_is_preferred_and_kept_for_good(
    app: Flask, client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    track = make_track(session, "With a picture", album="Album")
    file = add_sound(session, track, write_wav(tmp_path / "song.wav", 0.1), has_cover=True)
    Image.new("RGB", (900, 900), "blue").save(tmp_path / "cover.jpg")
    session.commit()
    page = client.get("/tracks").text
    address = page.split('class="cover" src="')[1].split('"')[0]
    assert address == f"/covers/songs/{track.public_id}?v={str(file.content_hash)[:8]}"
    # Until a job has scaled it, a drawing stands in, and not for long.
    assert client.get(address).mimetype == "image/svg+xml"
    assert client.get(address).cache_control.max_age == 60
    (job,) = jobs.active(session)
    assert tasks.covers(session, job, lambda *_: None) == {"covers": 1, "waiting": 0}
    for size, pixels in (("small", 96), ("medium", 192), ("large", 480), ("preview", 480)):
        answer = client.get(f"{address}&size={size}")
        with Image.open(io.BytesIO(answer.data)) as image:
            assert (image.format, image.size) == ("JPEG", (pixels, pixels))
        assert answer.cache_control.immutable
        answer.close()
    album = client.get(f"/covers/albums/{track.album.public_id}")
    assert (album.mimetype, bool(album.cache_control.immutable)) == ("image/jpeg", False)
    album.close()


def test_what_is_not_in_the_catalogue_has_a_drawing_that_does_not_name_it(
    app: Flask, client: FlaskClient
) -> None:
    with app.test_request_context():
        addresses = [drawn_cover_address(name) for name in ("secret demo", "another")]
    assert "secret" not in addresses[0]
    drawn = [client.get(address) for address in addresses]
    assert all(answer.cache_control.public for answer in drawn)
    assert drawn[0].text != drawn[1].text
