"""Training on the real catalogues."""

import re
from pathlib import Path

import pytest
from sqlalchemy import delete

from songrec.clustering.naming import WORDS
from songrec.services.catalogue.ingest import ingest_file
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.tables import PlaylistTrack

pytestmark = pytest.mark.realdata


def catalogue(real_data: Path, name: str) -> Path:
    path = real_data / "catalogues" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def test_the_clusters_of_a_real_catalogue_have_names_a_person_understands(
    session, instance, real_data
):
    ingest_file(session, catalogue(real_data, "tidytuesday_spotify_songs.csv"))
    # What playlists teach takes most of a training and says nothing of clusters.
    session.execute(delete(PlaylistTrack))
    run = train(Instance(instance, session), TrainRequest())
    clusters = runs.clusters_of(session, run)
    assert run.cluster_count == len(clusters) == 10
    assert run.metrics["reconstruction_mse"] < 0.25
    assert run.metrics["silhouette"] > 0.1
    for cluster in clusters:
        *before, _ = cluster.name.split()
        assert {word for word in before if not re.fullmatch(r"\d\d(\d\d)?s", word)} <= set(WORDS)
        assert 1 <= len(before) <= 3, cluster.name
        assert all(share >= 0.5 for _, share in cluster.profile["words"]), cluster.name
    assert run.metrics["name_word_share"] >= 0.6
    assert len({cluster.name for cluster in clusters}) == 10


def test_a_small_sample_with_emotions_trains_and_is_silent_about_lyrics(
    session, instance, real_data
):
    ingest_file(session, catalogue(real_data, "spotify_900k_sample.csv"))
    run = train(Instance(instance, session), TrainRequest(representation="pca"))
    clusters = runs.clusters_of(session, run)
    assert any(cluster.profile["emotions"] for cluster in clusters)
    assert all(re.fullmatch(r"[\w&' /.-]{3,60}", cluster.name) for cluster in clusters)
