"""Every registered projection, by the contract in songrec.projection."""

import importlib

import numpy as np
import pytest

from songrec.core.errors import Cancelled
from songrec.projection import PROJECTIONS
from songrec.projection.metrics import trustworthiness

QUICK = {"tsne": {"n_iter": 100}, "umap": {"n_epochs": 60}}
everyone = pytest.mark.parametrize("name", PROJECTIONS.names())
LATENT = np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32) * [9, 5, 1, 1, 1, 1]
LATENT = LATENT.astype(np.float32)
PLANTED = np.repeat(np.arange(3), 40)
GROUPS = np.random.default_rng(2).normal(scale=0.3, size=(120, 4)).astype(np.float32)
GROUPS += np.array([[0, 0, 0, 0], [8, 0, 0, 0], [0, 8, 0, 0]], np.float32)[PLANTED]


def made(name):
    return PROJECTIONS.create(name, **QUICK.get(name, {}))


@everyone
def test_init_stores_its_parameters_untouched(name):
    projection = PROJECTIONS.create(name)
    parameters = PROJECTIONS.parse(name)
    assert {key: getattr(projection, key) for key in parameters} == parameters


@everyone
def test_the_same_seed_gives_the_same_coordinates(name):
    first, second = (made(name).fit(LATENT, seed=4).project(LATENT) for _ in "ab")
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert first.shape == (120, 2)


@everyone
def test_a_track_lies_where_it_lies_whoever_is_placed_with_it(name):
    projection = made(name).fit(LATENT, seed=4)
    together = projection.project(LATENT)
    alone = np.vstack([projection.project(LATENT[[row]]) for row in (0, 7, 119)])
    np.testing.assert_allclose(alone, together[[0, 7, 119]], atol=1e-5)
    new = LATENT[:5] + np.float32(0.05)
    alone = np.vstack([projection.project(new[[row]]) for row in range(5)])
    np.testing.assert_allclose(alone, projection.project(new), atol=1e-5)


@everyone
def test_groups_are_apart_on_the_map_and_new_tracks_join_theirs(name):
    projection = made(name).fit(GROUPS, seed=0)
    placed = projection.project(GROUPS)
    middles = np.stack([placed[group == PLANTED].mean(axis=0) for group in range(3)])
    new = GROUPS[::6] + np.random.default_rng(1).normal(scale=0.05, size=GROUPS[::6].shape)
    for where, group in ((placed, PLANTED), (projection.project(new.astype("f4")), PLANTED[::6])):
        nearest = np.linalg.norm(where[:, None] - middles, axis=2).argmin(axis=1)
        np.testing.assert_array_equal(nearest, group)
    assert trustworthiness(GROUPS, placed, seed=0)["trustworthiness"] > 0.8


@everyone
def test_above_its_limit_a_map_learns_from_a_sample_and_places_the_others(name, monkeypatch):
    module = importlib.import_module(PROJECTIONS.entry(name).target.partition(":")[0])
    if not hasattr(module, "LEARNT_FROM"):
        pytest.skip("learns from all tracks, however many")
    monkeypatch.setattr(module, "LEARNT_FROM", 60)
    projection = made(name).fit(GROUPS, seed=3)
    assert len(projection.rows_) == 60
    placed = projection.project(GROUPS)
    middles = np.stack([placed[group == PLANTED].mean(axis=0) for group in range(3)])
    nearest = np.linalg.norm(placed[:, None] - middles, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, PLANTED)


@everyone
def test_progress_rises_and_can_stop_the_work(name):
    seen = []
    made(name).fit(GROUPS, seed=0, on_progress=lambda share, *_: seen.append(share))
    assert seen == sorted(seen)
    assert all(0 <= share <= 1 for share in seen)
    if not seen:
        return  # done before there was anything to tell

    def stop(share, message, details=None):
        raise Cancelled

    with pytest.raises(Cancelled):
        made(name).fit(GROUPS, seed=0, on_progress=stop)


@everyone
def test_state_places_new_tracks_as_before(name, tmp_path):
    projection = made(name).fit(LATENT, seed=4)
    np.savez(tmp_path / "projection.npz", **projection.state())
    with np.load(tmp_path / "projection.npz", allow_pickle=False) as arrays:
        again = type(projection).from_state(arrays)
    new = LATENT[:7] + 0.1
    np.testing.assert_allclose(again.project(new), projection.project(new), atol=1e-6)


@everyone
@pytest.mark.parametrize("shape", [(1, 6), (2, 6), (30, 1)])
def test_odd_latents_give_finite_coordinates(name, shape):
    for latent in (np.zeros(shape, np.float32), LATENT[: shape[0], : shape[1]]):
        assert np.isfinite(made(name).fit(latent, seed=0).project(latent)).all()


def test_principal_components_find_the_two_widest_directions():
    coordinates = PROJECTIONS.create("pca").fit(LATENT, seed=0).project(LATENT)
    centred = LATENT - LATENT.mean(axis=0)
    for axis in (0, 1):
        assert np.corrcoef(coordinates[:, axis], centred[:, axis])[0, 1] > 0.95
