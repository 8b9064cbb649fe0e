"""Likelihood ratio of songs under the listener's taste and in the catalogue."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Reason
from songrec.recommend.explain import contributions
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.query import Query
from songrec.recommend.taste.attribution import (
    features_per_like,
    prior_reasons,
    priors_per_like,
)
from songrec.recommend.taste.density import Array
from songrec.recommend.taste.scorer import TasteScorer, TasteSettings
from songrec.recommend.top_k import Rows, Scores


class TasteMethod:
    """Score: log density under the taste − ``BACKGROUND`` · log density in the catalogue.

    A taste is a density over each column (see ``taste.density``). Among several tastes the best
    fitting one counts, plus the logarithm of its share of the likes. The penalty of dislikes j is
    log(1 + ``dislike_weight`` / likes · Σ_j density around j / density in the catalogue): large
    near them, negligible elsewhere. All terms add up.

    Parameters
    ----------
    dislike_weight
        Weight of a dislike; a like's is 1.
    metadata
        Whether to add three priors, each a log-likelihood ratio to chance: a repeated artist, a
        repeated album of the artist, a popularity similar to the likes'.
    playlists
        Whether to add a further prior: nearness to the likes in vectors of a two-tower model
        trained on playlists (``services.training.two_tower``), with a weight chosen on held-out
        playlists. It adds nothing without ``metadata``, with too few playlists, or if nearness did
        not help there.
    """

    def __init__(
        self, dislike_weight: float = 1.0, metadata: bool = True, playlists: bool = False
    ) -> None:
        self.settings = TasteSettings(dislike_weight, metadata, playlists)

    def _scorer(self, query: Query) -> TasteScorer:
        return TasteScorer.of(query, self.settings)

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """Return the best ``count`` rows (fewer if there are no more) and scores, best first."""
        return self._scorer(query).top(count, query.rank_distinct)

    def scores(self, query: Query, rows: Rows) -> Scores:
        """Compute the scores of ``rows`` in float64."""
        return self._scorer(query).scores(rows)

    def per_like(self, query: Query, rows: Rows) -> Array:
        """Split the score without the dislikes over the likes; see ``taste.attribution``."""
        scorer = self._scorer(query)
        terms = scorer.terms(rows)
        split = features_per_like(
            scorer.model.columns,
            scorer.model.points_with_nan(query.likes),
            scorer.groups,
            scorer.model.points(rows),
            terms.features,
            terms.group,
        )
        priors = dict(terms.priors)
        if priors.pop("playlists", None) is not None:
            split += scorer.playlists_per_like(rows, terms.group)
        return split + priors_per_like(query, rows, priors, scorer.groups, terms.group)

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Return per row reasons of the priors, one per feature, and one per disliked track."""
        scorer = self._scorer(query)
        terms = scorer.terms(rows)
        likes = [query.likes[group] for group in scorer.groups]
        medians = [
            AttributeTable.from_rows(query.space, liked).median(query.space) for liked in likes
        ]
        of_features = contributions.reasons_per_feature(
            query.space,
            rows,
            terms.features,
            AttributeTable(
                medians[0].names,
                np.vstack([table.values for table in medians]),
                np.vstack([table.ranks for table in medians]),
                medians[0].stored,
            ),
            terms.group,
            [scorer.describe_likes(int(group)) for group in terms.group],
        )
        contributions.name_likes(query, rows, of_features, [likes[group] for group in terms.group])
        of_priors = prior_reasons(query, rows, terms.priors, scorer.groups, terms.group)
        apart = query.statistics.distances_to_each(rows, query.dislikes)
        of_dislikes = contributions.reasons_per_dislike(query, rows, -terms.dislikes, apart)
        answers = []
        for at in range(len(rows)):
            positive = [r for r in of_priors[at] if r.contribution > 0]
            others = [r for r in of_priors[at] if r.contribution <= 0]
            # A prior comes first if it contributes more than all of the sound.
            leads = positive and positive[0].contribution > terms.features[at].sum()
            head = (*positive, *of_features[at]) if leads else (*of_features[at], *positive)
            answers.append((*head, *others, *of_dislikes[at]))
        return answers
