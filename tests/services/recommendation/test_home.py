"""The home page's songs: rows of likes and plays, songs to like first, sound groups."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from songrec.recommend.explain.contributions import LITTLE_IN_COMMON
from songrec.services.recommendation.for_listener import _because, reason_without_like
from songrec.services.recommendation.home import HomePage, _close_songs, home_page
from songrec.store.instance import Instance
from songrec.store.listeners import listens, reactions, users
from songrec.store.sound import segment_index
from songrec.store.sound.segment_index import SongSegments
from songrec.store.tables import Listener, Track
from tests.planted_run import Planted
from tests.sounding import add_sound, write_wav

TODAY, TOMORROW = date(2026, 11, 30), date(2026, 12, 1)


@pytest.fixture
def listener(session: Session) -> Listener:
    return users.create_listener(session, "one")


@pytest.fixture
def audible(session: Session, planted: Planted, tmp_path: Path) -> list[int]:
    """Every tenth of the planted songs has sound: their ids."""
    path = write_wav(tmp_path / "sound.wav", 0.1)
    ids = planted.track_ids[::10].tolist()
    for number, track_id in enumerate(ids):
        track = session.get_one(Track, track_id)
        add_sound(session, track, path, part=number + 1, content_hash=f"{number:064}")
    return ids


@pytest.fixture
def home(app: Any, session: Session, instance: Path, planted: Planted, listener: Listener) -> Any:
    def get(today: date = TODAY, **options: Any) -> HomePage:
        return home_page(Instance(instance, session), listener, today, **options)

    return get


def like(session: Session, listener: Listener, ids: Any) -> None:
    for track_id in np.asarray(ids).tolist():
        reactions.react(session, listener, track_id, reactions.LIKE)


def play(session: Session, listener: Listener, ids: list[int], **values: Any) -> None:
    at = datetime(2026, 11, 1)
    listens.record(
        session,
        listener,
        [
            {
                **dict.fromkeys(listens.FIELDS),
                "track_id": track_id,
                "key": f"{track_id}-{number}-{sorted(values)}",
                "played_at": at + timedelta(hours=number),
                "times": 1,
                "is_skip": False,
                "source": "test",
                "external_id": "",
                "title": "",
                "artists": "",
                "album": "",
                **values,
            }
            for number, track_id in enumerate(ids)
        ],
    )


def shown(page: HomePage) -> list[int]:
    return [
        *(track.id for track in page.starters),
        *(song.track.id for row in page.rows for song in row.songs),
        *(track.id for group in page.groups for track in group.songs),
    ]


def row(page: HomePage, key: str) -> list[int]:
    return [song.track.id for one in page.rows if one.key == key for song in one.songs]


def test_before_the_first_like_there_are_songs_of_every_group_to_like(
    home: Any, planted: Planted
) -> None:
    page = home()
    assert len(page.starters) == 12
    assert {track.label for track in page.starters} == {0, 1, 2, 3}
    assert page.rows == []
    assert (page.track_count, page.audible_count, page.station) == (240, 0, "")
    others = home(further=1)
    assert not {t.id for t in others.starters} & {t.id for t in page.starters}
    assert [group.number for group in page.groups] == [0, 1, 2, 3]
    assert [len(group.songs) for group in page.groups] == [3] * 4
    assert [len(group.covers) for group in page.groups] == [4] * 4


def test_after_the_last_page_of_others_comes_the_first(home: Any) -> None:
    pages = [home(further=number) for number in range(11)]
    assert [page.further for page in pages] == [*range(10), 0]
    assert pages[10].starters == pages[0].starters


def test_what_can_be_heard_comes_first_everywhere(
    home: Any, session: Session, listener: Listener, planted: Planted, audible: list[int]
) -> None:
    page = home()
    assert (page.audible_count, page.station) == (24, "all")
    assert all(track.has_audio for track in page.starters)
    assert all(group.is_audible for group in page.groups)
    like(session, listener, planted.track_ids[1:2])
    page = home()
    assert page.station == "likes"
    songs = [song.track.has_audio for song in page.rows[0].songs]
    assert songs == sorted(songs, reverse=True)
    assert songs[0]


def test_likes_become_rows_and_the_songs_to_like_stay_until_there_are_three(
    home: Any, session: Session, listener: Listener
) -> None:
    first = home().starters
    for number, track in enumerate(first[:3], 1):
        like(session, listener, [track.id])
        page = home()
        assert page.starters == (first if number < 3 else [])
        titles = [one.title for one in page.rows if one.key == "because"]
        assert titles[0] == f"Because you like “{track.title}”"
        assert len(titles) == number
        sentences = {song.sentence for one in page.rows[:number] for song in one.songs}
        assert sentences - {""}
        assert not any(one.startswith("Sounds like") or "like “" in one for one in sentences)
    assert row(page, "liked") == [track.id for track in first[2::-1]]


def test_no_song_stands_on_the_page_twice(
    home: Any, session: Session, listener: Listener, planted: Planted, audible: list[int]
) -> None:
    like(session, listener, planted.track_ids[:5])
    play(session, listener, planted.track_ids[40:44].tolist())
    for today in (TODAY, TOMORROW):
        ids = shown(home(today))
        assert len(ids) == len(set(ids)) > 30


def test_the_order_lasts_a_day(
    home: Any, session: Session, listener: Listener, planted: Planted
) -> None:
    assert shown(home()) == shown(home())
    assert shown(home()) != shown(home(TOMORROW))
    like(session, listener, planted.track_ids[:3])
    assert shown(home()) == shown(home())
    assert shown(home()) != shown(home(TOMORROW))


def test_it_changes_with_a_dislike_and_a_play(
    home: Any, session: Session, listener: Listener, planted: Planted
) -> None:
    like(session, listener, planted.track_ids[:3])
    disliked, played, *_ = row(home(), "because")
    reactions.react(session, listener, disliked, reactions.DISLIKE)
    assert disliked not in shown(home())
    play(session, listener, [played])
    page = home()
    assert row(page, "played") == [played]
    assert played not in row(page, "because")


def test_recently_played_songs_are_the_latest_without_skips(
    home: Any, session: Session, listener: Listener, planted: Planted
) -> None:
    ids = planted.track_ids.tolist()
    play(session, listener, [*ids[:8], ids[2]])
    play(session, listener, [ids[9]], is_skip=True)
    play(session, listener, [ids[10]], played_at=None)
    assert row(home(), "played") == [ids[2], *ids[7:2:-1]]


def test_listeners_see_only_their_own(
    home: Any, session: Session, instance: Path, listener: Listener, planted: Planted
) -> None:
    like(session, listener, planted.track_ids[:3])
    assert home().rows
    other = users.create_listener(session, "other")
    page = home_page(Instance(instance, session), other, TODAY)
    assert (page.rows, len(page.starters)) == ([], 12)


def test_a_moment_row_names_both_moments(
    home: Any,
    session: Session,
    instance: Path,
    listener: Listener,
    planted: Planted,
    audible: list[int],
) -> None:
    starts = np.arange(3, dtype=np.float32)
    songs = []
    for number, track_id in enumerate(audible[:4]):
        vectors = np.full((3, 4), 10.0 * (number + 1), dtype=np.float32)
        vectors[number % 3] = 0.1 * number  # like the liked song's first second
        songs.append(SongSegments(track_id, starts, vectors, np.tile([0.9], (3, 1))))
    segment_index.write(instance, songs, seconds=5, made_by="tagger", tag_names=("waltz",))
    like(session, listener, [*planted.track_ids[1:3], audible[0]])
    page = home()
    (moments,) = [one for one in page.rows if one.key == "moment"]
    assert moments.like is not None
    assert moments.title == f"A moment like “{moments.like.title}”"
    assert moments.like.id == audible[0]
    for song in moments.songs:
        (liked, at, _), (own, own_at, seconds) = song.moments
        assert (liked, own) == (moments.like.public_id, song.track.public_id)
        assert (at, own_at, seconds) == (0, audible.index(song.track.id) % 3, 5)


def test_before_the_first_run_what_can_be_heard_can_be_played(
    app: Any, session: Session, instance: Path, tmp_path: Path, listener: Listener
) -> None:
    from tests.factories import make_track

    page = home_page(Instance(instance, session), listener, TODAY)
    assert (page.run, page.track_count, page.station) == (None, 0, "")
    tracks = [make_track(session) for _ in range(3)]
    add_sound(session, tracks[1], write_wav(tmp_path / "a.wav", 0.1))
    page = home_page(Instance(instance, session), listener, TODAY)
    assert (page.run, page.track_count, page.audible_count) == (None, 3, 1)
    assert page.station == "all"
    assert row(page, "new") == [tracks[1].id]


def test_sound_groups_are_shown_while_the_files_of_the_run_are_missing(
    home: Any, session: Session, instance: Path, listener: Listener, planted: Planted
) -> None:
    shutil.rmtree(instance / "runs")
    like(session, listener, planted.track_ids[:1])
    page = home()
    assert [len(group.songs) for group in page.groups] == [3] * 4
    assert page.starters == []
    assert [one.key for one in page.rows] == ["liked"]


def test_long_titles_leave_room_in_the_title_of_a_row() -> None:
    def title(*likes: str) -> str:
        return _because([SimpleNamespace(title=like) for like in likes])  # type: ignore[misc]

    assert title("Juicy", "No Scrubs") == "Because you like “Juicy” and “No Scrubs”"
    assert title("Juicy", "No Scrubs", "Gold") == "Because you like “Juicy”, “No Scrubs” and 1 more"
    sonata = "Sonata for Two Pianos in D major"
    assert title(sonata, sonata, "Juicy") == f"Because you like “{sonata}” and 2 more"
    assert title("La " * 40) == f"Because you like “{'La ' * 14}La…”"


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("Calm and acoustic, like “Juicy”", "Calm and acoustic"),
        ("Sounds like “Juicy”", ""),
        ("More by Nirvana", "More by Nirvana"),
    ],
)
def test_a_reason_under_the_title_of_its_song_says_what_the_title_does_not(
    sentence: str, shown: str
) -> None:
    assert reason_without_like(sentence) == shown


def test_songs_with_little_in_common_are_left_out_where_others_remain() -> None:
    def ranked(*sentences: str) -> list[Any]:
        return [SimpleNamespace(sentence=sentence) for sentence in sentences]

    far = f"{LITTLE_IN_COMMON} to “Juicy”"
    songs = ranked("Calm", far, "Slow", "")
    assert [one.sentence for one in _close_songs(songs)] == ["Calm", "Slow", ""]
    few = ranked("Calm", far, far)
    assert _close_songs(few) == few
