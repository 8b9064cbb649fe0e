"""Models that are told labels, and models that cluster by themselves, from training to placing."""

from __future__ import annotations

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.cli.runs import train_command
from songrec.core.errors import BadInput, NotReady
from songrec.core.types import FeatureTable
from songrec.features.scaling import Scaler
from songrec.representation.vade import VaDE
from songrec.services.training import model_inputs
from songrec.services.training.inference import embed_track
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs
from songrec.store.runs.spaces import published_space
from tests.factories import make_track

QUICK = {"hidden": "8", "epochs": "2"}
GENRES = ("rock", "jazz", "")


def plant(session: Session, tracks: int = 60) -> None:
    random = np.random.default_rng(4)
    for number in range(tracks):
        genre = GENRES[number % 3]
        make_track(
            session,
            tempo=float(random.uniform(70, 180)),
            energy=random.uniform(),
            loudness=float(random.uniform(-20, -4)),
            danceability=random.uniform(),
            genres=(genre,) if genre else (),
        )


def song_of(space, row: int) -> dict[str, float]:
    known = dict(zip(space.value_names, map(float, space.values[row]), strict=True))
    return {name: value for name, value in known.items() if not np.isnan(value)}


def test_of_several_labels_a_track_has_the_commonest(app: Flask, session: Session) -> None:
    given = [("pop",), ("pop", "dance"), (), ("dance", "zydeco"), ("zydeco",), ("pop",)]
    tracks = [make_track(session, genres=genres) for genres in given]
    found = model_inputs.labels_of(session, "genre", np.array([track.id for track in tracks]))
    assert found == ["pop", "pop", None, "dance", "zydeco", "pop"]


def test_a_label_that_nobody_has_says_so(app: Flask, session: Session) -> None:
    plant(session, 12)
    request = TrainRequest(
        representation="cvae", parameters={"representation": {"condition": "emotion"}}
    )
    with pytest.raises(NotReady, match="'emotion'"):
        train(Instance(app.config["INSTANCE"], session), request)


def test_a_song_is_placed_with_its_label_or_without(app: Flask, session: Session) -> None:
    plant(session)
    instance = app.config["INSTANCE"]
    settings = {"representation": QUICK, "clustering": {"n_clusters": 3}}
    run = train(
        Instance(instance, session), TrainRequest(representation="cvae", parameters=settings)
    )
    session.commit()
    assert set(run.metrics) >= {"label_leakage", "label_leakage_chance", "label_leakage_vae"}
    space = published_space(Instance(instance, session))
    for row in (0, 16, 59):
        labels = {"genre": GENRES[row % 3]} if GENRES[row % 3] else {}
        placed = embed_track(
            instance, run, song_of(space, row), {}, model_inputs.TrackInputs(labels)
        )
        np.testing.assert_allclose(placed.latent, space.latent[row], atol=1e-4)
        assert placed.label == space.labels[row]
    unlabelled = embed_track(instance, run, song_of(space, 0), {})
    assert not np.allclose(unlabelled.latent, space.latent[0], atol=1e-4)
    assert np.isfinite(unlabelled.latent).all()


def test_a_models_own_clusters_are_the_runs_and_place_new_songs(
    app: Flask, session: Session
) -> None:
    plant(session)
    instance = app.config["INSTANCE"]
    settings = {"representation": {**QUICK, "n_clusters": 4}}
    run = train(
        Instance(instance, session),
        TrainRequest(representation="vade", clustering="vade", parameters=settings),
    )
    session.commit()
    folder = run_folders.run_folder(instance, run.public_id)
    space = published_space(Instance(instance, session))
    assert run.cluster_count == len(np.unique(space.labels)) == len(runs.clusters_of(session, run))
    with np.load(folder / "clustering.npz") as arrays:
        probabilities = arrays["probabilities"].astype(np.float32)
        assert len(arrays["centres"]) == run.cluster_count
    assert probabilities.shape == (60, run.cluster_count)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=5e-3)
    # Columns follow the run's numbers, up to what float16 rounds away.
    rows = np.arange(60)
    assert (probabilities[rows, space.labels] >= probabilities.max(axis=1) - 2e-3).all()
    model = VaDE.load(folder)
    scaler = Scaler.load(folder / "scaler.npz")
    raw = np.stack(
        [space.values[:, space.value_names.index(name)] for name in scaler.columns], axis=1
    )
    table = scaler.transform(FeatureTable(space.track_ids, scaler.columns, raw))
    own = model.assign(table).labels
    assert len(set(zip(own.tolist(), space.labels.tolist(), strict=True))) == run.cluster_count
    for row in (0, 16, 59):
        placed = embed_track(instance, run, song_of(space, row), {})
        assert placed.label == space.labels[row]
        assert 0 <= placed.confidence <= 1


def test_own_clusters_of_a_model_that_has_none_fail_before_anything_is_read(app: Flask) -> None:
    request = TrainRequest(representation="pca", clustering="vade")
    with pytest.raises(BadInput, match="'pca' makes none: choose --representation vade"):
        train(Instance(app.config["INSTANCE"], None), request)  # type: ignore[arg-type]


def test_the_number_of_clusters_goes_to_whom_it_concerns(app: Flask, session: Session) -> None:
    plant(session)
    session.commit()
    result = app.test_cli_runner().invoke(
        train_command,
        [
            "--representation",
            "vade",
            "--clustering",
            "vade",
            "--clusters",
            "3",
            "--epochs",
            "1",
            "--set",
            "hidden=8",
            "--set",
            "pretraining=0",
        ],
    )
    assert result.exit_code == 0, result.output
    run = runs.published(session)
    assert run.parameters["representation"]["n_clusters"] == 3
    assert run.parameters["clustering"] == {}
