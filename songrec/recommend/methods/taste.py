"""Songs that are likelier under the listener's taste than in the catalogue at large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend.explain import contributions
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.lists.rerank import Candidates
from songrec.recommend.query import Query, Rows, Scores, distances
from songrec.recommend.taste.attribution import features_per_like, priors_per_like
from songrec.recommend.taste.prior_reasons import prior_reasons
from songrec.recommend.taste.scorer import TasteScorer

Array = NDArray[np.float64]


class TasteMethod:
    """Score: log density under the taste − ``BACKGROUND`` · log density in the catalogue.

    A taste is a density over each column (see ``taste_density``); of several tastes the one that
    the song fits best counts, with the logarithm of its share of the likes. With ``metadata`` there
    are three priors on top, each a logarithm of how much likelier than chance: an artist that comes
    again, an album of theirs that does, and a popularity like that of the likes. Dislikes j take
    away log(1 + ``dislike_weight`` / likes · Σ_j density beside j / density in the catalogue): much
    where they are, next to nothing elsewhere. All terms add up.
    """

    uses_track_factors = False

    def __init__(self, dislike_weight: float = 1.0, metadata: bool = True) -> None:
        self.dislike_weight = dislike_weight
        self.metadata = metadata

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """The best ``count`` rows (fewer if there are no more) and their scores, best first."""
        asked = TasteScorer.of(query, self)
        look = 2 * count + len(query.likes) + len(query.dislikes)
        while True:
            near = asked.best(look)
            rows, scores = query.rank_distinct(near, asked.parts(near).total())
            if len(rows) >= count or look >= len(query.space.track_ids):
                return rows[:count], scores[:count]
            look *= 4

    def candidates(self, query: Query, count: int) -> Candidates:
        """The best ``count`` rows of each taste and their scores, best first."""
        asked = TasteScorer.of(query, self)
        sizes = tuple(len(group) for group in asked.groups)
        if len(sizes) == 1:
            rows, scores = self.search(query, count)
            return Candidates(rows, scores, np.zeros(len(rows), dtype=np.int64), sizes)
        look = 2 * count + len(query.likes) + len(query.dislikes)
        rows = np.concatenate([asked.best(look, of=number) for number in range(len(sizes))])
        rows, scores = query.rank_distinct(rows, asked.parts(rows).total())
        return Candidates(rows, scores, asked.parts(rows).group, sizes)

    def per_like(self, query: Query, rows: Rows) -> Array:
        """The score less what dislikes take away, split over the likes; see ``taste_split``."""
        asked = TasteScorer.of(query, self)
        parts = asked.parts(rows)
        split = features_per_like(
            asked.model.belief,
            asked.model.points(query.likes),
            asked.groups,
            asked.model.points(rows),
            parts.features,
            parts.group,
        )
        return split + priors_per_like(query, rows, parts.priors, asked.groups, parts.group)

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row: what priors say, one reason per feature, and one per disliked track."""
        asked = TasteScorer.of(query, self)
        parts = asked.parts(rows)
        sheets = [
            AttributeTable.from_rows(query.space, query.likes[g]).median(query.space)
            for g in asked.groups
        ]
        sheet = AttributeTable(
            sheets[0].names,
            np.vstack([one.values for one in sheets]),
            np.vstack([one.ranks for one in sheets]),
            sheets[0].stored,
        )
        theirs = [asked.told(int(group)) for group in parts.group]
        good = contributions.reasons_per_feature(
            query.space, rows, parts.features, sheet, parts.group, theirs
        )
        before = prior_reasons(query, rows, parts.priors, asked.groups, parts.group)
        vectors = query.space.matrix[rows].astype(np.float64)
        apart = np.array([distances(vectors, point) for point in query.disliked_vectors]).T
        bad = contributions.reasons_per_dislike(query, rows, -parts.dislikes, apart)
        answers = []
        for at in range(len(rows)):
            first = [r for r in before[at] if r.contribution > 0]
            rest = [r for r in before[at] if r.contribution <= 0]
            # A prior leads where it says more than all of the sound.
            leads = first and first[0].contribution > parts.features[at].sum()
            head = (*first, *good[at]) if leads else (*good[at], *first)
            answers.append((*head, *rest, *bad[at]))
        return answers
