"""A run on feature sets of the sound: clustered, mapped and recommended like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady, UnknownName
from songrec.core.feature_spec import AUTO, FeatureSpec
from songrec.core.types import FeatureTable
from songrec.features.registry import parse_features
from songrec.features.whitening_pca import Components
from songrec.services.features import feature_sets
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs, spaces
from songrec.store.sound import feature_cache
from songrec.store.tables import AudioFile
from tests.factories import make_track

TRACKS = 24


@pytest.fixture
def heard(app: Flask, session: Session) -> list[int]:
    """Tracks with planted vectors in two groups, and one track without audio."""
    instance = app.config["INSTANCE"]
    rng = np.random.default_rng(3)
    names = {"mfcc": ("a", "b", "c"), "statistical": ("x", "key", "rare", "never")}
    keys = {name: feature_sets.key_of(name) for name in names}
    for name, columns in names.items():
        feature_cache.write_columns(instance, keys[name], columns)
    ids = []
    make_track(session)
    for number in range(TRACKS):
        group = number % 2
        unknown = {"energy": None, "positiveness": None, "year": None}
        track = make_track(session, genres=("rock", "jazz")[group : group + 1], **unknown)
        digest = f"{number:064x}"
        session.add(
            AudioFile(
                public_id=f"f{number}",
                track_id=track.id,
                root="/m",
                path=f"/m/{number}",
                content_hash=digest,
                size=1,
                modified_ns=1,
                state="analysed",
                info={},
            )
        )
        rare = 1.0 if number < 4 else np.nan
        vectors = {
            "mfcc": rng.normal(10 * group, 1, 3),
            "statistical": [rng.normal(-5 * group, 1), number % 12, rare, np.nan],
        }
        for name, vector in vectors.items():
            feature_cache.write(instance, keys[name], digest, np.asarray(vector, np.float32))
            feature_cache.record(session, keys[name], digest)
        ids.append(track.id)
    session.commit()
    return ids


def request(feature_set: str) -> TrainRequest:
    parameters = {"representation": {"latent": 2}, "clustering": {"n_clusters": 2}}
    return TrainRequest(
        feature_set=parse_features(feature_set),
        representation="pca",
        parameters=parameters,
        publish=True,
    )


def test_a_run_on_sound_has_the_tracks_that_were_heard_and_finds_their_groups(
    app: Flask, session: Session, heard: list[int]
) -> None:
    instance: Path = app.config["INSTANCE"]
    run = train(Instance(instance, session), request("mfcc,statistical"))
    session.commit()
    assert (run.track_count, run.feature_set) == (TRACKS, "mfcc,statistical")
    ids, labels = run_folders.read_labels(instance, run.public_id)
    assert ids.tolist() == heard
    assert len({tuple(labels[::2]), tuple(labels[1::2])}) == 2
    assert len(set(labels[::2])) == len(set(labels[1::2])) == 1
    space = spaces.published_space(Instance(instance, session))
    assert {"timbre_1", "timbre_2", "timbre_3", "sound_1"} <= set(space.columns)
    clusters = runs.clusters_of(session, run)
    assert {cluster.name.split()[-1] for cluster in clusters} == {"rock", "jazz"}


def test_columns_that_hardly_anything_has_and_pitch_classes_are_left_out(
    app: Flask, session: Session, heard: list[int]
) -> None:
    run = train(Instance(app.config["INSTANCE"], session), request("statistical"))
    manifest = run_folders.read_json(app.config["INSTANCE"], run.public_id, "manifest.json")
    assert manifest["features"]["used"] == ["statistical:x"]
    assert manifest["features"]["left_out"] == {"statistical:rare": 0.1667, "statistical:never": 0}


def test_sets_are_put_side_by_side(app: Flask, session: Session, heard: list[int]) -> None:
    run = train(Instance(app.config["INSTANCE"], session), request("attributes, genre, mfcc"))
    used = run_folders.read_json(app.config["INSTANCE"], run.public_id, "manifest.json")[
        "features"
    ]["used"]
    assert used[0].startswith("attributes:")
    assert "attributes:energy" not in used
    assert used[-5:] == ["genre:jazz", "genre:rock", "mfcc:a", "mfcc:b", "mfcc:c"]


def test_labels_alone_train_every_track(app: Flask, session: Session, heard: list[int]) -> None:
    run = train(Instance(app.config["INSTANCE"], session), request("genre"))
    assert run.track_count == TRACKS + 1


def test_what_was_not_analysed_is_told(app: Flask, session: Session, heard: list[int]) -> None:
    with pytest.raises(NotReady, match="flask analyze DIR --features mert"):
        train(Instance(app.config["INSTANCE"], session), request("mert"))
    with pytest.raises(UnknownName, match="Did you mean 'mfcc'"):
        train(Instance(app.config["INSTANCE"], session), request("attributes,mfc"))


def test_components_are_uncorrelated_of_unit_variance_and_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(200, 2))
    values = np.column_stack([base, base[:, 0] + base[:, 1], rng.normal(size=200)])
    names = ("mfcc:a", "mfcc:b", "mfcc:c", "genre:rock")
    table = FeatureTable(
        np.arange(200), names, values.astype(np.float32), FeatureSpec(("mfcc", "genre"))
    )
    fitted = Components.fit(table)
    assert fitted.names == ("timbre_1", "timbre_2", "genre_1")
    found = fitted.transform(table)
    covariance = np.cov(found[:, :2].T)
    np.testing.assert_allclose(covariance, np.eye(2), atol=0.02)
    fitted.save(tmp_path / "sound.npz")
    again = Components.load(tmp_path / "sound.npz")
    np.testing.assert_array_equal(again.transform(table), found)


def test_features_left_to_songrec_are_those_that_suit_the_model(
    app: Flask, session: Session, heard: list[int]
) -> None:
    def learnt_from(representation: str) -> str:
        request = TrainRequest(feature_set=AUTO, representation=representation)
        request.validated_parameters()
        return str(request.with_resolved_features(session).feature_set)

    assert learnt_from("vae") == "mfcc"
    assert learnt_from("autoencoder") == "attributes"
    assert learnt_from("conv_vae") == "melspectrogram"
    for _ in range(TRACKS):  # most songs of the catalogue are no longer analysed
        make_track(session)
    assert learnt_from("vae") == "attributes"
    named = TrainRequest(feature_set=FeatureSpec(("mfcc",)), representation="vae")
    assert named.with_resolved_features(session) == named


def test_a_run_left_to_songrec_keeps_the_name_of_what_it_learnt_from(
    app: Flask, session: Session, heard: list[int]
) -> None:
    parameters = {"representation": {"latent": 2, "epochs": 1}, "clustering": {"n_clusters": 2}}
    asked = TrainRequest(feature_set=AUTO, representation="vae", parameters=parameters)
    run = train(Instance(app.config["INSTANCE"], session), asked)
    assert (run.feature_set, run.track_count) == ("mfcc", TRACKS)
