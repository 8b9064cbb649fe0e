"""Every registered clustering, by the contract in songrec.clustering."""

import json

import numpy as np
import pytest

from songrec.clustering import CLUSTERINGS, clusters_by_model, label_alignment
from songrec.clustering.base import nearest_labels, simplified_silhouette
from songrec.clustering.kmeans import KMeans
from songrec.core.errors import Cancelled, NotReady
from songrec.evaluation.agreement import adjusted_rand_index

# A clustering of the model is the model's, and tested with it.
NAMES = tuple(e.name for e in CLUSTERINGS if not clusters_by_model(e.name))
everyone = pytest.mark.parametrize("name", NAMES)
PLANTED = np.repeat(np.arange(4), 60)
LATENT = np.random.default_rng(0).normal(scale=0.1, size=(240, 3)).astype(np.float32)
LATENT += np.array([[0, 0, 0], [5, 0, 0], [0, 5, 0], [0, 0, 5]], np.float32)[PLANTED]


@everyone
def test_init_stores_its_parameters_untouched(name):
    parameters = CLUSTERINGS.parse(name)
    clustering = CLUSTERINGS.create(name)
    assert {key: getattr(clustering, key) for key in parameters} == parameters


@everyone
def test_planted_clusters_are_found_again(name):
    parameters = {"n_clusters": 4} if "n_clusters" in CLUSTERINGS.parse(name) else {}
    found = CLUSTERINGS.create(name, **parameters).fit(LATENT, seed=0)
    clustered = found.labels >= 0
    assert clustered.mean() > 0.9
    assert adjusted_rand_index(found.labels[clustered], PLANTED[clustered]) == 1.0


@everyone
def test_labels_and_confidence_have_the_promised_types_and_range(name):
    found = CLUSTERINGS.create(name).fit(LATENT, seed=0)
    assert found.labels.dtype == np.int32
    assert found.labels.shape == (240,)
    assert found.confidence.dtype == np.float32
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    assert (found.confidence[found.labels < 0] == 0).all()
    if found.centres is not None:
        assert found.centres.dtype == np.float32
        assert len(found.centres) > found.labels.max()
    if found.probabilities is not None:
        assert found.probabilities.shape[1] > found.labels.max()
        np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert json.loads(json.dumps(found.details, allow_nan=False)) == found.details


@everyone
def test_the_same_seed_gives_the_same_labels(name):
    noise = np.random.default_rng(1).normal(size=(500, 4)).astype(np.float32)
    first, second = (CLUSTERINGS.create(name).fit(noise, seed=9) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.confidence, second.confidence)


@everyone
def test_progress_rises_to_the_end_and_can_stop_the_work(name):
    seen = []
    algorithm = CLUSTERINGS.create(name)
    algorithm.fit(LATENT, seed=0, on_progress=lambda share, *_: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)

    def stop(share, message, details=None):
        raise Cancelled

    with pytest.raises(Cancelled):
        algorithm.fit(LATENT, seed=0, on_progress=stop)


@everyone
def test_every_parameter_is_bounded(name):
    for parameter in CLUSTERINGS.entry(name).parameters:
        if parameter.type in ("int", "float"):
            assert parameter.low is not None
            assert parameter.high is not None
            assert parameter.coerce(parameter.text()) == parameter.default


CHOOSING = tuple(
    (name, way)
    for name in NAMES
    for p in CLUSTERINGS.entry(name).parameters
    if p.name == "criterion"
    for way in p.choices
)


@pytest.mark.parametrize(("name", "way"), CHOOSING)
def test_auto_finds_the_planted_number_and_keeps_the_curve(name, way):
    found = CLUSTERINGS.create(name, n_clusters="auto", criterion=way, max_clusters=6).fit(
        LATENT, seed=0
    )
    curve = found.details["clusters_tried"]
    assert curve["chosen"] == 4 == len(set(found.labels.tolist()))
    assert curve["by"] == way
    assert [point[0] for point in curve["points"]] == [2, 3, 4, 5, 6]
    assert curve["sample"] is None


@everyone
def test_tracks_that_were_clustered_are_predicted_where_they_are(name):
    noise = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    for latent in (LATENT, noise):
        algorithm = CLUSTERINGS.create(name)
        labels = algorithm.fit(latent, seed=0).labels
        predicted = algorithm.predict(latent)
        assert predicted.dtype == np.int32
        np.testing.assert_array_equal(predicted, labels)


@everyone
def test_new_tracks_are_predicted_in_the_clusters_that_they_lie_in(name):
    parameters = {"n_clusters": 4} if CLUSTERINGS.entry(name).has_parameter("n_clusters") else {}
    algorithm = CLUSTERINGS.create(name, **parameters)
    labels = algorithm.fit(LATENT, seed=0).labels
    corners = np.array([[0, 0, 0], [5, 0, 0], [0, 5, 0], [0, 0, 5]], np.float32)
    expected = [np.bincount(labels[(i == PLANTED) & (labels >= 0)]).argmax() for i in range(4)]
    assert algorithm.predict(corners).tolist() == expected
    assert algorithm.predict(np.empty((0, 3), np.float32)).shape == (0,)


@everyone
def test_a_restored_clustering_predicts_in_the_numbers_of_the_run(name, tmp_path):
    parameters = {"n_clusters": 4} if CLUSTERINGS.entry(name).has_parameter("n_clusters") else {}
    algorithm = CLUSTERINGS.create(name, **parameters)
    numbered = label_alignment.continuing(
        label_alignment.by_size(algorithm.fit(LATENT, seed=0)), {0: 3, 1: 2}
    )
    np.savez(tmp_path / "state.npz", **algorithm.state(numbered.labels))
    with np.load(tmp_path / "state.npz", allow_pickle=False) as arrays:
        state = dict(arrays)
    for saved in (state, {}):  # runs of older versions saved nothing
        restored = CLUSTERINGS.create(name, **parameters).restore(saved, LATENT, numbered.labels)
        np.testing.assert_array_equal(restored.predict(LATENT), numbered.labels)


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


@everyone
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_few_or_identical_tracks_do_not_crash(name, rows):
    for latent in (np.ones((rows, 3), np.float32), LATENT[:rows]):
        algorithm = CLUSTERINGS.create(name)
        found = algorithm.fit(latent, seed=0)
        assert len(found.labels) == rows
        np.testing.assert_array_equal(algorithm.predict(latent), found.labels)
        assert np.isfinite(found.confidence).all()


@everyone
def test_no_tracks_says_what_to_do_first(name):
    with pytest.raises(NotReady, match="ingest"):
        CLUSTERINGS.create(name).fit(np.empty((0, 3), np.float32), seed=0)


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
