"""Two tracks become one and two again: nothing is lost, and undoing is exact."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.catalogue import merge_redirects, merging
from songrec.store.catalogue import tracks as catalogue
from songrec.store.db import Base
from songrec.store.listeners import playlists, skips
from songrec.store.listeners import reactions as listeners
from songrec.store.tables import (
    Listener,
    Lyrics,
    Reaction,
    Skip,
    Tag,
    Track,
    TrackTag,
)
from tests.factories import make_track
from tests.sounding import add_sound, write_wav

START = datetime(2026, 1, 1, tzinfo=UTC)
NOT_COMPARED = {"track_merge", "match_key", "duplicate"}
_numbers = itertools.count()


def everything(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that a merge may touch, in a stable order."""
    session.flush()
    return {
        table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
        for table in Base.metadata.sorted_tables
        if table.name not in NOT_COMPARED
    }


def a_listener(session: Session) -> Listener:
    listener = Listener(token=f"listener-{next(_numbers)}")
    session.add(listener)
    session.flush()
    return listener


def likes(session: Session, listener: Listener) -> dict[int, int]:
    return listeners.values(session, listener)


def test_what_is_the_others_moves_to_the_survivor(session: Session, tmp_path: Path) -> None:
    kept = make_track(session, genres=("rock",), album=None, energy=None, year=1999)
    gone = make_track(session, genres=("pop",), album="First", energy=0.25, year=2011)
    listener = a_listener(session)
    listeners.react(session, listener, gone.id, 1)
    playlist = playlists.create(session, listener, "Mine", track_ids=[gone.id])
    file = add_sound(session, gone, write_wav(tmp_path / "a.wav"))
    session.add(Lyrics(track_id=gone.id, text="la"))
    row = merging.merge(session, kept.id, gone.id)
    assert session.get(Track, row.merged_id) is None
    assert likes(session, listener) == {kept.id: 1}
    assert playlists.tracks(session, playlist) == [kept.id]
    assert file.track_id == kept.id
    assert session.get_one(Lyrics, kept.id).text == "la"
    names = session.scalars(
        select(Tag.name)
        .join(TrackTag, TrackTag.tag_id == Tag.id)
        .where(TrackTag.track_id == kept.id)
    )
    assert set(names) == {"rock", "pop"}
    assert kept.attributes.energy == 0.25
    assert (kept.album.title, kept.year) == ("First", 1999)


def test_where_both_are_liked_the_newer_word_counts(session: Session) -> None:
    kept, gone = make_track(session), make_track(session)
    listener = a_listener(session)
    for track, value, day in ((kept, 1, 1), (gone, -1, 2)):
        listeners.react(session, listener, track.id, value)
        moment = {"created_at": START + timedelta(days=day)}
        session.execute(update(Reaction).where(Reaction.track_id == track.id).values(moment))
    row = merging.merge(session, kept.id, gone.id)
    assert likes(session, listener) == {kept.id: -1}
    merging.undo(session, row.id)
    assert likes(session, listener) == {kept.id: 1, row.merged_id: -1}


def test_a_playlist_with_both_keeps_the_first_of_the_two_places(session: Session) -> None:
    kept, between, gone = (make_track(session) for _ in range(3))
    playlist = playlists.create(
        session, a_listener(session), "Both", track_ids=[gone.id, between.id, kept.id]
    )
    row = merging.merge(session, kept.id, gone.id)
    assert playlists.tracks(session, playlist) == [kept.id, between.id]
    merging.undo(session, row.id)
    assert playlists.tracks(session, playlist) == [row.merged_id, between.id, kept.id]


def test_skips_add_up_weights_follow_the_newer_like_and_undoing_parts_them(
    session: Session,
) -> None:
    kept, gone = make_track(session), make_track(session)
    listener = a_listener(session)
    listeners.react(session, listener, kept.id, 1, 3)
    listeners.react(session, listener, gone.id, 1, 2)
    skips.record(session, listener, kept.id, 2, START)
    skips.record(session, listener, gone.id, 5, START + timedelta(days=1))
    moment = {"created_at": START}
    session.execute(update(Reaction).where(Reaction.track_id == kept.id).values(moment))
    row = merging.merge(session, kept.id, gone.id)
    assert listeners.weights(session, listener) == {kept.id: 2}
    (skip,) = skips.of_listener(session, listener)
    assert (skip.track_id, skip.times, skip.last_at) == (kept.id, 7, START + timedelta(days=1))
    merging.undo(session, row.id)
    assert listeners.weights(session, listener) == {kept.id: 3, row.merged_id: 2}
    assert skips.recent_counts(session, listener) == {kept.id: 2, row.merged_id: 5}


def test_a_song_skipped_once_more_since_the_merge_is_so_for_both(session: Session) -> None:
    kept, gone = make_track(session), make_track(session)
    listener, other = a_listener(session), a_listener(session)
    for who, track in ((listener, kept), (listener, gone), (other, gone)):
        skips.record(session, who, track.id, 2, START)
    row = merging.merge(session, kept.id, gone.id)
    skips.record(session, listener, kept.id)
    skips.delete_skips(session, other)
    merging.undo(session, row.id)
    assert skips.recent_counts(session, listener) == {kept.id: 5, row.merged_id: 5}
    assert skips.recent_counts(session, other) == {}


def test_what_was_changed_since_the_merge_stays_changed(session: Session) -> None:
    kept, gone = make_track(session), make_track(session)
    turned, taken, new = (a_listener(session) for _ in range(3))
    for listener in (turned, taken):
        listeners.react(session, listener, gone.id, 1)
    row = merging.merge(session, kept.id, gone.id)
    listeners.react(session, turned, kept.id, -1)
    listeners.react(session, taken, kept.id, None)
    listeners.react(session, new, kept.id, 1)
    merging.undo(session, row.id)
    assert likes(session, turned) == {row.merged_id: -1}
    assert likes(session, taken) == {}
    assert likes(session, new) == {kept.id: 1}


def test_a_listener_who_has_left_since_is_no_obstacle(session: Session) -> None:
    kept, gone = make_track(session), make_track(session)
    listener = a_listener(session)
    listeners.react(session, listener, gone.id, 1)
    playlists.create(session, listener, "Mine", track_ids=[gone.id])
    row = merging.merge(session, kept.id, gone.id)
    session.execute(delete(Listener).where(Listener.id == listener.id))
    session.expire_all()
    merging.undo(session, row.id)
    assert session.get(Track, row.merged_id) is not None
    assert session.scalars(select(Reaction)).all() == []


def test_a_merged_tracks_id_is_never_given_to_another_one(session: Session) -> None:
    kept, gone = make_track(session), make_track(session)
    row = merging.merge(session, kept.id, gone.id)
    new = [make_track(session) for _ in range(2)]
    session.add_all(
        Track(
            title=f"New {n}",
            public_id=f"n{n}",
            source_key=f"n{n}",
            source="",
            fingerprint="",
            song_key=n,
        )
        for n in range(3)
    )
    session.flush()
    assert row.merged_id not in {track.id for track in new}
    merging.undo(session, row.id)
    assert session.get_one(Track, row.merged_id).source_key == row.merged_source_key


def test_addresses_of_a_merged_track_lead_to_the_survivor(session: Session) -> None:
    first, second = make_track(session), make_track(session)
    third = make_track(session, external_id="old-id")
    old = third.public_id
    merging.merge(session, second.id, third.id)
    row = merging.merge(session, first.id, second.id)
    for name in (old, "old-id"):
        found = catalogue.find_track(session, name)
        assert found is not None
        assert found.id == first.id
    assert merge_redirects.survivors(session, [row.merged_id, first.id]) == {
        row.merged_id: first.id
    }


def test_merges_on_top_of_each_other_are_undone_from_the_top(session: Session) -> None:
    one, two, three = (make_track(session) for _ in range(3))
    below = merging.merge(session, one.id, two.id)
    above = merging.merge(session, one.id, three.id)
    with pytest.raises(BadInput, match=f"undo {above.id} first"):
        merging.undo(session, below.id)
    session.rollback()


@pytest.mark.parametrize("wrong", ["itself", "missing", "twice", "unknown"])
def test_what_cannot_be_merged_or_undone_is_one_line(session: Session, wrong: str) -> None:
    one, two = make_track(session), make_track(session)
    first, second = one.id, two.id
    done = merging.merge(session, first, second).id
    merging.undo(session, done)
    asked = {
        "itself": lambda: merging.merge(session, first, first),
        "missing": lambda: merging.merge(session, first, second + 100),
        "unknown": lambda: merging.undo(session, 1_000),
        "twice": lambda: merging.undo(session, done),
    }
    with pytest.raises(BadInput):
        asked[wrong]()


TRACKS, LISTENERS = 4, 3
moments = st.integers(0, 5).map(lambda day: START + timedelta(days=day))
reactions = st.dictionaries(
    st.tuples(st.integers(0, LISTENERS - 1), st.integers(0, TRACKS - 1)),
    st.tuples(st.sampled_from([1, -1]), moments, st.integers(1, 3)),
)
lists = st.lists(
    st.permutations(range(TRACKS)).flatmap(
        lambda order: st.integers(0, TRACKS).map(lambda size: order[:size])
    ),
    max_size=3,
)
skipped = st.dictionaries(
    st.tuples(st.integers(0, LISTENERS - 1), st.integers(0, TRACKS - 1)),
    st.tuples(st.integers(1, 9), moments),
)
tags = st.sets(st.tuples(st.integers(0, TRACKS - 1), st.sampled_from("abc")))
columns = st.lists(
    st.fixed_dictionaries(
        {
            "album": st.sampled_from([None, "A", "B"]),
            "year": st.sampled_from([None, 1990]),
            "energy": st.sampled_from([None, 0.5]),
            "key": st.sampled_from([None, 3]),
        }
    ),
    min_size=TRACKS,
    max_size=TRACKS,
)
merges = st.lists(
    st.tuples(st.integers(0, TRACKS - 1), st.integers(0, TRACKS - 1)), min_size=1, max_size=6
)


@given(reactions, lists, skipped, tags, columns, merges)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_undoing_restores_every_row_exactly(
    session: Session,
    reactions: dict[tuple[int, int], tuple[int, datetime, int]],
    lists: list[list[int]],
    skipped: dict[tuple[int, int], tuple[int, datetime]],
    tags: set[tuple[int, str]],
    columns: list[dict[str, Any]],
    merges: list[tuple[int, int]],
) -> None:
    session.rollback()
    tracks = [make_track(session, **one) for one in columns]
    people = [a_listener(session) for _ in range(LISTENERS)]
    for (who, what), (value, moment, weight) in reactions.items():
        session.add(
            Reaction(
                listener_id=people[who].id,
                track_id=tracks[what].id,
                value=value,
                created_at=moment,
                weight=weight,
            )
        )
    for (who, what), (times, moment) in skipped.items():
        session.add(
            Skip(listener_id=people[who].id, track_id=tracks[what].id, times=times, last_at=moment)
        )
    named = {name: Tag(kind="tag", name=name) for name in "abc"}
    session.add_all(named.values())
    session.flush()
    session.add_all(TrackTag(track_id=tracks[what].id, tag_id=named[n].id) for what, n in tags)
    made = [
        playlists.create(session, people[0], "P", track_ids=[tracks[at].id for at in order])
        for order in lists
    ]
    ids = [track.id for track in tracks]
    before = everything(session)
    done, alive = [], set(ids)
    for survivor, gone in merges:
        pair = {ids[survivor], ids[gone]}
        if len(pair) == 2 and pair <= alive:
            done.append(merging.merge(session, ids[survivor], ids[gone]).id)
            alive.remove(ids[gone])
    ends = merge_redirects.survivors(session, ids)
    # Nothing is lost: whoever had said something of a track has of the one that stands for it.
    spoken = {(r.listener_id, r.track_id) for r in session.scalars(select(Reaction))}
    assert spoken == {(people[who].id, ends.get(ids[what], ids[what])) for who, what in reactions}
    for playlist, order in zip(made, lists, strict=True):
        standing = dict.fromkeys(ends.get(ids[at], ids[at]) for at in order)
        assert playlists.tracks(session, playlist) == list(standing)
    for merge_id in reversed(done):
        merging.undo(session, merge_id)
    assert everything(session) == before
