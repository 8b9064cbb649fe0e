"""Several tastes: few likes of each are told apart, served in turn, and have rows of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from songrec.recommend.lists.rerank import DEFAULT_RERANKING
from songrec.recommend.lists.tastes import search_tastes, split_tastes
from songrec.recommend.query import Query
from songrec.recommend.ranking import create_method, rank, rank_rows
from tests.recommend.planted import make_space

D = 6


def planted_tastes(per_taste=40):
    """Five tight groups of ``per_taste`` songs, far from each other, and the rest at random."""
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(1500, D))
    centres = 2.2 * np.vstack([np.eye(D)[:4], -np.ones(D) / 2])
    for number, centre in enumerate(centres):
        rows = slice(number * per_taste, (number + 1) * per_taste)
        matrix[rows] = centre + 0.15 * rng.normal(size=(per_taste, D))
    return make_space(matrix)


SPACE = planted_tastes()
ONE_OF_EACH = SPACE.track_ids[[0, 40, 80, 120, 160]].tolist()


def taste_of(matches):
    return [int(row) // 40 for row in SPACE.rows_of([match.track_id for match in matches])]


def test_one_like_of_each_of_five_tastes_serves_all_five():
    found = rank(SPACE, ONE_OF_EACH, n=20, by=DEFAULT_RERANKING)
    liked = [r.about for match in found for r in match.per_like if r.kind == "liked"]
    assert min(liked.count(like) for like in ONE_OF_EACH) >= 2
    assert set(taste_of(found)) >= {0, 2, 3, 4}
    for place, match in enumerate(found):
        beside = {r.details["beside"] for r in match.reasons if r.kind == "feature"}
        (like,) = {r.about for r in match.per_like if r.kind == "liked"}
        assert beside == {f"“track {like}”"}
        if taste_of(found)[place] < 5:
            assert like == ONE_OF_EACH[taste_of(found)[place]]
        total = math.fsum(reason.contribution for reason in match.reasons)
        assert total == pytest.approx(match.score, abs=1e-5)


def test_likes_of_one_taste_stay_one():
    likes = SPACE.track_ids[:5].tolist()
    assert rank(SPACE, likes, by=DEFAULT_RERANKING) == rank(SPACE, likes)


def test_a_longer_search_begins_with_the_shorter_one_and_is_as_sure():
    method = create_method(SPACE)
    queries = split_tastes(method, Query.of(SPACE, ONE_OF_EACH))
    few, many = (search_tastes(method, queries, count) for count in (10, 40))
    assert few.sureness == many.sureness
    assert few.rows.tolist() == many.rows[: len(few.rows)].tolist()
    again = search_tastes(method, queries, 40, sureness=few.sureness)
    assert again.rows.tolist() == many.rows.tolist()


def test_each_of_few_likes_has_a_row_and_no_song_stands_in_two():
    rows = rank_rows(SPACE, ONE_OF_EACH, n=8)
    assert sorted(row.likes for row in rows) == [(like,) for like in sorted(ONE_OF_EACH)]
    for row in rows:
        (like,) = row.likes
        assert taste_of(row.matches).count(ONE_OF_EACH.index(like)) >= 7
    shown = [match.track_id for row in rows for match in row.matches]
    assert len(shown) == len(set(shown)) == 40
    assert not set(shown) & set(ONE_OF_EACH)


def test_likes_that_call_for_each_other_share_a_row():
    likes = SPACE.track_ids[[0, 1, 2, 40, 41, 80, 120, 160, 161]].tolist()
    rows = rank_rows(SPACE, likes, n_rows=5, n=6)
    groups = sorted(sorted(SPACE.rows_of(list(row.likes)).tolist()) for row in rows)
    assert groups == [[0, 1, 2], [40, 41], [80], [120], [160, 161]]
    near = rank_rows(SPACE, SPACE.track_ids[:3].tolist(), n_rows=3, n=10)
    assert [len(row.matches) for row in near] == [10, 10, 10]


def test_songs_that_come_first_lead_every_row_and_others_fill_it():
    preferred = SPACE.track_ids[5::7].tolist()
    rows = rank_rows(SPACE, ONE_OF_EACH, n=8, first=preferred)
    shown = [match.track_id for row in rows for match in row.matches]
    assert [len(row.matches) for row in rows] == [8] * 5
    assert len(shown) == len(set(shown))
    for row in rows:
        leads = [match.track_id in preferred for match in row.matches]
        assert leads == sorted(leads, reverse=True)
        assert leads[0]
    few = rank_rows(SPACE, ONE_OF_EACH[:1], n=8, first=preferred[:2])
    assert {match.track_id for match in few[0].matches[:2]} == set(preferred[:2])
    plain = rank_rows(SPACE, ONE_OF_EACH[:1], n=8)
    rest = [match.track_id for match in plain[0].matches if match.track_id not in preferred[:2]]
    assert [match.track_id for match in few[0].matches[2:]] == rest[:6]
