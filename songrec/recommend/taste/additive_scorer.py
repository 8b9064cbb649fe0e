"""Scores of the additive ranking model for a query, and their terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Space
from songrec.recommend.query import Query
from songrec.recommend.taste import evidence as inputs
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.additive_model import AdditiveModel, Curve
from songrec.recommend.taste.density import Array, Floats32, best_taste
from songrec.recommend.taste.evidence import Evidence
from songrec.recommend.taste.prior import TastePrior
from songrec.recommend.taste.scorer import ScoreTerms, TasteScorer, TasteSettings, model_for
from songrec.recommend.top_k import Rows


@dataclass(frozen=True)
class AdditiveSettings(TasteSettings):
    """Settings of a taste score, and where it lies between familiar (0) and new (1)."""

    discovery: float = 0.0


def model_of(space: Space) -> AdditiveModel:
    """Return the cached additive model of ``space``; untrained ones are taste's, and nearness."""

    def read() -> AdditiveModel:
        if space.ranker:
            return AdditiveModel.from_json(space.ranker)
        return AdditiveModel.linear(default_slopes(model_for(space).prior))

    return space.cached("additive_model", read)


LISTENERS_SLOPE = 0.5
"""Slope of the nearness of artists by their listeners, per standard deviation."""


def default_slopes(prior: TastePrior) -> dict[str, float]:
    """Return the slope of each input in the score without training.

    They are those of the taste score, and ``LISTENERS_SLOPE``; other inputs do not count there.
    """
    slopes = {
        inputs.CONTENT: 1.0,
        inputs.YEAR: 1.0,
        inputs.ARTIST: prior.artist.strength,
        inputs.ALBUM: prior.album.strength,
        inputs.POPULARITY: 1.0,
        inputs.LISTENERS: LISTENERS_SLOPE,
    }
    return {name: slopes.get(name, 0.0) for name in inputs.INPUTS}


class AdditiveScorer(TasteScorer):
    """A taste scorer whose score of each taste is the sum of the additive model's curves."""

    settings: AdditiveSettings

    def __init__(self, query: Query, settings: AdditiveSettings) -> None:
        super().__init__(query, settings)
        model = model_of(query.space)
        self.evidence = [Evidence(query.space, query.likes[group]) for group in self.groups]
        self.curves: list[Mapping[str, Curve]] = [
            model.curves(len(group), settings.discovery) for group in self.groups
        ]

    def terms(self, rows: Rows) -> ScoreTerms:
        """Compute the terms of the scores of ``rows`` in float64."""
        of_tastes = [self._terms_of_taste(number, rows) for number in range(len(self.groups))]
        totals = np.array([f.sum(axis=1) + sum(p.values()) for f, p in of_tastes])
        group = (totals + self.log_shares[:, None]).argmax(axis=0)
        at = np.arange(len(rows))
        features = np.array([features for features, _ in of_tastes])[group, at]
        priors = {"taste": self.log_shares[group]} if len(self.groups) > 1 else {}
        for name in dict.fromkeys(name for _, one in of_tastes for name in one):
            zeros = np.zeros(len(rows))
            priors[name] = np.array([one.get(name, zeros) for _, one in of_tastes])[group, at]
        return ScoreTerms(features, group, priors, self.dislike_terms(rows))

    def playlists_per_like(self, rows: Rows, group: NDArray[np.int64]) -> Array:
        """Split the term ``playlists`` of rows over the likes of their taste, ``(rows, likes)``."""
        split = np.zeros((len(rows), len(self.query.likes)))
        for number, members in enumerate(self.groups):
            at = np.flatnonzero(group == number)
            likes = self.query.likes[members]
            shares = two_tower_scores.nearness_per_like(self.query.space, likes, rows[at])
            slopes = _mean_slope(self.curves[number][inputs.TOWERS], shares.sum(axis=1))
            split[np.ix_(at, members)] = slopes[:, None] * shares
        return split

    def _terms_of_taste(self, number: int, rows: Rows) -> tuple[Array, dict[str, Array]]:
        """Return the contributions ``(rows, d)`` of columns and ``(rows,)`` of other inputs."""
        evidence, curves = self.evidence[number], self.curves[number]
        features = evidence.by_column(rows)
        year = evidence.year_column
        content = np.ones(features.shape[1], dtype=bool)
        if year is not None:
            content[year] = False
            features[:, year] = curves[inputs.YEAR](features[:, year])
        features[:, content] *= _mean_slope(
            curves[inputs.CONTENT], features[:, content].sum(axis=1)
        )[:, None]
        others = {
            name: curves[name](values)
            for name, values in evidence.of_rows(rows).items()
            if name not in (inputs.CONTENT, inputs.YEAR) and not curves[name].is_zero
        }
        return features, others

    @cached_property
    def _without_dislikes(self) -> tuple[Floats32, NDArray[np.int8]]:
        """All scores without what dislikes take away, and the taste that each track fits."""
        scores = np.array([self._all_scores(number) for number in range(len(self.groups))])
        return best_taste(scores, self.log_shares)

    def _all_scores(self, number: int) -> Floats32:
        evidence, curves = self.evidence[number], self.curves[number]
        scores = curves[inputs.CONTENT](evidence.content).astype(np.float32)
        for grouped in evidence.of_groups:
            of_groups = np.zeros(len(next(iter(grouped.inputs.values()))), dtype=np.float64)
            for name, values in grouped.inputs.items():
                of_groups += curves[name](values)
            scores += of_groups.astype(np.float32)[grouped.group]
        towers = curves[inputs.TOWERS]
        if evidence.space.track_factors is not None and not towers.is_zero:
            scores += towers(evidence.towers).astype(np.float32)
        for name, (rows, values) in evidence.of_few_songs.items():
            scores[rows] += curves[name](values).astype(np.float32)
        return scores


def _mean_slope(curve: Curve, inputs_: Array) -> Array:
    """Return curve(x) / x, by which a sum x is split over its terms (the slope at 0 for 0).

    The split is that of Aumann and Shapley: each term times the mean slope on the way from 0 to x.
    """
    near_zero = np.abs(inputs_) < 1e-9
    x = np.where(near_zero, 1e-6, inputs_)
    return curve(x) / x
