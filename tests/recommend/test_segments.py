import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.core.errors import BadInput, NotReady
from songrec.recommend.methods.segments import NearestSegments, clock
from songrec.recommend.ranking import rank
from songrec.recommend.similarity import segment_search
from songrec.store.sound import segment_index as store
from songrec.store.sound.segment_index import SongSegments
from tests.recommend.planted import make_space


def index_of(folder, songs, tags=None, names=()):
    """An index of ``{track id: vectors}``; segments begin at 0, 1, 2, … s."""
    cut = [
        SongSegments(
            track,
            np.arange(len(vectors), dtype=np.float32),
            np.asarray(vectors, dtype=np.float32),
            None if tags is None else np.asarray(tags[track], dtype=np.float32),
        )
        for track, vectors in sorted(songs.items())
    ]
    told = store.write(Path(folder), cut, seconds=5, made_by="tagger", tag_names=names)
    return store.load(Path(folder), told["name"])


def oracle(songs, likes, sampled, count, keys):
    """All distances by brute force: ``[(track, start, d)]``; ``sampled`` are (track, segment)."""
    points = np.array([songs[track][at] for track, at in sampled], dtype=np.float64)
    best = {}
    known = {keys[track] for track in likes}
    for track in sorted(songs):
        if keys[track] in known:
            continue
        for at, x in enumerate(np.asarray(songs[track], dtype=np.float64)):
            d = float(np.linalg.norm(points - x, axis=1).sum())
            if keys[track] not in best or d < best[keys[track]][2]:
                best[keys[track]] = (track, at, d)
    return sorted(best.values(), key=lambda one: one[2])[:count]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_nearest_segments_are_those_of_brute_force(data):
    seed = data.draw(st.integers(0, 9999))
    random = np.random.default_rng(seed)
    n, d = data.draw(st.integers(2, 60)), data.draw(st.sampled_from([1, 3, 70, 90]))
    shape = data.draw(st.sampled_from(["flat", "falling", "far", "same"]))
    spread = 1 / np.sqrt(np.arange(1, d + 1)) if shape == "falling" else np.ones(d)
    offset = 1000.0 if shape == "far" else 0.0
    songs = {
        10 * (i + 1): (
            offset
            + (random.normal(size=d) * 2 + random.normal(size=(random.integers(1, 7), d))) * spread
        ).astype(np.float32)
        for i in range(n)
    }
    if shape == "same":
        songs = dict.fromkeys(songs, np.ones((3, d), dtype=np.float32))
    tracks = list(songs)
    likes = data.draw(st.lists(st.sampled_from(tracks), min_size=1, max_size=6, unique=True))
    keys = {track: (track if random.random() < 0.8 else tracks[0]) for track in tracks}
    count, points = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 40))
    space = make_space(np.zeros((n, 2)), song_keys=[keys[track] for track in tracks])
    with tempfile.TemporaryDirectory() as folder:
        cut = index_of(folder, songs)
        space = replace(space, segments=cut)
        rule = NearestSegments(points, seed)
        at = np.searchsorted(cut.track_ids, np.sort(likes))
        rows = rule.sample(cut, at).rows
        owner = np.searchsorted(cut.first, rows, side="right") - 1
        sampled = [
            (int(cut.track_ids[o]), int(r - cut.first[o])) for o, r in zip(owner, rows, strict=True)
        ]
        assert len(set(sampled)) == min(points, sum(len(songs[track]) for track in likes))
        nearest = oracle(songs, likes, sampled, count + 1, keys)
        expected = nearest[:count]
        found = rank(space, likes, [], count, method="fragments", points=points, seed=seed)
    heard = [match.reasons[0].details["fragment"]["d"] for match in found]
    assert heard == pytest.approx([d for _, _, d in expected], rel=1e-4, abs=1e-3)
    # Rounding decides between songs that are as near, the first one left out among them.
    gaps = np.diff([one[2] for one in nearest])
    if shape in ("flat", "falling") and (gaps > 1e-3).all():
        assert [match.track_id for match in found] == [track for track, _, _ in expected]
        starts = [match.reasons[0].details["fragment"]["start_s"] for match in found]
        assert starts == [start for _, start, _ in expected]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 9999), st.booleans(), st.integers(1, 30))
def test_bounds_leave_nothing_out_where_most_is_never_measured(seed, flat, count):
    random = np.random.default_rng(seed)
    d, m, n = 80, 6000, 12
    spread = np.ones(d) if flat else 1 / np.arange(1, d + 1)
    vectors = (random.normal(size=(m, d)) * spread).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        cut = index_of(folder, {i: vectors[3 * i : 3 * i + 3] for i in range(m // 3)})
        points = cut.vectors[random.choice(m, n, replace=False)].astype(np.float64)
        songs = np.repeat(np.arange(m // 3), 3)
        songs[random.choice(m, 50)] = -1
        measured = []

        def counted(rows):
            measured.append(len(rows))
            return segment_search.distance_sums(cut, rows, points)

        found = segment_search.search_segments(cut, points, count, songs=songs, measure=counted)
        all_sums = segment_search.distance_sums(cut, np.arange(m), points)
    all_sums[songs < 0] = np.inf
    best = {}
    for row in np.argsort(all_sums, kind="stable").tolist():
        if np.isfinite(all_sums[row]):
            best.setdefault(int(songs[row]), row)
    expected = list(best.values())[:count]
    assert found.scores == pytest.approx(all_sums[expected])
    assert found.rows.tolist() == expected
    if not flat:
        assert sum(measured) < m / 2


@pytest.fixture
def planted(tmp_path):
    """Song 10 is liked; 20 has one moment like one of its; 30 is near on the whole, 40 far off."""
    quiet, loud = np.zeros((4, 6)), np.full((4, 6), 9.0)
    songs = {10: quiet + np.arange(4)[:, None] / 10, 20: loud.copy(), 30: quiet + 1.0, 40: -loud}
    songs[20][2] = 0.15
    tags = {track: np.tile([0.9, 0.3, 0.05], (4, 1)) for track in songs}
    space = make_space(np.zeros((5, 2)))
    return replace(space, segments=index_of(tmp_path, songs, tags, ("calm", "piano", "loud")))


def test_a_match_names_its_segment_with_start_tags_and_distance(planted):
    found = rank(planted, [10], [], 3, method="fragments")
    assert [match.track_id for match in found] == [20, 30, 40]
    told = found[0].reasons[0].details["fragment"]
    assert told["start_s"] == 2.0
    assert told["seconds"] == 5
    assert told["tags"] == ["calm", "piano"]
    assert told["made_by"] == "tagger"
    assert found[0].reasons[0].details["tags"] == ["calm", "piano"]
    assert "at 0:0" in found[0].reasons[0].text


def test_distances_to_the_liked_segments_add_up_to_d_and_contributions_to_the_score(planted):
    for match in rank(planted, [10, 40], [], 3, method="fragments"):
        told = match.reasons[0].details["fragment"]
        near = [one["distance"] for r in match.reasons for one in r.details["fragments"]]
        assert sum(near) == pytest.approx(told["d"])
        assert sum(r.details["distance"] for r in match.reasons) == pytest.approx(told["d"])
        score = len(near) * planted.segments.typical - told["d"]
        assert match.score == pytest.approx(score)
        assert sum(r.contribution for r in match.reasons) == pytest.approx(match.score)


def test_more_likes_than_are_named_still_add_up(tmp_path):
    random = np.random.default_rng(2)
    songs = {10 * (i + 1): random.normal(size=(3, 5)) for i in range(30)}
    space = replace(make_space(np.zeros((30, 2))), segments=index_of(tmp_path, songs))
    for match in rank(space, list(range(10, 210, 10)), [220], 4, method="fragments"):
        assert sum(r.contribution for r in match.reasons) == pytest.approx(match.score)
        liked = [r for r in match.reasons if r.kind == "liked"]
        told = liked[0].details["fragment"]["d"]
        assert sum(r.details["distance"] for r in liked) == pytest.approx(told)
        assert liked[-1].details["count"] == 12


def test_every_liked_song_gives_a_moment_before_any_gives_a_second(tmp_path):
    songs = {10 * (i + 1): np.random.default_rng(i).normal(size=(9, 4)) for i in range(6)}
    cut = index_of(tmp_path, songs)
    sampled = NearestSegments(points=6, seed=3).sample(cut, np.arange(6))
    assert sorted(sampled.songs.tolist()) == list(range(6))
    other = NearestSegments(points=6, seed=4).sample(cut, np.arange(6))
    assert sampled.rows.tolist() != other.rows.tolist()
    assert sampled.rows.tolist() == NearestSegments(6, 3).sample(cut, np.arange(6)).rows.tolist()


def test_a_dislike_pushes_moments_like_its_own_back(planted):
    plain = rank(planted, [10], [], 3, method="fragments")
    pushed = rank(planted, [10], [30], 2, method="fragments")
    assert [match.track_id for match in pushed] == [20, 40]
    assert pushed[0].score < plain[0].score
    assert any(r.kind == "disliked" and r.about == 30 for r in pushed[0].reasons)


def test_likes_without_segments_differ_from_no_segments_at_all(planted):
    with pytest.raises(NotReady, match="flask segments tag"):
        rank(planted, [50], [], 3, method="fragments")
    whole = replace(planted, segments=None)
    assert len(rank(whole, [50], [], 3, method="fragments")) == 3


def test_songs_added_after_the_run_are_not_recommended(planted):
    earlier = replace(make_space(np.zeros((3, 2))), segments=planted.segments)
    found = rank(earlier, [10], [], 9, method="fragments")
    assert [match.track_id for match in found] == [20, 30]


def test_an_index_is_turned_but_distances_stay(tmp_path):
    random = np.random.default_rng(7)
    songs = {i: random.normal(size=(5, 80)) * np.arange(1, 81) for i in range(1, 9)}
    cut = index_of(tmp_path, songs)
    before = np.concatenate([songs[i] for i in sorted(songs)])
    apart = np.linalg.norm(before[:, None] - before[None], axis=2)
    after = np.linalg.norm(cut.vectors[:, None] - cut.vectors[None], axis=2)
    assert after == pytest.approx(apart, rel=1e-4, abs=1e-3)
    assert (np.diff(np.var(cut.vectors, axis=0)[:40]) <= 1e-2).all()
    assert cut.tail == pytest.approx(np.linalg.norm(cut.vectors[:, 64:], axis=1), rel=1e-4)
    assert cut.head.tolist() == cut.vectors[:, :64].tolist()


def test_standardized_columns_are_divided_by_their_deviations(tmp_path):
    random = np.random.default_rng(8)
    scale = np.array([1.0, 100.0, 0.01, 5.0])
    before = random.normal(size=(40, 4)) * scale
    before[:, 3] = 7.0
    cut = [SongSegments(1, np.arange(40, dtype=np.float32), before.astype(np.float32))]
    told = store.write(tmp_path, cut, seconds=5, made_by="mfcc", standardize=True)
    found = store.load(tmp_path, told["name"])
    even = before / np.where(np.arange(4) < 3, before.std(axis=0), 1)
    apart = np.linalg.norm(even[:, None] - even[None], axis=2)
    after = np.linalg.norm(found.vectors[:, None] - found.vectors[None], axis=2)
    assert after == pytest.approx(apart, rel=1e-4, abs=1e-3)


def test_a_new_index_takes_the_old_ones_place(tmp_path):
    one = index_of(tmp_path, {1: np.zeros((2, 3))})
    other = index_of(tmp_path, {1: np.ones((4, 3))})
    assert store.current(tmp_path) == other.name
    assert store.load(tmp_path, one.name) is None
    assert one.vectors.shape == (2, 3)  # whoever has it mapped keeps it
    assert store.manifest(tmp_path)["fragments"] == 4


def test_an_index_of_nothing_leaves_no_files(tmp_path):
    with pytest.raises(BadInput, match="flask analyze"):
        store.write(tmp_path, [], seconds=5, made_by="tagger")
    assert store.current(tmp_path) is None
    assert list(store.folder(tmp_path).iterdir()) == []


def test_a_start_is_written_as_minutes_and_seconds():
    assert [clock(s) for s in (0, 9.9, 83.5, 600)] == ["0:00", "0:09", "1:23", "10:00"]
