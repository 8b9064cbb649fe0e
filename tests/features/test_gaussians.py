"""Vectors of Gaussians, on distributions whose nearness is known."""

import numpy as np
import pytest

from songrec.core.types import Floats
from songrec.evaluation.retrieval import cosine_similarities, retrieve_track
from songrec.features.gaussians import GaussianEmbedding, columns_of

D = 4


def vector_of(frames: np.ndarray) -> Floats:
    upper = np.cov(frames, rowvar=False)[np.triu_indices(frames.shape[1])]
    return np.concatenate([frames.mean(axis=0), upper]).astype(np.float32)


def library(rng: np.random.Generator, tracks: int = 30) -> np.ndarray:
    """Frames of tracks with a mean and a covariance each, ``(tracks, 400, D)``."""
    return np.stack(
        [
            rng.normal(size=D)
            + rng.normal(size=(400, D)) @ (np.eye(D) + rng.normal(0, 0.3, (D, D)))
            for _ in range(tracks)
        ]
    )


def embed(values: Floats) -> Floats:
    return GaussianEmbedding.of_mean(values.mean(axis=0)).transform(values)


def distances(vectors: Floats) -> np.ndarray:
    return np.linalg.norm(vectors[:, None].astype(float) - vectors[None], axis=2)


def test_two_halves_of_a_track_are_nearest_to_each_other():
    frames = library(np.random.default_rng(0))
    halves = np.concatenate([frames[:, :200], frames[:, 200:]])
    apart = distances(embed(np.stack([vector_of(each) for each in halves])))
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) == np.roll(np.arange(60), 30)).mean() > 0.95


def test_tracks_of_one_mean_are_told_apart_by_their_spread():
    rng = np.random.default_rng(1)
    calm, wild = rng.normal(0, 1, (4, 300, D)), rng.normal(0, 3, (4, 300, D))
    wild -= wild.mean(axis=1, keepdims=True)
    calm -= calm.mean(axis=1, keepdims=True)
    values = np.stack([vector_of(each) for each in (*calm, *wild)])
    np.testing.assert_allclose(values[:, :D], 0, atol=1e-6)
    apart = distances(embed(values))
    assert apart[:4, :4].max() < apart[:4, 4:].min()


def test_a_linear_change_of_all_frames_changes_no_distance():
    rng = np.random.default_rng(2)
    frames = library(rng, 8)
    turned = frames @ (np.diag([5.0, 1, 0.5, 2]) + rng.normal(0, 0.1, (D, D))) + rng.normal(size=D)
    one, other = (np.stack([vector_of(f) for f in each]) for each in (frames, turned))
    np.testing.assert_allclose(distances(embed(one)), distances(embed(other)), rtol=1e-3, atol=1e-4)


def test_the_distance_is_that_of_logarithms_of_matrices():
    values = np.stack([vector_of(each) for each in library(np.random.default_rng(3), 5)])
    embedding = GaussianEmbedding.of_mean(values.mean(axis=0))
    vectors = embedding.transform(values)
    assert vectors.shape == (5, embedding.width) == (5, (D + 1) * (D + 2) // 2)
    rows, columns = np.triu_indices(D + 1)
    norms = []
    for vector in vectors:
        matrix = np.zeros((D + 1, D + 1))
        matrix[rows, columns] = vector / np.where(rows == columns, 1, np.sqrt(2))
        full = matrix + np.triu(matrix, 1).T
        norms.append(np.linalg.norm(full))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), norms, rtol=1e-5)


def test_unknown_and_constant_values_are_no_error():
    values = np.stack([vector_of(each) for each in library(np.random.default_rng(4), 6)])
    values[2] = np.nan
    values[3] = 0  # constant frames have no spread
    vectors = GaussianEmbedding.of_mean(np.nanmean(values, axis=0)).transform(values)
    assert np.isnan(vectors[2]).all()
    assert np.isfinite(np.delete(vectors, 2, axis=0)).all()
    nothing = GaussianEmbedding.of_mean(np.zeros(columns_of(D)))
    assert np.isfinite(nothing.transform(np.zeros((1, columns_of(D)), np.float32))).all()


def test_a_number_of_columns_that_is_no_gaussian_is_refused():
    with pytest.raises(ValueError, match="10 columns"):
        GaussianEmbedding.of_mean(np.zeros(10))


def test_a_variance_within_tracks_misleads_the_cosine_and_not_the_gaussians():
    """Tracks differ a little in three columns, and their excerpts by chance much in nine others."""
    rng = np.random.default_rng(6)
    tracks, own, noisy = 40, 3, 9
    colour = rng.normal(size=(tracks, 1, own))
    excerpts = []
    for _ in range(2):
        frames = rng.normal(size=(tracks, 240, own + noisy))
        frames[:, :, :own] = 0.5 * frames[:, :, :own] + colour
        # Slow changes: a mean of all frames is still far from the track's.
        frames[:, :, own:] += 4 * rng.normal(size=(tracks, 60, noisy)).repeat(4, axis=1)
        excerpts.append(frames)
    means = [each.mean(axis=1) for each in excerpts]
    cosine = retrieve_track(cosine_similarities(*means)).to_json()["top1"]
    vectors = embed(np.stack([vector_of(f) for each in excerpts for f in each]))
    gaussians = retrieve_track(-distances(vectors)[:tracks, tracks:]).to_json()["top1"]
    assert cosine < 0.5
    assert gaussians > 0.9
