"""The listener decides which song a list means; answers are remembered and can be undone."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.core.errors import BadInput
from songrec.services.listeners import import_export, match_decisions
from songrec.store.listeners import listens, playlists, reactions, skips, unmatched_imports
from songrec.store.listeners import match_decisions as stored
from songrec.store.tables import Listener, Track
from tests.factories import make_track

LIKES = "title,artist\nHalo (Live in Oslo),Beyoncé\nUnheard of,Nobody\n"


def add(session: Session, title: str, artists: str) -> Track:
    return make_track(session, title, artists=artists, song_key=songs.song_key(artists, title))


@pytest.fixture
def listener(session: Session) -> Listener:
    found = Listener(token="me")
    session.add(found)
    session.flush()
    return found


@pytest.fixture
def halo(session: Session) -> Track:
    return add(session, "Halo", "Beyoncé")


def take(session: Session, listener: Listener, text: str, name: str = "list.csv"):
    return import_export.import_likes(session, listener, text.encode(), file_name=name)


def only_question(session: Session, listener: Listener) -> match_decisions.Question:
    (question,) = match_decisions.open_questions(session, listener, None)
    return question


def test_nothing_unsure_becomes_a_like_until_it_is_decided(
    session: Session, listener: Listener, halo: Track
) -> None:
    report = take(session, listener, LIKES)
    assert report.likes == 0
    assert report.to_json()["unsure_songs"] == ["Beyoncé – Halo (Live in Oslo)"]
    assert [one.label for one in report.missing_songs] == ["Nobody – Unheard of"]
    question = only_question(session, listener)
    assert [(one.id, sure) for one, sure in question.candidates] == [(halo.id, 0.72)]
    assert unmatched_imports.count(session, listener) == 2
    match_decisions.decide(session, listener, question.id, halo.public_id)
    assert reactions.values(session, listener) == {halo.id: 1}
    assert unmatched_imports.count(session, listener) == 1
    assert match_decisions.open_questions(session, listener, None) == []
    (answer,) = import_export.export(session, listener)["decisions"]
    assert (answer["title"], answer["track"]["title"]) == ("Halo (Live in Oslo)", "Halo")


def test_an_answer_is_remembered_for_later_imports(
    session: Session, listener: Listener, halo: Track
) -> None:
    take(session, listener, LIKES)
    match_decisions.decide(session, listener, only_question(session, listener).id, halo.public_id)
    report = take(session, listener, "title,artist\nHALO (live in Oslo),beyonce\n", "Trip.m3u")
    report = take(
        session, listener, "#EXTM3U\n#EXTINF:1,Beyoncé - Halo (Live in Oslo)\nx.mp3\n", "Trip.m3u"
    )
    assert {how: len(pairs) for how, pairs in report.matched.items() if pairs} == {"decision": 1}
    assert report.unsure == {}


def test_none_of_them_is_an_answer_too(session: Session, listener: Listener, halo: Track) -> None:
    take(session, listener, LIKES)
    match_decisions.decide(session, listener, only_question(session, listener).id, "none")
    again = take(session, listener, LIKES)
    assert again.unsure == {}
    assert again.likes == 0
    assert len(again.missing_songs) == 2
    assert stored.count(session, listener, stored.OPEN) == 0


def test_undoing_takes_back_what_the_answer_changed(
    session: Session, listener: Listener, halo: Track
) -> None:
    history = [
        {"ts": f"2024-01-0{day}T10:00:00Z", "ms_played": played, "spotify_track_uri": None,
         "master_metadata_track_name": "Halo (Live in Oslo)",
         "master_metadata_album_artist_name": "Beyoncé"}
        for day, played in ((1, 200_000), (2, 5_000))
    ]  # fmt: skip
    take(session, listener, LIKES)
    take(session, listener, json.dumps(history), "endsong_0.json")
    take(
        session,
        listener,
        "#EXTM3U\n#PLAYLIST:Mix\n#EXTINF:1,Beyoncé - Halo (Live in Oslo)\nhalo.mp3\n",
        "mix.m3u8",
    )
    question = only_question(session, listener)
    match_decisions.decide(session, listener, question.id, halo.public_id)
    (mix,) = playlists.owned(session, listener)
    assert playlists.tracks(session, mix) == [halo.id]
    assert listens.counts(session, listener).unmatched == 0
    assert skips.recent_counts(session, listener) == {halo.id: 1}
    match_decisions.undo(session, listener, question.id)
    assert reactions.values(session, listener) == {}
    assert playlists.tracks(session, mix) == []
    assert listens.counts(session, listener).unmatched == 2
    assert skips.recent_counts(session, listener) == {}
    assert unmatched_imports.count(session, listener) == 3
    assert only_question(session, listener).id == question.id
    # Decided otherwise, all of it goes to the other song.
    other = add(session, "Hello", "Beyoncé")
    match_decisions.decide(session, listener, question.id, halo.public_id)
    match_decisions.decide(session, listener, question.id, other.public_id)
    assert reactions.values(session, listener) == {other.id: 1}
    assert playlists.tracks(session, mix) == [other.id]


def test_a_like_given_before_stays_when_an_answer_is_undone(
    session: Session, listener: Listener, halo: Track
) -> None:
    reactions.react(session, listener, halo.id, reactions.DISLIKE)
    take(session, listener, LIKES)
    question = only_question(session, listener)
    match_decisions.decide(session, listener, question.id, halo.public_id)
    assert reactions.values(session, listener) == {halo.id: -1}
    match_decisions.undo(session, listener, question.id)
    assert reactions.values(session, listener) == {halo.id: -1}


def test_all_songs_of_an_artist_are_decided_at_once(session: Session, listener: Listener) -> None:
    names = ("Halo", "Crazy in Love", "Formation")
    songs_of = [add(session, name, "Beyoncé") for name in names]
    add(session, "Creep", "Radiohead")
    lines = [f"{name} (Live),beyonce" for name in names]
    take(session, listener, "\n".join(["title,artist", *lines, "Creep (Acoustic),Radiohead"]))
    page = match_decisions.decision_page(session, listener, 50)
    assert [(len(some), size) for some, size in page.groups] == [(3, 3), (1, 1)]
    group = page.groups[0][0][0].group
    assert match_decisions.decide_artist(session, listener, group, accepts=True) == 3
    assert set(reactions.values(session, listener)) == {track.id for track in songs_of}
    assert match_decisions.decide_artist(session, listener, "radiohead", accepts=False) == 1
    page = match_decisions.decision_page(session, listener, 50)
    assert page.groups == []
    assert [number for _, number in page.latest] == [1, 3]
    assert match_decisions.undo_batch(session, listener, page.latest[1][0].id) == 3
    assert reactions.values(session, listener) == {}
    assert stored.count(session, listener, stored.OPEN) == 3
    assert unmatched_imports.count(session, listener) == 4


def test_a_song_that_comes_into_the_catalogue_is_no_question_any_more(
    session: Session, listener: Listener, halo: Track
) -> None:
    take(session, listener, LIKES)
    live = add(session, "Halo (Live in Oslo)", "Beyoncé")
    import_export.retry_unmatched(session, listener)
    assert reactions.values(session, listener) == {live.id: 1}
    assert stored.count(session, listener) == 0


def test_others_cannot_decide(session: Session, listener: Listener, halo: Track) -> None:
    take(session, listener, LIKES)
    question = only_question(session, listener)
    stranger = Listener(token="other")
    session.add(stranger)
    session.flush()
    with pytest.raises(BadInput):
        match_decisions.decide(session, stranger, question.id, halo.public_id)
    with pytest.raises(BadInput):
        match_decisions.decide(session, listener, question.id, "nosuchsong")
    reactions.merge(session, listener, stranger)
    match_decisions.decide(session, stranger, question.id, halo.public_id)
    assert reactions.values(session, stranger) == {halo.id: 1}


def test_answers_come_back_with_an_export(
    session: Session, listener: Listener, halo: Track
) -> None:
    """Those about songs that are here; what was asked or answered here stays."""
    take(session, listener, LIKES)
    match_decisions.decide(session, listener, only_question(session, listener).id, halo.public_id)
    content = import_export.export(session, listener)
    content["decisions"] += [
        {"title": "Gone", "artists": "Nobody", "state": "matched", "track": {"title": "Gone"}},
        {"title": "Other", "artists": "Nobody", "state": "none", "track": None},
        {"title": "Open", "artists": "Nobody", "state": "open", "track": None},
    ]
    content["likes"], text = [], json.dumps({**content, "likes": []})
    again = Listener(token="again")
    session.add(again)
    session.flush()
    report = take(session, again, text, "mine.json")
    assert report.to_json()["decisions"] == 2
    report = take(session, again, LIKES)
    assert {how: len(pairs) for how, pairs in report.matched.items() if pairs} == {"decision": 1}
    assert report.unsure == {}
    assert take(session, again, text, "mine.json").to_json()["decisions"] == 0
