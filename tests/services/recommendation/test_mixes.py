"""Mixes: what is in each kind, what never is, and that the same day gives the same songs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.services.recommendation.mix_contents import _cap_per_artist
from songrec.services.recommendation.mixes import (
    make_due,
    make_mix,
    make_mixes,
    preview_mixes,
    set_up,
)
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import (
    listens,
    mixes,
    reactions,
    recommendation_rules,
    users,
)
from songrec.store.tables import Listener, Mix
from tests.factories import make_track
from tests.planted_run import Planted, plant
from tests.sounding import add_sound, write_wav

DAY = datetime(2027, 3, 1, 5, 0, tzinfo=UTC)
NEXT_DAY = DAY + timedelta(days=1)


@pytest.fixture
def planted(session: Session, instance: Path) -> Planted:
    return plant(session, instance, n=600)


@pytest.fixture
def place(session: Session, instance: Path, planted: Planted) -> Instance:
    return Instance(instance, session)


@pytest.fixture
def listener(session: Session, planted: Planted) -> Listener:
    """Somebody who likes songs of two clusters that lie apart."""
    listener = users.create_listener(session, "one")
    for label in (0, 2):
        reactions.like_all(session, listener, central(planted, label, 4))
    session.flush()
    return listener


def central(planted: Planted, label: int, n: int) -> list[int]:
    """The songs of a cluster nearest to its middle."""
    rows = np.flatnonzero(planted.labels == label)
    values = planted.values[rows] / np.maximum(planted.values.std(axis=0), 1e-6)
    far = np.linalg.norm(values - values.mean(axis=0), axis=1)
    return planted.track_ids[rows[np.argsort(far)[:n]]].tolist()


def songs(session: Session, mix: Mix) -> list[int]:
    return [track_id for track_id, _ in mixes.tracks_of(session, mix)]


def by_kind(rows: Iterable[Mix], kind: str) -> list[Mix]:
    return [mix for mix in rows if mix.kind == kind]


def artists_of(session: Session, ids: list[int]) -> list[str]:
    return [view.artists for view in tracks.tracks_by_id(session, ids)]


def test_default_mixes_are_about_likes_tastes_and_what_is_new(
    session: Session, place: Instance, listener: Listener, planted: Planted
) -> None:
    made = set_up(place, listener, DAY, time_zone="UTC")
    assert [(mix.kind, mix.number) for mix in made] == [
        ("because", 1),
        ("because", 2),
        ("because", 3),
        ("new", 1),
        ("daily", 1),
        ("daily", 2),
    ]
    label_of = dict(zip(planted.track_ids.tolist(), planted.labels.tolist(), strict=True))
    liked = set(reactions.reactions(session, listener)[0])
    for mix in by_kind(made, mixes.DAILY):
        groups = {label_of[like] for like in mix.settings["likes"]}
        assert len(groups) == 1
        found = songs(session, mix)
        assert Counter(label_of[one] for one in found).most_common(1)[0][0] in groups
        assert 0 < len(liked.intersection(found)) <= len(found) // 5 + 1
    for mix in by_kind(made, mixes.BECAUSE):
        (like,) = mix.settings["likes"]
        assert mix.name == f"Because you like “Song {like}”"
        assert f"Song {like}" in mix.comment
        assert not liked.intersection(songs(session, mix))
    known = set(artists_of(session, sorted(liked)))
    (new,) = by_kind(made, mixes.NEW)
    assert not known.intersection(artists_of(session, songs(session, new)))
    for mix in made:
        reasons = [reason for _, reason in mixes.tracks_of(session, mix)]
        if mix.kind == mixes.BECAUSE:
            assert any(reasons)
            assert "Sounds like" not in reasons
        else:
            assert all(reasons)


def test_no_song_stands_twice_and_no_artist_three_times(
    session: Session, place: Instance, listener: Listener
) -> None:
    made = set_up(place, listener, DAY)
    every = [one for mix in made for one in songs(session, mix)]
    assert len(every) == len(set(every)) > 100
    for mix in made:
        found = artists_of(session, [one for one, _ in mixes.tracks_of(session, mix)])
        assert max(Counter(found).values()) <= 2, mix.name
        assert sum(one == other for one, other in itertools.pairwise(found)) <= 1


def test_a_mix_of_few_artists_is_filled_with_more_of_theirs(session: Session) -> None:
    """Two songs of an artist while others are left, those that stand beside included."""
    artists = ["Ann", "Ann", "Ann", "Bo", "Ann", "Bo", "Bo", "Cy"]
    ids = [make_track(session, f"{n}", artists=name).id for n, name in enumerate(artists)]
    views = tracks.tracks_by_id(session, ids)

    def titles(size: int, *counted: TrackView, uncapped: str | None = None) -> str:
        chosen = _cap_per_artist(views, size, counted, uncapped=uncapped)
        return "".join(view.title for view in chosen)

    assert titles(5) == "01357"
    assert titles(7) == "0135724"
    assert titles(5, views[0], views[3]) == "03712"
    assert titles(5, uncapped="Ann") == "01234"


def test_a_day_gives_the_same_songs_and_the_next_day_others(
    session: Session, place: Instance, listener: Listener
) -> None:
    made = set_up(place, listener, DAY)
    first = {mix.id: songs(session, mix) for mix in made}
    make_mixes(place, listener, made, DAY + timedelta(hours=3))
    assert {mix.id: songs(session, mix) for mix in made} == first
    for mix in made:
        again = make_mix(place, mix, DAY + timedelta(hours=4))
        assert again is mix
        assert songs(session, mix) == first[mix.id], mix.name
    make_mixes(place, listener, made, NEXT_DAY)
    for mix in made:
        common = set(first[mix.id]) & set(songs(session, mix))
        assert songs(session, mix) != first[mix.id]
        assert common, "the best answers come again"


def test_a_preview_is_what_would_be_made(
    session: Session, place: Instance, listener: Listener
) -> None:
    previews = preview_mixes(place, listener, DAY)
    assert mixes.all_of(session, listener) == []
    made = set_up(place, listener, DAY, time_zone="UTC")
    assert [(one.key, [i for i, _ in one.content.songs]) for one in previews] == [
        (f"{mix.kind}-{mix.number}", songs(session, mix)) for mix in made
    ]


def test_a_taste_keeps_its_number_when_another_grows(
    session: Session, place: Instance, listener: Listener, planted: Planted
) -> None:
    made = by_kind(set_up(place, listener, DAY), mixes.DAILY)
    before = {mix.number: set(mix.settings["likes"]) for mix in made}
    label_of = dict(zip(planted.track_ids.tolist(), planted.labels.tolist(), strict=True))
    label = label_of[next(iter(before[2]))]
    more = central(planted, label, 6)[4:]
    reactions.like_all(session, listener, more)
    make_due(place, listener, NEXT_DAY)
    after = {
        mix.number: set(mix.settings["likes"])
        for mix in by_kind(mixes.mixes_of(session, listener), mixes.DAILY)
    }
    assert after == {**before, 2: before[2] | set(more)}


def test_a_new_taste_gets_a_mix_of_its_own_with_the_same_schedule(
    session: Session, place: Instance, listener: Listener, planted: Planted
) -> None:
    set_up(place, listener, DAY, schedule="15 7 * * *", time_zone="Europe/Berlin")
    more = central(planted, 1, 4)
    reactions.like_all(session, listener, more)
    made = make_due(place, listener, NEXT_DAY + timedelta(hours=2))
    third = by_kind(made, mixes.DAILY)[2]
    assert (third.number, third.name, third.schedule) == (3, "Daily mix 3", "15 7 * * *")
    assert set(third.settings["likes"]) == set(more)


def test_dislikes_rules_and_what_a_mix_leaves_out_never_come(
    session: Session, place: Instance, listener: Listener, planted: Planted
) -> None:
    mix = by_kind(set_up(place, listener, DAY), mixes.BECAUSE)[0]
    first, second, third, *_ = songs(session, mix)
    reactions.react(session, listener, first, reactions.DISLIKE)
    views = {view.id: view for view in tracks.tracks_by_id(session, [second, third])}
    target = recommendation_rules.find_target(session, "artist", views[second].artists)
    recommendation_rules.add(session, listener, target)
    mixes.change(mix, settings={"no_artists": [views[third].credits[0].public_id]})
    mixes.change(mix, settings={"no_explicit": True})
    make_mix(place, mix, DAY)
    found = songs(session, mix)
    assert found
    assert first not in found
    gone = {views[second].artists, views[third].artists}
    assert not gone.intersection(artists_of(session, found))
    explicit = {v.id for v in tracks.tracks_by_id(session, found) if v.attributes["explicit"]}
    assert not explicit


def test_songs_played_lately_are_left_out_where_that_is_set(
    session: Session, place: Instance, listener: Listener
) -> None:
    mix = by_kind(set_up(place, listener, DAY), mixes.DAILY)[0]
    views = tracks.tracks_by_id(session, songs(session, mix)[:3])
    listens.record_play(session, listener, views[0], DAY - timedelta(days=2))
    listens.record_play(session, listener, views[1], DAY - timedelta(days=9))
    mixes.change(mix, settings={"days": 7})
    make_mix(place, mix, DAY)
    found = songs(session, mix)
    assert views[0].id not in found
    assert views[1].id in found


def test_new_to_you_says_so_where_every_artist_is_known(
    session: Session, place: Instance, listener: Listener, planted: Planted
) -> None:
    made = by_kind(set_up(place, listener, DAY), mixes.NEW)[0]
    played = planted.track_ids[:50].tolist()  # one of each of the fifty artists
    for view in tracks.tracks_by_id(session, played):
        listens.record_play(session, listener, view, DAY)
    make_mix(place, made, DAY)
    found = songs(session, made)
    assert found
    assert not set(found) & set(played)
    assert made.comment.startswith("You know nearly every artist here")


def test_rediscover_brings_old_favourites_back_and_says_when_there_are_too_few(
    session: Session, place: Instance, planted: Planted
) -> None:
    listener = users.create_listener(session, "two")
    mix = mixes.create(session, listener, mixes.REDISCOVER, "Rediscover")
    make_mix(place, mix, DAY)
    assert songs(session, mix) == []
    assert "too little history" in mix.comment
    old, recent, seldom = planted.track_ids[100:108], planted.track_ids[110:113], 120
    for ids, at, times in ((old, 200, 4), (recent, 3, 9), ([planted.track_ids[seldom]], 200, 1)):
        for view in tracks.tracks_by_id(session, [int(one) for one in ids]):
            for play in range(times):
                moment = DAY - timedelta(days=at, hours=play)
                listens.record_play(session, listener, view, moment)
    make_mix(place, mix, DAY)
    assert set(songs(session, mix)) == set(old.tolist())
    reasons = [reason for _, reason in mixes.tracks_of(session, mix)]
    assert set(reasons) == {"Played 4 times, last in August 2026"}


def test_moods_paths_and_radios_are_mixes_too(
    session: Session, place: Instance, listener: Listener, planted: Planted
) -> None:
    def made(kind: str, **settings: object) -> Mix:
        mix = mixes.create(session, listener, kind, "x", settings=settings, size=12)
        make_mix(place, mix, DAY)
        return mix

    start, end = tracks.tracks_by_id(session, [int(planted.track_ids[i]) for i in (3, 400)])
    path = made(mixes.PATH, **{"from": start.public_id, "to": end.public_id})
    found = songs(session, path)
    assert (found[0], found[-1], len(found)) == (start.id, end.id, 12)
    assert path.name == f"From “{start.title}” to “{end.title}”"
    folk = made(mixes.MOOD, genre="folk")
    assert all("folk" in view.genres for view in tracks.tracks_by_id(session, songs(session, folk)))
    assert folk.comment.startswith("Songs tagged folk, the most typical of them.")
    radio = made(mixes.RADIO, station="song", of=start.public_id)
    assert songs(session, radio)[0] == start.id
    assert radio.name == f"{start.title} radio"
    both = made(mixes.MOOD, genre="folk", sound="Melancholy")
    assert both.name == "Folk, melancholy mix"
    assert both.comment.startswith("Songs tagged folk that sound melancholy.")
    assert all("folk" in view.genres for view in tracks.tracks_by_id(session, songs(session, both)))
    happy = made(mixes.MOOD, sound="Happy and energetic")
    assert len(songs(session, happy)) == 12
    assert happy.comment.startswith("Songs that sound happy and energetic.")


def test_only_songs_that_can_be_heard_come_where_any_can(
    session: Session, place: Instance, listener: Listener, planted: Planted, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "sound.wav", 0.1)
    heard = planted.track_ids[::3].tolist()
    for number, view in enumerate(tracks.tracks_by_id(session, heard), 1):
        add_sound(session, view, path, part=number, content_hash=f"{number:064}")
    for mix in set_up(place, listener, DAY):
        assert set(songs(session, mix)) <= set(heard)


def test_a_small_library_has_fewer_mixes(session: Session, instance: Path) -> None:
    planted = plant(session, instance, n=60)
    listener = users.create_listener(session, "one")
    reactions.like_all(session, listener, planted.track_ids[:6].tolist())
    made = set_up(Instance(instance, session), listener, DAY)
    assert len(made) <= 5
    assert all(len(songs(session, mix)) >= 8 for mix in made)


def test_missed_times_are_made_up_once(
    session: Session, place: Instance, listener: Listener
) -> None:
    set_up(place, listener, DAY, schedule="0 6 * * *", time_zone="UTC")
    assert mixes.due(session, DAY) == []
    days_later = DAY + timedelta(days=5)
    assert mixes.due(session, days_later) == [listener.id]
    made = make_due(place, listener, days_later)
    assert {mix.made_at for mix in made} == {days_later}
    assert {mix.next_at for mix in made} == {datetime(2027, 3, 6, 6, 0, tzinfo=UTC)}
    assert mixes.due(session, days_later) == []


def test_a_mix_that_was_removed_stays_away_until_mixes_are_switched_on_again(
    session: Session, place: Instance, listener: Listener
) -> None:
    made = set_up(place, listener, DAY)
    mixes.remove(session, made[1])
    make_due(place, listener, NEXT_DAY)
    assert made[1].id not in {mix.id for mix in mixes.mixes_of(session, listener)}
    assert mixes.find(session, made[1].public_id, listener) is None
    assert len(mixes.mixes_of(session, listener)) == 5
    set_up(place, listener, NEXT_DAY)
    assert len(mixes.mixes_of(session, listener)) == 6


def test_a_mix_whose_like_is_taken_back_goes(
    session: Session, place: Instance, listener: Listener
) -> None:
    set_up(place, listener, DAY)
    for one in reactions.reactions(session, listener)[0]:
        reactions.react(session, listener, one, None)
    assert make_due(place, listener, NEXT_DAY) == []
    assert mixes.all_of(session, listener) == []


def test_a_name_of_ones_own_stays(session: Session, place: Instance, listener: Listener) -> None:
    mix = set_up(place, listener, DAY)[0]
    mixes.change(mix, name="For the kitchen")
    make_mix(place, mix, NEXT_DAY)
    assert mix.name == "For the kitchen"
    mixes.change(mix, name="")
    make_mix(place, mix, NEXT_DAY)
    assert mix.name.startswith("Because you like")


def test_mixes_need_five_likes(session: Session, place: Instance, planted: Planted) -> None:
    few = users.create_listener(session, "few")
    reactions.like_all(session, few, planted.track_ids[:4].tolist())
    assert preview_mixes(place, few, DAY) == []
    with pytest.raises(BadInput, match="5 songs"):
        set_up(place, few, DAY)


def test_mixes_of_a_browser_move_to_the_account_that_it_signs_in_to(
    session: Session, place: Instance, listener: Listener
) -> None:
    set_up(place, listener, DAY)
    mixes.create(session, listener, mixes.RADIO, "mine", settings={"station": "likes"})
    account = users.create_listener(session, "account")
    mixes.create(session, account, mixes.RADIO, "own", settings={"station": "likes"})
    reactions.merge(session, listener, account)
    rows = mixes.mixes_of(session, account)
    assert [mix.number for mix in by_kind(rows, mixes.RADIO)] == [1, 2]
    assert len(rows) == 8
