"""The one search for the best rows: exact, each song once, without excluded songs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.recommend.top_k import attempt_top, rank, top_distinct, widen


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(0, 40), st.booleans())
def test_the_best_rows_are_those_of_brute_force(seed, n, count, is_tied):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, n).astype(np.float64) if is_tied else rng.normal(size=n)
    keys = rng.integers(0, max(n // 2, 1), n).astype(np.uint64)
    excluded = np.unique(rng.choice(keys, min(3, n)))
    bounds = (scores + rng.uniform(0, 1, n)).astype(np.float32)
    bounds[rng.random(n) < 0.1] = -np.inf
    members = np.flatnonzero(rng.random(n) < 0.8)
    rows, best = top_distinct(
        bounds[members], count, keys, excluded, scores.__getitem__, members=members, slack=1e-5
    )
    seen, expected = set(excluded.tolist()), []
    for row in sorted(members.tolist(), key=lambda row: (-scores[row], row)):
        if np.isfinite(bounds[row]) and int(keys[row]) not in seen:
            seen.add(int(keys[row]))
            expected.append(row)
    assert rows.tolist() == expected[:count]
    assert best.tolist() == scores[rows].tolist()


def test_a_tight_bound_spares_most_rows():
    scores = np.arange(100_000, dtype=np.float64)
    seen = []
    rows, _ = top_distinct(
        scores, 10, np.arange(100_000), score=lambda rows: seen.append(len(rows)) or scores[rows]
    )
    assert rows.tolist() == list(range(99_999, 99_989, -1))
    assert sum(seen) < 200


def test_an_attempt_that_a_bound_contradicts_is_no_result():
    scores = np.array([0.0, 3.0, 1.0, 2.0])
    bounds = np.array([9.0, 3.0, 1.0, 2.0])
    assert attempt_top(bounds, 2, 2, scores.__getitem__, rank) is None
    rows, _ = attempt_top(bounds, 3, 2, scores.__getitem__, rank)
    assert rows.tolist() == [1, 3]


@pytest.mark.parametrize(("limit", "looks"), [(None, [2, 8, 32]), (20, [2, 8])])
def test_a_search_widens_until_it_succeeds_or_reaches_its_limit(limit, looks):
    tried = []
    found = widen(lambda look: tried.append(look) or (look if look > 30 else None), 2, limit=limit)
    assert tried == looks
    assert found == (None if limit else 32)
