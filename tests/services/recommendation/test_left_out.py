"""Rules of listeners, seasonal songs and spoken word, in every list of songs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from songrec.core.content_flags import SEASONAL, SPOKEN_WORD
from songrec.core.errors import BadInput
from songrec.services.recommendation import blends, for_listener, mood, paths, recommend, stations
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.store.catalogue import content_flags, tracks
from songrec.store.instance import Instance
from songrec.store.listeners import reactions, recommendation_rules
from songrec.store.runs import run_folders
from songrec.store.tables import Album, Listener, Track
from tests.factories import make_track
from tests.sounding import add_sound, write_wav


@pytest.fixture
def planted_options():
    return {"n": 60}


@pytest.fixture
def listener(session, planted):
    listener = Listener(token="rules")
    session.add(listener)
    session.flush()
    for row in np.flatnonzero(planted.labels == 0)[:3]:
        reactions.react(session, listener, int(planted.track_ids[row]), reactions.LIKE)
    return listener


def add_rule(session, listener, kind, value):
    target = recommendation_rules.find_target(session, kind, value)
    return recommendation_rules.add(session, listener, target)


def everything(instance: Instance, listener: Listener, planted) -> dict[str, set[int]]:
    """Return, by kind of list, the ids of a long list of songs for the listener."""
    session = instance.session
    feedback = ListenerFeedback.load(session, listener)
    view = tracks.tracks_by_id(session, feedback.likes[:1], planted.run)[0]
    other = tracks.tracks_by_id(session, feedback.likes[1:2], planted.run)[0]
    n = 50
    lists = {
        "for you": for_listener.recommend_for_listener(instance, feedback, n=n),
        "more": for_listener.more_like_song(instance, view, feedback, n),
        "path": paths.song_path(instance, view, other, n, listener)[0],
        "blend": blends.blend(instance, feedback.likes, [], n, listener),
        "mood": mood.recommend_for_mood(
            instance, mood.Mood(sliders={"energy": 0.5}), n=n, listener=listener
        ),
    }
    for by in ("best", "sound", "latent", "features"):
        lists[by] = recommend.similar_songs(instance, view, n, by=by, listener=listener)
    for kind, key in (("song", view.public_id), ("cluster", "0"), ("likes", "")):
        lists[f"station {kind}"] = stations.station_page(instance, listener, kind, key, n=100).items
    return {name: {one.track.id for one in found} for name, found in lists.items()}


def victim_of(session, planted, listener) -> Track:
    """Return a song of the liked cluster that is not liked."""
    likes = ListenerFeedback.load(session, listener).likes
    ids = [int(i) for i in planted.track_ids[planted.labels == 0] if int(i) not in likes]
    return session.get(Track, ids[5])


def values_of(session, tmp_path) -> dict[str, Callable[[Track], str]]:
    def folder(track: Track) -> str:
        inside = tmp_path / "Speeches"
        inside.mkdir()
        add_sound(session, track, write_wav(inside / "one.wav"))
        return track.public_id

    def album(track: Track) -> str:
        track.album = Album(public_id="al1", title="Never")
        session.flush()
        return "al1"

    return {"artist": lambda track: track.artists, "album": album, "folder": folder}


@pytest.mark.parametrize("kind", ["artist", "album", "folder"])
def test_what_a_rule_names_comes_in_no_list_until_it_is_taken_back(
    session, instance, planted, listener, tmp_path, kind
):
    here = Instance(instance, session)
    track = victim_of(session, planted, listener)
    value = values_of(session, tmp_path)[kind](track)
    before = everything(here, listener, planted)
    assert [name for name, ids in before.items() if track.id not in ids] == []
    rule = add_rule(session, listener, kind, value)
    assert add_rule(session, listener, kind, value).id == rule.id
    during = everything(here, listener, planted)
    assert [name for name, ids in during.items() if track.id in ids] == []
    # Others are not kept from it, and searching finds it.
    stranger = Listener(token="other")
    session.add(stranger)
    session.flush()
    assert recommendation_rules.remove(session, stranger, rule.id) is None
    recommendation_rules.remove(session, listener, rule.id)
    assert everything(here, listener, planted) == before


def test_a_genre_is_left_out_in_any_spelling(session, instance, planted, listener):
    here = Instance(instance, session)
    rule = add_rule(session, listener, "genre", "RAP")
    assert rule.label == "rap"
    rap = set(planted.track_ids[planted.labels == 1].tolist())
    assert rap
    assert not [n for n, ids in everything(here, listener, planted).items() if ids & rap]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("artist", "nobody at all"), ("genre", "polka"), ("folder", "p1"), ("x", "y")],
)
def test_rules_about_nothing_are_refused(session, planted, listener, kind, value):
    with pytest.raises(BadInput):
        add_rule(session, listener, kind, value)


@pytest.mark.parametrize("flag", [SEASONAL, SPOKEN_WORD])
def test_kinds_for_some_days_are_left_out_unless_liked_or_allowed(
    session, instance, planted, listener, flag
):
    here = Instance(instance, session)
    track = victim_of(session, planted, listener)
    flags = np.zeros(len(planted.track_ids), dtype=np.uint8)
    flagged = np.flatnonzero(planted.labels == 0)[5:12]
    flags[flagged] = flag
    flags[planted.track_ids == track.id] = flag
    folder = run_folders.run_folder(instance, planted.run.public_id)
    np.save(folder / "content_flags.npy", flags)
    lists = everything(here, listener, planted)
    assert [name for name, ids in lists.items() if track.id in ids] == []
    # Whoever asks for songs like one gets others of its kind.
    view = tracks.tracks_by_id(session, [track.id], planted.run)[0]
    similar = {one.track.id for one in recommend.similar_songs(here, view, 55)}
    assert similar & set(planted.track_ids[flagged].tolist())
    name = {SEASONAL: "seasonal", SPOKEN_WORD: "spoken-word"}[flag]
    rule = add_rule(session, listener, "allowed", name)
    assert track.id in everything(here, listener, planted)["for you"]
    recommendation_rules.remove(session, listener, rule.id)
    assert track.id not in everything(here, listener, planted)["for you"]
    reactions.react(session, listener, int(planted.track_ids[flagged[0]]), reactions.LIKE)
    assert track.id in everything(here, listener, planted)["for you"]


def test_flags_are_read_from_titles_albums_genres_and_speech(session):
    made = [
        make_track(session, "Last Christmas"),
        make_track(session, "Ave Maria", album="Christmas Songs"),
        make_track(session, "One", genres=("Audiobook",)),
        make_track(session, "Two"),
        make_track(session, "Three"),
    ]
    ids = np.array([track.id for track in made])
    speech = np.array([0.1, 0.1, 0.1, 0.9, np.nan], dtype=np.float32)
    expected = [SEASONAL, SEASONAL, SPOKEN_WORD, SPOKEN_WORD, 0]
    assert content_flags.read_flags(session, ids, speech).tolist() == expected
    assert content_flags.read_flags(session, ids[1:3], speech[1:3]).tolist() == expected[1:3]


def test_rules_move_to_an_account_with_the_likes(session, planted, listener):
    account = Listener(token="account")
    session.add(account)
    session.flush()
    for one in (listener, account):
        add_rule(session, one, "genre", "rap")
    add_rule(session, listener, "allowed", "seasonal")
    reactions.merge(session, listener, account)
    kinds = [(r.kind, r.value) for r in recommendation_rules.of_listener(session, account)]
    assert sorted(kinds) == [("allowed", "seasonal"), ("genre", "rap")]


def test_what_a_listener_dislikes_comes_in_no_list(session, instance, planted, listener):
    here = Instance(instance, session)
    track = victim_of(session, planted, listener)
    before = everything(here, listener, planted)
    assert [name for name, ids in before.items() if track.id not in ids] == []
    reactions.react(session, listener, track.id, reactions.DISLIKE)
    during = everything(here, listener, planted)
    # The page of a mood names the dislikes itself.
    assert [name for name, ids in during.items() if track.id in ids] == ["mood"]
    # A path to a disliked song was asked for, and is one.
    start, end = tracks.tracks_by_id(session, [int(planted.track_ids[-1]), track.id], planted.run)
    steps, _ = paths.song_path(here, start, end, 3, listener)
    assert [steps[0].track.id, steps[-1].track.id] == [start.id, end.id]


def test_songs_to_like_first_are_none_that_are_ruled_out_or_disliked(session, instance, planted):
    here, newcomer = Instance(instance, session), Listener(token="newcomer")
    session.add(newcomer)
    session.flush()

    def offered() -> list[int]:
        by_cluster = recommend.starters(here, planted.run, newcomer)
        return [view.id for _, views in by_cluster for view in views]

    first, second = offered()[:2]
    reactions.react(session, newcomer, first, reactions.DISLIKE)
    add_rule(session, newcomer, "artist", session.get(Track, second).artists)
    assert not {first, second} & set(offered())
    assert {first, second} <= {
        view.id for _, views in recommend.starters(here, planted.run) for view in views
    }
