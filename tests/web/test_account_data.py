"""My own page: taste, lists taken in, everything taken along, everything deleted."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest

from songrec.store.catalogue.tracks import tracks_by_id
from songrec.store.db import now
from songrec.store.listeners import listens
from songrec.store.tables import Listen, Listener, PendingLike, Playlist, Reaction, Skip, Track
from songrec.web import security
from tests.web.accounts import anna, quick_hashes, sign_in
from tests.web.html import parse, texts

__all__ = ["anna", "quick_hashes"]  # fixtures


@pytest.fixture
def like(client, session, planted):
    def react(rows, value="like"):
        for row in rows:
            public_id = session.get(Track, int(planted.track_ids[row])).public_id
            client.post(f"/tracks/{public_id}/reaction", data={"value": value})

    return react


def sent(client, text, name="list.csv"):
    data = {"file": (io.BytesIO(text.encode()), name)}
    answer = client.post("/me/import", data=data, content_type="multipart/form-data")
    answer.request.close()
    return answer


def test_two_tastes_are_told_apart_with_their_songs(client, planted, like):
    # A song of two clusters each and the seven nearest to it.
    points = planted.values / planted.values.std(axis=0)
    for label in (2, 3):
        first = (planted.labels == label).nonzero()[0][0]
        like(((points - points[first]) ** 2).sum(axis=1).argsort()[:8].tolist())
    like((planted.labels == 1).nonzero()[0][:3].tolist(), "dislike")
    page = client.get("/me")
    assert "2 tastes" in texts(page, "h2")
    assert texts(page, ".taste h3 .figures") == ["8 songs", "8 songs"]
    assert [len(taste.select("li")) for taste in parse(page).select(".taste")] == [4, 4]
    assert "Compared with the songs you like, the ones you dislike are …" in texts(page, "main p")
    assert len(parse(page).select("main .profile")) == 1


def test_a_list_is_taken_in_and_the_page_says_what_was_found(client, session, planted):
    answer = sent(client, "title,artist\nsong 12,Artist 12\nUnheard of,Nobody\n")
    assert answer.status_code == 200
    assert texts(answer, "main h1") == ["1 song found"]
    assert "line 3 Nobody – Unheard of" in texts(answer, "main li")
    assert session.query(Reaction).one().value == 1
    assert "Not in this catalogue yet" in texts(client.get("/me"), "h2")
    assert client.post("/me/again").status_code == 303
    assert session.query(PendingLike).count() == 1
    client.post("/me/waiting/forget")
    assert session.query(PendingLike).count() == 0


@pytest.mark.parametrize("text", ["", "{", "a,b\n1,2\n"])
def test_what_is_no_list_is_refused_and_makes_nobody_like_anything(client, session, planted, text):
    answer = sent(client, text)
    assert answer.status_code == 400
    assert session.query(Reaction).count() == 0
    assert client.post("/me/import").status_code == 400


def test_lists_have_a_size(client, planted, monkeypatch):
    monkeypatch.setattr(security, "LIST_BYTES", 100)
    assert sent(client, "title,artist\n" + "a,b\n" * 50).status_code == 400
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        + b"x" * (2 * 2**20)
        + b"\r\n--x--\r\n"
    )
    answer = client.post("/me/import", data=body, content_type="multipart/form-data; boundary=x")
    answer.request.close()
    assert answer.status_code == 413


def test_everything_of_mine_is_one_file_that_can_be_taken_in_again(client, session, like, app):
    like([0, 3])
    like([5], "dislike")
    answer = client.get("/me/export.json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    content = json.loads(answer.data)
    assert (len(content["likes"]), len(content["dislikes"])) == (2, 1)
    other = app.test_client()
    assert sent(other, answer.text, "songrec.json").status_code == 200
    again = json.loads(other.get("/me/export.json").data)
    assert [one["id"] for one in again["likes"]] == [one["id"] for one in content["likes"]]


def test_an_anonymous_listener_deletes_everything(client, session, planted, like):
    like([0, 1])
    public_id = session.get(Track, int(planted.track_ids[2])).public_id
    client.post(f"/tracks/{public_id}/skip", data={"after": "2"})
    client.post("/playlists", data={"name": "Mine"})
    client.get("/recommendations")
    assert client.post("/me/delete").status_code == 400
    assert session.query(Listener).count() == 1
    assert client.post("/me/delete", data={"sure": "yes"}).status_code == 303
    for table in (Listener, Reaction, Skip, Playlist):
        assert session.query(table).count() == 0, table
    assert json.loads(client.get("/me/export.json").data)["likes"] == []


def test_an_account_s_things_are_deleted_behind_its_password(client, session, anna, like):
    sign_in(client)
    like([0])
    answer = client.post("/me/delete", data={"sure": "yes"})
    assert answer.location == "/account#delete"
    assert session.query(Reaction).count() == 1


def test_a_history_is_shown_apart_from_likes_and_deleted_on_request(client, session, planted):
    rows = [
        {"listened_at": 1_700_000_000 + n, "track_metadata": {"track_name": t, "artist_name": a}}
        for n, (t, a) in enumerate([("song 12", "Artist 12"), ("Unheard of", "Nobody")])
    ]
    answer = sent(client, "\n".join(map(json.dumps, rows)), "listens.jsonl")
    assert "listens.jsonl was read as ListenBrainz listens" in answer.text
    assert "2 plays" in answer.text
    page = client.get("/me").text
    assert "Plays are not likes" in page
    assert "2 plays" in page
    plays = json.loads(client.get("/me/export.json").data)["plays"]
    assert [(play["title"], play["id"] is None) for play in plays] == [
        ("Unheard of", True),
        ("song 12", False),
    ]
    assert client.post("/me/plays/forget").status_code == 303
    assert session.query(Listen).count() == 0
    assert "No plays yet" in client.get("/me").text


def test_plays_are_history_unless_that_is_switched_off(client, session, planted):
    track = session.get(Track, int(planted.track_ids[5]))
    played = f"/tracks/{track.public_id}/play"
    json_only = {"Accept": "application/json"}
    assert client.post(played, headers=json_only).json == {"recorded": True}
    (listen,) = session.query(Listen)
    assert (listen.track_id, listen.source, listen.is_skip) == (track.id, "songrec", False)
    assert "1 play," in client.get("/me").text
    # The exported history, imported again, adds nothing.
    exported = client.get("/me/export.json").text
    assert len(json.loads(exported)["plays"]) == 1
    sent(client, exported, "songrec.json")
    assert session.query(Listen).count() == 1
    assert client.post("/me/plays/keep").status_code == 303
    assert client.post(played, headers=json_only).json == {"recorded": False}
    assert session.query(Listen).count() == 1
    assert client.post("/tracks/nothing/play").status_code == 404


def test_the_songs_played_last_come_first_each_once(session, planted):
    listener = Listener(token="a")
    session.add(listener)
    session.flush()
    views = tracks_by_id(session, planted.track_ids[:3].tolist())
    moment = now()
    for minutes, view in enumerate([views[0], views[1], views[2], views[1]]):
        listens.record_play(session, listener, view, moment + timedelta(minutes=minutes))
    assert listens.recent_tracks(session, listener, 2) == [views[1].id, views[2].id]


def test_what_the_songs_become_can_be_chosen(client, session, planted):
    text = b"title,artist\nsong 12,Artist 12\nGone,Nobody\n"
    data = {"file": (io.BytesIO(text), "Mix.csv"), "as": "playlist"}
    answer = client.post("/me/import", data=data, content_type="multipart/form-data")
    answer.request.close()
    assert "New playlist “Mix”: 1 song, 1 missing" in answer.text
    assert "Columns read: “title” as title" in answer.text
    playlist = session.query(Playlist).one()
    assert playlist.name == "Mix"
    page = client.get(f"/playlists/{playlist.public_id}").text
    assert "1 of the imported list" in page
    assert session.query(Reaction).count() == 0
