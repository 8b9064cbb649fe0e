"""Songs that are likelier under the listener's taste than in the catalogue at large."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason, Space
from songrec.recommend import explain, learned, taste_prior
from songrec.recommend.figures import figures_of
from songrec.recommend.rerank import Candidates
from songrec.recommend.sheets import Sheet
from songrec.recommend.taste import Rows, Scores, Taste, distances, top_rows
from songrec.recommend.taste_density import Belief, Students, tastes
from songrec.recommend.taste_prior import TastePrior
from songrec.recommend.taste_reasons import prior_reasons
from songrec.recommend.taste_split import features_per_like, priors_per_like

Array = NDArray[np.float64]
BACKGROUND = 0.8
"""How much of the catalogue's own density is taken off: all of it would favour the rarest songs."""
SLICE = 2**15


@dataclass(frozen=True)
class Known:
    """What does not depend on the likes: the prior, and the catalogue's density; see ``known``."""

    space: Space
    prior: TastePrior

    @cached_property
    def belief(self) -> Belief:
        """Over the columns of the space."""
        return Belief([self.prior.column(name) for name in self.space.columns])

    @cached_property
    def about_popularity(self) -> Belief:
        """Over popularity alone."""
        return Belief([self.prior.column("popularity")])

    @cached_property
    def neutral(self) -> NDArray[np.float32]:
        """The log density of each track with nothing liked, ``(n,)``."""
        return _over_all(self.space, self.belief.before)

    @cached_property
    def reference(self) -> Array:
        """What is not taken off of a song's own density is taken off of a usual one's, ``(d,)``.

        So a score is near 0 where the likes say nothing. A usual value is one deviation off.
        """
        one = np.ones((1, len(self.space.columns)))
        return (1 - BACKGROUND) * self.belief.before.log(one)[0]

    def points(self, rows: Rows) -> Array:
        """Tracks in units of the columns' standard deviations, ``(rows, d)``."""
        return self.space.matrix[rows] / figures_of(self.space).scales


def known(space: Space) -> Known:
    """Made once as long as the space is open."""
    found: Known | None = space.__dict__.get("_taste")
    if found is None:
        found = Known(space, TastePrior.from_json(space.learned))
        space.__dict__["_taste"] = found
    return found


class TasteRule:
    """Score: log density under the taste − ``BACKGROUND`` · log density in the catalogue.

    A taste is a density over each column (see ``taste_density``); of several tastes the one that
    the song fits best counts, with the logarithm of its share of the likes. With ``metadata`` there
    are three priors on top, each a logarithm of how much likelier than chance: an artist that comes
    again, an album of theirs that does, and a popularity like that of the likes. Dislikes j take
    away log(1 + ``dislike_weight`` / likes · Σ_j density beside j / density in the catalogue): much
    where they are, next to nothing elsewhere. All terms add up.
    """

    uses_tower = False

    def __init__(self, dislike_weight: float = 1.0, metadata: bool = True) -> None:
        self.dislike_weight = dislike_weight
        self.metadata = metadata

    def search(self, taste: Taste, count: int) -> tuple[Rows, Scores]:
        """The best ``count`` rows (fewer if there are no more) and their scores, best first."""
        asked = _Asked(taste, self)
        rough, _ = asked.rough()
        look = 2 * count + len(taste.likes) + len(taste.dislikes)
        while True:
            near = top_rows(rough, look)
            rows, scores = taste.in_order(near, asked.parts(near).total())
            if len(rows) >= count or look >= len(rough):
                return rows[:count], scores[:count]
            look *= 4

    def candidates(self, taste: Taste, count: int) -> Candidates:
        """The best ``count`` rows of each taste and their scores, best first."""
        asked = _Asked(taste, self)
        sizes = tuple(len(group) for group in asked.groups)
        if len(sizes) == 1:
            rows, scores = self.search(taste, count)
            return Candidates(rows, scores, np.zeros(len(rows), dtype=np.int64), sizes)
        rough, group = asked.rough()
        look = 2 * count + len(taste.likes) + len(taste.dislikes)
        near = [
            members[top_rows(rough[members], look)]
            for members in (np.flatnonzero(group == number) for number in range(len(sizes)))
        ]
        rows = np.concatenate(near)
        rows, scores = taste.in_order(rows, asked.parts(rows).total())
        return Candidates(rows, scores, asked.parts(rows).group, sizes)

    def per_like(self, taste: Taste, rows: Rows) -> Array:
        """The score less what dislikes take away, split over the likes; see ``taste_split``."""
        asked = _Asked(taste, self)
        parts = asked.parts(rows)
        split = features_per_like(
            asked.known.belief, asked.known.points(taste.likes), asked.groups,
            asked.known.points(rows), parts.features, parts.group,
        )  # fmt: skip
        return split + priors_per_like(taste, rows, parts.priors, asked.groups, parts.group)

    def reasons(self, taste: Taste, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row: what priors say, one reason per feature, and one per disliked track."""
        asked = _Asked(taste, self)
        parts = asked.parts(rows)
        sheets = [Sheet.of(taste.space, taste.likes[g]).middle(taste.space) for g in asked.groups]
        sheet = Sheet(
            sheets[0].names,
            np.vstack([one.values for one in sheets]),
            np.vstack([one.ranks for one in sheets]),
            sheets[0].stored,
        )
        theirs = [asked.told(int(group)) for group in parts.group]
        good = explain.per_feature(taste.space, rows, parts.features, sheet, parts.group, theirs)
        before = prior_reasons(taste, rows, parts.priors, asked.groups, parts.group)
        vectors = taste.space.matrix[rows].astype(np.float64)
        apart = np.array([distances(vectors, point) for point in taste.disliked_vectors]).T
        bad = explain.beside_dislikes(taste, rows, -parts.dislikes, apart)
        answers = []
        for at in range(len(rows)):
            first = [r for r in before[at] if r.contribution > 0]
            rest = [r for r in before[at] if r.contribution <= 0]
            # A prior leads where it says more than all of the sound.
            leads = first and first[0].contribution > parts.features[at].sum()
            head = (*first, *good[at]) if leads else (*good[at], *first)
            answers.append((*head, *rest, *bad[at]))
        return answers


@dataclass(frozen=True)
class Parts:
    """The terms of some rows' scores.

    ``features`` ``(rows, d)`` of the taste ``group`` ``(rows,)``; ``priors`` by name ``(rows,)``;
    ``dislikes`` ``(rows, dislikes)`` is what each takes away.
    """

    features: Array
    group: NDArray[np.int64]
    priors: dict[str, Array]
    dislikes: Array

    def total(self) -> Array:
        """The scores."""
        return self.features.sum(axis=1) + sum(self.priors.values()) - self.dislikes.sum(axis=1)


class _Asked:
    """One question: the densities that its likes and dislikes make."""

    def __init__(self, taste: Taste, rule: TasteRule) -> None:
        self.taste, self.rule = taste, rule
        self.known = known(taste.space)
        belief = self.known.belief
        liked = self.known.points(taste.likes)
        self.groups = tastes(belief, liked)
        self.densities = [belief.after(liked[group]) for group in self.groups]
        self.shares = np.log([len(group) / len(liked) for group in self.groups])
        bad = self.known.points(taste.dislikes)
        self.beside = [belief.beside(point) for point in bad] if rule.dislike_weight else []
        self.harm = rule.dislike_weight / len(liked)

    def told(self, group: int) -> str:
        """Whose values a song of this taste is compared with."""
        likes = self.taste.likes
        if len(likes) == 1:
            return f"“{self.taste.title(int(likes[0]))}”"
        if len(self.groups) == 1:
            return "your likes"
        return f"{len(self.groups[group])} of your likes"

    def rough(self) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """All scores, as well as float32 tells them, and which taste each track fits."""
        space = self.taste.space
        best = np.full(len(space.track_ids), -np.inf, dtype=np.float32)
        group = np.zeros(len(best), dtype=np.int8)
        for number, density in enumerate(self.densities):
            found = _over_all(space, density)
            found += np.float32(self.shares[number])
            if number:
                group[found > best] = number
            np.maximum(best, found, out=best)
        neutral = self.known.neutral
        best -= np.float32(BACKGROUND) * neutral + np.float32(self.known.reference.sum())
        if self.beside:
            harm = np.zeros_like(best)
            for density in self.beside:
                harm += np.exp(_over_all(space, density) - neutral)
            best -= np.log1p(np.float32(self.harm) * harm)
        if self.rule.metadata:
            everything = np.arange(len(best), dtype=np.int64)
            for values in self._metadata(everything).values():
                best += values.astype(np.float32)
        return best, group

    def parts(self, rows: Rows) -> Parts:
        """The terms of the scores of ``rows``, in float64."""
        points = self.known.points(rows)
        neutral = self.known.belief.before.log(points)
        under = np.array([density.log(points) for density in self.densities])
        group = (under.sum(axis=2) + self.shares[:, None]).argmax(axis=0)
        features = under[group, np.arange(len(rows))] - BACKGROUND * neutral - self.known.reference
        priors = {"taste": self.shares[group]} if len(self.groups) > 1 else {}
        if self.rule.metadata:
            priors |= self._metadata(rows)
        harm = np.zeros((len(rows), len(self.taste.dislikes)))
        for column, density in enumerate(self.beside):
            harm[:, column] = self.harm * np.exp((density.log(points) - neutral).sum(axis=1))
        total = harm.sum(axis=1, keepdims=True)
        share = harm / np.where(total == 0, 1.0, total)
        return Parts(features, group, priors, share * np.log1p(total))

    def _metadata(self, rows: Rows) -> dict[str, Array]:
        """What artist, album and popularity add, ``(rows,)`` each; what is unknown adds nothing."""
        figures, prior, likes = self.taste.figures, self.known.prior, self.taste.likes
        found: dict[str, Array] = {}
        artists, albums = figures.artists, figures.albums
        if artists[likes].any():
            # Nearly all tracks are by artists whom none of the likes is by: one value for them all.
            wanted = np.zeros(int(artists.max()) + 1, dtype=bool)
            wanted[artists[likes]] = True
            wanted[taste_prior.UNKNOWN] = False
            of = artists[rows]
            related = np.flatnonzero(wanted[of])
            counts = taste_prior.artist_counts(artists, likes, rows[related])
            none = np.zeros(1)
            other = taste_prior.Counts(none, none + 1, counts.known, counts.names, counts.total)
            apart = float(taste_prior.log_habit(prior.artist, other)[0])
            found["artist"] = np.where(of == taste_prior.UNKNOWN, 0.0, apart)
            found["artist"][related] = taste_prior.log_habit(prior.artist, counts)
            inside = taste_prior.album_counts(artists, albums, likes, rows[related])
            found["album"] = np.zeros(len(rows))
            found["album"][related] = taste_prior.log_habit(prior.album, inside)
        scores = figures.popularity
        if scores is not None and "popularity" in prior.columns:
            belief = self.known.about_popularity
            asked = scores[rows][:, None]
            above = belief.after(scores[likes][:, None]).log(asked)
            found["popularity"] = (above - BACKGROUND * belief.before.log(asked))[:, 0]
        if self.rule.uses_tower:
            found |= learned.nearness(self.taste, rows)
        return found


def _over_all(space: Space, density: Students) -> NDArray[np.float32]:
    """The log density of every track, float32 ``(n,)``, in slices that stay in the cache."""
    scales = figures_of(space).scales.astype(np.float32)
    found = np.empty(len(space.matrix), dtype=np.float32)
    for start in range(0, len(found), SLICE):
        rows = slice(start, start + SLICE)
        found[rows] = density.log(space.matrix[rows] / scales).sum(axis=1)
    return found
