"""Clusterings on data whose right answer is known, and what they do beyond their size."""

import numpy as np
import pytest
from sklearn import cluster

from songrec.clustering import (
    CLUSTERINGS,
    agglomerative,
    dbscan,
    gmm,
    hdbscan,
    label_alignment,
    model_selection,
)
from songrec.clustering import weighted_kmeans as weighted
from songrec.clustering.base import means_of, nearest_centre, scatter
from songrec.clustering.dbscan import DBSCAN, knee
from songrec.clustering.gmm import GMM
from songrec.clustering.hdbscan import HDBSCAN
from songrec.clustering.weighted_kmeans import WeightedKMeans, learnt_weights
from songrec.core.errors import BadInput
from songrec.core.types import Clustering
from songrec.evaluation.agreement import adjusted_rand_index

RANDOM = np.random.default_rng(6)
PLANTED = np.repeat(np.arange(3), 200)
BLOBS = RANDOM.normal(scale=0.4, size=(600, 2)).astype(np.float32)
BLOBS += np.array([[0, 0], [6, 0], [0, 6]], np.float32)[PLANTED]
SCATTERED = RANDOM.uniform(-4, 10, size=(150, 2)).astype(np.float32)


def test_learnt_weights_are_those_of_the_paper():
    # Huang et al. 2005, with beta 2: w_j is 1 / D_j over the sum of all 1 / D_t.
    np.testing.assert_allclose(
        learnt_weights(np.array([1.0, 2.0, 4.0]), 2.0), np.array([4, 2, 1]) / 7
    )
    # With beta 3 the square roots: 1 / 1, 1 / 2 and 1 / 3.
    np.testing.assert_allclose(
        learnt_weights(np.array([1.0, 4.0, 9.0]), 3.0), np.array([6, 3, 2]) / 11
    )


def test_a_column_without_scatter_weighs_nothing():
    np.testing.assert_allclose(learnt_weights(np.array([0.0, 1.0, 1.0]), 2.0), [0, 0.5, 0.5])
    np.testing.assert_allclose(learnt_weights(np.zeros(4), 2.0), np.full(4, 0.25))


def test_weighted_k_means_listens_to_the_columns_that_tell_groups_apart():
    noise = np.random.default_rng(1).normal(scale=5, size=(600, 6)).astype(np.float32)
    latent = np.column_stack([noise[:, :3], BLOBS, noise[:, 3:]])
    found = WeightedKMeans(n_clusters=3, n_init=8, beta=2).fit(latent, seed=0)
    weights = np.array(found.details["feature_weights"])
    assert set(np.argsort(weights)[-2:]) == {3, 4}
    assert weights[[3, 4]].sum() > 0.5
    assert adjusted_rand_index(found.labels, PLANTED) > 0.95
    tried = WeightedKMeans(n_clusters=3, n_init=2).fit(latent, seed=0).details
    assert set(np.argsort(tried["feature_weights"])[-2:]) == {3, 4}
    assert {one["beta"] for one in tried["tried"]} == set(weighted.BETAS)
    plain = CLUSTERINGS.create("kmeans", n_clusters=3).fit(latent, seed=0)
    assert adjusted_rand_index(plain.labels, PLANTED) < 0.5


def test_each_step_of_weighted_k_means_makes_its_objective_smaller(monkeypatch):
    even = (BLOBS - BLOBS.mean(axis=0)) / BLOBS.std(axis=0)
    ends = []
    for steps in (1, 2, 4, 16):
        monkeypatch.setattr(weighted, "STEPS", steps)
        ends.append(weighted.minimise(even, 5, 2.0, np.array([0.9, 0.1]), 1).objective)
    assert ends == sorted(ends, reverse=True)


def test_dbscan_is_sklearns():
    latent = np.vstack([BLOBS, SCATTERED])
    found = DBSCAN(eps=0.3, min_samples=6).fit(latent, seed=0)
    expected = cluster.DBSCAN(eps=0.3, min_samples=6).fit(latent.astype(float))
    np.testing.assert_array_equal(found.labels == -1, expected.labels_ == -1)
    cores = expected.core_sample_indices_
    assert adjusted_rand_index(found.labels[cores], expected.labels_[cores]) == 1.0
    assert (found.confidence[cores] == 1).all()


def test_links_are_joined_in_batches_as_at_once(monkeypatch):
    latent = np.vstack([BLOBS, SCATTERED])
    whole = DBSCAN(eps=0.5, min_samples=5).fit(latent, seed=0)
    monkeypatch.setattr(dbscan, "LINKS_AT_ONCE", 200)
    parts = DBSCAN(eps=0.5, min_samples=5).fit(latent, seed=0)
    np.testing.assert_array_equal(whole.labels, parts.labels)


def test_the_knee_is_where_a_curve_bends():
    assert knee(np.concatenate([np.linspace(0, 1, 90), np.linspace(1, 20, 10)])) == 90
    assert knee(np.ones(5)) == 4


def test_hdbscan_leaves_scattered_songs_apart():
    found = HDBSCAN(min_cluster_size=40, min_samples=10).fit(np.vstack([BLOBS, SCATTERED]), seed=0)
    inside = found.labels[:600] >= 0
    assert inside.mean() > 0.9
    assert adjusted_rand_index(found.labels[:600][inside], PLANTED[inside]) == 1.0
    assert (found.labels[600:] == -1).mean() > 0.5
    assert (found.confidence[found.labels == -1] == 0).all()


@pytest.mark.parametrize(
    ("module", "name", "parameters"),
    [
        (hdbscan, "hdbscan", {"min_cluster_size": 60, "min_samples": 8}),
        (dbscan, "dbscan", {"min_samples": 5}),
        (agglomerative, "agglomerative", {"clusters": 3}),
        (gmm, "gmm", {"clusters": 3}),
        (weighted, "weighted_kmeans", {"clusters": 3}),
    ],
)
def test_beyond_its_size_a_sample_is_grouped_and_the_rest_assigned(
    monkeypatch, module, name, parameters
):
    limit = "LARGEST" if hasattr(module, "LARGEST") else "LEARNT_FROM"
    monkeypatch.setattr(module, limit, 300)
    algorithm = CLUSTERINGS.create(name, **parameters)
    far = np.array([[50.0, 50.0]], np.float32)
    found = algorithm.fit(np.vstack([BLOBS, far]), seed=2)
    assert found.details["sample"]["tracks"] == 300
    assert found.details["sample"]["of"] == 601
    assert any("sample of 300 of 601 tracks" in note for note in algorithm.notes_)
    inside = found.labels[:600] >= 0
    assert inside.mean() > 0.85
    assert adjusted_rand_index(found.labels[:600][inside], PLANTED[inside]) > 0.99
    if name in ("hdbscan", "dbscan"):
        assert found.labels[600] == -1  # far from everything: noise, never forced


def test_gmm_knows_shapes_that_k_means_does_not_and_doubts_between_them():
    random = np.random.default_rng(2)
    tight, wide = (random.normal(scale=scale, size=(400, 2)) for scale in (0.2, 5.0))
    latent = np.vstack([tight, wide]).astype(np.float32)
    planted = np.repeat([0, 1], 400)
    found = GMM(n_clusters=2).fit(latent, seed=0)
    assert adjusted_rand_index(found.labels, planted) > 0.9
    kmeans = CLUSTERINGS.create("kmeans", n_clusters=2).fit(latent, seed=0)
    assert adjusted_rand_index(kmeans.labels, planted) < 0.3
    np.testing.assert_allclose(found.confidence, found.probabilities.max(axis=1))


def test_the_gap_says_one_cluster_where_there_is_none_to_split():
    even = np.random.default_rng(3).uniform(size=(200, 2)).astype(np.float32)
    found = CLUSTERINGS.create(
        "kmeans", n_clusters=0, criterion="gap", min_clusters=1, max_clusters=4, n_init=1
    )
    assert found.fit(even, seed=0).details["clusters_tried"]["chosen"] == 1
    assert found.fit(BLOBS, seed=0).details["clusters_tried"]["chosen"] == 3


def test_the_gap_of_a_tree_grows_one_tree_for_each_table(monkeypatch):
    grown = []

    def counting(values, method):
        grown.append(len(values))
        return linkage(values, method)

    linkage = agglomerative.linkage
    monkeypatch.setattr(agglomerative, "linkage", counting)
    found = CLUSTERINGS.create(
        "agglomerative", n_clusters=0, criterion="gap", min_clusters=1, max_clusters=6
    )
    assert found.fit(BLOBS, seed=0).details["clusters_tried"]["chosen"] == 3
    assert (
        len(grown) == 1 + model_selection.REFERENCES
    )  # for each of six numbers anew it would be 61


def test_the_number_is_picked_by_each_rule():
    assert model_selection.best_number([[2, 0.3], [3, 0.5], [4, 0.4]], "silhouette") == 3
    assert model_selection.best_number([[2, 30.0], [3, 50.0], [4, 40.0]], "bic") == 2
    # Tibshirani et al. 2001: the first k with Gap(k) >= Gap(k + 1) - s(k + 1).
    assert (
        model_selection.best_number(
            [[1, 0.1, 0.01], [2, 0.5, 0.02], [3, 0.51, 0.02], [4, 0.9, 0.1]], "gap"
        )
        == 2
    )
    assert model_selection.best_number([[2, None], [3, 0.1]], "silhouette") == 3


def test_the_curve_of_many_tracks_is_that_of_a_sample(monkeypatch):
    monkeypatch.setattr(model_selection, "TRIED_ON", 200)
    found = CLUSTERINGS.create("minibatch_kmeans", n_clusters=0, max_clusters=5).fit(BLOBS, seed=0)
    assert found.details["clusters_tried"]["sample"] == 200
    assert found.details["clusters_tried"]["chosen"] == 3


def test_scatter_centres_and_means_by_hand():
    values = np.array([[0.0, 0.0], [2.0, 0.0], [10.0, 4.0]], np.float32)
    labels = np.array([0, 0, 1], np.int32)
    np.testing.assert_array_equal(means_of(values, labels), [[1, 0], [10, 4]])
    assert scatter(values, labels) == 2.0
    np.testing.assert_array_equal(nearest_centre(values, means_of(values, labels)), labels)


def test_probabilities_follow_their_clusters_when_numbers_change():
    probabilities = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]], np.float32)
    before = Clustering(np.array([2, 0, 2], np.int32), probabilities.max(1), None, probabilities)
    after = label_alignment.by_size(before)
    np.testing.assert_array_equal(after.labels, [0, 1, 0])
    # Nobody is in the old cluster 1: its column has gone, and the rows add up to 1 again.
    np.testing.assert_allclose(
        after.probabilities, [[0.875, 0.125], [1 / 7, 6 / 7], [0.75, 0.25]], rtol=1e-6
    )


def test_zero_is_auto_and_nothing_else_below_the_least():
    clusters = CLUSTERINGS.entry("kmeans").parameter("n_clusters")
    assert clusters.coerce("auto") == clusters.coerce(" Auto ") == clusters.coerce("0") == 0
    assert clusters.text(0) == "auto"
    with pytest.raises(BadInput, match="auto, or a whole number from 1 to 200"):
        clusters.coerce("-1")
    beta = CLUSTERINGS.entry("weighted_kmeans").parameter("beta")
    with pytest.raises(BadInput, match="auto"):
        beta.coerce("0.5")
