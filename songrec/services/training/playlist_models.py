"""Everything that a training learns from playlists: taste prior, track factors, additive ranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from songrec.core.types import Ints, Progress, Space, no_progress, part_of
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste.prior import MIN_TRACKS
from songrec.services.training import additive_ranker, two_tower


@dataclass(frozen=True)
class Choices:
    """Choices by validation on held-out playlists.

    Attributes
    ----------
    two_tower
        The summary of the track factors, with the NDCG of each share of their scale.
    ranker
        Number of playlists, validation and share of the towers of the additive ranker; None if it
        was not better than ``taste``.
    """

    two_tower: dict[str, Any]
    ranker: dict[str, Any] | None

    @classmethod
    def of(cls, space: Space) -> Choices | None:
        """Return the choices of a space with trained models; None without a validation."""
        summary = (space.taste_prior or {}).get("two_tower", {})
        if "ndcg" not in summary:
            return None
        ranker = space.ranker and {name: space.ranker[name] for name in ("validation", "towers")}
        return cls({"ndcg": summary["ndcg"]}, ranker)

    @property
    def learned_share(self) -> float:
        """The share of the towers' scale that is added to the taste score."""
        ndcg = self.two_tower["ndcg"]
        return float(max(ndcg, key=lambda share: ndcg[share]))


def fit_playlist_models(
    space: Space,
    playlists: Sequence[Ints],
    choices: Choices | None = None,
    validation: Sequence[Ints] = (),
    *,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> Space:
    """Return ``space`` with all models trained on playlists (rows of it).

    The models to use and their weights are chosen on ``validation``, further playlists. Without
    these there are two trainings, of which the first leaves some playlists out for validation. With
    the ``choices`` of an earlier training there is no validation.
    """
    prior = taste_prior.fit_prior(space, playlists, seed=seed).to_json()
    if choices is not None:
        return _fit_as_chosen(
            replace(space, taste_prior=prior), playlists, choices, seed, on_progress
        )
    towers, summary = two_tower.fit_track_factors(
        space, playlists, validation, seed=seed, on_progress=part_of(on_progress, 0.0, 0.5)
    )
    space = replace(space, taste_prior={**prior, "two_tower": summary})
    if towers is not None and summary["weight"]:
        space = replace(space, track_factors=towers.final.vectors)
    ranker = additive_ranker.fit_ranker(
        space, playlists, towers, validation, seed=seed, on_progress=part_of(on_progress, 0.5, 1.0)
    )
    return ranker.apply(space)


def _fit_as_chosen(
    space: Space, playlists: Sequence[Ints], choices: Choices, seed: int, on_progress: Progress
) -> Space:
    lists = [np.unique(rows) for rows in playlists]
    lists = [rows for rows in lists if len(rows) >= MIN_TRACKS]
    summary = {**choices.two_tower, "weight": 0.0, "playlists": len(lists)}
    share = choices.ranker["towers"] if choices.ranker else 0.0
    towers = None
    if choices.learned_share or share:
        progress = part_of(on_progress, 0.0, 0.5)
        towers = two_tower.train_towers(space, lists, seed=seed, on_progress=progress)
        summary["weight"] = round(choices.learned_share * towers.scale, 4)
    space = replace(space, taste_prior={**(space.taste_prior or {}), "two_tower": summary})
    if choices.ranker is not None:
        of_ranker = towers if share else None
        space = additive_ranker.fit_without_validation(
            space,
            playlists,
            of_ranker,
            share,
            seed=seed,
            on_progress=part_of(on_progress, 0.5, 1.0),
        )
        details = {**choices.ranker, "playlists": len(space.playlists)}
        space = replace(space, ranker={**(space.ranker or {}), **details})
    if towers is not None:
        space = replace(space, track_factors=towers.vectors)
    return space
