"""Unknown values add nothing to a taste score, and no reason."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.recommend.query import Query
from songrec.recommend.ranking import rank
from songrec.recommend.taste.scorer import TasteScorer, TasteSettings
from tests.recommend.planted import VALUE_NAMES, make_space

N = 300


@pytest.fixture(scope="module")
def space():
    """Random songs, a third of them with two unknown values each, which lie at 0 in the space."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(N, len(VALUE_NAMES)))
    for row in range(0, N, 3):
        values[row, rng.choice(10, 2, replace=False)] = np.nan
    at = [i for i, name in enumerate(VALUE_NAMES) if name not in ("explicit", "popularity")]
    return make_space(np.nan_to_num(values[:, at]), values=values)


@pytest.mark.parametrize("dislikes", [[], [70]])
def test_unknown_values_add_nothing(space, dislikes):
    query = Query.of(space, [20, 30, 50], dislikes)
    scorer = TasteScorer.of(query, TasteSettings())
    rows = np.arange(N)
    terms = scorer.terms(rows)
    unknown = scorer.model.unknown
    assert unknown is not None
    assert unknown.any()
    assert (terms.features[unknown] == 0).all()
    assert (terms.features[~unknown] != 0).any()
    # The quick scores of all songs are the same.
    quick = scorer._with_dislikes if dislikes else scorer._without_dislikes[0]
    np.testing.assert_allclose(quick, terms.total(), atol=2e-3)


def test_a_like_counts_where_it_is_known(space):
    column = int(
        np.flatnonzero(TasteScorer.of(Query.of(space, [20]), TasteSettings()).model.unknown[0])[0]
    )
    alone = TasteScorer.of(Query.of(space, [20, 30]), TasteSettings()).densities[0]
    joined = TasteScorer.of(Query.of(space, [10, 20, 30]), TasteSettings()).densities[0]
    for one, other in ((alone.location, joined.location), (alone.df, joined.df)):
        assert one[column] == other[column]
        assert (one != other).any()


def test_unknown_values_are_no_reasons(space):
    for match in rank(space, [20, 30, 50], n=50, method="taste"):
        assert sum(r.contribution for r in match.reasons) == pytest.approx(match.score, abs=1e-5)
        assert not [reason.text for reason in match.reasons if "unknown" in reason.text]
