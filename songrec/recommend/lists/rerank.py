"""Re-ranking of scored candidates: variety, novelty, freshness, artist cap, surprise, tastes.

It works in the same way for every method, between scoring and explaining. Each change of the order
is a term of the displayed score, in units of the method's own scores (``spread``), with a reason of
the kind ``rerank``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.types import Reason, Space
from songrec.recommend.query import Candidates, Query
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, Scores, count_earlier, distances

Array = NDArray[np.float64]

POOL_FACTOR = 10
"""Candidates per requested song."""
SURPRISE_SCALE = 0.3
"""Scale of the Gumbel noise of a surprise, in spreads."""
GUMBEL_MEAN = 0.5772156649015329
MAX_PER_ARTIST = 2
"""Default of the artist cap."""


@dataclass(frozen=True)
class Reranking:
    """Options of the re-ranking; the defaults leave the order as it is.

    Attributes
    ----------
    variety, novelty, freshness
        From 0 to 1: preference for songs unlike those already chosen, little known, recent.
    per_artist
        Maximum number of songs per artist; 0 for any number.
    surprise
        Seed of a random sample that prefers better songs; None for no sampling.
    every_taste
        Whether several tastes are represented in proportion to their likes.

    Raises
    ------
    BadInput
        If a value is out of range.
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
                    f"{name.capitalize()} must be from 0 (none) to 1 (much), not {value}."
                )
        if self.per_artist < 0:
            raise BadInput(
                f"Songs per artist must be 0 (any number) or more, not {self.per_artist}."
            )
        if self.surprise is not None and self.surprise < 0:
            raise BadInput(f"The seed of a surprise must be 0 or more, not {self.surprise}.")

    @property
    def is_plain(self) -> bool:
        """Whether the order is left as it is."""
        return self == Reranking()

    @property
    def similarity_cost(self) -> float:
        """Cost of similarity in spreads: about ``variety`` at 0.5, ten times ``variety`` at 1."""
        return self.variety / (1 - 0.9 * self.variety)


NO_RERANKING = Reranking()
DEFAULT_RERANKING = Reranking(per_artist=MAX_PER_ARTIST, every_taste=True)
"""Re-ranking of pages, commands and the API by default."""


@dataclass(frozen=True)
class RerankTerm:
    """One criterion's contributions to the scores of a list, with the reasons' texts."""

    about: str
    values: Array
    texts: Sequence[str]
    details: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class RerankResult:
    """Chosen songs, as positions among the candidates, and the terms added to their scores."""

    chosen: Rows
    terms: tuple[RerankTerm, ...]

    def reasons(self) -> list[tuple[Reason, ...]]:
        """Return, for each chosen song, a reason per non-zero term."""
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
    """Return those of ``novelty``, ``freshness`` and ``per_artist`` that the space has data for."""
    statistics = statistics_of(space)
    columns = {"novelty": "popularity", "freshness": "year"}
    criteria = {
        criterion
        for criterion, name in columns.items()
        if name in space.value_names and len(statistics.distributions[name].values) > 1
    }
    return frozenset(criteria | ({"per_artist"} if statistics.artists.any() else set()))


def has_enough(query: Query, rows: Rows, options: Reranking, n: int) -> bool:
    """Return whether ``n`` of ``rows`` remain under the artist cap."""
    if not options.per_artist:
        return True
    return len(cap_per_artist(query.statistics.artists[rows], options.per_artist)) >= n


def cap_per_artist(artists: NDArray[np.int64], most: int) -> Rows:
    """Return the positions of each artist's first ``most`` songs.

    Songs of the unknown artist (0) all stay, and every song does if ``most`` is 0.
    """
    if not most:
        return np.arange(len(artists), dtype=np.int64)
    return np.flatnonzero((count_earlier(artists) < most) | (artists == 0))


def rerank(query: Query, candidates: Candidates, options: Reranking, n: int) -> RerankResult:
    """Choose ``n`` of the candidates, best first by the score with all terms.

    *spread* is the distance from the best score to the median one.

    * novelty and freshness add their value · spread · (1 − 2 p), where p is the share of the
      catalogue that is less popular, or more recent; unknown values add nothing.
    * surprise adds ``SURPRISE_SCALE`` · spread · Gumbel noise. Taking the best after that equals
      drawing without replacement with probabilities proportional to
      exp(score / (``SURPRISE_SCALE`` · spread)) (Yellott 1977; Kool, van Hoof and Welling 2019).
    * variety is maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) in the run's
      latent: songs are chosen one by one, and each pays ``similarity_cost`` · spread · max(0, 1 −
      distance / typical distance) to the one nearest to it of those already chosen.
    * the artist cap leaves songs out and adds nothing to the others.
    * every taste: the next song is of the taste of the highest quotient l / (2 g + 1) · e^s, with l
      likes and g songs given to it already, s the sureness of its best song (Sainte-Laguë's method,
      times how sure the method is); it is lifted to the score of the best song below it.
    """
    rows, spread = candidates.rows, _spread(candidates.scores)
    terms: list[tuple[str, Array, list[str]]] = []
    if options.novelty:
        share, texts = _popularity(query, rows)
        terms.append(("novelty", options.novelty * spread * (1 - 2 * share), texts))
    if options.freshness:
        share, texts = _year(query, rows)
        terms.append(("freshness", options.freshness * spread * (2 * share - 1), texts))
    if options.surprise is not None:
        noise = np.random.default_rng(options.surprise).gumbel(-GUMBEL_MEAN, 1.0, len(rows))
        texts = ["Moved up at random" if luck > 0 else "Moved down at random" for luck in noise]
        terms.append(("surprise", SURPRISE_SCALE * spread * noise, texts))
    totals = candidates.scores + sum((values for _, values, _ in terms), np.zeros(len(rows)))
    chosen, paid, like = _choose(query, candidates, totals, options, n, spread)
    result = [
        RerankTerm(about, values[chosen], [texts[at] for at in chosen], [{}] * len(chosen))
        for about, values, texts in terms
    ]
    if options.variety:
        result.append(_similarity_term(query, rows[chosen], -paid, like))
    if options.every_taste and len(candidates.likes) > 1:
        result.append(_taste_term(candidates, chosen, totals[chosen] - paid))
    return RerankResult(chosen, tuple(result))


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
    """Return the share of the catalogue below each row's value (0.5 if unknown), and the values."""
    space = query.space
    if name not in space.value_names:
        return np.full(len(rows), 0.5), np.full(len(rows), np.nan)
    values = space.values[rows, space.value_names.index(name)].astype(np.float64)
    share = query.statistics.distributions[name].percentile(values)
    return np.where(np.isfinite(share), share, 0.5), values


def _choose(
    query: Query,
    candidates: Candidates,
    totals: Array,
    options: Reranking,
    n: int,
    spread: float,
) -> tuple[Rows, Array, Rows]:
    """Choose greedily; return positions, costs of similarity, and the most similar chosen songs."""
    rows, groups = candidates.rows, range(len(candidates.likes))
    artists = query.statistics.artists[rows]
    cost = options.similarity_cost * spread
    latent = query.space.latent[rows].astype(np.float64) if cost else np.zeros((len(rows), 0))
    similarity, nearest = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
    left = np.ones(len(rows), dtype=bool)
    per_artist: Counter[int] = Counter()
    by_taste = options.every_taste and len(groups) > 1
    likes, assigned = np.array(candidates.likes), np.zeros(len(groups))
    chosen: list[int] = []
    paid: list[float] = []
    like: list[int] = []
    while len(chosen) < n and left.any():
        marginal = np.where(left, totals - cost * similarity, -np.inf)
        if by_taste:
            best_of = np.array(
                [marginal[candidates.group == g].max(initial=-np.inf) for g in groups]
            )
            quotient = np.log(likes / (2 * assigned + 1)) + candidates.sureness.of(best_of)
            turn = int(np.where(np.isfinite(best_of), quotient, -np.inf).argmax())
            assigned[turn] += 1
            marginal[candidates.group != turn] = -np.inf
        best = int(np.argmax(marginal))
        chosen.append(best)
        paid.append(cost * float(similarity[best]))
        like.append(int(nearest[best]))
        left[best] = False
        artist = int(artists[best])
        per_artist[artist] += 1
        if artist and per_artist[artist] == options.per_artist:
            left &= artists != artist
        if cost:
            near = 1 - distances(latent, latent[best]) / query.statistics.typical_latent
            nearest[near > similarity] = len(chosen) - 1
            similarity = np.maximum(similarity, near)
    return np.array(chosen, dtype=np.int64), np.array(paid), np.array(like, dtype=np.int64)


def _similarity_term(query: Query, rows: Rows, values: Array, like: Rows) -> RerankTerm:
    ids = query.space.track_ids[rows].tolist()
    titles = query.names(ids) if query.names and len(ids) else {}
    texts, details = [], []
    for other in like.tolist():
        title = titles.get(ids[other]) or f"track {ids[other]}"
        texts.append(f"Much like “{title}” further up")
        details.append({"title": title, "before": "Much like", "after": " further up"})
    return RerankTerm("variety", values, texts, details)


def _taste_term(candidates: Candidates, chosen: Rows, scores: Array) -> RerankTerm:
    """Raise each score to the highest later one, so that scores descend along the list."""
    lifted = np.maximum.accumulate(scores[::-1])[::-1] - scores if len(scores) else scores
    likes = candidates.likes
    texts = [
        f"Moved up so that each of your {len(likes)} tastes gets its share: this one is "
        f"{likes[group]} of {sum(likes)} likes"
        for group in candidates.group[chosen].tolist()
    ]
    return RerankTerm("tastes", lifted, texts, [{}] * len(texts))
