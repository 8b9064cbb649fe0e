"""Alternative densities for a taste, compared with Student's t by content on the same tasks.

All are of the likes' points in units of the columns' deviations. ``Lessons`` are the covariances
that playlists have: of their songs about their means, and of those means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.playlists import FILE, HEADER, by_score, lines, taste_scores, with_priors
from benchmarks.tables import table
from songrec.core.types import Ints, Space
from songrec.evaluation.playlists import Answer
from songrec.recommend.query import Query
from songrec.recommend.taste.prior import MIN_TRACKS
from songrec.recommend.taste.scorer import BACKGROUND, model_for
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks

Array = NDArray[np.float64]
NEEDS = (FILE,)
LEAST_VARIANCE = 1e-3
"""Added to the variances within playlists, of which the whole catalogue's are 1."""


@dataclass(frozen=True)
class Lessons:
    """All songs as ``points`` ``(n, d)``; covariances ``(d, d)`` within and between playlists."""

    points: Array
    within: Array
    between: Array

    @classmethod
    def of(cls, space: Space, lists: Sequence[Ints]) -> Lessons:
        """Compute the moments that the taste prior has column by column, with covariances."""
        points = model_for(space).points(np.arange(len(space.track_ids)))
        rows = [np.unique(one) for one in lists]
        parts = [points[one] for one in rows if len(one) >= MIN_TRACKS]
        # A column that is constant in every playlist (a list of one year) has no variance there,
        # and the inverse of the covariance would then be made of rounding.
        least = LEAST_VARIANCE * np.eye(points.shape[1])
        within = np.mean([np.cov(part.T) for part in parts], axis=0) + least
        means = np.cov(np.array([part.mean(axis=0) for part in parts]).T)
        return cls(points, within, means - within * np.mean([1 / len(part) for part in parts]))


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table of P@10 of every density."""
    return measured(continuation_tasks(data / FILE, seed=seed), seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """Build the tables for any tasks."""
    answers: dict[str, list[Answer]] = {}
    for about, lists, space in with_priors(tasks, seed):
        lessons = Lessons.of(space, lists)
        densities = {
            "Student's t with learnt priors (what is used)": taste_scores,
            "normal, mean and variance shrunk to the catalogue's with k = 3": partial(
                normal, lessons, 3.0
            ),
            "the same, k = 1": partial(normal, lessons, 1.0),
            "full covariance within playlists (PLDA)": partial(plda, lessons, None),
            "covariance of the likes, shrunk to that with 10": partial(plda, lessons, 10.0),
            "covariance of the likes, shrunk to that with 30": partial(plda, lessons, 30.0),
            "kernel density of the likes, width 1": partial(kernels, lessons, 1.0),
            "Student's t, and a tenth of the kernels": partial(both, lessons, 1.0, 0.1),
            "Student's t, and a third of the kernels": partial(both, lessons, 1.0, 0.3),
        }
        for name, scores in densities.items():
            answers.setdefault(name, []).extend(tasks.answers(by_score(scores), space, about))
    return table(("tried", *HEADER), lines(answers, tasks, seed))


def normal(lessons: Lessons, weight: float, query: Query) -> Array:
    """Return the log ratio of a normal density with the likes' shrunk moments to the usual one."""
    likes = lessons.points[query.likes]
    mean = len(likes) * likes.mean(axis=0) / (len(likes) + weight)
    variance = (((likes - mean) ** 2).sum(axis=0) + weight) / (len(likes) + weight)
    apart = (lessons.points - mean) ** 2 / variance + np.log(variance)
    return 0.5 * (lessons.points**2 - apart).sum(axis=1)


def plda(lessons: Lessons, shrinking: float | None, query: Query) -> Array:
    """Return the log density of a playlist's next song, less ``BACKGROUND`` of the catalogue's.

    Probabilistic linear discriminant analysis (Ioffe 2006): playlists' means are normal, and so are
    songs around them. With ``shrinking`` the covariance is the likes' own, shrunk by that many
    songs to the usual one; without, the usual one.
    """
    likes = lessons.points[query.likes]
    count, within = len(likes), lessons.within
    if shrinking is not None:
        about = likes - likes.mean(axis=0)
        within = (shrinking * within + about.T @ about) / (shrinking + count - 1)
    gain = lessons.between @ np.linalg.inv(lessons.between + within / count)
    mean = gain @ likes.mean(axis=0)
    left = lessons.between - gain @ lessons.between
    usual = log_normal(lessons.points, 0.0, lessons.within + lessons.between)
    return log_normal(lessons.points, mean, within + left) - BACKGROUND * usual


def kernels(lessons: Lessons, width: float, query: Query) -> Array:
    """Return the log of the mean of normal kernels around the likes, less the background.

    A kernel is ``width`` times as wide as a playlist; the background is ``BACKGROUND`` of the
    catalogue's own density.
    """
    return _kernels(lessons, width, query) - BACKGROUND * model_for(query.space).background


def both(lessons: Lessons, width: float, share: float, query: Query) -> Array:
    """Return the taste score plus a share of the kernels' logarithm."""
    return taste_scores(query) + share * _kernels(lessons, width, query)


def _kernels(lessons: Lessons, width: float, query: Query) -> Array:
    scaled = lessons.points / (width * np.sqrt(np.diag(lessons.within)))
    likes = scaled[query.likes]
    squares = (scaled**2).sum(axis=1)[:, None] + (likes**2).sum(axis=1) - 2 * scaled @ likes.T
    nearest = squares.min(axis=1, keepdims=True)
    return np.log(np.exp(0.5 * (nearest - squares)).mean(axis=1)) - 0.5 * nearest[:, 0]


def log_normal(points: Array, mean: Array | float, covariance: Array) -> Array:
    """Return the log density of a normal distribution, ``(n,)``, up to a constant."""
    apart = points - mean
    squares = np.einsum("ij,ij->i", apart @ np.linalg.inv(covariance), apart)
    return -0.5 * (squares + np.linalg.slogdet(covariance)[1])
