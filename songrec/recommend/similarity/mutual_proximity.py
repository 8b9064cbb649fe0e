"""Similar tracks by several feature sets of the sound at once, each by mutual proximity.

A distance means little by itself: some tracks (hubs) are near to nearly all, others to none. By
mutual proximity (Schnitzer, Flexer, Schedl and Widmer 2012, "Local and global scaling reduce hubs
in space", JMLR 13) a distance is compared with those that both tracks have to all others, here in
their normal approximation: mean and standard deviation over a sample. Two tracks are near if both
are nearer to each other than to most.

The paper multiplies the two probabilities. Where 100,000 tracks are compared, those of the nearest
are all 1 − 10⁻⁶ or so, and a sum of several sets would be decided by the worst of them alone.
Therefore the standard scores behind the probabilities are averaged (Stouffer's method): how many
standard deviations nearer than usual, over both tracks and all sets. Where one distance is
compared, the order is nearly the same; sums of several are better (docs/evaluation.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Floats, Match, ProximityPart, Reason, SoundMixture
from songrec.recommend.top_k import Rows, product, top_distinct

BLOCK = 2048
"""Rows whose distances to the sample are in memory at once."""
SMALLEST = 1e-6
"""Smallest standard deviation of distances: a set without any gives no score."""
ROUNDING = 0.02
"""Largest error of a score in float32: that of a small distance between long vectors."""
_Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Phrase:
    """What a listener reads of a feature set: where it speaks for a track, and where against.

    Sets of equal ``about`` are one reason.
    """

    about: str
    close: str
    far: str


def distance_moments(vectors: Floats, sample: Rows) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each row's distances to a sample of the rows.

    Parameters
    ----------
    vectors
        float32 ``(n, d)``.
    sample
        Rows, int64 ``(s,)``. A row that is part of it is not compared with itself.

    Returns
    -------
    Two float32 arrays ``(n,)``.
    """
    points = np.asarray(vectors[sample], dtype=np.float32)
    norms = np.einsum("ij,ij->i", points, points)
    place = np.full(len(vectors), -1, dtype=np.int64)
    place[sample] = np.arange(len(sample))
    mean, std = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), BLOCK):
        rows = np.asarray(vectors[start : start + BLOCK])
        squares = np.einsum("ij,ij->i", rows, rows)[:, None] + norms - 2 * (rows @ points.T)
        distances = np.sqrt(np.maximum(squares, 0)).astype(np.float64)
        own = place[start : start + len(rows)]
        inside = np.flatnonzero(own >= 0)
        distances[inside, own[inside]] = np.nan
        count = len(sample) - (own >= 0)
        total = np.nansum(distances, axis=1)
        centre = total / np.maximum(count, 1)
        spread = np.nansum((distances - centre[:, None]) ** 2, axis=1) / np.maximum(count, 1)
        mean[start : start + len(rows)] = centre
        std[start : start + len(rows)] = np.sqrt(spread)
    return mean, np.maximum(std, SMALLEST)


def proximity(part: ProximityPart, row: int, others: Rows) -> _Scores:
    """Return how many standard deviations nearer than usual ``row`` and ``others`` are, ``(m,)``.

    The mean of both sides: less than the mean distance of ``row``, and of each of ``others``.
    """
    differences = part.vectors[others].astype(np.float64) - part.vectors[row]
    distances = np.sqrt(np.einsum("ij,ij->i", differences, differences))
    own = (float(part.mean[row]) - distances) / float(part.std[row])
    theirs = (part.mean[others].astype(np.float64) - distances) / part.std[others]
    return (own + theirs) / 2


def proximities(mixture: SoundMixture, row: int) -> Floats:
    """Return the scores of all tracks to ``row``, float32 ``(n,)``, up to ``ROUNDING``."""
    total = np.zeros(len(mixture.track_ids), dtype=np.float32)
    for part in mixture.parts:
        distances = product(part.vectors, -2 * np.asarray(part.vectors[row]))
        distances += part.square_norms
        distances += part.square_norms[row]
        np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
        half = np.float32(part.weight / 2)
        total += half * ((part.mean - distances) / part.std)
        total += half * ((part.mean[row] - distances) / part.std[row])
    return total


def similarities(mixture: SoundMixture, track_id: int, others: Rows) -> _Scores | None:
    """Return the scores of rows to a track as probabilities, 0 to 1.

    1 is the same sound, 0.5 as far as tracks usually are, 0 the farthest: the share of pairs that
    are farther, in the normal approximation. None for a track that lacks a set of the mixture.
    """
    known = mixture.rows_of([track_id])
    if not len(known):
        return None
    scores = sum(
        (part.weight * proximity(part, int(known[0]), others) for part in mixture.parts),
        np.zeros(len(others)),
    )
    return np.array([0.5 * math.erfc(-score / math.sqrt(2)) for score in scores.tolist()])


def nearest_by_mixture(
    mixture: SoundMixture,
    track_id: int,
    n: int,
    *,
    phrases: Mapping[str, Phrase],
    excluded: Iterable[int] = (),
) -> list[Match]:
    """Return the ``n`` tracks of highest score to ``track_id``, each song once.

    The reasons are one per phrase, in the order of their contributions, which add up to the score:
    standard deviations nearer than usual, times the weights of the sets. ``details`` holds the
    mutual proximity by each set: the probability that a random track is farther from both.

    Parameters
    ----------
    phrases
        The words for each feature set in reasons.
    excluded
        Further track ids to leave out.

    Raises
    ------
    NotReady
        If the track does not have all sets of the mixture.
    """
    known = mixture.rows_of([track_id])
    if not len(known):
        raise NotReady("This song was not analysed by all feature sets of the sound.")
    row = int(known[0])
    rough = proximities(mixture, row)
    rough[mixture.rows_of(list(excluded))] = -np.inf

    def score(rows: Rows) -> _Scores:
        return sum(
            (part.weight * proximity(part, row, rows) for part in mixture.parts),
            np.zeros(len(rows)),
        )

    rows, _ = top_distinct(
        rough, n, mixture.song_keys, mixture.song_keys[[row]], score, slack=ROUNDING
    )
    nearness = np.column_stack([proximity(part, row, rows) for part in mixture.parts])
    return [
        _match(mixture, row, int(other), values, phrases)
        for other, values in zip(rows, nearness, strict=True)
    ]


def _match(
    mixture: SoundMixture,
    row: int,
    other: int,
    nearness: NDArray[np.float64],
    phrases: Mapping[str, Phrase],
) -> Match:
    groups: dict[str, list[tuple[ProximityPart, float]]] = {}
    for part, value in zip(mixture.parts, nearness, strict=True):
        contribution = part.weight * float(value)
        groups.setdefault(phrases[part.name].about, []).append((part, contribution))
    reasons = []
    for about, parts in groups.items():
        total = math.fsum(contribution for _, contribution in parts)
        phrase = phrases[parts[0][0].name]
        text = phrase.close if total > 0 else phrase.far
        by_set = {part.name: round(_mutual(part, row, other), 6) for part, _ in parts}
        reasons.append(Reason("feature", text, total, about, {"mutual_proximity": by_set}))
    reasons.sort(key=lambda reason: -reason.contribution)
    score = math.fsum(reason.contribution for reason in reasons)
    return Match(int(mixture.track_ids[other]), score, tuple(reasons))


def _mutual(part: ProximityPart, row: int, other: int) -> float:
    """Return the mutual proximity of two tracks, 0 to 1, in the paper's normal approximation."""
    distance = float(np.linalg.norm(part.vectors[row].astype(np.float64) - part.vectors[other]))
    farther = [
        0.5 * math.erfc((distance - float(part.mean[at])) / float(part.std[at]) / math.sqrt(2))
        for at in (row, other)
    ]
    return farther[0] * farther[1]
