"""The contract of a recommender as tests, for the registered ones and the documented example."""

import json
from dataclasses import replace

import numpy as np
import pytest

from songrec.core.registry import Registry
from songrec.recommend import ranking
from songrec.recommend.lists.rerank import DEFAULT_RERANKING, Reranking
from songrec.recommend.query import Query
from songrec.recommend.ranking import rank
from songrec.recommend.registry import METHODS
from tests.recommend.planted import make_space, random_space

TRACKS = 400
KINDS = {"liked", "disliked", "feature", "target", "tag", "prior"}


def space_with_artists():
    """Random points; artists have about ten songs, some songs' artist and values are unknown."""
    rng = np.random.default_rng(2)
    space = random_space(TRACKS, d=6, seed=1, clusters=4)
    artists = rng.integers(0, TRACKS // 10, TRACKS).astype(np.uint64)
    values = np.where(rng.random(space.values.shape) < 0.05, np.nan, space.values)
    return replace(
        space,
        values=values.astype(np.float32),
        artists=artists,
        albums=artists * np.uint64(2) + rng.integers(0, 2, TRACKS).astype(np.uint64),
    )


SPACE = space_with_artists()


def questions(count=6):
    """Likes, dislikes and excluded tracks, as ids."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        ids = rng.choice(SPACE.track_ids, 30, replace=False).tolist()
        likes = [1, 2, 7, 20][seed % 4]
        yield ids[:likes], ids[20 : 20 + seed % 3], ids[25:]


def songs_of(track_ids):
    return set(SPACE.song_keys[SPACE.rows_of(list(track_ids))].tolist())


class RecommenderContract:
    """Tests of one registry entry: a subclass, or its module, has a fixture ``entry``."""

    @pytest.fixture(autouse=True)
    def registered(self, entry, monkeypatch):
        others = tuple(one for one in METHODS if one.name != entry.name)
        registry = Registry("recommendation method", (entry, *others))
        monkeypatch.setattr(ranking, "METHODS", registry)

    def test_search_gives_the_best_first_each_song_once_and_no_known_song(self, entry):
        method = entry.create()
        for likes, dislikes, excluded in questions():
            query = Query.of(SPACE, likes, dislikes, excluded=excluded)
            rows, scores = method.search(query, 50)
            assert len(rows) == len(scores) <= 50
            assert (np.diff(scores) <= 1e-9).all()
            keys = SPACE.song_keys[rows]
            assert len(set(keys.tolist())) == len(keys)
            assert not set(keys.tolist()) & songs_of([*likes, *dislikes, *excluded])

    def test_contributions_of_the_reasons_add_up_to_the_score_of_the_search(self, entry):
        method = entry.create()
        for likes, dislikes, _ in questions():
            query = Query.of(SPACE, likes, dislikes)
            rows, scores = method.search(query, 20)
            sums = [sum(r.contribution for r in why) for why in method.reasons(query, rows)]
            np.testing.assert_allclose(sums, scores, atol=1e-5)

    def test_a_longer_list_begins_with_the_shorter_one(self, entry):
        method = entry.create()
        for likes, dislikes, _ in questions():
            short, long = (
                method.search(Query.of(SPACE, likes, dislikes), count)[0] for count in (5, 40)
            )
            assert long[:5].tolist() == short.tolist()

    def test_a_withdrawn_track_gives_way_to_another_of_the_same_song(self, entry):
        likes, dislikes, _ = next(iter(questions()))

        def ids(space, **options):
            found = rank(space, likes, dislikes, TRACKS, method=entry.name, **options)
            return [match.track_id for match in found]

        best, *_, last = ids(SPACE)
        keys = SPACE.song_keys.copy()
        keys[SPACE.rows_of([best])] = keys[SPACE.rows_of([last])]
        space = replace(SPACE, song_keys=keys)
        assert (best in ids(space), last in ids(space)) == (True, False)
        without = ids(space, withdrawn=[best])
        assert (best in without, last in without) == (False, True)
        assert last not in ids(space, excluded=[best])

    def test_matches_add_up_whatever_the_list_is_re_ranked_by(self, entry):
        for by in (DEFAULT_RERANKING, Reranking(variety=0.5, surprise=3, every_taste=True)):
            for likes, dislikes, excluded in questions():
                found = rank(
                    SPACE, likes, dislikes, 10, method=entry.name, by=by, excluded=excluded
                )
                assert not songs_of(m.track_id for m in found) & songs_of(
                    likes + dislikes + excluded
                )
                for match in found:
                    total = sum(r.contribution for r in match.reasons)
                    assert total == pytest.approx(match.score, abs=1e-5)
                    if match.per_like:
                        split = sum(r.contribution for r in match.per_like)
                        assert split == pytest.approx(match.score, abs=1e-5)

    def test_reasons_are_sentences_and_their_details_are_json(self, entry):
        likes, dislikes, _ = next(iter(questions()))
        for match in rank(SPACE, likes, dislikes, 10, method=entry.name):
            assert match.reasons
            for reason in match.reasons:
                assert reason.kind in KINDS
                assert reason.text[:1].isupper()
                assert isinstance(reason.contribution, float)
                json.dumps(reason.details)

    def test_the_same_question_gets_the_same_answer(self, entry):
        for likes, dislikes, _ in questions(2):
            first, again = (rank(SPACE, likes, dislikes, 9, method=entry.name) for _ in range(2))
            assert first == again

    def test_odd_catalogues_are_answered(self, entry):
        assert rank(make_space(np.zeros((1, 3))), [10], [], 3, method=entry.name) == []
        identical = rank(make_space(np.zeros((5, 3))), [10], [20], 3, method=entry.name)
        assert {match.track_id for match in identical} == {30, 40, 50}
        without_artists = replace(SPACE, artists=None, albums=None)
        everything = rank(without_artists, [10], [], 10 * TRACKS, method=entry.name)
        assert 0 < len(everything) < TRACKS
