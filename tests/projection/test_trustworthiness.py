import numpy as np
import pytest
from sklearn import manifold

from songrec.projection import metrics
from songrec.projection.metrics import trustworthiness
from songrec.projection.umap import membership

RANDOM = np.random.default_rng(5)
LATENT = RANDOM.normal(size=(300, 5)).astype(np.float32)
MAP = (LATENT[:, :2] + RANDOM.normal(scale=0.3, size=(300, 2))).astype(np.float32)


@pytest.mark.parametrize("neighbours", [1, 5, 15])
def test_it_is_sklearns(neighbours):
    found = trustworthiness(LATENT, MAP, seed=0, neighbours=neighbours)
    expected = manifold.trustworthiness(LATENT, MAP, n_neighbors=neighbours)
    assert found == {"trustworthiness": pytest.approx(expected, abs=1e-9)}


def test_a_map_that_is_the_latent_is_trusted_whole_and_a_shuffled_one_is_not():
    assert trustworthiness(MAP, MAP, seed=0)["trustworthiness"] == 1.0
    shuffled = RANDOM.permutation(MAP)
    assert trustworthiness(LATENT, shuffled, seed=0)["trustworthiness"] == pytest.approx(
        0.5, abs=0.05
    )


def test_a_sample_says_so_and_comes_near(monkeypatch):
    whole = trustworthiness(LATENT, MAP, seed=0)["trustworthiness"]
    monkeypatch.setattr(metrics, "MEASURED_ALL", 100)
    monkeypatch.setattr(metrics, "MEASURED", 80)
    found = trustworthiness(LATENT, MAP, seed=0)
    assert found["trustworthiness_sample"] == 80
    assert found["trustworthiness"] == pytest.approx(whole, abs=0.03)
    assert found == trustworthiness(LATENT, MAP, seed=0)


def test_a_handful_of_tracks_has_none_or_a_plain_answer():
    assert trustworthiness(LATENT[:2], MAP[:2], seed=0) == {"trustworthiness": None}
    line = np.arange(4, dtype=np.float32)[:, None]
    plane = np.column_stack([line, line])
    assert trustworthiness(line, plane, seed=0) == {"trustworthiness": 1.0}


def test_weights_of_neighbours_add_up_to_the_logarithm_of_their_number():
    distances = np.sort(RANDOM.uniform(0.1, 3, size=(20, 8)), axis=1)
    weights = membership(distances)
    np.testing.assert_allclose(weights.sum(axis=1), 3.0, atol=1e-6)
    assert (weights[:, 0] == 1).all()
    assert (np.diff(weights, axis=1) <= 0).all()
    assert np.isfinite(membership(np.full((2, 5), 7.0))).all()
    assert np.isfinite(membership(np.array([[3.0]]))).all()
