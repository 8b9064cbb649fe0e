"""A recommendation by fragments says which moment, plays from there, and adds up."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store import fragments
from songrec.store.fragments import SongFragments
from songrec.store.tables import Track
from tests.planted_run import plant
from tests.sounding import add_sound, write_wav


@pytest.fixture
def cut(session: Session, instance: Path, tmp_path: Path) -> list[Track]:
    """Three songs with fragments; the second has its third window where the first one's are."""
    ids = plant(session, instance, n=12, clusters=2).track_ids.tolist()[:3]
    tracks = [session.get_one(Track, one) for one in ids]
    add_sound(session, tracks[1], write_wav(tmp_path / "one.wav"))
    vectors = [np.zeros((4, 3)), np.full((4, 3), 5.0), np.full((4, 3), -7.0)]
    vectors[1][2] = 0.25
    tags = np.tile([0.8, 0.02], (4, 1))
    starts = np.arange(4) * 30.5
    fragments.write(
        instance,
        [
            SongFragments(one, starts.astype(np.float32), v.astype(np.float32), tags)
            for one, v in zip(ids, vectors, strict=True)
        ],
        seconds=5, made_by="musicnn", tag_names=("slow waltz", "techno"),
    )  # fmt: skip
    session.commit()
    return tracks


def test_the_page_shows_the_moment_and_plays_from_there(
    client: FlaskClient, cut: list[Track]
) -> None:
    liked, found, _ = cut
    client.post(f"/tracks/{liked.public_id}/reaction", data={"value": "like"})
    page = client.get("/recommendations?method=fragments").get_data(as_text=True)
    assert f'href="/listen/tracks/{found.public_id}#t=61.0"' in page
    assert f'data-moment="{found.public_id}" data-from="61.0" data-for="5' in page
    assert "From 1:01" in page
    assert "slow waltz" in page
    assert "techno" not in page
    assert "Compared by MusiCNN’s embedding: no tagger is trained." in page
    assert re.search(r"0:00 \(0\.43\), 0:30 \(0\.43\), 1:01 \(0\.43\), 1:31 \(0\.43\)", page)
    assert "d = 1.73" in page


def test_the_interface_tells_the_moment(client: FlaskClient, cut: list[Track]) -> None:
    liked, found, _ = cut
    answer = client.get(
        "/api/v1/recommendations",
        query_string={"like": liked.public_id, "method": "fragments", "n": 2},
    ).get_json()
    first = answer["items"][0]
    assert first["track"]["id"] == found.public_id
    told = first["reasons"][0]["details"]["fragment"]
    assert first["fragment"] == told
    assert (told["start_s"], told["seconds"], told["tags"]) == (61.0, 5.0, ["slow waltz"])
    near = [one["distance"] for one in first["reasons"][0]["details"]["fragments"]]
    assert sum(near) == pytest.approx(told["d"])
    other = client.get(
        "/api/v1/recommendations", query_string={"like": liked.public_id, "method": "distance"}
    ).get_json()
    assert other["items"][0]["fragment"] is None


def test_whole_songs_are_compared_where_none_is_cut_and_the_page_says_so(
    client: FlaskClient, session: Session, instance: Path
) -> None:
    planted = plant(session, instance, n=12, clusters=2)
    track = session.get_one(Track, int(planted.track_ids[0]))
    session.commit()
    client.post(f"/tracks/{track.public_id}/reaction", data={"value": "like"})
    page = client.get("/recommendations?method=fragments").get_data(as_text=True)
    assert "flask fragments tag" in page
    assert "data-moment" not in page
    assert "flask fragments tag" not in client.get("/recommendations").get_data(as_text=True)
