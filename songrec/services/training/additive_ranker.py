"""Training of the additive ranking model on playlists.

A part of each playlist is liked, and the curves are fitted so that a song of the rest of it comes
first, before the songs that the evidence so far confuses with it (hard negatives) and songs drawn
from the catalogue: the loss is −log of the share that the rest has in a softmax over all of them
(a listwise loss for the top of a list). It is shrunk to the taste score, and the curves'
increments must not be negative. Evidence of playlists is computed without the playlist itself and
without those that share over half of its songs.

References
----------
Cao et al. (2007), Learning to rank: from pairwise approach to listwise approach, ICML. Zhuang et
al. (2021), Interpretable ranking with generalized additive models, WSDM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array

from songrec.core.blas import single_threaded_blas
from songrec.core.types import Floats, Ints, Progress, Space, no_progress, part_of
from songrec.recommend.method import Method
from songrec.recommend.methods.additive_ranker import AdditiveRanker
from songrec.recommend.methods.taste import TasteMethod
from songrec.recommend.query import Query
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste.additive_model import LEVELS, AdditiveModel
from songrec.recommend.taste.additive_scorer import default_slopes
from songrec.recommend.taste.density import Array
from songrec.recommend.taste.evidence import INPUTS, LISTENERS, TOWERS, Evidence
from songrec.recommend.taste.scorer import model_for
from songrec.services.training.playlist_split import MAX_OVERLAP, without_overlap
from songrec.services.training.two_tower import SHARES, FittedTowers, Towers

MIN_PLAYLISTS = 30
"""Fewer playlists are too few to train on and to validate with."""
MAX_STORED = 2000
"""Limit of playlists used as evidence; of more, a random sample."""
VALIDATION_SHARE, MAX_VALIDATION = 0.2, 60
MAX_PLAYLISTS = 400
"""Playlists that the curves are fitted to; evidence comes from more."""
MIN_REST = 4
"""Songs of a playlist that must be left to rank."""
MAX_POSITIVES, HARD, RANDOM = 20, 200, 200
"""Songs per list: positives, hard negatives of each head, and negatives drawn at random."""
EVIDENCE_SLOPE = 0.5
"""Weight, while hard negatives are selected, of inputs that do not count in the taste score."""
LISTENERS_SLOPE = 1.0
"""Curve of nearness by listeners towards which the fit is shrunk, for few playlists."""
N_KNOTS = 7
SHRINKAGE, LEVEL_SHRINKAGE = 1e-2, 3e-2
"""Ridge penalties: of all curves to the taste score, of those of one number of likes to all."""
ITERATIONS = 60
TINY = 1e-300
WIDEST_NEARNESS = 2.0
"""Nearness is a difference of two cosines."""

Variant = str | tuple[str, float]
"""A method that is validated: ``"taste"``, or the ranker with a share of the towers' scale."""


@dataclass(frozen=True)
class TrainingList:
    """Songs to rank for some likes, the first ``n_positives`` of which come first.

    Attributes
    ----------
    n_likes
        Number of likes.
    inputs
        Float32 ``(songs, inputs)``, in the order of ``INPUTS``.
    log_weight
        Float32 ``(songs,)``: log of how many songs each stands for.
    """

    n_likes: int
    n_positives: int
    inputs: Floats
    log_weight: Floats


@dataclass(frozen=True)
class RankerArtifacts:
    """Stored parts of the additive ranker.

    Attributes
    ----------
    model
        The curves as JSON, and ``"playlists"`` (their number), ``"validation"`` (P@10 of
        ``taste`` and of the ranker on playlists kept out of a first training) and ``"towers"`` (the
        share of the towers' scale that their nearness counts); None where the ranker was not
        better.
    playlists
        Rows of the playlists that evidence is taken from.
    track_factors
        Vectors of the towers where their nearness counts, else None.
    """

    model: dict[str, Any] | None
    playlists: tuple[Ints, ...]
    track_factors: Floats | None = None

    def apply(self, space: Space) -> Space:
        """Return ``space`` with the ranker."""
        if self.track_factors is not None:
            space = replace(space, track_factors=self.track_factors)
        return replace(space, ranker=self.model, playlists=self.playlists)


def fit_ranker(
    space: Space,
    playlists: Sequence[Ints],
    towers: FittedTowers | None = None,
    validation: Sequence[Ints] = (),
    *,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> RankerArtifacts:
    """Fit the ranker to playlists (rows of ``space``), if it is better than the taste score.

    On ``validation``, playlists outside its training, the mean P@10 over 1, 3 and 10 likes
    decides how much the nearness of the towers counts, and whether the ranker is better than
    ``taste``. Without ``validation`` a first training leaves a fifth of the playlists out (those
    that ``towers`` held out, where there are towers), and those that share over half of their songs
    with one of them; a second training uses all.
    """
    space = _with_playlists(space, playlists, seed)
    if not space.playlists or len(space.playlists) + len(validation) < MIN_PLAYLISTS:
        return RankerArtifacts(None, ())
    measured, model = _validate(
        space, towers, validation, seed=seed, on_progress=part_of(on_progress, 0.0, 0.5)
    )
    best = max(measured, key=lambda name: measured[name])
    if best == "taste":
        return RankerArtifacts(None, ())
    if not validation:
        model = fit_curves(space, seed=seed, on_progress=part_of(on_progress, 0.5, 1.0))
    share, factors = best[1], None
    if towers is not None and share:
        model, factors = with_towers(model, towers.final, share), towers.final.vectors
    found = {"taste": measured["taste"], "additive_ranker": measured[best]}
    summary = {"playlists": len(space.playlists), "validation": found, "towers": share}
    return RankerArtifacts({**model.to_json(), **summary}, space.playlists, factors)


def with_towers(model: AdditiveModel, towers: Towers, share: float) -> AdditiveModel:
    """Return the model with nearness in the towers' vectors, at a share of their scale."""
    return model.with_line(TOWERS, share * towers.scale, WIDEST_NEARNESS)


def fit_without_validation(
    space: Space,
    playlists: Sequence[Ints],
    towers: Towers | None = None,
    share: float = 0.5,
    *,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> Space:
    """Return ``space`` with a ranker that was fitted to ``playlists``, without validation."""
    space = _with_playlists(space, playlists, seed)
    model = fit_curves(space, seed=seed, on_progress=on_progress)
    if towers is not None:
        model = with_towers(model, towers, share)
        space = replace(space, track_factors=towers.vectors)
    return replace(space, ranker=model.to_json())


def _with_playlists(space: Space, playlists: Sequence[Ints], seed: int) -> Space:
    """Return ``space`` with those playlists that are long enough, ``MAX_STORED`` at most."""
    lists = [np.unique(rows) for rows in playlists]
    lists = [rows for rows in lists if len(rows) >= 1 + MIN_REST]
    if len(lists) > MAX_STORED:
        rng = np.random.default_rng(seed)
        lists = [lists[at] for at in np.sort(rng.choice(len(lists), MAX_STORED, replace=False))]
    return replace(space, playlists=tuple(lists), ranker=None)


def _validate(
    space: Space,
    towers: FittedTowers | None,
    validation: Sequence[Ints],
    *,
    seed: int,
    on_progress: Progress,
) -> tuple[dict[Variant, float], AdditiveModel]:
    """Return the mean P@10 of ``taste`` and of rankers on playlists kept out of their training.

    A ranker is known by the share of the towers' scale that nearness counts. The second value is
    the curves of that training.
    """
    rng = np.random.default_rng(seed)
    if validation:
        held_out = list(validation[:MAX_VALIDATION])
    elif towers is None:
        order = rng.permutation(len(space.playlists))
        count = min(max(5, round(VALIDATION_SHARE * len(order))), MAX_VALIDATION)
        held_out = [space.playlists[at] for at in order[:count]]
    else:
        held_out = list(towers.held_out[:MAX_VALIDATION])
    training = without_overlap(space, space.playlists, held_out)
    trained = replace(space, playlists=tuple(training))
    prior = taste_prior.fit_prior(trained, trained.playlists, seed=seed)
    trained = replace(trained, taste_prior=prior.to_json())
    model = fit_curves(trained, seed=seed, on_progress=on_progress)
    variants: dict[Variant, tuple[Method, Space]] = {"taste": (TasteMethod(), trained)}
    for share in SHARES if towers is not None else (0.0,):
        of_share, factors = model, None
        if towers is not None and share:
            of_share, factors = with_towers(model, towers.first, share), towers.first.vectors
        with_share = replace(trained, ranker=of_share.to_json(), track_factors=factors)
        variants["additive_ranker", share] = AdditiveRanker(), with_share
    hits: dict[Variant, list[float]] = {name: [] for name in variants}
    for one in held_out:
        rows = _distinct(space, one)
        for n_likes in LEVELS:
            if len(rows) < n_likes + MIN_REST:
                continue
            likes = np.sort(rng.choice(rows, n_likes, replace=False))
            rest = np.setdiff1d(space.song_keys[rows], space.song_keys[likes])
            for name, (method, space_used) in variants.items():
                query = Query(space_used, likes, np.empty(0, dtype=np.int64))
                recommended, _ = method.search(query, 10)
                hits[name].append(float(np.isin(space.song_keys[recommended], rest).sum()) / 10)
    return {name: round(float(np.mean(one)), 4) for name, one in hits.items()}, model


def _distinct(space: Space, rows: Ints) -> Ints:
    """Return the first row of each song."""
    return rows[np.sort(np.unique(space.song_keys[rows], return_index=True)[1])]


def fit_curves(
    space: Space, *, seed: int = 0, on_progress: Progress = no_progress
) -> AdditiveModel:
    """Fit the curves of both heads to ``space.playlists``; ``space`` has its taste prior."""
    lists = training_lists(space, seed=seed, on_progress=on_progress)
    knots = select_knots(lists)
    slopes = {**default_slopes(model_for(space).prior), LISTENERS: LISTENERS_SLOPE}
    return AdditiveModel(knots, fit_values(lists, knots, slopes))


def training_lists(
    space: Space, *, seed: int = 0, on_progress: Progress = no_progress
) -> list[TrainingList]:
    """Draw likes from each playlist, once per number of ``LEVELS``, and songs to rank."""
    rng = np.random.default_rng(seed)
    overlaps = _overlapping(space)
    chosen = rng.permutation(len(space.playlists))[:MAX_PLAYLISTS]
    lists = []
    for done, number in enumerate(chosen.tolist()):
        rows = _distinct(space, space.playlists[number])
        for n_likes in LEVELS:
            if len(rows) >= n_likes + MIN_REST:
                likes = np.sort(rng.choice(rows, n_likes, replace=False))
                lists.append(_training_list(space, rows, likes, ~overlaps[number], rng))
        on_progress((done + 1) / len(chosen), "Gathering evidence from playlists")
    return lists


def _training_list(
    space: Space,
    rows: Ints,
    likes: Ints,
    allowed: NDArray[np.bool_],
    rng: np.random.Generator,
) -> TrainingList:
    artists = statistics_of(space).artists
    slopes_of = default_slopes(model_for(space).prior)
    evidence = Evidence(space, likes, allowed)
    inputs = evidence.matrix()
    is_liked = np.isin(space.song_keys, space.song_keys[likes])
    is_positive = np.isin(space.song_keys, space.song_keys[rows]) & ~is_liked
    is_new = ~np.isin(artists, artists[likes]) | (artists == 0)
    slopes = np.array([slopes_of[name] or EVIDENCE_SLOPE for name in INPUTS], dtype=np.float32)
    guess = inputs @ slopes
    guess[is_liked | is_positive] = -np.inf
    positives = np.flatnonzero(is_positive)
    if len(positives) > MAX_POSITIVES:
        positives = rng.choice(positives, MAX_POSITIVES, replace=False)
    hard = np.union1d(_highest(guess, HARD), _highest(np.where(is_new, guess, -np.inf), HARD))
    others = np.setdiff1d(np.flatnonzero(np.isfinite(guess)), hard)
    random_songs = rng.choice(others, min(RANDOM, len(others)), replace=False)
    songs = np.concatenate([positives, hard, random_songs])
    log_weight = np.zeros(len(songs), dtype=np.float32)
    if len(random_songs):
        log_weight[-len(random_songs) :] = np.log(len(others) / len(random_songs))
    return TrainingList(
        len(likes),
        len(positives),
        inputs[songs],
        log_weight,
    )


def _highest(scores: Floats, count: int) -> Ints:
    finite = np.flatnonzero(np.isfinite(scores))
    if len(finite) <= count:
        return finite
    return finite[np.argpartition(-scores[finite], count)[:count]]


def _overlapping(space: Space) -> NDArray[np.bool_]:
    """Return whether two playlists share over half of the shorter one's songs."""
    _, song = np.unique(space.song_keys, return_inverse=True)
    songs = [np.unique(song[rows]) for rows in space.playlists]
    sizes = np.array([len(one) for one in songs])
    incidence = csr_array(
        (
            np.ones(int(sizes.sum()), dtype=np.int32),
            np.concatenate(songs),
            np.concatenate([[0], np.cumsum(sizes)]),
        ),
        shape=(len(songs), int(song.max(initial=-1)) + 1),
    )
    shared = (incidence @ incidence.T).toarray()
    return shared > MAX_OVERLAP * np.minimum(sizes[:, None], sizes[None])


def select_knots(lists: Sequence[TrainingList]) -> dict[str, Array]:
    """Select knots of each input: quantiles of the positives' values and of all, and 0."""
    every = np.concatenate([one.inputs for one in lists])
    positives = np.concatenate([one.inputs[: one.n_positives] for one in lists])
    knots = {}
    for column, name in enumerate(INPUTS):
        values = np.concatenate(
            [
                np.quantile(positives[:, column], np.linspace(0, 1, N_KNOTS)),
                np.quantile(every[:, column], np.linspace(0, 1, 5)),
                [0.0],
            ]
        )
        values = np.unique(np.round(values.astype(np.float64), 3))
        least = 0.03 * (values[-1] - values[0])
        selected = [float(values[0])]
        for value in values[1:].tolist():
            if value - selected[-1] > least:
                selected.append(value)
        if len(selected) > 1:
            knots[name] = np.array(selected)
    return knots


def fit_values(
    lists: Sequence[TrainingList], knots: Mapping[str, Array], slopes: Mapping[str, float]
) -> dict[str, Array]:
    """Fit the values of every curve at its knots, ``(levels, k)`` by input.

    ``slopes`` are those that the curves are shrunk to.
    """
    prior = np.concatenate([slopes.get(name, 0.0) * np.diff(at) for name, at in knots.items()])
    every = _Lists(lists, knots)
    increments = every.fit(prior, prior, SHRINKAGE)
    by_level = []
    for n_likes in LEVELS:
        of_level = [one for one in lists if one.n_likes == n_likes]
        fitted = increments
        if of_level:
            fitted = _Lists(of_level, knots).fit(increments, increments, LEVEL_SHRINKAGE)
        by_level.append(fitted)
    values, start = {}, 0
    for name, at in knots.items():
        end = start + len(at) - 1
        values[name] = np.array(
            [np.concatenate([[0.0], np.cumsum(one[start:end])]) for one in by_level]
        )
        start = end
    return values


class _Lists:
    """Training lists as one matrix of the curves' segments, float32 ``(songs, segments)``."""

    def __init__(self, lists: Sequence[TrainingList], knots: Mapping[str, Array]) -> None:
        sizes = np.array([len(one.inputs) for one in lists])
        n_positives = np.array([one.n_positives for one in lists])
        self.starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.list = np.repeat(np.arange(len(lists)), sizes)
        place = np.arange(int(sizes.sum())) - self.starts[self.list]
        self.is_positive = place < n_positives[self.list]
        self.log_weight = np.concatenate([one.log_weight for one in lists])
        columns = [INPUTS.index(name) for name in knots]
        at = list(knots.values())
        self.segments = np.vstack([_segments(one.inputs[:, columns], at) for one in lists])

    def fit(self, start: Array, prior: Array, shrinkage: float) -> Array:
        """Minimize the loss plus shrinkage / 2 · ‖increments − prior‖², from ``start``."""

        def objective(increments: Array) -> tuple[float, Array]:
            loss, gradient = self._loss(increments)
            away = increments - prior
            return loss + 0.5 * shrinkage * float(away @ away), gradient + shrinkage * away

        bounds = [(0.0, None)] * len(prior)
        with single_threaded_blas():
            return minimize(
                objective,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"maxiter": ITERATIONS},
            ).x

    def _loss(self, increments: Array) -> tuple[float, Array]:
        """The mean of −log of the positives' share of each softmax, and its gradient."""
        scores = (self.segments @ increments.astype(np.float32)).astype(np.float64)
        scores += self.log_weight
        exponentials = np.exp(scores - np.maximum.reduceat(scores, self.starts)[self.list])
        of_positives = np.where(self.is_positive, exponentials, 0.0)
        total = np.add.reduceat(exponentials, self.starts)
        share = np.maximum(np.add.reduceat(of_positives, self.starts), TINY)
        slopes = exponentials / total[self.list] - of_positives / share[self.list]
        slopes /= len(self.starts)
        loss = float(np.mean(np.log(total / share)))
        return loss, (slopes.astype(np.float32) @ self.segments).astype(np.float64)


def _segments(inputs: Floats, knots: Sequence[Array]) -> Floats:
    """How far each value is along each segment between knots, from 0 to 1."""
    parts = []
    for column, at in enumerate(knots):
        low, high = at[:-1].astype(np.float32), at[1:].astype(np.float32)
        parts.append(np.clip((inputs[:, column, None] - low) / (high - low), 0, 1))
    return np.hstack(parts)
