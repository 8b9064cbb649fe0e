"""Every registered projection, by the contract in songrec.projection."""

import numpy as np
import pytest

from songrec.projection import PROJECTIONS

everyone = pytest.mark.parametrize("name", PROJECTIONS.names())
LATENT = np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32) * [9, 5, 1, 1, 1, 1]
LATENT = LATENT.astype(np.float32)


@everyone
def test_init_stores_its_parameters_untouched(name):
    projection = PROJECTIONS.create(name)
    parameters = PROJECTIONS.parse(name)
    assert {key: getattr(projection, key) for key in parameters} == parameters


@everyone
def test_the_same_seed_gives_the_same_coordinates(name):
    first, second = (PROJECTIONS.create(name).fit(LATENT, seed=4).project(LATENT) for _ in "ab")
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert first.shape == (120, 2)


@everyone
def test_state_places_new_tracks_as_before(name, tmp_path):
    projection = PROJECTIONS.create(name).fit(LATENT, seed=4)
    np.savez(tmp_path / "projection.npz", **projection.state())
    with np.load(tmp_path / "projection.npz", allow_pickle=False) as arrays:
        again = type(projection).from_state(arrays)
    new = LATENT[:7] + 0.1
    np.testing.assert_allclose(again.project(new), projection.project(new), atol=1e-6)


@everyone
@pytest.mark.parametrize("shape", [(1, 6), (2, 6), (30, 1)])
def test_odd_latents_give_finite_coordinates(name, shape):
    for latent in (np.zeros(shape, np.float32), LATENT[: shape[0], : shape[1]]):
        assert np.isfinite(PROJECTIONS.create(name).fit(latent, seed=0).project(latent)).all()


def test_principal_components_find_the_two_widest_directions():
    coordinates = PROJECTIONS.create("pca").fit(LATENT, seed=0).project(LATENT)
    centred = LATENT - LATENT.mean(axis=0)
    for axis in (0, 1):
        assert np.corrcoef(coordinates[:, axis], centred[:, axis])[0, 1] > 0.95
