import numpy as np
import pytest

from songrec.core.errors import NotReady, UnknownName
from songrec.services.reports.run_comparison import compare_runs, metric_rows
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import run_folders
from songrec.store.tables import Run
from tests.factories import make_track


@pytest.fixture
def tracks(session):
    # Six places of four tracks each, which differ a little.
    return [
        make_track(session, tempo=80 + 60 * (i % 2) + i / 10, energy=0.2 + 0.3 * (i % 3))
        for i in range(24)
    ]


def trained(session, instance, clusters, **more):
    return train(
        Instance(instance, session),
        TrainRequest(
            representation="identity", parameters={"clustering": {"n_clusters": clusters}}, **more
        ),
    ).public_id


def test_a_run_agrees_with_itself(session, instance, tracks):
    run = trained(session, instance, 3)
    same = compare_runs(Instance(instance, session), run, run)
    assert (same.shared, same.moved, same.moved_share) == (24, 0, 0.0)
    assert same.adjusted_rand_index == 1.0
    assert all(row.better is None for row in same.metrics)
    assert all(flow.matched and flow.share_of_a == 1.0 for flow in same.flows)


def test_halving_the_clusters_moves_the_smaller_half_of_each(session, instance, tracks):
    six, two = trained(session, instance, 6), trained(session, instance, 2)
    comparison = compare_runs(Instance(instance, session), two, six)
    assert comparison.shared == 24
    # Two of the six matched clusters of four tracks each can stay.
    assert comparison.moved == 16
    assert 0 < comparison.adjusted_rand_index < 1
    assert np.array(comparison.table).sum() == 24
    assert len(comparison.clusters_a) == 2
    assert len(comparison.clusters_b) == 6
    better = {row.measure.name: row.better for row in comparison.metrics}
    assert better["silhouette"] == better["calinski_harabasz"] == better["davies_bouldin"] == "b"
    assert better["track_count"] is None


def test_only_tracks_of_both_runs_are_compared(session, instance, tracks):
    first = trained(session, instance, 3)
    for track in tracks[:4]:
        session.delete(track)
    make_track(session, tempo=200.0)
    session.flush()
    second = trained(session, instance, 3)
    comparison = compare_runs(Instance(instance, session), first, second)
    assert (comparison.shared, comparison.only_a, comparison.only_b) == (20, 4, 1)


def test_an_unknown_run_and_a_lost_folder_are_told_apart(session, instance, tracks):
    run = trained(session, instance, 3)
    with pytest.raises(UnknownName, match="No run"):
        compare_runs(Instance(instance, session), run, "nope")
    folder = run_folders.run_folder(instance, run)
    folder.rename(folder.with_name("gone"))
    with pytest.raises(NotReady, match="train again"):
        compare_runs(Instance(instance, session), run, run)


def run_of(**fields):
    given = {
        "public_id": "a",
        "representation": "vae",
        "feature_set": "attributes",
        "seed": 0,
        "data_fingerprint": "x",
        "parameters": {"representation": {"beta": 0.3, "epochs": 30}},
        "metrics": {"val_loss": 1.0, "reconstruction_mse": 0.1, "silhouette": 0.2, "p_at_10": 0.3},
        "seconds": {},
        "track_count": 10,
        "cluster_count": 2,
    }
    return Run(**{**given, **fields})


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        ({}, {}),
        ({"parameters": {"representation": {"beta": 0.3, "epochs": 60}}}, {"silhouette": "latent"}),
        (
            {"parameters": {"representation": {"beta": 1.0, "epochs": 30}}},
            {"val_loss": "different losses, beta 0.3 and 1.0", "silhouette": "latent"},
        ),
        (
            {"representation": "pca", "parameters": {"representation": {"latent": 6}}},
            {"val_loss": "different models, vae and pca", "silhouette": "different models"},
        ),
        (
            {"data_fingerprint": "y"},
            dict.fromkeys(("val_loss", "reconstruction_mse", "silhouette"), "different songs"),
        ),
        (
            {"feature_set": "mfcc"},
            dict.fromkeys(("val_loss", "reconstruction_mse", "silhouette"), "different features"),
        ),
        ({"seed": 1}, {"silhouette": "each in its own latent"}),
    ],
)
def test_values_are_called_better_only_where_they_measure_the_same(other, differing):
    smaller = {"val_loss": 0.9, "reconstruction_mse": 0.05, "silhouette": 0.1}
    rows = metric_rows(run_of(), run_of(public_id="b", metrics=smaller, **other))
    for row in rows:
        reason = differing.get(row.measure.name)
        if reason is not None:
            assert reason in row.difference
            assert row.better is None
        elif row.measure.name in smaller:
            assert row.difference == ""
            assert row.better == ("a" if row.measure.name == "silhouette" else "b")
