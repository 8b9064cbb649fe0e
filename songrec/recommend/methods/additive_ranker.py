"""Sum of all evidence, with weights trained on playlists."""

from __future__ import annotations

from songrec.recommend.methods.taste import TasteMethod
from songrec.recommend.query import Query
from songrec.recommend.taste.additive_scorer import AdditiveScorer, AdditiveSettings


class AdditiveRanker(TasteMethod):
    """Score: the sum of one curve per kind of evidence (``taste.additive_model``).

    Evidence comes from the inputs of ``taste``, from the fit of the artist's other songs, and from
    playlists with artist and song (``taste.evidence``). Among several tastes the highest score
    counts; the penalty of dislikes is that of ``taste``. Without trained curves the scores are
    those of ``taste``.

    Parameters
    ----------
    dislike_weight
        Weight of a dislike; a like's is 1.
    discovery
        From 0 (familiar: all songs, as in continuations of playlists) to 1 (new: other artists than
        the likes'); in between the curves of both are interpolated.
    """

    def __init__(self, dislike_weight: float = 1.0, discovery: float = 0.0) -> None:
        self.settings = AdditiveSettings(dislike_weight, discovery=discovery)

    def _scorer(self, query: Query) -> AdditiveScorer:
        return AdditiveScorer.of(query, self.settings)
