"""The pages of mixes: ready from the first visit, stored when wanted, each with its settings."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlalchemy.orm import Session

from songrec.core.encryption import instance_cipher
from songrec.core.schedules import local_time_zone
from songrec.store.db import db
from songrec.store.listeners import mixes, reactions, users
from songrec.store.servers import music_servers, written_playlists
from songrec.store.tables import Listener, Mix
from tests.planted_run import Planted
from tests.web.accounts import quick_hashes, sign_in  # noqa: F401


@pytest.fixture
def listener(session: Session, planted: Planted) -> Listener:
    user = users.create(session, "ada", "a long enough password")
    listener = users.require_listener(session, user)
    reactions.like_all(session, listener, planted.track_ids[:8].tolist())
    session.commit()
    return listener


@pytest.fixture
def ada(app: Flask, listener: Listener) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "ada", "a long enough password")
    return client


def stored(session: Session, listener: Listener) -> list[Mix]:
    session.expire_all()
    return mixes.mixes_of(session, listener)


def test_mixes_are_ready_from_five_likes_on_and_nothing_is_stored_by_looking(
    session: Session, ada: FlaskClient, listener: Listener
) -> None:
    page = ada.get("/mixes").text
    assert "New to you" in page
    assert "Daily mix 1" in page
    one = ada.get("/mixes/new-1").text
    assert "artists that you have neither liked nor played" in one
    assert "Update every morning" in one
    assert stored(session, listener) == []


def test_without_likes_the_page_says_how_mixes_begin(client: FlaskClient, planted: Planted) -> None:
    page = client.get("/mixes").text
    assert "Like 5 songs" in page


def test_one_press_stores_them_and_makes_them_anew_every_morning(
    session: Session, ada: FlaskClient, listener: Listener
) -> None:
    ready = ada.get("/mixes/new-1").text
    ada.post("/mixes/renewal", data={"do": "start", "time_zone": local_time_zone()})
    rows = stored(session, listener)
    assert {mix.schedule for mix in rows} == {"0 4 * * *"}
    (new,) = [mix for mix in rows if mix.kind == mixes.NEW]
    page = ada.get(f"/mixes/{new.public_id}").text
    assert "Every day at 4:00" in page
    assert page.count("data-song=") == ready.count("data-song=")
    assert ada.get("/mixes/new-1").status_code == 404
    home = ada.get("/").text
    assert "Your mixes" in home
    titles = re.findall(r'<h3 class="mix-name"><a [^>]*>([^<]+)', home)
    assert titles[0] == "New to you"
    assert not any(title.startswith("Because you like") for title in titles)
    ada.post("/mixes/renewal", data={"do": "stop"})
    assert {mix.next_at for mix in stored(session, listener)} == {None}


def test_two_presses_at_the_same_moment_store_them_once(
    session: Session, ada: FlaskClient, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other press, in another web process, commits between reading and writing."""
    create, is_first = mixes.create, iter((True,))

    def meanwhile(*arguments: Any, **options: Any) -> Mix:
        if next(is_first, False):
            kind, number = arguments[2], options["number"]
            with db.engine.begin() as other:
                row = {"listener_id": listener_id, "kind": kind, "number": number, "name": "Other"}
                other.execute(insert(Mix).values(**row, public_id="other", settings={}))
        return create(*arguments, **options)

    listener_id = listener.id
    session.rollback()
    monkeypatch.setattr(mixes, "create", meanwhile)
    assert ada.post("/mixes/renewal", data={"do": "start"}).status_code == 303
    rows = [(mix.kind, mix.number) for mix in stored(session, listener)]
    assert len(rows) == len(set(rows)) > 2
    assert "other" in {mix.public_id for mix in stored(session, listener)}


def test_settings_are_stored_and_the_mix_is_made_with_them(
    session: Session, ada: FlaskClient, listener: Listener
) -> None:
    ada.post("/mixes", data={"kind": "mood", "genre": "folk"})
    (mix,) = stored(session, listener)
    answer = ada.post(
        f"/mixes/{mix.public_id}/settings",
        data={
            "name": "Evening",
            "size": "7",
            "every": "1",
            "time": "18:30",
            "time_zone": "Europe/Berlin",
            "days": "14",
            "no_explicit": "1",
            "no_artists": "Artist 1\nartist 2",
            "no_genres": "rap",
        },
    )
    assert answer.status_code == 303
    (mix,) = stored(session, listener)
    assert (mix.name, mix.size, mix.schedule) == ("Evening", 7, "30 18 * * 1")
    assert mix.settings["days"] == 14
    page = ada.get(f"/mixes/{mix.public_id}").text
    assert "Mondays at 18:30" in page
    assert "Artist 1\nArtist 2" in page
    ada.post(
        f"/mixes/{mix.public_id}/settings",
        data={"size": "7", "every": "cron", "cron": "15 6 1 * *", "time_zone": "UTC"},
    )
    (mix,) = stored(session, listener)
    assert mix.schedule == "15 6 1 * *"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"size": "1"}, "from 5 to 200"),
        ({"every": "cron", "cron": "* * * * *"}, "one minute"),
        ({"time_zone": "Mars"}, "time zone"),
        ({"no_artists": "Nobody at all"}, "no artist"),
        ({"days": "-3"}, "number of days"),
    ],
)
def test_settings_that_cannot_be_say_why_and_change_nothing(
    session: Session, ada: FlaskClient, listener: Listener, changes: dict[str, str], says: str
) -> None:
    ada.post("/mixes", data={"kind": "mood", "genre": "folk"})
    (mix,) = stored(session, listener)
    before = (mix.size, mix.schedule, mix.time_zone, dict(mix.settings))
    answer = ada.post(f"/mixes/{mix.public_id}/settings", data={"size": "9", **changes})
    assert answer.status_code == 400
    assert says in answer.text
    (mix,) = stored(session, listener)
    assert (mix.size, mix.schedule, mix.time_zone, dict(mix.settings)) == before


def test_made_by_hand_it_has_another_selection_and_deleted_it_is_gone(
    session: Session, ada: FlaskClient, listener: Listener
) -> None:
    ada.post("/mixes/renewal", data={"do": "start"})
    mix = stored(session, listener)[0]
    before = mixes.tracks_of(session, mix)
    ada.post(f"/mixes/{mix.public_id}/make")
    session.expire_all()
    assert mixes.tracks_of(session, mix) != before
    ada.post(f"/mixes/{mix.public_id}/delete")
    assert ada.get(f"/mixes/{mix.public_id}").status_code == 404


def test_a_radio_and_a_path_become_mixes(
    session: Session, ada: FlaskClient, listener: Listener, planted: Planted
) -> None:
    first, last = (f"p{planted.track_ids[at]:09d}" for at in (0, 90))
    assert "Add to mixes" in ada.get(f"/stations/song?of={first}").text
    ada.post("/mixes", data={"kind": "radio", "station": "song", "of": first})
    ada.post("/mixes", data={"kind": "path", "from": first, "to": last})
    ada.post("/mixes", data={"kind": "rediscover"})
    rows = stored(session, listener)
    assert [mix.kind for mix in rows] == ["rediscover", "path", "radio"]
    empty = ada.get(f"/mixes/{rows[0].public_id}").text
    assert "too little history" in empty
    assert ada.post("/mixes", data={"kind": "path", "from": first}).status_code in (400, 404)
    assert ada.post("/mixes", data={"kind": "daily"}).status_code == 400
    assert len(stored(session, listener)) == 3


def test_somebody_elses_mix_is_not_there(
    app: Flask, session: Session, ada: FlaskClient, listener: Listener
) -> None:
    ada.post("/mixes", data={"kind": "mood", "genre": "folk"})
    (mix,) = stored(session, listener)
    users.create(session, "bob", "a long enough password")
    session.commit()
    bo = app.test_client()
    sign_in(bo, "bob", "a long enough password")
    assert bo.get(f"/mixes/{mix.public_id}").status_code == 404
    assert bo.get(f"/api/v1/mixes/{mix.public_id}").status_code == 404
    assert bo.post(f"/mixes/{mix.public_id}/delete").status_code == 404
    assert bo.post(f"/mixes/{mix.public_id}/make").status_code == 404
    assert len(stored(session, listener)) == 1


def test_the_api_and_the_command_give_the_same_mixes(
    app: Flask, session: Session, ada: FlaskClient, listener: Listener
) -> None:
    def command(*words: str) -> object:
        result = app.test_cli_runner().invoke(args=["mixes", *words, "--user", "ada", "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    ready = ada.get("/api/v1/mixes").json["items"]
    assert [one["id"] for one in command("list")] == [one["id"] for one in ready]
    made = command("make")
    items = ada.get("/api/v1/mixes").json["items"]
    assert [one["id"] for one in items] == made["made"]
    whole = ada.get(f"/api/v1/mixes/{made['made'][0]}").json
    assert len(whole["items"]) == whole["songs"] > 0
    assert all(song["why"] for song in whole["items"])
    added = command("add", "mood", "--genre", "folk", "--schedule", "0 7 * * 1")
    assert command("remove", added["id"]) == {"removed": added["id"]}


def test_a_song_taken_out_on_a_server_is_listed_and_can_be_taken_back(
    app: Flask, session: Session, ada: FlaskClient, listener: Listener, planted: Planted
) -> None:
    server = music_servers.create(session, "Home", "http://127.0.0.1:9", allows_private=True)
    cipher = instance_cipher(app.config["INSTANCE"], app.config["ENCRYPTION_KEY"])
    account = music_servers.connect(
        session,
        server,
        listener,
        username="ada",
        secret="secret-of-ada",
        secret_kind="password",
        cipher=cipher,
    )
    track = int(planted.track_ids[30])
    reactions.react(session, listener, track, reactions.DISLIKE)
    written_playlists.report(
        session,
        account,
        at="2027-03-01T05:00:00+00:00",
        written=3,
        unchanged=1,
        missing=2,
        error=None,
        removals=[{"track": f"p{track:09d}", "mix": "New to you", "at": "2027-03-01"}],
    )
    session.commit()
    page = ada.get("/mixes").text
    assert "4 playlists there; it lacks 2 of their songs." in page
    assert "1 song you removed there" in page
    written_playlists.report(
        session,
        account,
        at="2027-03-02T05:00:00+00:00",
        written=0,
        unchanged=0,
        missing=60,
        error=None,
        removals=[{"track": f"p{track:09d}", "mix": "New to you", "at": "2027-03-01"}],
    )
    session.commit()
    assert "This server has none of the songs of your mixes." in ada.get("/mixes").text
    undo = f"/mixes/servers/{server.public_id}/undo"
    assert ada.post(undo, data={"track": f"p{track:09d}"}).status_code == 303
    session.expire_all()
    assert track not in reactions.values(session, listener)
    assert "you removed there" not in ada.get("/mixes").text
    assert app.test_client().post(undo).status_code == 404
