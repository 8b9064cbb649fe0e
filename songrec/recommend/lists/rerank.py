"""Re-ranking: what a list should be besides the best songs one by one.

All of it happens here, after a method has scored its candidates and before reasons are told, for
every method alike. Whatever moves a song is a term of the score that is shown, in the unit of the
method's own scores (``spread``), with a reason of the kind ``rerank``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.types import Reason, Space
from songrec.recommend.query import Candidates, Query
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, Scores, distances

Array = NDArray[np.float64]

POOL_FACTOR = 10
"""How many candidates per wanted answer the choice is made from."""
SURPRISE_SCALE = 0.3
"""How far chance moves a song, in spreads: the scale of a Gumbel distribution."""
GUMBEL_MEAN = 0.5772156649015329
MAX_PER_ARTIST = 2
"""So many songs by one artist are in a list unless something else is asked for."""


@dataclass(frozen=True)
class Reranking:
    """What to re-rank by; as it stands, nothing.

    ``variety``, ``novelty`` and ``freshness`` from 0 to 1: unlike the songs already chosen, little
    known, recent. ``per_artist``: at most so many songs by one artist, 0 for any number.
    ``surprise``: a seed for a draw from the good ones. ``every_taste``: several tastes are answered
    in proportion to their likes. Raises ``BadInput`` for what is out of range.
    """

    variety: float = 0.0
    novelty: float = 0.0
    freshness: float = 0.0
    per_artist: int = 0
    surprise: int | None = None
    every_taste: bool = False

    def __post_init__(self) -> None:
        for name in ("variety", "novelty", "freshness"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise BadInput(
                    f"{name.capitalize()} is a number from 0 (none) to 1 (much), not {value}."
                )
        if self.per_artist < 0:
            raise BadInput(f"Songs by one artist: 0 (any number) or more, not {self.per_artist}.")
        if self.surprise is not None and self.surprise < 0:
            raise BadInput(f"A surprise is drawn by a number from 0 up, not {self.surprise}.")

    @property
    def is_plain(self) -> bool:
        """Whether the best are simply answered."""
        return self == Reranking()

    @property
    def unlikeness(self) -> float:
        """What likeness costs in spreads: half as ``variety`` at 0.5, ten times it at 1."""
        return self.variety / (1 - 0.9 * self.variety)


NO_RERANKING = Reranking()
DEFAULT_RERANKING = Reranking(per_artist=MAX_PER_ARTIST, every_taste=True)
"""What pages, commands and the programming interface do unless something else is asked for."""


@dataclass(frozen=True)
class RerankTerm:
    """What one re-ranking adds to each song of a list, and what it says of it."""

    about: str
    values: Array
    texts: Sequence[str]
    details: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class RerankResult:
    """The songs chosen, as positions among the candidates, and the terms added to their scores."""

    chosen: Rows
    terms: tuple[RerankTerm, ...]

    def reasons(self) -> list[tuple[Reason, ...]]:
        """Per song chosen a reason for each term that moves it."""
        return [
            tuple(
                Reason(
                    "rerank", term.texts[at], float(term.values[at]), term.about, term.details[at]
                )
                for term in self.terms
                if term.values[at]
            )
            for at in range(len(self.chosen))
        ]


def available_criteria(space: Space) -> frozenset[str]:
    """Which of ``novelty``, ``freshness`` and ``per_artist`` there is anything to go by for."""
    statistics = statistics_of(space)
    known = {"novelty": "popularity", "freshness": "year"}
    found = {
        wish
        for wish, name in known.items()
        if name in space.value_names and len(statistics.distributions[name].values) > 1
    }
    return frozenset(found | ({"per_artist"} if statistics.artists.any() else set()))


def has_enough(query: Query, rows: Rows, wanted: Reranking, n: int) -> bool:
    """Whether ``n`` of ``rows`` remain under the cap for artists."""
    if not wanted.per_artist:
        return True
    return len(cap_per_artist(query.statistics.artists[rows], wanted.per_artist)) >= n


def cap_per_artist(artists: NDArray[np.int64], most: int) -> Rows:
    """Positions that stay when no artist comes more than ``most`` times; 0 is nobody, 0 most any.

    The first of each artist stay.
    """
    if not most:
        return np.arange(len(artists), dtype=np.int64)
    order = np.argsort(artists, kind="stable")
    _, first, sizes = np.unique(artists[order], return_index=True, return_counts=True)
    place = np.empty(len(artists), dtype=np.int64)
    place[order] = np.arange(len(artists)) - np.repeat(first, sizes)
    return np.flatnonzero((place < most) | (artists == 0))


def rerank(query: Query, found: Candidates, wanted: Reranking, n: int) -> RerankResult:
    """The best ``n`` of the candidates under ``wanted``, best first by the score with all terms.

    spread is the distance from the best score to the median one.

    * novelty and freshness add their share · spread · (1 − 2 p), where p is the share of the
      catalogue that is less popular, or more recent; what is unknown adds nothing.
    * surprise adds ``SURPRISE_SCALE`` · spread · Gumbel noise. Taking the best after that equals
      drawing without replacement with probabilities proportional to
      exp(score / (``SURPRISE_SCALE`` · spread)) (Yellott 1977; Kool, van Hoof and Welling 2019).
    * variety is maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) in the run's
      latent: songs are chosen one by one, and each pays ``unlikeness`` · spread · max(0, 1 −
      distance / typical distance) to the one nearest to it of those already chosen.
    * the cap leaves out and adds nothing: what stays has its score.
    * every taste: the next song is of the taste that has had least of its share (Sainte-Laguë);
      it is lifted to the score of the best song below it.
    """
    rows, spread = found.rows, _spread(found.scores)
    terms: list[tuple[str, Array, list[str]]] = []
    if wanted.novelty:
        share, texts = _popularity(query, rows)
        terms.append(("novelty", wanted.novelty * spread * (1 - 2 * share), texts))
    if wanted.freshness:
        share, texts = _year(query, rows)
        terms.append(("freshness", wanted.freshness * spread * (2 * share - 1), texts))
    if wanted.surprise is not None:
        drawn = np.random.default_rng(wanted.surprise).gumbel(-GUMBEL_MEAN, 1.0, len(rows))
        texts = ["Moved up at random" if luck > 0 else "Moved down at random" for luck in drawn]
        terms.append(("surprise", SURPRISE_SCALE * spread * drawn, texts))
    totals = found.scores + sum((values for _, values, _ in terms), np.zeros(len(rows)))
    chosen, paid, like = _one_by_one(query, found, totals, wanted, n, spread)
    told = [
        RerankTerm(about, values[chosen], [texts[at] for at in chosen], [{}] * len(chosen))
        for about, values, texts in terms
    ]
    if wanted.variety:
        told.append(_unlike(query, rows[chosen], -paid, like))
    if wanted.every_taste and len(found.likes) > 1:
        reached = totals[chosen] - paid
        told.append(_shared_out(found, chosen, reached))
    return RerankResult(chosen, tuple(told))


def _spread(scores: Scores) -> float:
    return float(scores.max() - np.median(scores)) if len(scores) else 0.0


def _popularity(query: Query, rows: Rows) -> tuple[Array, list[str]]:
    share, values = _share_below(query, rows, "popularity")
    texts = [
        f"{'Better' if at > 0.5 else 'Less'} known than most songs (popularity {value:.0f})"
        for at, value in zip(share, np.nan_to_num(values), strict=True)
    ]
    return share, texts


def _year(query: Query, rows: Rows) -> tuple[Array, list[str]]:
    share, values = _share_below(query, rows, "year")
    texts = [
        f"{'Newer' if at > 0.5 else 'Older'} than most songs ({value:.0f})"
        for at, value in zip(share, np.nan_to_num(values), strict=True)
    ]
    return share, texts


def _share_below(query: Query, rows: Rows, name: str) -> tuple[Array, Array]:
    """The share of the catalogue below each row's value, a half where unknown; and the values."""
    space = query.space
    if name not in space.value_names:
        return np.full(len(rows), 0.5), np.full(len(rows), np.nan)
    values = space.values[rows, space.value_names.index(name)].astype(np.float64)
    share = query.statistics.distributions[name].percentile(values)
    return np.where(np.isfinite(share), share, 0.5), values


def _one_by_one(
    query: Query, found: Candidates, totals: Array, wanted: Reranking, n: int, spread: float
) -> tuple[Rows, Array, Rows]:
    """Positions chosen, what likeness costs each, and which of the chosen each is like."""
    rows = found.rows
    artists = query.statistics.artists[rows]
    cost = wanted.unlikeness * spread
    latent = query.space.latent[rows].astype(np.float64) if cost else np.zeros((len(rows), 0))
    likeness, nearest = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
    left = np.ones(len(rows), dtype=bool)
    had: dict[int, int] = {}
    parted = wanted.every_taste and len(found.likes) > 1
    given = np.zeros(len(found.likes))
    chosen: list[int] = []
    paid: list[float] = []
    like: list[int] = []
    while len(chosen) < n and left.any():
        open_ = left
        if parted:
            of = [
                group for group in range(len(found.likes)) if (left & (found.group == group)).any()
            ]
            turn = max(of, key=lambda group: found.likes[group] / (2 * given[group] + 1))
            open_ = left & (found.group == turn)
            given[turn] += 1
        marginal = np.where(open_, totals - cost * likeness, -np.inf)
        best = int(np.argmax(marginal))
        chosen.append(best)
        paid.append(cost * float(likeness[best]))
        like.append(int(nearest[best]))
        left[best] = False
        artist = int(artists[best])
        had[artist] = had.get(artist, 0) + 1
        if artist and had[artist] == wanted.per_artist:
            left &= artists != artist
        if cost:
            near = 1 - distances(latent, latent[best]) / query.statistics.typical_latent
            nearest[near > likeness] = len(chosen) - 1
            likeness = np.maximum(likeness, near)
    return np.array(chosen, dtype=np.int64), np.array(paid), np.array(like, dtype=np.int64)


def _unlike(query: Query, rows: Rows, values: Array, like: Rows) -> RerankTerm:
    ids = query.space.track_ids[rows].tolist()
    titles = query.names(ids) if query.names and len(ids) else {}
    texts, details = [], []
    for other in like.tolist():
        title = titles.get(ids[other]) or f"track {ids[other]}"
        texts.append(f"Much like “{title}” further up")
        details.append({"title": title, "before": "Much like", "after": " further up"})
    return RerankTerm("variety", values, texts, details)


def _shared_out(found: Candidates, chosen: Rows, reached: Array) -> RerankTerm:
    """Lifts to the highest score that comes later, so that the scores shown fall."""
    lifted = np.maximum.accumulate(reached[::-1])[::-1] - reached if len(reached) else reached
    total = sum(found.likes)
    texts = [
        f"Moved up so that each of your {len(found.likes)} tastes gets its share: this one is "
        f"{found.likes[group]} of {total} likes"
        for group in found.group[chosen].tolist()
    ]
    return RerankTerm("tastes", lifted, texts, [{}] * len(texts))
