import json
import shutil

import numpy as np
import pytest
from sqlalchemy import func, select

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import BadInput, Cancelled, NotReady, UnknownName
from songrec.evaluation.agreement import adjusted_rand_index
from songrec.services.training import train as train_module
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs
from songrec.store.tables import ClusterAssignment, Run
from tests.factories import make_track

PLANTED = {
    "folk": {
        "energy": 0.2,
        "acousticness": 0.9,
        "loudness": -16.0,
        "tempo": 90.0,
        "positiveness": 0.4,
        "danceability": 0.4,
        "speechiness": 0.04,
    },
    "rap": {
        "energy": 0.7,
        "acousticness": 0.1,
        "loudness": -6.0,
        "tempo": 100.0,
        "positiveness": 0.5,
        "danceability": 0.85,
        "speechiness": 0.35,
    },
    "metal": {
        "energy": 0.97,
        "acousticness": 0.01,
        "loudness": -3.0,
        "tempo": 170.0,
        "positiveness": 0.2,
        "danceability": 0.25,
        "speechiness": 0.1,
    },
}
QUICK = TrainRequest(representation="identity", parameters={"clustering": {"n_clusters": 3}})
AUTOENCODER = TrainRequest(
    parameters={
        "representation": {"epochs": 100, "batch_size": 8},
        "clustering": {"n_clusters": 3},
    }
)


def plant(session, per_genre=30):
    """Tracks in genres of falling size; returns the genre's number of each, in track order."""
    random = np.random.default_rng(4)
    planted = []
    for number, (genre, attributes) in enumerate(PLANTED.items()):
        for _ in range(per_genre - 5 * number):
            values = {k: v * (1 + 0.04 * random.normal()) for k, v in attributes.items()}
            values["energy"] = min(values["energy"], 1.0)
            make_track(
                session,
                **values,
                genres=(genre,),
                year=2000 + int(random.integers(20)),
                duration_ms=int(random.integers(120_000, 300_000)),
            )
            planted.append(number)
    return np.array(planted)


def labels_of(instance, run):
    return run_folders.read_labels(instance, run.public_id)[1]


@pytest.mark.parametrize("request_", [QUICK, AUTOENCODER], ids=["identity", "autoencoder"])
def test_planted_clusters_are_found_again_and_named(session, instance, request_):
    planted = plant(session)
    run = train(Instance(instance, session), request_)
    assert adjusted_rand_index(labels_of(instance, run), planted) == 1.0
    clusters = runs.clusters_of(session, run)
    assert [cluster.size for cluster in clusters] == [30, 25, 20]
    assert [cluster.name.split()[-1] for cluster in clusters] == ["folk", "rap", "metal"]
    assert clusters[0].name in {"quiet acoustic folk", "calm acoustic folk", "slow acoustic folk"}


def test_the_same_data_parameters_and_seed_give_the_same_run(session, instance):
    plant(session)
    request = TrainRequest(parameters={"representation": {"epochs": 3}}, publish=False, seed=5)
    first, second = (train(Instance(instance, session), request) for _ in range(2))
    assert first.public_id != second.public_id
    assert first.data_fingerprint == second.data_fingerprint
    for name in ("latent", "space", "values", "track_ids", "song_keys"):
        one, two = (
            run_folders.read_array(instance, r.public_id, f"{name}.npy") for r in (first, second)
        )
        np.testing.assert_array_equal(one, two)
    for name in ("clustering", "projection", "scaler"):
        one, two = (
            np.load(run_folders.run_folder(instance, r.public_id) / f"{name}.npz")
            for r in (first, second)
        )
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])
    assert first.metrics == second.metrics
    assert runs.history(instance, first) == runs.history(instance, second)


def test_the_folder_holds_what_the_documentation_lists(session, instance, request):
    planted = plant(session)
    run = train(
        Instance(instance, session), TrainRequest(parameters={"representation": {"epochs": 2}})
    )
    folder = run_folders.run_folder(instance, run.public_id)
    document = (request.config.rootpath / "docs" / "architecture.md").read_text()
    for path in folder.iterdir():
        assert path.name in document, f"docs/architecture.md does not list {path.name}"
    manifest = runs.manifest(instance, run)
    n = len(planted)
    array = {
        name: run_folders.read_array(instance, run.public_id, f"{name}.npy")
        for name in ("track_ids", "song_keys", "values", "space", "latent")
    }
    assert array["values"].shape == (n, len(manifest["values"]["columns"]))
    assert array["space"].shape == (n, len(manifest["space"]["columns"]))
    assert array["latent"].shape == (n, 6)
    assert array["song_keys"].dtype == np.uint64
    assert (np.diff(array["track_ids"]) > 0).all()
    assert {"duration", "year"} <= set(manifest["space"]["columns"])
    assert not {"popularity", "explicit"} & set(manifest["space"]["columns"])
    assert manifest["features"]["used"] == list(ATTRIBUTE_NAMES)
    assert manifest["run_id"] == run.public_id
    assert manifest["parameters"]["representation"]["hidden"] == [12]
    assert manifest["metrics"] == run.metrics
    assert len(runs.history(instance, run)) == 2
    assert set(run.seconds) == {
        "read",
        "features",
        "representation",
        "clustering",
        "projection",
        "scores",
        "tastes",
        "portraits",
        "write",
        "total",
    }


def test_rows_agree_with_the_folder(session, instance):
    planted = plant(session)
    run = train(Instance(instance, session), QUICK)
    rows = session.scalars(select(ClusterAssignment).order_by(ClusterAssignment.track_id)).all()
    assert [row.label for row in rows] == labels_of(instance, run).tolist()
    assert len(rows) == run.track_count == len(planted)
    assert all(0 <= row.confidence <= 1 for row in rows)
    assert sum(cluster.size for cluster in runs.clusters_of(session, run)) == len(planted)


def test_a_profile_tells_median_share_genres_and_typical_tracks(session, instance):
    plant(session)
    run = train(Instance(instance, session), QUICK)
    folk = runs.clusters_of(session, run)[0].profile
    assert folk["median"]["energy"] == pytest.approx(0.2, rel=0.05)
    assert folk["share"]["energy"] == pytest.approx(30 / 2 / 75, abs=0.01)
    assert folk["genres"] == [["folk", 1.0, 2.5]]
    assert folk["emotions"] == []
    assert len(folk["typical"]) == len(set(folk["typical"])) == 10


def test_a_song_that_is_there_twice_is_typical_once(session, instance):
    for _ in range(6):
        make_track(session, song_key=77)
    other = make_track(session, song_key=78)
    run = train(Instance(instance, session), TrainRequest(representation="identity"))
    typical = runs.clusters_of(session, run)[0].profile["typical"]
    assert len(typical) == 2
    assert other.id in typical


def test_numbers_survive_a_retrain(session, instance):
    plant(session)
    first = train(Instance(instance, session), QUICK)
    for _ in range(20):  # metal, the smallest, becomes the largest
        make_track(session, **PLANTED["metal"], genres=("metal",))
    second = train(Instance(instance, session), QUICK)
    before, after = labels_of(instance, first), labels_of(instance, second)
    np.testing.assert_array_equal(before, after[: len(before)])
    assert [c.size for c in runs.clusters_of(session, second)] == [30, 25, 40]


@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_training_needs_nothing_of_a_published_run_that_is_broken(session, instance, damage):
    plant(session)
    folder = run_folders.run_folder(instance, train(Instance(instance, session), QUICK).public_id)
    if damage == "gone":
        shutil.rmtree(folder)
    else:
        (folder / "clustering.npz").write_bytes(b"PK")
    run = train(Instance(instance, session), QUICK)
    assert runs.published(session) is run
    assert [cluster.size for cluster in runs.clusters_of(session, run)] == [30, 25, 20]


def test_a_run_is_published_unless_told_otherwise(session, instance):
    plant(session)
    first = train(Instance(instance, session), QUICK)
    assert runs.published(session) is first
    second = train(Instance(instance, session), TrainRequest(**{**vars(QUICK), "publish": False}))
    assert runs.latest(session) is second
    assert runs.published(session) is first


def test_attributes_that_few_have_are_left_out_and_recorded(session, instance):
    for number in range(40):
        make_track(session, variance=None, liveness=None if number < 2 else 0.1 * (number % 9))
    run = train(Instance(instance, session), TrainRequest(representation="pca"))
    manifest = runs.manifest(instance, run)
    assert manifest["features"]["left_out"] == {"variance": 0.0}
    assert "liveness" in manifest["features"]["used"]
    assert "variance" not in manifest["features"]["used"]
    assert any("variance was left out" in note for note in manifest["notes"])


@pytest.mark.parametrize("tracks", [1, 2])
@pytest.mark.parametrize("representation", ["autoencoder", "pca", "identity"])
def test_a_tiny_catalogue_trains(session, instance, tracks, representation):
    for number in range(tracks):
        make_track(session, tempo=100.0 + number)
    run = train(
        Instance(instance, session),
        TrainRequest(representation=representation, parameters={"representation": {}}),
    )
    assert run.track_count == tracks
    assert 1 <= run.cluster_count <= tracks
    assert run.metrics["silhouette"] is None
    assert json.loads(json.dumps(run.metrics, allow_nan=False)) == run.metrics


def test_an_empty_catalogue_says_to_ingest_first(session, instance):
    with pytest.raises(NotReady, match="flask ingest"):
        train(Instance(instance, session), QUICK)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (TrainRequest(representation="autoencodr"), UnknownName),
        (TrainRequest(parameters={"projektion": {}}), UnknownName),
        (TrainRequest(parameters={"clustering": {"n_clusters": "many"}}), BadInput),
    ],
)
def test_a_wrong_request_fails_before_anything_is_read(instance, request_, error):
    with pytest.raises(error):
        train(Instance(instance, None), request_)
    with pytest.raises(UnknownName, match="feature set"):
        TrainRequest.from_json({"feature_set": "lyrics"})


def test_progress_rises_names_its_stages_and_is_silent_once_rows_are_written(
    session, instance, monkeypatch
):
    plant(session)
    seen = []
    insert_run = runs.insert_run

    def insert_silently(*arguments):
        before = len(seen)
        insert_run(*arguments)
        assert len(seen) == before

    monkeypatch.setattr(runs, "insert_run", insert_silently)
    train(Instance(instance, session), QUICK, lambda *report: seen.append(report))
    shares = [share for share, _, _ in seen]
    assert shares == sorted(shares)
    assert shares[-1] <= 1
    stages = list(dict.fromkeys(details["stage"] for _, _, details in seen))
    assert stages == [
        "read",
        "features",
        "representation",
        "clustering",
        "projection",
        "scores",
        "tastes",
        "portraits",
        "write",
    ]


def test_cancelling_leaves_no_run(session, instance):
    plant(session)

    def stop(share, message, details=None):
        if details["stage"] == "clustering":
            raise Cancelled

    with pytest.raises(Cancelled):
        train(Instance(instance, session), QUICK, stop)
    assert session.scalar(select(func.count()).select_from(Run)) == 0
    assert not run_folders.runs_folder(instance).exists()


def test_a_failure_while_writing_leaves_the_published_run_alone(session, instance, monkeypatch):
    plant(session)
    first = train(Instance(instance, session), QUICK)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(train_module, "write_folder", full)
    with pytest.raises(OSError, match="No space left"):
        train(Instance(instance, session), QUICK)
    assert runs.published(session) is first
    assert [p.name for p in run_folders.runs_folder(instance).iterdir()] == [first.public_id]
