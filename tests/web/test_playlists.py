import csv
import io
import json

import pytest
from werkzeug.http import parse_options_header

from songrec.core.errors import BadInput
from songrec.services.listeners import playlist_export
from songrec.store.listeners import playlists, reactions
from songrec.store.tables import Listener, Playlist, PlaylistTrack, Track
from songrec.web import player, shared_playlists
from songrec.web.downloads import download
from tests.factories import make_track
from tests.sounding import add_sound, write_wav
from tests.web.html import parse, text_of, texts


@pytest.fixture
def songs(session):
    songs = [
        make_track(
            session,
            "=HYPERLINK(1)",
            artists="@evil",
            external_id="5" * 22,
            duration_ms=61_400,
            album="Album",
        ),
        make_track(session, "Ünïcode, “quoted”", artists="A & B"),
        make_track(session, "Third\nline", artists=""),
    ]
    session.commit()
    return songs


def make(client, songs, name="Mine", **more):
    data = {"name": name, "tracks": ",".join(s.public_id for s in songs), **more}
    answer = client.post("/playlists", data=data)
    assert answer.status_code == 303, answer.text
    return answer.location


def order(session):
    rows = session.query(PlaylistTrack).order_by(PlaylistTrack.position)
    return [row.track_id for row in rows]


def names_of(client, query=""):
    """The playlists that the page lists."""
    return texts(client.get(f"/playlists{query}"), ".song-list .title")


def test_a_selection_becomes_a_playlist_in_its_order(client, session, songs):
    address = make(client, songs[::-1])
    assert order(session) == [s.id for s in songs[::-1]]
    titles = texts(client.get(address), "main .song .title")
    assert titles == [" ".join(song.title.split()) for song in songs[::-1]]
    assert "Mine" in names_of(client)


@pytest.mark.parametrize(("first", "size"), [("2", 2), ("", 3), ("0", 3), ("-1", 3), ("x", 3)])
def test_a_playlist_may_take_the_first_songs_of_a_list(client, session, songs, first, size):
    tracks = ",".join(s.public_id for s in songs)
    client.post("/playlists", data={"name": "Mine", "tracks": tracks, "first": first})
    assert order(session) == [s.id for s in songs[:size]]


def test_fetch_gets_the_new_playlist_as_json(client, songs):
    answer = client.post(
        "/playlists",
        data={"name": "Mine", "tracks": [s.public_id for s in songs]},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 201
    assert answer.json["size"] == 3
    assert client.get(answer.json["address"]).status_code == 200


def test_songs_move_and_leave_without_javascript(client, session, songs):
    address = make(client, songs)
    a, b, c = (s.id for s in songs)
    for song, do, expected in [
        (2, "up", [a, c, b]),
        (0, "up", [a, c, b]),
        (0, "down", [c, a, b]),
        (1, "first", [b, c, a]),
        (2, "remove", [b, a]),
    ]:
        answer = client.post(f"{address}/tracks/{songs[song].public_id}", data={"do": do})
        assert answer.status_code == 303
        assert order(session) == expected
    gone = client.post(f"{address}/tracks/{songs[2].public_id}", data={"do": "up"})
    assert gone.status_code == 400
    assert "no longer in the playlist" in gone.text


def test_songs_are_added_once(client, session, songs):
    address = make(client, songs[:1])
    client.post(f"{address}/tracks", data={"tracks": " ".join(s.public_id for s in songs)})
    client.post(f"{address}/tracks", data={"tracks": songs[1].public_id})
    assert order(session) == [s.id for s in songs]


def test_renaming_cleans_the_name_and_an_empty_one_is_refused(client, session, songs):
    address = make(client, songs)
    client.post(f"{address}/details", data={"name": " New\r\nname ", "description": "why"})
    playlist = session.query(Playlist).one()
    assert (playlist.name, playlist.description) == ("New name", "why")
    assert client.post(f"{address}/details", data={"name": " \t"}).status_code == 400
    assert client.post(f"{address}/details", data={"name": "x" * 201}).status_code == 400


def test_a_listener_can_neither_see_nor_change_anothers_playlist(app, client, session, songs):
    address = make(client, songs)
    other = app.test_client()
    make(other, songs[:1], name="Theirs")
    assert (names_of(client), names_of(other)) == (["Mine"], ["Theirs"])
    assert other.get(address).status_code == 404
    for form in ("csv", "m3u8", "jspf"):
        assert other.get(f"{address}.{form}").status_code == 404
    for path in ("/details", "/delete", "/tracks", f"/tracks/{songs[0].public_id}"):
        data = {"name": "Stolen", "do": "remove", "tracks": songs[0].public_id}
        assert other.post(address + path, data=data).status_code == 404
    assert session.query(Playlist).filter_by(name="Mine").count() == 1
    assert len(parse(client.get(address)).select("[id^='t-']")) == 3


def test_playlists_of_the_catalogue_are_read_by_all_and_changed_by_none(client, session, songs):
    session.add(Playlist(public_id="cat", external_id="x", name="100% Catalogue"))
    session.flush()
    session.commit()
    make(client, songs)
    assert "100% Catalogue" in names_of(client)
    assert "100% Catalogue" in names_of(client, "?q=100%25")
    assert "100% Catalogue" not in names_of(client, "?q=nothing_like_it")
    page = client.get("/playlists/cat")
    assert texts(page, "main h1") == ["100% Catalogue"]
    assert parse(page).select("form[action$='/delete'], .button-danger") == []
    assert client.post("/playlists/cat/delete").status_code == 404
    assert client.post("/playlists/cat/details", data={"name": "x"}).status_code == 404


def test_deleting_keeps_the_songs(client, session, songs):
    address = make(client, songs)
    assert client.post(f"{address}/delete").status_code == 303
    assert session.query(Playlist).count() == session.query(PlaylistTrack).count() == 0
    assert session.query(Track).count() == 3


def test_csv_holds_no_formula_and_every_attribute(client, songs):
    answer = client.get(make(client, songs) + ".csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [row["title"] for row in rows] == [
        "'=HYPERLINK(1)",
        "Ünïcode, “quoted”",
        "Third\nline",
    ]
    assert rows[0]["artists"] == "'@evil"
    assert float(rows[1]["energy"]) == pytest.approx(0.6)
    assert rows[1]["address"].endswith(f"/tracks/{songs[1].public_id}")


def test_m3u8_has_one_line_per_song_and_address(client, songs):
    lines = client.get(make(client, songs) + ".m3u8").get_data(as_text=True).splitlines()
    assert lines[:2] == ["#EXTM3U", "#PLAYLIST:Mine"]
    assert lines[2] == "#EXTINF:61,@evil - =HYPERLINK(1)"
    assert lines[6] == "#EXTINF:-1,Third line"
    assert len(lines) == 8


def test_jspf_follows_the_specification(client, songs):
    answer = client.get(make(client, songs, description="why") + ".jspf")
    assert answer.mimetype == "application/jspf+json"
    playlist = json.loads(answer.data)["playlist"]
    assert (playlist["title"], playlist["annotation"]) == ("Mine", "why")
    first, second, _ = playlist["track"]
    assert first["identifier"] == ["spotify:track:" + "5" * 22]
    assert (first["creator"], first["album"], first["duration"]) == ("@evil", "Album", 61_400)
    assert second["identifier"][0].endswith(f"/tracks/{songs[1].public_id}")
    assert "duration" not in second


def test_an_unknown_format_names_the_known_ones(client, songs):
    answer = client.get(make(client, songs) + ".pdf")
    assert answer.status_code == 404
    assert "csv, jspf, m3u8" in answer.text


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("Mine", "Mine.csv"),
        ('a"b\r\nSet-Cookie: x/../../etc', "a b Set-Cookie x .. .. etc.csv"),
        ("Été “à la mer”", "Été “à la mer”.csv"),
        ("音楽", "音楽.csv"),
        ("../", "playlist.csv"),
    ],
)
def test_file_names_are_safe(app, name, exact):
    with app.test_request_context():
        answer = download("x", "text/csv", playlist_export.file_name(name, "csv"))
    header = answer.headers["Content-Disposition"]
    kind, options = parse_options_header(header)
    assert (kind, options["filename"]) == ("attachment", exact)
    assert header.isascii()
    assert header.isprintable()


def test_a_playlist_has_a_limit(session, songs, monkeypatch):
    listener = Listener(token="t")
    session.add(listener)
    session.flush()
    monkeypatch.setattr(playlists, "TRACK_LIMIT", 2)
    with pytest.raises(BadInput, match="2 songs at most"):
        playlists.create(session, listener, "Long", "", [s.id for s in songs])


def test_playlists_move_into_the_account_at_sign_in(session, songs):
    anonymous, account = Listener(token="a"), Listener(token="b")
    session.add_all([anonymous, account])
    session.flush()
    playlists.create(session, anonymous, "Moved", "", [songs[0].id])
    reactions.merge(session, anonymous, account)
    assert [one.playlist.name for one in playlists.of_listener(session, account)] == ["Moved"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("می\u200cخواهم", "می\u200cخواهم"),
        (
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 songs",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 songs",
        ),
        ("a\u202egnp.exe", "agnp.exe"),
        ("two\nlines\x00\u2028three", "two lines three"),
    ],
)
def test_names_keep_what_joins_their_letters_and_nothing_that_turns_the_page(
    client, session, songs, typed, kept
):
    make(client, songs, name=typed)
    assert session.query(Playlist).one().name == kept


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\u200d", "\u202e"])
def test_a_name_that_shows_nothing_is_none(client, songs, name):
    assert client.post("/playlists", data={"name": name}).status_code == 400


def test_moving_a_song_comes_back_to_it(client, songs):
    address = make(client, songs)
    third = f"{address}/tracks/{songs[2].public_id}"
    assert client.post(third, data={"do": "up"}).location == f"{address}#t-{songs[2].public_id}"
    assert client.post(third, data={"do": "remove"}).location == address


def test_one_song_is_not_called_songs(client, songs):
    page = client.get(make(client, songs[:1]))
    assert texts(page, ".notice-good") == ["“Mine” is saved with 1 song."]


def test_a_songs_page_adds_it_to_my_playlists_and_to_nobody_elses(app, client, songs):
    mine = make(client, songs[:1], name="Road songs")
    page = f"/tracks/{songs[1].public_id}"

    def offered(browser):
        buttons = parse(browser.get(page)).select("button[formaction]")
        return {text_of(button): button["formaction"] for button in buttons}

    assert offered(client)["Road songs"] == f"{mine}/tracks"
    assert "Road songs" not in offered(app.test_client())
    answer = client.post(f"{mine}/tracks", data={"tracks": songs[1].public_id, "name": ""})
    assert answer.location == mine
    assert texts(client.get(mine), ".notice-good") == ["1 song added to “Road songs”."]
    assert app.test_client().post(f"{mine}/tracks", data={"tracks": "x"}).status_code == 404


def test_a_song_is_moved_to_a_place_and_the_script_gets_json(client, session, songs):
    address = make(client, songs)
    a, b, c = (s.id for s in songs)
    move = f"{address}/tracks/{songs[2].public_id}"
    answer = client.post(
        move, data={"do": "place", "place": "0"}, headers={"Accept": "application/json"}
    )
    assert (answer.status_code, answer.json) == (200, {"tracks": 3})
    assert order(session) == [c, a, b]
    client.post(move, data={"do": "place", "place": "99"})
    assert order(session) == [a, b, c]
    assert client.post(move, data={"do": "place", "place": "x"}).status_code == 400


def test_a_copy_is_ones_own_and_leaves_the_original_alone(client, app, session, songs):
    session.add(Playlist(public_id="cat", external_id="x", name="N" * 200))
    session.flush()
    catalogue = session.query(Playlist).filter_by(public_id="cat").one()
    playlists.add(session, catalogue, [songs[1].id, songs[0].id])
    session.commit()
    copy = client.post("/playlists/cat/copy").location
    page = client.get(copy)
    assert texts(page, "main h1") == [("Copy of " + "N" * 200)[:200]]
    assert texts(page, "main .song .title") == ["Ünïcode, “quoted”", "=HYPERLINK(1)"]
    client.post(f"{copy}/tracks/{songs[1].public_id}", data={"do": "remove"})
    assert playlists.tracks(session, catalogue) == [songs[1].id, songs[0].id]
    assert app.test_client().post(f"{copy}/copy").status_code == 404


def shared_address(client, address):
    client.post(f"{address}/share-link")
    return parse(client.get(address)).select_one("#share-address")["value"]


def test_a_shared_playlist_is_read_by_whoever_has_the_link_until_it_is_revoked(
    app, client, session, songs
):
    address = make(client, songs)
    assert parse(client.get(address)).select("#share-address") == []
    link = shared_address(client, address)
    visitor = app.test_client()
    page = visitor.get(link)
    assert page.status_code == 200
    assert texts(page, "main h1") == ["Mine"]
    assert texts(page, "main .song .title") == [" ".join(song.title.split()) for song in songs]
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert parse(page).select_one("meta[name=robots]")["content"] == "noindex, nofollow"
    # Nothing of it can be changed from there, and its own address stays closed.
    assert parse(page).select("[name=do], [data-drag], form[action$='/delete']") == []
    assert visitor.get(address).status_code == 404
    assert visitor.post(f"{address}/share-link/revoke").status_code == 404
    assert visitor.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status_code == 404
    client.post(f"{address}/share-link/revoke")
    assert visitor.get(link).status_code == 404
    # A new link is another one.
    assert shared_address(client, address) != link


def test_a_stream_key_does_not_open_the_page_nor_a_share_key_the_streams(client, session, songs):
    address = make(client, songs)
    client.post(f"{address}/share-link")
    client.post(f"{address}/stream-key")
    playlist = session.query(Playlist).one()
    shared, streams = (
        playlist_export.share_key(playlist, "s"),
        playlist_export.stream_key(playlist, "s"),
    )
    assert shared != streams
    assert playlist_export.is_share_key(playlist, "s", shared)
    assert not playlist_export.is_share_key(playlist, "s", streams)
    assert not playlist_export.is_stream_key(playlist, "s", shared)


def share(app, session, songs):
    """The link of a playlist that somebody shares."""
    listener = Listener(token="x")
    session.add(listener)
    session.flush()
    playlist = playlists.create(session, listener, "Theirs", "", [s.id for s in songs])
    playlists.create_share_key(session, playlist)
    session.commit()
    key = playlist_export.share_key(playlist, str(app.secret_key))
    return f"/playlists/shared/{playlist.public_id}/{key}"


class TestSharedWhereAccountsOnly:
    @pytest.fixture
    def app_config(self):
        return {"CATALOGUE": "accounts"}

    def test_the_link_shows_the_list_and_leads_nowhere_else(self, app, client, session, songs):
        page = client.get(share(app, session, songs))
        assert page.status_code == 200
        assert len(texts(page, "main .title")) == 3
        assert parse(page).select("main a, main form, main img") == []

    def test_its_songs_play_and_no_others(self, app, client, session, songs, tmp_path, monkeypatch):
        other = make_track(session, "Not in it")
        for number, track in enumerate([*songs[:2], other]):
            add_sound(session, track, write_wav(tmp_path / f"{number}.wav", hertz=200 + number))
        link = share(app, session, songs)
        page = parse(client.get(link))
        queue = page.select_one("[data-play-all]")["data-play-all"]
        assert page.select_one("[data-queue-of]")["data-queue-of"] == queue
        entries = client.get(queue).json
        assert [song["id"] for song in entries] == [song.public_id for song in songs[:2]]
        played = [link["href"] for link in page.select("main a[data-play]")]
        assert played == [song["media"] for song in entries]
        with client.get(played[0], headers={"Range": "bytes=0-99"}) as sound:
            assert (sound.status_code, sound.mimetype, len(sound.data)) == (206, "audio/wav", 100)
        monkeypatch.setattr(player, "QUEUE_LENGTH", 1)  # of a list that is longer
        monkeypatch.setattr(shared_playlists, "BEFORE", 0)
        for around, first in ((songs[1], 1), (songs[0], 0), (songs[2], 0), (other, 0)):
            (song,) = client.get(f"{queue}?around={around.public_id}").json
            assert song["id"] == songs[first].public_id
        converted = client.get(f"{entries[0]['transcoded']}?format=mp3")
        assert converted.mimetype == "audio/mpeg"
        foreign = played[0].replace(songs[0].public_id, other.public_id)
        assert client.get(foreign).status_code == 404
        assert client.get(f"/listen/tracks/{songs[0].public_id}").status_code == 303
        session.query(Playlist).one().share_salt = None
        session.commit()
        assert client.get(played[0]).status_code == 404
        assert client.get(queue).status_code == 404


class TestSharedWhereAccountsListen:
    @pytest.fixture
    def app_config(self):
        return {"CATALOGUE": "accounts", "LISTENING": "accounts"}

    def test_visitors_read_and_do_not_play(self, app, client, session, songs, tmp_path):
        add_sound(session, songs[0], write_wav(tmp_path / "a.wav"))
        link = share(app, session, songs)
        assert parse(client.get(link)).select("main a, main button, [data-play-all]") == []
        for address in ("queue", f"tracks/{songs[0].public_id}/sound"):
            answer = client.get(f"{link}/{address}")
            assert answer.status_code == 403
            assert texts(answer, "main h1, main .lead") == [
                "Not allowed",
                "Songs play here for accounts only.",
            ]
        assert client.get(f"{link}/tracks/{songs[0].public_id}/transcoded").status_code == 403


def test_the_page_numbers_its_songs_and_says_how_long_they_last(client, songs):
    page = client.get(make(client, songs))
    assert texts(page, ".songs-table tbody .cell-number > span") == ["1", "2", "3"]
    assert texts(page, ".songs-table tbody .cell-length") == ["1:01", "", ""]
    assert any("3 songs · 1 min" in text for text in texts(page, "main .figures"))
