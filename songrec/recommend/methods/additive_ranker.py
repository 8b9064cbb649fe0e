"""Songs that all evidence together speaks for, weighted as playlists taught."""

from __future__ import annotations

from songrec.recommend.methods.taste import TasteMethod
from songrec.recommend.query import Query
from songrec.recommend.taste.additive_scorer import AdditiveScorer, AdditiveSettings


class AdditiveRanker(TasteMethod):
    """Score: the sum of one curve per kind of evidence (``taste.additive_model``).

    Evidence is what ``taste`` rests on, how well the other songs of the artist fit, and what
    playlists say about artist and song (``taste.evidence``). Of several tastes the one that scores
    highest counts, and dislikes take away what they do in ``taste``. Without trained curves the
    scores are those of ``taste``.

    Parameters
    ----------
    dislike_weight
        Weight of a dislike; a like's is 1.
    discovery
        From 0 (familiar: all songs, as playlists go on) to 1 (new: artists none of the likes is
        by); between them the curves of both are mixed.
    """

    def __init__(self, dislike_weight: float = 1.0, discovery: float = 0.0) -> None:
        self.settings = AdditiveSettings(dislike_weight, discovery=discovery)

    def _scorer(self, query: Query) -> AdditiveScorer:
        return AdditiveScorer.of(query, self.settings)
