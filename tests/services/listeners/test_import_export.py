"""Lists are taken in, what is not found waits, and everything comes out as it went in."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.core import songs
from songrec.core.errors import BadInput
from songrec.services.listeners import import_export, list_files
from songrec.store.db import now
from songrec.store.listeners import mixes, playlists, reactions, skips, unmatched_imports
from songrec.store.tables import Listener
from tests.factories import make_track


def add(session, title, artists, **values):
    key = songs.song_key(artists, title)
    return make_track(session, title, artists=artists, song_key=key, **values)


@pytest.fixture
def listener(session):
    found = Listener(token="me")
    session.add(found)
    session.flush()
    return found


@pytest.fixture
def catalogue(session):
    return {
        "halo": add(session, "Halo", "Beyoncé", external_id="4JehYebiI9JE8sR8MisGVb"),
        "umbrella": add(session, "Umbrella (feat. Jay-Z)", "Rihanna, Jay-Z"),
        "crazy": add(session, "Crazy in Love", "Beyoncé"),
        "other": add(session, "Halo", "Depeche Mode"),
        "plus": add(session, "+1", "Martin Solveig"),
        # "Beyoncé & Jay-Z" are two artists because both have songs of their own.
        "encore": add(session, "Encore", "Jay-Z"),
    }


def likes_of(session, listener):
    return set(reactions.reactions(session, listener)[0])


CSV = """title,artist,spotify_id
HALO,beyonce,
Umbrella,Rihanna,
Crazy in Love feat. Jay Z,Beyoncé & Jay-Z,
Something else,Nobody,xyz
,,
Halo,,
x,y,4JehYebiI9JE8sR8MisGVb
"""


def test_names_match_up_to_case_accents_and_guests_and_nothing_is_lost(
    session, listener, catalogue
):
    report = import_export.import_likes(session, listener, CSV.encode())
    how = {name: [track for _, track in pairs] for name, pairs in report.matched.items()}
    assert how == {
        "id": [catalogue["halo"].id],
        "names": [catalogue["halo"].id],
        "guests": [catalogue["umbrella"].id, catalogue["crazy"].id],
    }
    assert [entry.label for entry in report.missing] == ["Nobody – Something else"]
    assert report.refused == [(7, "has no id and no title with an artist")]
    assert likes_of(session, listener) == {catalogue[n].id for n in ("halo", "umbrella", "crazy")}
    # Taken in again, nothing changes; the song that waited is liked once it is there.
    import_export.import_likes(session, listener, CSV.encode())
    assert unmatched_imports.count(session, listener) == 1
    late = add(session, "Something Else", "Nobody")
    assert import_export.retry_unmatched(session, listener).found == 1
    assert late.id in likes_of(session, listener)
    assert unmatched_imports.count(session, listener) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Umbrella", "Umbrella (feat. Jay-Z)"),
        ("Umbrella ft. Jay-Z", "UMBRELLA"),
        ("Umbrella [Featuring Jay-Z]", "Umbrella"),
        ("Élan", "elan"),
    ],
)
def test_titles_that_differ_by_guests_are_one(one, other):
    assert import_export.bare_title(one) == import_export.bare_title(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Umbrella", "Umbrella (Live)"),
        ("Umbrella", "Umbrella - Remix"),
        ("Feather", "Fea"),
        ("Defeat. Me", "De"),
        ("Left", "Le"),
    ],
)
def test_other_versions_are_not(one, other):
    assert import_export.bare_title(one) != import_export.bare_title(other)


def test_a_jspf_playlist_is_taken_in_by_its_identifiers(session, listener, catalogue):
    text = json.dumps(
        {
            "playlist": {
                "title": "x",
                "track": [
                    {
                        "title": "?",
                        "creator": "?",
                        "identifier": ["spotify:track:4JehYebiI9JE8sR8MisGVb"],
                    },
                    {"title": "+1", "creator": "Martin Solveig", "identifier": "urn:x"},
                    {"info": f"https://songs.example/tracks/{catalogue['crazy'].public_id}"},
                    "nothing",
                ],
            }
        }
    )
    report = import_export.import_likes(session, listener, text.encode())
    (mine,) = playlists.owned(session, listener)
    assert mine.name == "x"
    assert playlists.tracks(session, mine) == [catalogue[n].id for n in ("halo", "plus", "crazy")]
    assert likes_of(session, listener) == set()
    assert report.refused == [(4, "is not a track")]
    liked = import_export.import_likes(session, listener, text.encode(), kind="likes")
    assert (liked.likes, liked.playlists) == (3, 0)


@pytest.mark.parametrize("lines", [True, False])
def test_listenbrainz_feedback_says_loved_and_hated(session, listener, catalogue, lines):
    rows = [
        {
            "recording_mbid": "a",
            "score": 1,
            "created": 1,
            "track_metadata": {"artist_name": "Beyoncé", "track_name": "Halo"},
        },
        {
            "recording_mbid": "b",
            "score": -1,
            "track_metadata": {"artist_name": "Depeche Mode", "track_name": "Halo"},
        },
        {"recording_mbid": "c", "score": 1, "track_metadata": None},
        {"recording_mbid": "d", "score": 0},
    ]
    text = "\n".join(map(json.dumps, rows)) if lines else json.dumps({"feedback": rows})
    report = import_export.import_likes(session, listener, text.encode())
    assert report.format == "ListenBrainz"
    assert reactions.reactions(session, listener) == (
        [catalogue["halo"].id],
        [catalogue["other"].id],
    )
    assert [entry.ids for entry in report.missing] == [("c",)]
    assert report.refused == [(4, "has a score other than love and hate")]


def test_what_was_said_here_stays_when_a_list_says_otherwise(session, listener, catalogue):
    reactions.react(session, listener, catalogue["halo"].id, -1)
    import_export.import_likes(session, listener, CSV.encode())
    assert catalogue["halo"].id in reactions.reactions(session, listener)[1]


def test_everything_comes_out_and_goes_in_again_elsewhere(session, listener, catalogue):
    reactions.react(session, listener, catalogue["halo"].id, 1, 3)
    reactions.react(session, listener, catalogue["crazy"].id, 1)
    reactions.react(session, listener, catalogue["other"].id, -1)
    skips.record(session, listener, catalogue["plus"].id, 2)
    order = [catalogue["plus"].id, catalogue["halo"].id]
    playlists.create(session, listener, "Mine", "for the train", order)
    playlists.create(session, listener, "Empty")
    import_export.import_likes(session, listener, b"title,artist\nGone,Somebody\n")
    first = import_export.export(session, listener)
    text = json.dumps(first).encode()
    again = Listener(token="again")
    session.add(again)
    session.flush()
    assert import_export.import_likes(session, again, text).format == "songrec"

    def bare(content):
        times = {"since", "last", "created_at", "exported_at"}
        if isinstance(content, dict):
            return {k: bare(v) for k, v in content.items() if k not in times}
        return [bare(v) for v in content] if isinstance(content, list) else content

    second = import_export.export(session, again)
    for part in ("likes", "dislikes", "skips", "waiting"):
        assert bare(second[part]) == bare(first[part]), part
    for one in (first, second):
        one["playlists"].sort(key=lambda playlist: playlist["name"])
    assert bare(second["playlists"]) == bare(first["playlists"])
    # Once more changes nothing.
    import_export.import_likes(session, again, text)
    assert bare(import_export.export(session, again)["skips"]) == bare(first["skips"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b'{"a": 1}', "is not a JSPF"),
        (b"[]", "no song"),
        (b"{oops", "not valid JSON"),
        (b"a,b\n1,2\n", "column"),
        (b"title,artist\n", "no song"),
        (b"[" * 100_000, "deep"),
    ],
)
def test_files_that_are_no_list_are_refused_in_one_line(content, message):
    with pytest.raises(BadInput, match=message) as caught:
        list_files.read(content)
    assert "\n" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "likes",
                    "skips",
                    "playlists",
                    "tracks",
                    "waiting",
                    "name",
                    "title",
                    "artists",
                    "id",
                    "weight",
                    "times",
                    "kind",
                    "playlist",
                    "track",
                    "feedback",
                    "score",
                    "track_metadata",
                    "identifier",
                    "creator",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=60), json_values))
def test_no_file_brings_anything_but_songs_or_a_clear_error(content):
    if not isinstance(content, bytes):
        if isinstance(content, dict):
            content = {"format": list_files.FORMAT, **content}
        content = json.dumps(content).encode()
    with contextlib.suppress(BadInput):
        found = list_files.read(content)
        assert found.entries or found.refused or found.playlists


def test_a_list_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(list_files, "MAX_ENTRIES", 2)
    with pytest.raises(BadInput, match="at most 2"):
        list_files.read(b"title,artist\na,b\nc,d\ne,f\n")


def test_lines_of_two_names_are_read_in_the_order_that_the_catalogue_knows(
    session, listener, catalogue
):
    report = import_export.import_likes(
        session, listener, b"Halo - Beyonce\nCrazy in Love - Beyonce\n", file_name="x.txt"
    )
    assert report.likes == 2
    assert report.notes == ["The lines were read as “Title - Artist”."]
    report = import_export.import_likes(session, listener, b"Beyonce - Halo\nNobody - Gone\n")
    assert report.notes == ["The lines were read as “Artist - Title”."]


def test_mixes_come_back_with_their_settings(session, listener, catalogue):
    """Once; an automatic mix where the listener has others of its kind stays away."""
    settings = {"genre": "pop", "no_artists": ["Adele"], "days": 30, "likes": [1], "draw": 2}
    mood = mixes.create(session, listener, mixes.MOOD, "Pop", settings=settings, size=12)
    mixes.change(mood, name="My pop", schedule="30 6 * * 1", time_zone="Europe/Berlin")
    mixes.create(session, listener, mixes.DAILY, "Daily mix 1", schedule="0 4 * * *")
    mixes.create(session, listener, mixes.DAILY, "Daily mix 2")
    reactions.react(session, listener, catalogue["halo"].id, 1)
    text = json.dumps(import_export.export(session, listener)).encode()
    again = Listener(token="again")
    session.add(again)
    session.flush()
    report = import_export.import_likes(session, again, text)
    assert report.to_json()["mixes"] == 3
    assert "3 mixes" in "".join(import_export.summary_lines(report, "it"))
    daily, other, restored = mixes.all_of(session, again)
    assert (daily.number, daily.schedule, other.number, other.schedule) == (1, "0 4 * * *", 2, "")
    assert (restored.name, restored.size, restored.schedule, restored.time_zone) == (
        "My pop",
        12,
        "30 6 * * 1",
        "Europe/Berlin",
    )
    expected = {"genre": "pop", "no_artists": ["Adele"], "days": 30, "renamed": True}
    assert restored.settings == expected
    assert again.id in mixes.due(session, now())
    assert import_export.import_likes(session, again, text).to_json()["mixes"] == 0


@pytest.mark.parametrize(
    "mix",
    [
        {"kind": "party", "name": "x"},
        {"kind": "mood", "name": "x", "size": 5000},
        {"kind": "mood", "name": "x", "size": "many"},
        {"kind": "mood", "name": "x", "size": float("inf")},
        {"kind": "mood", "name": "x", "schedule": "never"},
        {"kind": "mood", "name": "x", "schedule": f"0 {','.join(['6'] * 60)} * * *"},
        {"kind": "mood", "name": "x", "time_zone": "Mars/Base"},
        {},
    ],
    ids=["kind", "size", "no number", "endless", "schedule", "long schedule", "zone", "empty"],
)
def test_a_mix_that_cannot_be_is_passed_over(session, listener, catalogue, mix):
    content = {"format": "songrec listener", "mixes": [mix], "likes": [{"title": "Halo"}]}
    import_export.import_likes(session, listener, json.dumps(content).encode())
    assert mixes.all_of(session, listener) == []


@pytest.mark.parametrize(
    ("of", "is_kept"),
    [
        (",".join(f"{n:016x}" for n in range(20)), True),
        ("a" * 501, False),
        ("\0", False),
        ("\ud800", False),
    ],
    ids=["20 songs", "too long", "zero byte", "half of a pair"],
)
def test_subjects_of_mixes_come_back_where_a_database_can_hold_them(
    session, listener, catalogue, of, is_kept
):
    mix = {"kind": "radio", "name": "x", "settings": {"station": "song", "of": of}}
    content = {"format": "songrec listener", "mixes": [mix]}
    import_export.import_likes(session, listener, json.dumps(content).encode())
    (restored,) = mixes.all_of(session, listener)
    assert restored.settings == {"station": "song"} | ({"of": of} if is_kept else {})


def test_an_export_brings_no_more_mixes_than_one_may_have(
    session, listener, catalogue, monkeypatch
):
    monkeypatch.setattr(mixes, "MAX_MIXES", 1)
    rows = [{"kind": "radio", "settings": {"of": f"{n}"}} for n in range(9)]
    rows.append({"kind": "mood"})
    assert mixes.restore(session, listener, rows) == 1
    assert [mix.settings for mix in mixes.all_of(session, listener)] == [{"of": "0"}]


def test_an_export_brings_as_many_default_mixes_as_there_are(session, listener, catalogue):
    rows = [{"kind": kind} for kind in mixes.DEFAULT_KINDS for _ in range(9)]
    assert mixes.restore(session, listener, rows) == 10
    kinds = [mix.kind for mix in mixes.all_of(session, listener)]
    assert kinds == ["because"] * 3 + ["new"] + ["daily"] * 6


def test_a_mix_has_no_longer_subject_than_is_read_back(session, listener):
    with pytest.raises(BadInput, match="at most 500 characters"):
        mixes.create(session, listener, mixes.RADIO, "x", settings={"of": "a" * 501})
