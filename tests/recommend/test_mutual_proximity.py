"""Mutual proximity over several feature sets, with answers known from how they were planted."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.core.errors import NotReady
from songrec.core.types import Floats, ProximityPart, SoundMixture
from songrec.recommend.similarity import mutual_proximity
from songrec.recommend.similarity.mutual_proximity import (
    Phrase,
    distance_moments,
    nearest_by_mixture,
    proximity,
)

PHRASES = {
    "timbre": Phrase("timbre", "Similar timbre", "Different timbre"),
    "chroma": Phrase("chroma", "Similar harmony", "Different harmony"),
}


def part(name: str, vectors: Floats, weight: float = 0.5) -> ProximityPart:
    mean, std = distance_moments(vectors, np.arange(len(vectors)))
    norms = np.einsum("ij,ij->i", vectors, vectors)
    return ProximityPart(name, vectors, norms, mean, std, weight)


def mixture(n: int = 300, seed: int = 0) -> SoundMixture:
    rng = np.random.default_rng(seed)
    parts = tuple(
        part(name, rng.normal(size=(n, d)).astype(np.float32), weight)
        for name, d, weight in (("timbre", 12, 0.7), ("chroma", 5, 0.3))
    )
    return SoundMixture(np.arange(10, 10 + n), np.arange(n, dtype=np.uint64), parts)


def plain(space: SoundMixture, row: int) -> np.ndarray:
    """The scores of all tracks to one, written down as plainly as can be."""
    total = np.zeros(len(space.track_ids))
    for one in space.parts:
        x = one.vectors.astype(float)
        apart = np.linalg.norm(x[:, None] - x[None], axis=2)
        others = np.where(np.eye(len(x), dtype=bool), np.nan, apart)
        mean, std = np.nanmean(others, axis=1), np.nanstd(others, axis=1)
        total += (
            one.weight * 0.5 * ((mean[row] - apart[row]) / std[row] + (mean - apart[row]) / std)
        )
    return total


def test_the_nearest_are_those_of_the_definition_and_reasons_add_up():
    space = mixture()
    right = plain(space, 7)
    right[7] = -np.inf
    found = nearest_by_mixture(space, 17, 12, phrases=PHRASES)
    assert [one.track_id - 10 for one in found] == np.argsort(-right)[:12].tolist()
    assert [one.score for one in found] == pytest.approx(np.sort(right)[::-1][:12], abs=1e-5)
    for one in found:
        assert sum(r.contribution for r in one.reasons) == pytest.approx(one.score, abs=1e-9)
        assert {r.about for r in one.reasons} == {"timbre", "chroma"}
        assert all(0 <= r.details["mutual_proximity"][r.about] <= 1 for r in one.reasons)
        assert one.reasons[0].text == PHRASES[one.reasons[0].about].close


def test_sets_of_one_phrase_are_one_reason():
    both = {name: Phrase("sound", "Similar sound", "Different sound") for name in PHRASES}
    for one in nearest_by_mixture(mixture(), 17, 3, phrases=both):
        (reason,) = one.reasons
        assert (reason.about, reason.contribution) == ("sound", pytest.approx(one.score))
        assert set(reason.details["mutual_proximity"]) == set(PHRASES)


def test_moments_of_a_sample_are_near_those_of_all():
    vectors = np.random.default_rng(3).normal(size=(2500, 8)).astype(np.float32)
    mean, std = distance_moments(vectors, np.arange(2500))
    sampled_mean, sampled_std = distance_moments(vectors, np.arange(0, 2500, 5))
    np.testing.assert_allclose(sampled_mean, mean, rtol=0.1)
    np.testing.assert_allclose(sampled_std, std, rtol=0.25)


def test_a_hub_is_nearest_to_few_by_mutual_proximity():
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(200, 60)).astype(np.float32)
    vectors[0] = 0  # in the middle of 60 dimensions: nearest to nearly all by distance
    one = part("timbre", vectors, 1.0)
    space = SoundMixture(np.arange(200), np.arange(200, dtype=np.uint64), (one,))
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) == 0).mean() > 0.9
    nearest = [
        nearest_by_mixture(space, track, 1, phrases=PHRASES)[0].track_id for track in range(1, 200)
    ]
    assert np.mean(np.array(nearest) == 0) < 0.3


def test_one_song_comes_once_and_excluded_tracks_never():
    space = mixture()
    first, second = (one.track_id for one in nearest_by_mixture(space, 17, 2, phrases=PHRASES))
    keys = space.song_keys.copy()
    keys[second - 10] = keys[first - 10]
    same = SoundMixture(space.track_ids, keys, space.parts)
    found = [one.track_id for one in nearest_by_mixture(same, 17, 5, phrases=PHRASES)]
    assert first in found
    assert second not in found
    found = nearest_by_mixture(space, 17, 5, phrases=PHRASES, excluded=[first])
    assert first not in {one.track_id for one in found}


def test_a_track_that_is_not_in_the_mixture_says_so():
    with pytest.raises(NotReady, match="not analysed"):
        nearest_by_mixture(mixture(), 3, 5, phrases=PHRASES)


def test_equal_vectors_and_a_single_track_are_no_error():
    same = np.ones((4, 3), dtype=np.float32)
    one = part("timbre", same, 1.0)
    assert np.isfinite(proximity(one, 0, np.array([1, 2]))).all()
    mean, std = distance_moments(same[:1], np.array([0]))
    assert np.isfinite(mean).all()
    assert (std == np.float32(mutual_proximity.SMALLEST)).all()


def test_similarities_fall_with_the_scores_from_the_same_sound_on():
    space = mixture()
    near = [one.track_id for one in nearest_by_mixture(space, 17, 20, phrases=PHRASES)]
    values = mutual_proximity.similarities(space, 17, space.rows_of([17, *near]))
    assert values is not None
    assert np.all(np.diff(values) <= 1e-9)
    assert np.all((values >= 0) & (values <= 1))
    assert values[0] > 0.9
    assert mutual_proximity.similarities(space, 3, space.rows_of([17])) is None
