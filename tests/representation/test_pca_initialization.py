import itertools

import numpy as np
import pytest

from songrec.representation import pca_initialization

RANDOM = np.random.default_rng(0)
VALUES = RANDOM.normal(size=(500, 5)) @ RANDOM.normal(size=(5, 12))
VALUES = (VALUES + 0.3 * RANDOM.normal(size=VALUES.shape)).astype("f4") + 1


def output_of(layers, values):
    for at in range(0, len(layers), 2):
        values = values @ layers[at] + layers[at + 1]
        if at < len(layers) - 2:
            values = np.maximum(values, 0)
    return values


def by_components(values, k):
    centred = values - values.mean(axis=0)
    _, _, components = np.linalg.svd(centred, full_matrices=False)
    return centred @ components[:k].T @ components[:k] + values.mean(axis=0)


@pytest.mark.parametrize(
    ("widths", "components"),
    [((12, 6), 6), ((64, 32, 6), 6), ((8, 6), 6), ((12, 3), 3), ((2,), 2), ((4, 6), 4)],
)
def test_the_network_begins_as_the_principal_components(widths, components):
    layers = pca_initialization.weights(VALUES, widths, seed=0)
    shapes = [12, *widths, *reversed(widths[:-1]), 12]
    assert [layer.shape for layer in layers[::2]] == list(itertools.pairwise(shapes))
    expected = by_components(VALUES, components)
    # Scores below -3 standard deviations are cut off.
    assert np.median(np.abs(output_of(layers, VALUES) - expected)) < 1e-4
    assert np.mean((output_of(layers, VALUES) - expected) ** 2) < 5e-3


def test_a_latent_wider_than_the_table_leaves_nothing_out():
    layers = pca_initialization.weights(VALUES, (20, 16), seed=0)
    assert np.mean((output_of(layers, VALUES) - VALUES) ** 2) < 5e-3


def test_the_seed_changes_only_what_is_left_over():
    same = [pca_initialization.weights(VALUES, (12, 6), seed) for seed in (0, 1)]
    assert all(np.array_equal(a, b) for a, b in zip(*same, strict=True))
    other = [pca_initialization.weights(VALUES, (20, 6), seed) for seed in (0, 1)]
    assert not np.array_equal(other[0][0], other[1][0])
    outputs = [output_of(layers, VALUES) for layers in other]
    np.testing.assert_allclose(*outputs, atol=1e-5)
