"""The pages of artists and albums: who it is, songs, albums, similar artists, like all."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.files import write_json
from songrec.recommend.taste.prior import TastePrior
from songrec.store.catalogue import artists
from songrec.store.catalogue.taste_data import credited_tracks
from songrec.store.runs import run_folders
from songrec.store.tables import Reaction
from tests.factories import make_track
from tests.planted_run import Planted, plant


def page(client: FlaskClient, address: str) -> BeautifulSoup:
    answer = client.get(address)
    assert answer.status_code == 200
    return BeautifulSoup(answer.data, "html.parser")


def address_of(session: Session, name: str) -> str:
    found = artists.find_artist(session, name)
    assert found is not None
    return f"/artists/{found.public_id}"


def token(soup: BeautifulSoup) -> str:
    return str(soup.find("input", {"name": "csrf_token"})["value"])


@pytest.fixture
def duo(session: Session) -> None:
    make_track(session, "Alone", artists="Queen", album="One", year=1975)
    make_track(session, "Both", artists="Queen feat. David Bowie", album="Two", year=1982)
    session.commit()


def test_an_artist_lists_songs_albums_and_whom_it_is_with(
    client: FlaskClient, session: Session, duo: None
) -> None:
    soup = page(client, address_of(session, "queen"))
    assert soup.h1.text == "Queen"
    assert "2 songs, 2 albums" in soup.select_one(".lead").text
    assert sorted(a.text for a in soup.select(".songs-table .title")) == ["Alone", "Both"]
    assert [a.text for a in soup.select(".albums a")] == ["Two", "One"]
    by = {a.text: a["href"] for a in soup.select(".songs-table .by a")}
    assert by["David Bowie"] == address_of(session, "David Bowie")
    guest = page(client, by["David Bowie"])
    assert [a.text for a in guest.select(".songs-table .title")] == ["Both"]
    assert guest.select(".albums") == []


def test_an_album_lists_its_songs_and_leads_to_its_artist(
    client: FlaskClient, session: Session, duo: None
) -> None:
    artist = page(client, address_of(session, "Queen"))
    soup = page(client, artist.select_one(".albums a")["href"])
    assert soup.h1.text == "Two"
    assert "by Queen, 1982" in " ".join(soup.select_one(".lead").text.split())
    assert [a.text for a in soup.select(".songs-table .title")] == ["Both"]
    assert soup.select_one(".lead a")["href"] == address_of(session, "Queen")


def test_liking_all_likes_what_has_no_reaction_and_is_undone(
    client: FlaskClient, session: Session, duo: None
) -> None:
    address = address_of(session, "Queen")
    soup = page(client, address)
    public_id = soup.select_one(".songs-table .title")["href"].rsplit("/", 1)[1]
    csrf = {"csrf_token": token(soup)}
    disliked = client.post(f"/tracks/{public_id}/reaction", data={**csrf, "value": "dislike"})
    page(client, disliked.location)
    answer = client.post(f"{address}/likes", data=csrf)
    assert answer.status_code == 303
    assert sorted(session.scalars(select(Reaction.value))) == [-1, 1]
    liked = page(client, answer.location)
    assert "Added 1 like." in liked.select_one(".notice").text
    since = liked.select_one(".notice input[name=since]")["value"]
    client.post(f"{address}/likes/undo", data={**csrf, "since": since})
    session.expire_all()
    assert list(session.scalars(select(Reaction.value))) == [-1]


def test_a_nonsense_moment_undoes_nothing(client: FlaskClient, session: Session, duo: None) -> None:
    address = address_of(session, "Queen")
    csrf = {"csrf_token": token(page(client, address))}
    client.post(f"{address}/likes", data=csrf)
    assert client.post(f"{address}/likes/undo", data={**csrf, "since": "x"}).status_code == 400
    assert len(list(session.scalars(select(Reaction.value)))) == 2


def test_a_name_leads_to_the_artist(client: FlaskClient, session: Session, duo: None) -> None:
    assert client.get("/artists/david bowie").location == address_of(session, "David Bowie")


def test_an_unknown_artist_or_album_is_not_found(client: FlaskClient) -> None:
    assert client.get("/artists/nobody").status_code == 404
    assert client.get("/albums/nothing").status_code == 404


@pytest.fixture
def planted(session: Session, instance: Path) -> Planted:
    """A published run of planted songs by fifty artists, which knows their artists."""
    planted = plant(session, instance, 400)
    folder = run_folders.run_folder(instance, planted.run.public_id)
    by = np.array([one.artist_id for one in credited_tracks(session, planted.track_ids)])
    np.save(folder / "artists.npy", by.astype(np.uint64))
    np.save(folder / "albums.npy", np.zeros(len(by), dtype=np.uint64))
    write_json(folder / "taste.json", TastePrior().to_json())
    session.commit()
    return planted


def test_similar_artists_come_with_a_reason_and_figures(
    client: FlaskClient, session: Session, planted: Planted
) -> None:
    soup = page(client, address_of(session, "Artist 3"))
    similar = soup.select(".similar-artists > li")
    assert similar
    for one in similar:
        assert one.a["href"].startswith("/artists/")
        assert one.a.text != "Artist 3"
        assert re.match(r"Both |Similar sound|Often in", one.summary.text)
        assert re.search(r"distance \d\.\d\d", one.p.text.lower())
    assert soup.select_one("svg.place-map circle") is not None
    assert soup.select(".group-shares li")


def test_similar_artists_keep_to_the_rules_of_the_listener(
    client: FlaskClient, session: Session, planted: Planted
) -> None:
    address = address_of(session, "Artist 3")
    soup = page(client, address)
    first = soup.select_one(".similar-artists > li a")
    unwanted = first["href"].rsplit("/", 1)[1]
    csrf = {"csrf_token": token(soup)}
    answer = client.post("/rules", data={**csrf, "kind": "artist", "value": unwanted})
    assert answer.status_code == 303
    after = [a["href"] for a in page(client, address).select(".similar-artists > li a")]
    assert after
    assert first["href"] not in after


def test_a_song_links_its_artists_and_its_album(
    client: FlaskClient, session: Session, duo: None
) -> None:
    artist = page(client, address_of(session, "David Bowie"))
    song = page(client, artist.select_one(".songs-table .title")["href"])
    assert song.select_one(".song-names .lead").text.strip() == "Queen feat. David Bowie"
    assert len(song.select(".song-names .lead a")) == 2
    assert song.select_one(".song-facts a")["href"].startswith("/albums/")
