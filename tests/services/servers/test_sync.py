"""Exchange with accounts on music servers, against a made one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from songrec.core.errors import NotReady
from songrec.services.servers import connection
from songrec.services.servers.connection import SignIn
from songrec.services.servers.scan import scan_server
from songrec.services.servers.sync import sync_account, sync_server
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.listeners import listens, playlists, ratings, reactions, users
from songrec.store.servers import server_tracks
from songrec.store.tables import (
    Listen,
    Listener,
    MusicServer,
    ServerAccount,
    ServerOpinion,
    ServerPlaylist,
)
from tests.servers.made_server import PASSWORD, MadeServer, made_song
from tests.services.servers.conftest import Connect

EARLIER = "2026-01-02T03:04:05Z"


@pytest.fixture
def account(here: Instance, connect: Connect, made: MadeServer) -> ServerAccount:
    """An account on the made server, which has been scanned."""
    server, account = connect(made.url)
    scan_server(here, server)
    return account


def track(account: ServerAccount, remote_id: str) -> int:
    """Return the track of a song of the server."""
    server = db.session.get_one(MusicServer, account.server_id)
    return server_tracks.tracks_of_remote(db.session, server, [remote_id])[remote_id]


def listener() -> Listener:
    """Return the one listener."""
    return db.session.scalars(select(Listener)).one()


def values() -> dict[int, int]:
    """Return the listener's reactions."""
    return reactions.values(db.session, listener())


def test_stars_become_likes_of_their_time(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """A second exchange adds nothing."""
    made.stars["s3"] = EARLIER
    assert sync_account(here, account).likes == 1
    liked = reactions.liked_at(db.session, listener())
    assert liked == {track(account, "s3"): datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}
    assert sync_account(here, account).text == "nothing new"


def test_no_transaction_is_open_while_all_songs_are_read(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """It would keep PostgreSQL from clearing away rows for that long."""
    session, states = db.session(), []
    for endpoint in ("ping", "getStarred2", "search3"):
        made.meanwhile[endpoint] = lambda: states.append(session.in_transaction())
    sync_account(here, account)
    assert states == [False, False, False]


def test_a_star_that_was_taken_away_takes_the_like_back(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Likes that never had a star there stay."""
    made.stars["s3"] = EARLIER
    reactions.react(db.session, listener(), track(account, "s5"), reactions.LIKE)
    sync_account(here, account)
    del made.stars["s3"]
    assert sync_account(here, account).unliked == 1
    assert values() == {track(account, "s5"): 1}


def test_the_first_exchange_takes_nothing_away(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Likes become stars where that is switched on, and stars likes."""
    account.sends_likes = True
    reactions.react(db.session, listener(), track(account, "s5"), reactions.LIKE)
    made.stars["s3"] = EARLIER
    report = sync_account(here, account)
    assert (report.likes, report.sent, report.withdrawn) == (1, 1, 0)
    assert set(made.stars) == {"s3", "s5"}
    assert "unstar" not in made.requests


@pytest.mark.parametrize("sign_in", [("bo", "password"), ("", "api_key")], ids=["name", "key"])
def test_another_account_on_the_server_takes_no_like_away(
    here: Instance, account: ServerAccount, made: MadeServer, sign_in: tuple[str, str]
) -> None:
    """Its stars are not those of the account before, so its first exchange is one."""
    made.stars["s3"] = EARLIER
    sync_account(here, account)
    liked = values()
    server = db.session.get_one(MusicServer, account.server_id)
    name, kind = sign_in
    again = connection.connect_account(here, server, listener(), SignIn(name, PASSWORD, kind))
    db.session.commit()
    assert again.id == account.id
    made.stars = {"s4": EARLIER}
    report = sync_account(here, account)
    assert (report.likes, report.unliked) == (1, 0)
    assert values() == liked | {track(account, "s4"): 1}


def test_plays_of_the_same_account_by_its_key_count_once(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    made.songs[3] |= {"playCount": 4, "played": EARLIER}
    assert sync_account(here, account).plays == 4
    server = db.session.get_one(MusicServer, account.server_id)
    connection.connect_account(here, server, listener(), SignIn("", PASSWORD, "api_key"))
    made.songs[3] |= {"playCount": 5}
    assert sync_account(here, account).plays == 1


def test_likes_stay_here_unless_they_are_sent(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Nothing is written to the server by default."""
    reactions.react(db.session, listener(), track(account, "s5"), reactions.LIKE)
    sync_account(here, account)
    assert made.stars == {}


def test_a_like_that_was_taken_back_takes_the_star_away(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Where likes are sent, and never where they are not."""
    made.stars.update(s3=EARLIER, s4=EARLIER)
    sync_account(here, account)
    reactions.react(db.session, listener(), track(account, "s3"), None)
    assert sync_account(here, account).likes == 0
    assert set(made.stars) == {"s3", "s4"}
    account.sends_likes = True
    assert sync_account(here, account).withdrawn == 1
    assert set(made.stars) == {"s4"}
    assert set(values()) == {track(account, "s4")}


def test_a_star_that_the_server_does_not_take_costs_no_like(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """It is sent again with the next exchange."""
    account.sends_likes = True
    reactions.react(db.session, listener(), track(account, "s5"), reactions.LIKE)
    made.refuses["star"] = 0
    report = sync_account(here, account)
    assert (report.sent, len(report.notes)) == (0, 1)
    made.refuses.clear()
    assert sync_account(here, account).sent == 1
    assert sync_account(here, account).text == "nothing new"
    assert values() == {track(account, "s5"): 1}


def test_the_newest_wins_and_the_report_says_so(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """A dislike of today is newer than a star of January, and older than one of next year."""
    for remote_id in ("s3", "s4"):
        reactions.react(db.session, listener(), track(account, remote_id), reactions.DISLIKE)
    made.stars.update(s3=EARLIER, s4="2099-01-01T00:00:00Z")
    report = sync_account(here, account)
    assert report.conflicts == 2
    assert any("“Song 3” changed in both places" in note for note in report.notes)
    assert values() == {track(account, "s3"): -1, track(account, "s4"): 1}


def test_stars_that_vanish_together_leave_likes_alone(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """A server that forgot everything, or answers half, costs nothing."""
    made.stars.update({f"s{at}": EARLIER for at in range(12)})
    sync_account(here, account)
    made.stars.clear()
    report = sync_account(here, account)
    assert report.unliked == 0
    assert len(values()) == 12
    assert "12 stars are missing" in report.notes[0]


def test_one_star_is_not_for_me_until_the_rating_changes(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Other ratings are no opinion of songrec's kind."""
    made.songs[1]["userRating"] = 1
    made.songs[2]["userRating"] = 4
    assert sync_account(here, account).not_for_me == 1
    assert values() == {track(account, "s1"): -1}
    made.songs[1]["userRating"] = 3
    sync_account(here, account)
    assert values() == {}


def test_a_dislike_becomes_one_star_until_a_like_replaces_it(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Once, where likes are sent."""
    reactions.react(db.session, listener(), track(account, "s5"), reactions.DISLIKE)
    assert sync_account(here, account).text == "nothing new"
    account.sends_likes = True
    assert sync_account(here, account).text == "1 dislike sent"
    assert made.songs[5]["userRating"] == 1
    assert sync_account(here, account).text == "nothing new"
    reactions.react(db.session, listener(), track(account, "s5"), reactions.LIKE)
    report = sync_account(here, account)
    assert (report.sent, report.dislikes_withdrawn) == (1, 1)
    assert made.songs[5]["userRating"] == 0
    assert values() == {track(account, "s5"): 1}


@pytest.mark.parametrize("rating", [1, 2, 3, 4, 5])
def test_a_rating_that_the_person_gave_there_stays(
    here: Instance, account: ServerAccount, made: MadeServer, rating: int
) -> None:
    """Also one of songs of which nothing was played, which most exchanges do not list."""
    account.sends_likes = True
    sync_account(here, account)
    made.songs[5]["userRating"] = rating
    for reaction in (reactions.DISLIKE, reactions.LIKE, None):
        reactions.react(db.session, listener(), track(account, "s5"), reaction)
        sync_account(here, account)
        account.sync = {**account.sync, "full_at": None}
    assert made.songs[5]["userRating"] == rating
    assert "setRating" not in made.requests


def test_a_newer_rating_there_ends_a_dislike(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """It is not sent again, and the rating stays as it is."""
    account.sends_likes = True
    reactions.react(db.session, listener(), track(account, "s5"), reactions.DISLIKE)
    sync_account(here, account)
    made.songs[5]["userRating"] = 4
    account.sync = {**account.sync, "full_at": None}
    sync_account(here, account)
    assert (values(), made.songs[5]["userRating"]) == ({}, 4)
    assert sync_account(here, account).text == "nothing new"


def test_lists_without_ratings_take_no_dislike_back(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """What the song itself has counts."""
    account.sends_likes = True
    reactions.react(db.session, listener(), track(account, "s5"), reactions.DISLIKE)
    sync_account(here, account)
    made.answers["search3"] = {"searchResult3": {"song": [made_song(at) for at in range(12)]}}
    account.sync = {**account.sync, "full_at": None}
    sync_account(here, account)
    assert values() == {track(account, "s5"): -1}


@pytest.mark.parametrize("code", [0, None], ids=["refused", "ignored"])
def test_a_server_without_ratings_leaves_dislikes_here(
    here: Instance, account: ServerAccount, made: MadeServer, code: int | None
) -> None:
    """After three songs the others are not tried."""
    account.sends_likes = True
    disliked = {track(account, f"s{at}"): -1 for at in range(5)}
    for track_id in disliked:
        reactions.react(db.session, listener(), track_id, reactions.DISLIKE)
    if code is None:
        made.answers["setRating"] = {}
    else:
        made.refuses["setRating"] = code
    for _ in range(2):
        account.sync = {**account.sync, "full_at": None}
        report = sync_account(here, account)
        assert report.notes == ["Attic did not take every dislike; the rest is sent again."]
        assert values() == disliked
    assert made.requests.count("setRating") == 6


def test_ratings_that_vanish_together_leave_dislikes_alone(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """A server that was set up anew costs nothing."""
    account.sends_likes = True
    for at in range(12):
        reactions.react(db.session, listener(), track(account, f"s{at}"), reactions.DISLIKE)
    assert sync_account(here, account).text == "12 dislikes sent"
    for song in made.songs:
        del song["userRating"]
    account.sync = {**account.sync, "full_at": None}
    report = sync_account(here, account)
    assert "12 ratings of one star are missing" in report.notes[0]
    assert len(values()) == 12


def test_a_rating_that_was_taken_back_is_no_longer_shown_to_apps(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """One that was given here instead stays."""
    made.songs[1]["userRating"] = made.songs[2]["userRating"] = 3
    sync_account(here, account)
    tracks = [track(account, "s1"), track(account, "s2")]
    ratings.rate(db.session, listener(), tracks[1], 2)
    made.songs[1]["userRating"] = made.songs[2]["userRating"] = 0
    account.sync = {**account.sync, "full_at": None}
    sync_account(here, account)
    assert ratings.of_tracks(db.session, listener(), tracks) == {tracks[1]: 2}


def test_plays_are_counted_once(here: Instance, account: ServerAccount, made: MadeServer) -> None:
    """Only those since the last exchange are added."""
    made.songs[1].update(playCount=3, played=EARLIER)
    assert sync_account(here, account).plays == 3
    assert sync_account(here, account).plays == 0
    made.songs[1].update(playCount=5, played="2026-02-01T00:00:00Z")
    assert sync_account(here, account).plays == 2
    rows = list(db.session.scalars(select(Listen).order_by(Listen.id)))
    assert [(row.times, row.source) for row in rows] == [(3, "Attic"), (2, "Attic")]
    assert listens.counts(db.session, listener()).plays == 5


def test_plays_are_left_out_where_no_history_is_wanted(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """The listener's switch holds for servers too."""
    listener().keeps_history = False
    made.songs[1].update(playCount=3, played=EARLIER)
    assert sync_account(here, account).plays == 0


def test_playlists_follow_the_server_until_they_are_changed_here(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Somebody else's stay away; one that is deleted there stays here."""
    made.playlists["p1"] = {"name": "Evening", "owner": "admin", "songs": ["s1", "s2"]}
    made.playlists["p2"] = {"name": "Theirs", "owner": "bo", "songs": ["s1"]}
    assert sync_account(here, account).playlists == 1
    own = playlists.owned(db.session, listener())
    assert [one.name for one in own] == ["Evening"]
    made.playlists["p1"]["songs"] = ["s2", "s4"]
    assert sync_account(here, account).playlists == 1
    songs = [track(account, id_) for id_ in ("s2", "s4")]
    assert playlists.tracks(db.session, own[0]) == songs
    playlists.remove(db.session, own[0], songs[0])
    made.playlists["p1"]["songs"] = ["s5"]
    report = sync_account(here, account)
    assert "changed here" in report.notes[0]
    assert playlists.tracks(db.session, own[0]) == songs[1:]
    made.playlists.clear()
    sync_account(here, account)
    assert playlists.tracks(db.session, own[0]) == songs[1:]


def test_playlists_that_songrec_writes_are_not_read(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Nor is one that the listener deleted here made again."""
    made.playlists["p1"] = {"name": "Daily mix 1", "owner": "admin", "songs": ["s1"]}
    made.playlists["p2"] = {"name": "Evening", "owner": "admin", "songs": ["s2"]}
    db.session.add(ServerPlaylist(account_id=account.id, remote_id="p1", is_own=True))
    assert sync_account(here, account).playlists == 1
    [own] = playlists.owned(db.session, listener())
    assert own.name == "Evening"
    playlists.delete(db.session, own)
    made.playlists["p2"]["songs"] = ["s2", "s3"]
    assert sync_account(here, account).playlists == 0
    assert playlists.owned(db.session, listener()) == []


def test_a_playlist_that_the_server_does_not_send_stops_nothing(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """It is named, and followed as soon as it is sent; a person may have a thousand others."""
    made.stars["s3"] = EARLIER
    made.playlists["p1"] = {"name": "Broken", "owner": "admin", "songs": ["s1"]}
    made.playlists["p2"] = {"name": "Evening", "owner": "admin", "songs": ["s2"]}
    sync_account(here, account)
    whole = made.answer

    def answer(endpoint: str, form: dict[str, list[str]]) -> dict[str, object]:
        if endpoint == "getPlaylist" and form["id"] == ["p1"]:
            return {"status": "failed", "error": {"code": 0, "message": "no"}}
        return whole(endpoint, form)

    made.answer = answer  # type: ignore[method-assign]
    made.stars["s4"] = EARLIER
    made.playlists["p1"]["songs"] = ["s1", "s5"]
    made.playlists["p2"]["songs"] = ["s2", "s3"]
    report = sync_account(here, account)
    assert (report.likes, report.playlists) == (1, 1)
    assert report.notes == ["Attic did not send the playlist “Broken”."]
    made.answer = whole  # type: ignore[method-assign]
    assert sync_account(here, account).playlists == 1
    names = {
        one.name: playlists.tracks(db.session, one)
        for one in playlists.owned(db.session, listener())
    }
    assert names == {
        "Broken": [track(account, "s1"), track(account, "s5")],
        "Evening": [track(account, "s2"), track(account, "s3")],
    }


def test_public_playlists_of_others_stay_away_from_an_account_by_its_key(
    here: Instance, made: MadeServer
) -> None:
    """Whose key it is, the server says."""
    made.answers["tokenInfo"] = {"tokenInfo": {"username": "ann"}}
    made.playlists["p1"] = {"name": "Mine", "owner": "ann", "songs": ["s1"]}
    made.playlists["p2"] = {"name": "Theirs", "owner": "bo", "songs": ["s2"]}
    db.session.add(Listener(token="a"))
    db.session.flush()
    server, account = connection.add_server(
        here, made.url, name="Attic", listener=listener(), sign_in=SignIn("", "key", "api_key")
    )
    db.session.commit()
    scan_server(here, server)
    assert account.username == "ann"
    assert sync_account(here, account).playlists == 1
    assert [one.name for one in playlists.owned(db.session, listener())] == ["Mine"]
    assert all("u" not in form for form in made.parameters)


def test_an_expired_key_is_one_line_and_the_next_exchange_goes_on(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """Nothing is lost meanwhile."""
    made.stars["s3"] = EARLIER
    sync_account(here, account)
    made.refuses["*"] = 44
    server = db.session.get_one(MusicServer, account.server_id)
    with pytest.raises(NotReady, match="invalid or expired"):
        sync_server(here, server)
    assert "make another one" in str(account.error)
    assert len(values()) == 1
    made.refuses.clear()
    made.stars["s4"] = EARLIER
    assert sync_server(here, server)[0]["likes"] == 1
    assert account.error is None


def test_half_an_answer_changes_nothing(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """What comes after it is not read either."""
    made.stars["s3"] = EARLIER
    sync_account(here, account)
    made.answers["getStarred2"] = b'{"subsonic-response": {"status": "ok", "starr'
    with pytest.raises(NotReady, match="not JSON"):
        sync_account(here, account)
    assert len(values()) == 1


def test_opinions_follow_a_song_to_its_new_id(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    """A server that renumbers its songs takes no like back."""
    made.stars["s3"] = EARLIER
    sync_account(here, account)
    for song in made.songs:
        song["id"] = "n" + song["id"]
    made.stars = {"ns3": EARLIER}
    server = db.session.get_one(MusicServer, account.server_id)
    assert scan_server(here, server).renumbered == 12
    report = sync_account(here, account)
    assert (report.likes, report.unliked) == (0, 0)
    assert len(values()) == 1
    assert len(db.session.scalars(select(ServerOpinion.server_track_id)).all()) == 1


def test_nothing_secret_is_stored_in_the_clear(here: Instance, account: ServerAccount) -> None:
    """Neither in the database's files nor in reports."""
    report = sync_account(here, account)
    db.session.commit()
    assert PASSWORD not in str(report.to_json())
    for file in here.folder.glob("songrec.db*"):
        assert PASSWORD.encode() not in file.read_bytes()


def test_the_account_whose_exchange_is_longest_ago_is_first(
    here: Instance, account: ServerAccount, made: MadeServer
) -> None:
    server = db.session.get_one(MusicServer, account.server_id)
    other = users.create_listener(db.session, users.random_token())
    connection.connect_account(here, server, other, SignIn("bo", PASSWORD))
    db.session.commit()

    def order() -> list[str]:
        return [result["username"] for result in sync_server(here, server)]

    assert order() == ["admin", "bo"]
    sync_account(here, account)
    assert order() == ["bo", "admin"]
    assert order() == ["bo", "admin"]
