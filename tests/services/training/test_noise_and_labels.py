"""Trainings with noise, probabilities, learnt weights, several maps and labels, to the pages."""

import numpy as np
import pytest

from songrec.evaluation.agreement import adjusted_rand_index
from songrec.services.reports.run_comparison import metric_rows
from songrec.services.training import label_agreement
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs
from tests.factories import make_track
from tests.services.training.test_train import plant


def trained(session, instance, clustering, parameters=None, **more):
    parameters = {"clustering": parameters or {}}
    return train(
        Instance(instance, session),
        TrainRequest(
            representation="identity", clustering=clustering, parameters=parameters, **more
        ),
    )


def noisy(session):
    """Three genres and thirty songs all over the place."""
    planted = plant(session)
    random = np.random.default_rng(1)
    for _ in range(30):
        make_track(
            session,
            energy=random.random(),
            acousticness=random.random(),
            tempo=float(random.uniform(40, 220)),
            loudness=float(random.uniform(-40, 0)),
            positiveness=random.random(),
            danceability=random.random(),
            speechiness=random.random(),
            genres=("odd",),
        )
    return planted


def test_noise_stays_noise_in_rows_folder_and_measures(session, instance):
    planted = noisy(session)
    run = trained(session, instance, "hdbscan", {"min_cluster_size": 8})
    _, labels = run_folders.read_labels(instance, run.public_id)
    assert adjusted_rand_index(labels[:75], planted) > 0.9
    assert (labels[75:] == -1).mean() > 0.7
    assert run.cluster_count == 3
    clusters = runs.clusters_of(session, run)
    assert [cluster.number for cluster in clusters] == [0, 1, 2, -1]
    assert clusters[-1].name == "ungrouped songs"
    assert clusters[-1].size == (labels == -1).sum()
    assert run.metrics["noise_share"] == pytest.approx((labels == -1).mean())


def test_a_catalogue_that_is_all_noise_is_a_run_without_clusters(session, instance):
    plant(session)
    run = trained(session, instance, "hdbscan", {"min_cluster_size": 500})
    assert run.cluster_count == 0
    assert run.metrics["silhouette"] is None
    assert run.metrics["noise_share"] == 1.0
    assert [cluster.number for cluster in runs.clusters_of(session, run)] == [-1]
    assert any("are noise" in note for note in runs.manifest(instance, run)["notes"])
    again = trained(session, instance, "kmeans", {"n_clusters": 3})
    assert again.cluster_count == 3  # nothing to continue


def test_probabilities_are_kept_in_the_order_of_the_numbers(session, instance):
    plant(session)
    run = trained(session, instance, "gmm", {"n_clusters": 3, "covariance_type": "diag"})
    folder = run_folders.run_folder(instance, run.public_id)
    with np.load(folder / "clustering.npz", allow_pickle=False) as arrays:
        labels, probabilities = arrays["labels"], arrays["probabilities"]
    assert probabilities.dtype == np.float16
    np.testing.assert_array_equal(probabilities.argmax(axis=1), labels)
    np.testing.assert_allclose(probabilities.astype(float).sum(axis=1), 1, atol=2e-3)


def test_the_manifest_says_how_the_number_was_chosen_and_what_was_listened_to(session, instance):
    plant(session)
    run = trained(session, instance, "weighted_kmeans", {"n_clusters": "auto", "max_clusters": 5})
    details = runs.manifest(instance, run)["clustering_details"]
    assert details["clusters_tried"]["chosen"] == run.cluster_count == 3
    weights = dict(details["feature_weights"])
    assert set(weights) == set(runs.manifest(instance, run)["features"]["used"])
    assert sum(weights.values()) == pytest.approx(1, abs=1e-4)


def test_a_run_may_carry_several_maps(session, instance):
    plant(session)
    run = trained(
        session,
        instance,
        "kmeans",
        maps=("tsne", "pca"),
        map_parameters={"tsne": {"n_iter": 250}},
    )
    maps = runs.manifest(instance, run)["maps"]
    assert [one["parameters"].get("n_iter") for one in maps] == [None, 250]
    assert [one["name"] for one in maps] == ["pca", "tsne"]
    assert all(0 < one["trustworthiness"] <= 1 for one in maps)
    assert run.metrics["trustworthiness"] == maps[0]["trustworthiness"]
    folder = run_folders.run_folder(instance, run.public_id)
    with np.load(folder / "map-tsne.npz", allow_pickle=False) as arrays:
        assert arrays["coordinates"].shape == (75, 2)


def test_clusters_are_measured_against_genres_and_chance(session, instance):
    plant(session)
    run = trained(session, instance, "kmeans", {"n_clusters": 3})
    assert run.metrics["ari_genre"] == 1.0
    assert run.metrics["purity_genre"] == 1.0
    assert abs(run.metrics["ari_genre_random"]) < 0.1
    assert run.metrics["purity_genre_random"] < 0.6
    assert run.metrics["genre_tracks"] == 75
    assert "ari_emotion" not in run.metrics  # no track has one
    shown = {row.measure.name: row.a for row in metric_rows(run, run)}
    assert shown["ari_genre"] == 1.0
    assert "ari_genre_random" in shown


def test_of_several_labels_the_commonest_counts_and_languages_are_told_from_other_tags(session):
    ids = [
        make_track(session, genres=genres, tags=tags).id
        for genres, tags in [
            (("rock", "pop"), ("spanish", "summer")),
            (("pop",), ("summer",)),
            ((), ("english",)),
        ]
    ]
    labels = label_agreement.labels_by_kind(session, np.sort(np.array(ids)))
    assert labels["genre"][0] == labels["genre"][1] != -1
    assert labels["genre"][2] == -1
    assert labels["language"][1] == -1
    assert -1 not in (labels["language"][0], labels["language"][2])
    assert "emotion" not in labels
