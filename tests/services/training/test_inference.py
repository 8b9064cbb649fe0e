"""A song of the catalogue that is placed anew lands where its run has it."""

from __future__ import annotations

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.clustering import CLUSTERINGS
from songrec.core.errors import NotReady
from songrec.recommend.similarity.similar import similar_tracks
from songrec.services.training.artifacts import PREDICTOR_FILE
from songrec.services.training.inference import embed_track
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import run_folders
from songrec.store.runs.spaces import published_space
from tests.factories import make_track
from tests.services.training.test_noise_and_labels import noisy


@pytest.mark.parametrize("representation", ["pca", "autoencoder", "identity"])
def test_what_the_run_has_seen_lands_where_it_was(
    app: Flask, session: Session, representation: str
) -> None:
    rng = np.random.default_rng(4)
    for _ in range(60):
        loud = float(rng.uniform(-20, -4))
        make_track(
            session,
            tempo=float(rng.uniform(70, 180)),
            loudness=loud,
            energy=rng.uniform(),
            danceability=rng.uniform(),
            positiveness=rng.uniform(),
            variance=rng.uniform(),
            acousticness=rng.uniform(),
            duration_ms=int(rng.integers(1e5, 4e5)),
        )
    instance = app.config["INSTANCE"]
    settings = {"clustering": {"n_clusters": 4}}
    if representation == "autoencoder":
        settings["representation"] = {"epochs": 2}
    run = train(
        Instance(instance, session),
        TrainRequest(representation=representation, parameters=settings),
    )
    session.commit()
    space = published_space(Instance(instance, session))
    for row in (0, 17, 59):
        known = dict(zip(space.value_names, map(float, space.values[row]), strict=True))
        known = {name: value for name, value in known.items() if not np.isnan(value)}
        placed = embed_track(instance, run, known, {})
        assert np.allclose(placed.vector, space.matrix[row], atol=1e-5)
        assert np.allclose(placed.latent, space.latent[row], atol=1e-4)
        assert np.allclose((placed.x, placed.y), space.coordinates[row], atol=1e-4)
        assert placed.label == space.labels[row]
        assert 0 <= placed.confidence <= 1
        # Its nearest neighbour is itself, and the reasons add up as they do for any song.
        joined, track_id = placed.append_to_space()
        (nearest, *_) = found = similar_tracks(joined, track_id, 5)
        assert nearest.track_id == space.track_ids[row]
        assert nearest.score == pytest.approx(1, abs=1e-6)
        for match in found:
            assert sum(r.contribution for r in match.reasons) == pytest.approx(
                match.score, abs=1e-5
            )


def test_what_is_unknown_is_told_and_lies_in_the_middle(app: Flask, session: Session) -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        make_track(session, tempo=float(rng.uniform(70, 180)), energy=rng.uniform())
    run = train(
        Instance(app.config["INSTANCE"], session), TrainRequest(representation="pca", parameters={})
    )
    session.commit()
    placed = embed_track(app.config["INSTANCE"], run, {"tempo": 120.0}, {})
    assert "energy" in placed.guessed
    assert "tempo" not in placed.guessed
    assert placed.vector[placed.space.columns.index("energy")] == 0
    # Beyond everything known it lies as far out as the outermost, not at infinity.
    assert np.isfinite(embed_track(app.config["INSTANCE"], run, {"tempo": 299.0}, {}).vector).all()
    with pytest.raises(NotReady, match="Nothing"):
        embed_track(app.config["INSTANCE"], run, {}, {})


@pytest.mark.parametrize(
    ("clustering", "parameters"),
    [
        ("kmeans", {"n_clusters": 3}),
        ("agglomerative", {"n_clusters": 3}),
        ("dbscan", {}),
        ("weighted_kmeans", {"n_clusters": 3, "beta": 3.0}),
        ("hdbscan", {"min_cluster_size": 8}),
        ("gmm", {"n_clusters": 3, "covariance_type": "diag"}),
    ],
)
def test_tracks_of_a_run_are_predicted_in_their_clusters_also_without_a_saved_predictor(
    app: Flask, session: Session, clustering: str, parameters: dict[str, object]
) -> None:
    noisy(session)
    instance = app.config["INSTANCE"]
    request = TrainRequest(
        representation="identity",
        clustering=clustering,
        projection="tsne",
        parameters={"clustering": parameters, "projection": {"n_iter": 100}},
    )
    run = train(Instance(instance, session), request)
    session.commit()
    space = published_space(Instance(instance, session))
    apart = np.flatnonzero(space.labels == -1)
    predictor = run_folders.run_folder(instance, run.public_id) / PREDICTOR_FILE
    assert predictor.is_file() == bool(CLUSTERINGS.entry(clustering).load().FITTED)
    for _ in range(2):
        for row in (0, 40, 70, *apart[:3].tolist()):
            known = dict(zip(space.value_names, map(float, space.values[row]), strict=True))
            known = {name: value for name, value in known.items() if not np.isnan(value)}
            placed = embed_track(instance, run, known, {})
            assert placed.label == space.labels[row]
            assert (placed.label >= 0) == (placed.confidence > 0)
            assert np.allclose((placed.x, placed.y), space.coordinates[row], atol=1e-2)
        # A run of an older version has no such file: its nearest tracks vote.
        predictor.unlink(missing_ok=True)
