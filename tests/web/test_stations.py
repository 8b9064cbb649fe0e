"""Stations, paths and blends as pages and as the player asks for them; weights, skips, changes."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from sqlalchemy import select

from songrec.store.listeners import playlists, reactions, skips
from songrec.store.tables import (
    KeptAnswer,
    Listener,
    Playlist,
    Reaction,
    Skip,
    Tag,
    Track,
    TrackTag,
)
from tests.sounding import add_sound, write_wav
from tests.web.html import links, parse, text_of, texts

JSON = {"Accept": "application/json"}


@pytest.fixture
def planted_options():
    return {"n": 80}


@pytest.fixture
def name(session, planted):
    """Row number to public id."""
    return lambda row: session.get(Track, int(planted.track_ids[row])).public_id


def shown(page):
    return re.findall(r'<a class="title" href="/tracks/(p\d+)"', page)


def changed(page):
    found = re.search(r"<span data-change[^>]*>([^<]*)</span>", page)
    return found[1].replace("&#39;", "'") if found else None


def react(client, public_id, value="like", page=""):
    """React as the page's own form does, which says what list it stands in."""
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    data = {"value": value} | ({"seen": seen[1]} if seen else {})
    return client.post(f"/tracks/{public_id}/reaction", data=data)


def test_recommendations_say_what_a_reaction_changed(client, session, planted, name):
    for row in (0, 1):
        react(client, name(row))
    first = client.get("/recommendations?n=10").text
    assert changed(first) is None
    before = shown(first)
    title = session.query(Track).filter_by(public_id=before[0]).one().title
    react(client, before[0], page=first)
    second = client.get("/recommendations?n=10").text
    after = shown(second)
    came = set(after) - set(before)
    assert changed(second) == f"Liked “{title}” and updated your list."
    assert len(parse(second).select(".song-list .badge-new")) == len(came) > 0
    # It stays until something else is done.
    assert changed(client.get("/recommendations?n=10").text) == changed(second)
    gone = session.query(Track).filter_by(public_id=after[0]).one().title
    react(client, after[0], "dislike", page=second)
    third = client.get("/recommendations?n=10").text
    assert changed(third) == f"Removed “{gone}” and updated your list."
    # Another number or method is another list: nothing to compare with.
    assert changed(client.get("/recommendations?n=20").text) is None
    # Undo brings the list back.
    (undo,) = (button for button in parse(third).select("button") if text_of(button) == "Undo")
    assert undo["formaction"] == f"/tracks/{after[0]}/reaction"
    assert (undo["value"], undo["aria-label"]) == ("none", f"Undo: {gone}")
    react(client, after[0], "none", page=third)
    fourth = client.get("/recommendations?n=10").text
    assert shown(fourth) == after
    assert changed(fourth) == f"Took back your rating of “{gone}” and updated your list."


def test_a_reaction_elsewhere_is_told_with_the_others(client, session, planted, name):
    for row in (0, 1):
        react(client, name(row))
    page = client.get("/recommendations?n=10").text
    one, other = shown(page)[:2]
    titles = {t.public_id: t.title for t in session.query(Track)}
    react(client, one, page=page)
    react(client, other, "dislike")
    said = changed(client.get("/recommendations?n=10").text)
    assert said == f"Liked “{titles[one]}”, removed “{titles[other]}” and updated your list."
    assert "Undo" not in texts(client.get("/recommendations?n=10"), "button")


@pytest.mark.parametrize(
    "seen", ["", "nonsense", ":p1", "taste|x:", "taste:no,such\0id", ":" * 500]
)
def test_a_list_that_nobody_was_shown_is_not_remembered(client, session, planted, name, seen):
    react(client, name(0))
    answer = client.post(f"/tracks/{name(1)}/reaction", data={"value": "like", "seen": seen})
    assert answer.status_code == 303
    assert session.query(KeptAnswer).count() == 0


def test_looking_at_recommendations_writes_nothing(client, session, planted, name):
    react(client, name(0))
    page = client.get("/recommendations?n=10").text
    react(client, shown(page)[0], page=page)
    kept = session.query(KeptAnswer).one()
    before = (kept.asked, kept.tracks, kept.state, kept.created_at)
    for address in ("/recommendations?n=10", "/recommendations?n=20&variety=0.5", "/me", "/likes"):
        assert client.get(address).status_code == 200
    session.expire_all()
    kept = session.query(KeptAnswer).one()
    assert (kept.asked, kept.tracks, kept.state, kept.created_at) == before


def test_a_like_can_count_twice_without_a_script(client, session, planted, name):
    react(client, name(0))
    react(client, name(5))
    answer = client.post(f"/tracks/{name(0)}/weight", data={"weight": "3"})
    assert (answer.status_code, answer.location) == (303, f"/likes#t-{name(0)}")
    listener = session.query(Listener).one()
    assert reactions.weights(session, listener) == {int(planted.track_ids[0]): 3}
    pressed = parse(client.get("/likes")).select("button[name=weight][aria-pressed=true]")
    assert sorted(button["value"] for button in pressed) == ["1", "3"]
    reasons = texts(client.get("/recommendations"), ".sum th")
    assert [reason for reason in reasons if "“Song 1”, which counts three times" in reason]
    assert not [reason for reason in reasons if "“Song 6”, which counts" in reason]
    # Liking it again keeps the weight; disliking forgets it.
    react(client, name(0))
    assert reactions.weights(session, listener)
    react(client, name(0), "dislike")
    react(client, name(0))
    assert not reactions.weights(session, listener)


@pytest.mark.parametrize("weight", ["0", "4", "x", ""])
def test_other_weights_are_refused(client, planted, name, weight):
    react(client, name(0))
    assert client.post(f"/tracks/{name(0)}/weight", data={"weight": weight}).status_code == 400
    assert client.post(f"/tracks/{name(1)}/weight", data={"weight": "2"}).status_code == 404


def test_a_skip_is_counted_and_is_no_dislike(client, session, planted, name):
    react(client, name(0))
    near = shown(client.get("/recommendations").text)[0]
    for after in ("3.5", "12"):
        answer = client.post(f"/tracks/{near}/skip", data={"after": after}, headers=JSON)
        assert answer.json == {"skipped": True}
    assert session.query(Skip).one().times == 2
    assert session.query(Reaction).one().value == 1
    title = session.scalars(select(Track.title).where(Track.public_id == near)).one()
    skipped = f"“{title}”, which you skipped"
    assert [text for text in texts(client.get("/recommendations"), ".sum th") if skipped in text]
    likes = texts(client.get("/likes"), "main h2")
    assert "Liked songs" in likes
    assert "Not for you" not in likes
    assert "Recently skipped" in texts(client.get("/me"), "main h2")
    client.post("/me/skips/forget")
    assert session.query(Skip).count() == 0


@pytest.mark.parametrize("after", ["30", "-1", "nan", "soon", ""])
def test_what_was_heard_for_longer_was_not_skipped(client, session, planted, name, after):
    assert client.post(f"/tracks/{name(1)}/skip", data={"after": after}).status_code == 400
    assert session.query(Skip).count() == 0


def test_skips_and_weights_move_into_an_account(session, planted):
    one, two = Listener(token="a"), Listener(token="b")
    session.add_all([one, two])
    session.flush()
    track = int(planted.track_ids[0])
    for listener in (one, two):
        skips.record(session, listener, track, 2)
    reactions.react(session, one, int(planted.track_ids[1]), 1, 2)
    reactions.merge(session, one, two)
    assert skips.find(session, two, track).times == 4
    assert reactions.weights(session, two) == {int(planted.track_ids[1]): 2}


def test_more_like_one_song_stands_on_every_song_of_a_list(client, planted, name):
    react(client, name(0))
    page = client.get("/recommendations").text
    links = re.findall(r'href="(/tracks/p\d+/more)"', page)
    assert len(links) == len(shown(page)) > 5
    more = client.get(links[0])
    assert more.status_code == 200
    assert name(0) not in shown(more.text)
    assert len(shown(more.text)) == 20
    assert client.get("/tracks/none/more").status_code == 404


def sources(session, planted, name):
    playlist = playlists.create(session, make(session), "Mine", "", planted.track_ids[:6].tolist())
    playlist.listener_id = None
    session.commit()
    return {
        "song": name(0),
        "artist": "Artist 3",
        "cluster": "0",
        "mood": "folk, joy",
        "playlist": playlist.public_id,
    }


def tracks_tagged(session, kind, name):
    tagged = session.query(TrackTag.track_id).join(Tag, Tag.id == TrackTag.tag_id)
    return {track_id for (track_id,) in tagged.filter(Tag.kind == kind, Tag.name == name)}


def make(session):
    listener = Listener(token="x")
    session.add(listener)
    session.flush()
    return listener


def test_a_station_goes_on_to_the_end_of_the_catalogue_and_plays_nothing_twice(
    client, session, planted, name
):
    genre, emotion = (
        tracks_tagged(session, kind, tag) for kind, tag in (("genre", "folk"), ("emotion", "joy"))
    )
    for kind, key in sources(session, planted, name).items():
        address, heard = f"/stations/{kind}?of={quote(key)}&from=7-0", []
        while address:
            page = client.get(address)
            assert page.status_code == 200, (kind, page.text[:500])
            assert page.text.count('class="reason"') == len(shown(page.text))
            heard += shown(page.text)
            onward = re.search(r'rel="next" href="([^"]+)"', page.text)
            address = onward[1].replace("&amp;", "&") if onward else None
        assert len(heard) == len(set(heard)) == (len(genre & emotion) if kind == "mood" else 80), (
            kind
        )


def test_what_is_disliked_is_passed_over(client, session, planted, name):
    first = shown(client.get(f"/stations/song?of={name(0)}&from=7-0").text)
    assert first[0] == name(0)
    react(client, first[3], "dislike")
    again = shown(client.get(f"/stations/song?of={name(0)}&from=7-0").text)
    assert again == [one for one in first if one != first[3]]


@pytest.mark.parametrize(
    "address",
    [
        "song?of=none",
        "artist?of=nobody",
        "artist",
        "cluster?of=99",
        "cluster?of=x",
        "mood?of=blue",
        "mood?of=folk,anger",
        "mood",
        "playlist?of=none",
        "year?of=1999",
    ],
)
def test_there_is_no_station_of_what_there_is_not(client, planted, address):
    answer = client.get(f"/stations/{address}")
    assert answer.status_code == 404
    (reason,) = texts(answer, "main .lead")
    assert "so it has no radio" in reason


def test_the_player_s_queue_holds_what_can_be_heard_and_asks_for_more(
    client, session, planted, name, tmp_path
):
    for row in range(40):
        track = session.get(Track, int(planted.track_ids[row]))
        add_sound(session, track, write_wav(tmp_path / f"{row}.wav", 0.05, 200 + row))
    session.commit()
    address, heard = f"/stations/song/queue?of={name(3)}&from=1-0", []
    while address:
        part = client.get(address).json
        heard += [song["id"] for song in part["songs"]]
        assert all(song["why"] and song["media"] for song in part["songs"])
        address = part["more"]
    assert len(heard) == len(set(heard)) == 40
    assert heard[0] == name(3)
    assert client.get("/stations/song/queue?of=none").status_code == 404
    assert client.get(f"/stations/song/queue?of={name(3)}&from=x").status_code == 400


def test_a_path_leads_from_one_song_to_the_other(client, planted, name):
    page = client.get(f"/path?from={name(0)}&to={name(1)}&steps=4")
    assert page.status_code == 200
    found = shown(page.text)
    assert (found[0], found[-1], len(found)) == (name(0), name(1), 6)
    steps = parse(page).select("main svg[aria-label^='Step ']")
    assert [step["aria-label"].partition(":")[0] for step in steps] == [
        f"Step {number}" for number in range(1, 6)
    ]
    assert len(parse(page).select("svg polyline.route")) == 1


def test_songs_of_a_path_can_be_chosen_by_their_title(client, session, planted, name):
    page = client.get("/path?from=Artist+3&to=")
    assert "Which song do you start from?" in texts(page, "main h2")
    offered = [a for a in links(page).values() if a.startswith("/path?from=")]
    assert offered
    assert all(re.fullmatch(r"/path\?from=p\d+&to=&steps=8", a) for a in offered)
    assert texts(client.get("/path?from=zzz"), "main .notice") == ["No results for “zzz”."]


def test_a_queue_around_songs_that_cannot_be_heard_holds_only_what_can(
    client, session, planted, name, tmp_path
):
    client.post("/playlists", data={"name": "Silent", "tracks": ",".join(map(name, range(20)))})
    silent = session.scalars(select(Playlist)).one().public_id
    # Nothing can be heard yet: the queue is empty, and nothing more is to come.
    address = f"/stations/playlist/queue?of={silent}&from=1-0"
    assert client.get(address).json == {"songs": [], "more": None}
    for row in (30, 31, 32):
        track = session.scalars(select(Track).where(Track.public_id == name(row))).one()
        add_sound(session, track, write_wav(tmp_path / f"{row}.wav", 0.05, 200 + row))
    session.commit()
    queue = client.get(address).json
    assert {song["id"] for song in queue["songs"]} == {name(30), name(31), name(32)}
    assert queue["more"] is None
    song = client.get(f"/stations/song/queue?of={name(3)}&from=1-0").json
    assert "The song this radio starts from" not in {one["why"] for one in song["songs"]}


def test_a_song_of_a_radios_source_is_not_called_unlike_the_others(client, session, planted, name):
    labels = planted.labels.tolist()
    apart = [name(labels.index(cluster)) for cluster in (0, 1)]
    for public_id in apart:
        react(client, public_id)
    page = parse(client.get("/stations/likes?from=1-0"))
    reasons = {
        str(item["data-song"]): text_of(item.select_one(".reason"))
        for item in page.select(".song-list > li")
    }
    assert {reasons[one] for one in apart} == {"One of the songs this radio starts from"}
    assert "One of the songs" not in {reasons[one] for one in reasons if one not in apart}


def test_a_blend_adds_and_takes_away(client, session, planted, name):
    page = client.get(f"/blend?add={name(0)}&add={name(1)}&subtract={name(2)}")
    assert page.status_code == 200
    found = shown(page.text)
    assert len(found) == 20
    assert not {name(0), name(1), name(2)} & set(found)
    # What was taken out is named, and what it shares with the song or not.
    taken = [text for text in texts(page, ".sum th") if ", which you took out" in text]
    assert taken
    assert all("“Song 3”, which you took out: " in text for text in taken)
    assert not [text for text in texts(page, ".sum th") if "dislike" in text]
    both = client.get(f"/blend?add={name(0)}&subtract={name(0)}")
    assert texts(both, ".notice-bad") == [
        "These songs cancel each other out: nothing is left to look for."
    ]
    # A word in the field offers songs; an id adds the song.
    offered = links(client.get(f"/blend?add={name(0)}&and=Artist+3")).values()
    assert len([address for address in offered if "&add=p" in address]) >= 2
    without = parse(client.get(f"/blend?add={name(0)}&not={name(4)}"))
    assert {field["value"] for field in without.select("input[name=subtract]")} == {name(4)}


@pytest.mark.parametrize(
    ("address", "heading"),
    [
        ("/stations", "No songs to play yet"),
        ("/path", "No paths yet"),
        ("/blend", "Nothing to blend yet"),
        ("/me", "No likes yet"),
        ("/stations?q=song", "No songs to play yet"),
    ],
)
def test_pages_say_what_to_do_before_there_is_anything(client, session, address, heading):
    page = client.get(address)
    assert page.status_code == 200
    assert texts(page, "main .empty h2") == [heading]


def test_every_kind_of_station_is_offered(client, session, planted, name):
    react(client, name(0))
    client.post("/playlists", data={"name": "Mine", "tracks": name(3)})
    offered = {
        a["href"].removeprefix("/stations/").partition("?")[0]
        for a in parse(client.get("/stations?q=Song+12")).select("main a[href^='/stations/']")
    }
    assert offered == {"song", "artist", "cluster", "mood", "playlist", "likes"}
    assert client.get("/stations/likes").status_code == 200
