"""What the mixture ``sound`` is made of, a part at a time, on the clips of ``audio/music``.

Vectors that the instance has extracted are copied, the others extracted. What is learnt from
tracks or artists is learnt on those of other artists (five folds over artists).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.instance import empty_instance
from benchmarks.tables import table
from songrec.core.config import instance_path
from songrec.core.types import Floats, ProximityPart
from songrec.evaluation.retrieval import retrieve_artist, retrieve_track
from songrec.features.sound_vectors import STRENGTH, comparison_vectors, whitening
from songrec.recommend.similarity.mutual_proximity import distance_moments, proximity
from songrec.services.evaluation import clip_retrieval
from songrec.services.evaluation.clip_list import ClipPair, read_clips
from songrec.services.similarity.sound_mixture import NAME, WEIGHTS, values_matrix

NEEDS = ("audio/music/clips.csv",)
FOLDS = 5
Vectors = dict[str, Floats]
"""By feature set float32 ``(2 tracks, k)``: excerpts a and b in turn."""
Scores = NDArray[np.float64]
"""``(tracks, tracks)``: excerpts a against excerpts b."""


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table of variants."""
    folder = data / "audio" / "music"
    pairs = read_clips(folder)
    values = _values(folder, pairs)
    rows = [
        (name, *_measures(similarities, pairs))
        for name, similarities in _variants(values, pairs, seed)
    ]
    return table(("", "top 1", "top 5", "MRR", "artist, top 1", "artist, top 5"), rows)


def _values(folder: Path, pairs: list[ClipPair]) -> Vectors:
    """Return the matrices of all sets of the mixture over all clips."""
    extracted = instance_path() / "features"
    with empty_instance() as (_, instance):
        if extracted.is_dir():
            shutil.copytree(extracted, instance / "features", dirs_exist_ok=True)
        variants = [part.variants[0] for part in clip_retrieval.parse_sets(NAME)[NAME]]
        clips = [clip for pair in pairs for clip in (pair.a, pair.b)]
        vectors = clip_retrieval.read_or_extract(instance, clips, variants)
    return {each.name: values_matrix(each.name, vectors[each]) for each in variants}


def _variants(values: Vectors, pairs: list[ClipPair], seed: int) -> Iterator[tuple[str, Scores]]:
    plain, used = _vectors(values, 0.0), _vectors(values, STRENGTH)
    for name in WEIGHTS:
        yield f"`{name}` alone", _mixed({name: used[name]}, _standard_scores)
    yield "`sound`: all, standard scores", _mixed(used, _standard_scores)
    yield "probabilities multiplied, as the paper does", _mixed(used, _probabilities)
    yield "distances without mutual proximity", _mixed(used, _plain_distances)
    for left_out in WEIGHTS:
        rest = {name: vectors for name, vectors in used.items() if name != left_out}
        yield f"without `{left_out}`", _mixed(rest, _standard_scores)
    yield "not whitened", _mixed(plain, _standard_scores)
    yield "whitened twice as much", _mixed(_vectors(values, 2 * STRENGTH), _standard_scores)
    artists = np.array([pair.artist for pair in pairs]).repeat(2)
    tracks = np.arange(len(pairs)).repeat(2)
    for name, groups in (("the same track", tracks), ("the same artist", artists)):
        scores = _learnt(plain, groups, artists, seed)
        yield f"whitened by the variation within {name}, of other artists", scores


def _vectors(values: Vectors, strength: float) -> Vectors:
    rows = np.arange(len(next(iter(values.values()))))
    return {
        name: comparison_vectors(name, matrix, rows, strength=strength)
        for name, matrix in values.items()
    }


def _mixed(vectors: Vectors, compare: Callable[[Floats], Scores]) -> Scores:
    total = sum(WEIGHTS[name] for name in vectors)
    parts = [WEIGHTS[name] / total * compare(each) for name, each in vectors.items()]
    return np.sum(parts, axis=0)


def _standard_scores(vectors: Floats) -> Scores:
    rows = np.arange(len(vectors))
    mean, std = distance_moments(vectors, rows)
    part = ProximityPart("", vectors, np.empty(0, np.float32), mean, std, 1.0)
    return np.stack([proximity(part, row, rows[1::2]) for row in rows[0::2].tolist()])


def _probabilities(vectors: Floats) -> Scores:
    from scipy.special import ndtr

    mean, std = (each.astype(np.float64) for each in distance_moments(vectors, _all(vectors)))
    distances = -_plain_distances(vectors) * mean.mean()
    own = ndtr((mean[0::2, None] - distances) / std[0::2, None])
    return own * ndtr((mean[None, 1::2] - distances) / std[None, 1::2])


def _plain_distances(vectors: Floats) -> Scores:
    """Return the distances, negative, over the mean one."""
    wide = vectors.astype(np.float64)
    distances = np.linalg.norm(wide[0::2, None] - wide[None, 1::2], axis=2)
    return -distances / float(distance_moments(vectors, _all(vectors))[0].mean())


def _all(vectors: Floats) -> NDArray[np.int64]:
    return np.arange(len(vectors))


def _learnt(
    vectors: Vectors, groups: NDArray[np.generic], artists: NDArray[np.str_], seed: int
) -> Scores:
    """Whiten by the covariance within groups of other artists; each fold answers its queries."""
    names = np.random.default_rng(seed).permutation(np.unique(artists))
    fold_of = {name: at % FOLDS for at, name in enumerate(names.tolist())}
    folds = np.array([fold_of[name] for name in artists.tolist()])
    result = np.zeros((len(artists) // 2, len(artists) // 2))
    for fold in range(FOLDS):
        turned = {
            name: (each @ whitening(_within(each[folds != fold], groups[folds != fold])))
            for name, each in vectors.items()
        }
        asking = folds[0::2] == fold
        result[asking] = _mixed(turned, _standard_scores)[asking]
    return result


def _within(vectors: Floats, groups: NDArray[np.generic]) -> NDArray[np.float64]:
    _, at = np.unique(groups, return_inverse=True)
    sums = np.zeros((at.max() + 1, vectors.shape[1]))
    np.add.at(sums, at, vectors)
    deviations = vectors - (sums / np.bincount(at)[:, None])[at]
    return deviations.T @ deviations / len(vectors)


def _measures(similarities: Scores, pairs: list[ClipPair]) -> tuple[str, ...]:
    track = retrieve_track(similarities).to_json()
    artist = retrieve_artist(similarities, [pair.artist for pair in pairs]).to_json()
    figures = (track["top1"], track["top5"], track["mrr"], artist["top1"], artist["top5"])
    return tuple(f"{figure:.2f}" for figure in figures)
