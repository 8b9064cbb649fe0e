"""Which moments of which songs let a listener hear why a song is recommended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from songrec.core.types import Reason
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.services.similarity.segment_pairs import SECONDS, segment_pairs
from songrec.store.catalogue.tracks import tracks_by_id
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.sound import segment_index
from songrec.store.sound.segment_index import SongSegments
from songrec.store.tables import Track
from tests.planted_run import plant
from tests.sounding import add_sound, write_wav


@pytest.fixture
def songs(session: Session, instance: Path, tmp_path: Path) -> list[Track]:
    """Four songs; the third has no sound, the fourth no segments. Moments of 0 and 1 are near."""
    ids = plant(session, instance, n=12, clusters=2).track_ids.tolist()[:4]
    tracks = [session.get_one(Track, one) for one in ids]
    for number in (0, 1, 3):
        path = write_wav(tmp_path / f"{number}.wav", hertz=220 * (number + 1))
        add_sound(session, tracks[number], path, duration_s=60.0)
    vectors = [np.eye(3) * 4, np.eye(3) * 9, np.full((3, 3), -5.0)]
    vectors[1][2] = [0, 4, 0.5]
    starts = np.array([0, 10, 20.5], dtype=np.float32)
    segment_index.write(
        instance,
        [
            SongSegments(one, starts, v.astype(np.float32))
            for one, v in zip(ids, vectors, strict=False)
        ],
        seconds=3,
        made_by="musicnn",
    )
    session.commit()
    return tracks


def ranked(session: Session, track: Track, *reasons: Reason) -> RankedTrack:
    (view,) = tracks_by_id(session, [track.id], runs.published(session))
    return RankedTrack(view, 1.0, "A sentence", reasons)


def like(track: Track) -> Reason:
    return Reason("liked", "Close", 1.0, track.id)


def heard(
    instance: Instance, *found: RankedTrack, likes: dict[int, int] | None = None
) -> list[list[tuple]]:
    pairs = segment_pairs(instance, found, likes)
    return [
        [(part.track.id, part.start_s, part.length_s, part.song_s) for part in pairs[one.track.id]]
        if one.track.id in pairs
        else []
        for one in found
    ]


def test_of_two_songs_the_nearest_moments_are_played(
    session: Session, instance: Path, songs: list[Track]
) -> None:
    place = Instance(instance, session)
    expected = [(songs[0].id, 10.0, SECONDS, 60.0), (songs[1].id, 20.5, SECONDS, 60.0)]
    found = ranked(session, songs[1], like(songs[0]))
    assert heard(place, found) == [expected]
    alone = ranked(session, songs[1], Reason("feature", "Similar timbre", 1.0, "timbre"))
    assert heard(place, alone) == [[]]
    assert heard(place, alone, likes={songs[1].id: songs[0].id}) == [expected]
    assert heard(place, found, likes={}) == [[]]


def test_a_match_by_segments_plays_what_it_rests_on(
    session: Session, instance: Path, songs: list[Track]
) -> None:
    details = {
        "fragment": {"start_s": 0.0, "seconds": 3, "tags": []},
        "fragments": [{"start_s": 20.5, "distance": 1.0}, {"start_s": 0.0, "distance": 2.0}],
    }
    reason = Reason("liked", "Close", 1.0, songs[0].id, details)
    both = heard(Instance(instance, session), ranked(session, songs[1], reason))
    assert [(one, start) for one, start, _, _ in both[0]] == [
        (songs[0].id, 20.5),
        (songs[1].id, 0.0),
    ]


def test_what_cannot_be_played_is_left_out(
    session: Session, instance: Path, songs: list[Track]
) -> None:
    place = Instance(instance, session)
    silent = ranked(session, songs[2], like(songs[0]))
    uncut = ranked(session, songs[3], like(songs[0]))
    of_silent = ranked(session, songs[1], like(songs[2]))
    played = heard(place, silent, uncut, of_silent)
    assert played[:2] == [[], []]
    assert [one for one, *_ in played[2]] == [songs[1].id]
