"""Every registered clustering by the contract, and what the contract's parts do by themselves."""

import numpy as np
import pytest

from songrec.clustering import CLUSTERINGS, clusters_by_model
from songrec.clustering.base import nearest_labels, simplified_silhouette
from songrec.clustering.kmeans import KMeans
from tests.clustering.contract import LATENT, PLANTED, ClusteringContract

# The clusters of a model are tested with the model.
ENTRIES = tuple(entry for entry in CLUSTERINGS if not clusters_by_model(entry.name))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
class TestRegisteredClusterings(ClusteringContract):
    """All of them."""


def test_density_clusterings_leave_new_tracks_between_the_clusters_apart():
    between = np.full((1, 3), 2.5, np.float32)
    for name in ("dbscan", "hdbscan"):
        algorithm = CLUSTERINGS.create(name)
        algorithm.fit(LATENT, seed=0)
        assert algorithm.predict(between).tolist() == [-1]


def test_a_cluster_that_the_run_dropped_is_predicted_by_the_neighbours():
    algorithm = KMeans(n_clusters=4)
    labels = algorithm.fit(LATENT, seed=0).labels
    state = algorithm.state(np.where(PLANTED == 3, labels[0], labels).astype(np.int32))
    state["numbers"][labels[-1]] = -1
    kept = LATENT[PLANTED < 3], labels[PLANTED < 3]
    predicted = KMeans(n_clusters=4).restore(state, *kept).predict(LATENT[-1:])
    assert predicted[0] in kept[1]


def test_neighbours_vote_by_their_nearness_and_noise_takes_part():
    known = np.array([[0.0], [1.0], [1.1], [9.0], [9.1], [9.2]], np.float32)
    labels = np.array([0, 1, 1, -1, -1, -1], np.int32)
    rows = np.array([[0.0], [0.2], [0.9], [9.05]], np.float32)
    assert nearest_labels(rows, known, labels).tolist() == [0, 0, 1, -1]
    assert nearest_labels(rows, known[:1], labels[:1]).tolist() == [0, 0, 0, 0]


def test_there_are_never_more_clusters_than_distinct_tracks_and_a_note_says_so():
    algorithm = KMeans(n_clusters=10)
    found = algorithm.fit(np.repeat(LATENT[[0, 60, 120]], 20, axis=0), seed=0)
    assert len(set(found.labels.tolist())) == 3
    assert algorithm.notes_ == [
        "10 clusters were asked for, but only 3 tracks differ in the latent: there are 3 clusters."
    ]


def test_confidence_is_one_at_a_centre_and_zero_between_two():
    centres = np.array([[0.0], [2.0]], np.float32)
    rows = np.array([[0.0], [1.0], [0.5]], np.float32)
    np.testing.assert_allclose(
        simplified_silhouette(rows, centres, np.zeros(3, int)), [1.0, 0.0, 1 - 0.5 / 1.5]
    )


def test_a_single_cluster_is_certain():
    assert KMeans(n_clusters=1).fit(LATENT, seed=0).confidence.min() == 1.0
