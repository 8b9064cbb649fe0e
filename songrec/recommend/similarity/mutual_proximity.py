"""Similar tracks by mutual proximity in several feature sets of the sound.

Distances alone suffer from hubs: some tracks are near to nearly all others, some to none. Mutual
proximity (Schnitzer, Flexer, Schedl and Widmer 2012, "Local and global scaling reduce hubs in
space", JMLR 13) relates a distance to the distances of both tracks to all others, here in the
normal approximation: mean and standard deviation over a sample. Two tracks are near if each is
nearer to the other than to most tracks.

The paper multiplies the two probabilities. Among 100,000 tracks those of the nearest ones are all
about 1 − 10⁻⁶, and the worst of several feature sets alone would determine their sum. Therefore the
standard scores behind the probabilities are averaged over both tracks and all sets (Stouffer's
method). For a single set the order is nearly the same; for several it is better
(docs/evaluation.md).
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
"""Number of rows per block of distances in memory."""
SMALLEST = 1e-6
"""Smallest standard deviation of distances that yields a score."""
ROUNDING = 0.02
"""Largest error of a float32 score, for a small distance between long vectors."""
_Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Phrase:
    """Texts of a feature set for positive and negative contributions.

    Sets of equal ``about`` share one reason.
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
        Rows, int64 ``(s,)``. A row in the sample is not compared with itself.

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
    """Return the standard scores of the nearness of ``row`` and ``others``, ``(m,)``.

    The mean of two scores: relative to the distances of ``row``, and to those of each of
    ``others``.
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

    The probability is the share of pairs that are farther apart, in the normal approximation: 1 for
    the same sound, 0.5 for an average pair. None for a track that lacks a set of the mixture.
    """
    own_rows = mixture.rows_of([track_id])
    if not len(own_rows):
        return None
    scores = sum(
        (part.weight * proximity(part, int(own_rows[0]), others) for part in mixture.parts),
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

    There is one reason per phrase, by descending contribution. Contributions are standard scores
    times the weights of the sets and add up to the score. ``details`` holds the mutual proximity by
    each set: the probability that a random track is farther from both.

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
    own_rows = mixture.rows_of([track_id])
    if not len(own_rows):
        raise NotReady("This song was not analysed by all feature sets of the sound.")
    row = int(own_rows[0])
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
