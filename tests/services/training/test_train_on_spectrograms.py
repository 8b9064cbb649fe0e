"""Runs on spectrograms: trained from the cache, written whole, and a new song placed in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.features.registry import parse_features
from songrec.services.features import feature_sets
from songrec.services.training import model_inputs
from songrec.services.training.inference import embed_track
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import run_folders
from songrec.store.sound import feature_cache, spectrograms
from songrec.store.tables import AudioFile, Lyrics
from tests.factories import make_track
from tests.spectrograms import BANDS, two_kinds

TRACKS = 40
KNOWN = {"tempo": 110.0, "energy": 0.6}
SMALL = {
    "bands": 16,
    "frames": 16,
    "filters": 4,
    "units": 16,
    "latent": 3,
    "epochs": 12,
    "learning_rate": 3e-3,
}


@pytest.fixture
def seen(app: Flask, session: Session) -> list[int]:
    """Tracks of two kinds of sound, of different lengths, every other with lyrics; one without."""
    instance: Path = app.config["INSTANCE"]
    key = feature_sets.key_of("melspectrogram")
    feature_cache.write_columns(instance, key, [f"mel_{band}" for band in range(BANDS)])
    pictures, kinds = two_kinds(TRACKS)
    make_track(session)
    ids = []
    for number, (picture, kind) in enumerate(zip(pictures, kinds, strict=True)):
        track = make_track(session, tempo=100.0 + number)
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
        picture = np.hstack([picture, picture[:, : number % 4]])
        feature_cache.write(instance, key, digest, picture)
        feature_cache.record(session, key, digest)
        if number % 4 < 2:
            words = "bell choir organ" if kind == 0 else "drum march boots"
            session.add(Lyrics(track_id=track.id, text=f"[Chorus]\n{words}\n{words} road"))
        ids.append(track.id)
    session.commit()
    return ids


def request(
    representation: str, feature_set: str = "melspectrogram", **more: object
) -> TrainRequest:
    return TrainRequest(
        feature_set=parse_features(feature_set),
        representation=representation,
        parameters={"representation": {**SMALL, **more}, "clustering": {"n_clusters": 2}},
    )


@pytest.mark.parametrize("representation", ["conv_vae", "hybrid_conv_vae"])
def test_a_run_on_spectrograms_is_whole_and_takes_new_songs(
    app: Flask, session: Session, seen: list[int], representation: str
) -> None:
    instance: Path = app.config["INSTANCE"]
    run = train(Instance(instance, session), request(representation))
    session.commit()
    ids, _ = run_folders.read_labels(instance, run.public_id)
    assert ids.tolist() == seen
    manifest = run_folders.read_json(instance, run.public_id, "manifest.json")
    sizes = [manifest["metrics"][f"spectrogram_{side}"] for side in ("bands", "frames")]
    assert sizes == [BANDS, 49]  # the median of 48, 49, 50 and 51 frames
    assert 0 < manifest["metrics"]["reconstruction_mse"] < 1.2
    history = run_folders.read_json(instance, run.public_id, "history.json")
    assert {"reconstruction", "kl"} <= set(history[-1])
    if representation == "hybrid_conv_vae":
        assert manifest["metrics"]["tracks_with_text"] == TRACKS / 2

    # The very picture (and words) of a track: it lands where the run has it.
    key = feature_sets.key_of("melspectrogram")
    picture = feature_cache.read(instance, key, f"{5:064x}")
    text = session.get_one(Lyrics, seen[5]).text
    placed = embed_track(
        instance, run, KNOWN, {}, model_inputs.TrackInputs(text=text, spectrogram=picture)
    )
    latent = run_folders.read_array(instance, run.public_id, "latent.npy")
    np.testing.assert_allclose(placed.latent, latent[5], atol=1e-3)
    with pytest.raises(NotReady, match="this song has none"):
        embed_track(instance, run, KNOWN, {})


def test_vectors_beside_the_pictures_make_the_space(
    app: Flask, session: Session, seen: list[int]
) -> None:
    run = train(
        Instance(app.config["INSTANCE"], session), request("conv_vae", "melspectrogram,attributes")
    )
    manifest = run_folders.read_json(app.config["INSTANCE"], run.public_id, "manifest.json")
    assert "attributes:tempo" in manifest["features"]["used"]
    assert run.track_count == TRACKS


def test_pictures_and_vectors_are_not_mistaken_for_one_another(
    app: Flask, session: Session, seen: list[int]
) -> None:
    with pytest.raises(BadInput, match="picture of the sound, and the representation 'pca'"):
        request("pca").validated_parameters()
    with pytest.raises(BadInput, match="'conv_vae' looks at spectrograms: choose --features mel"):
        request("conv_vae", "attributes").validated_parameters()


def test_what_was_not_analysed_is_told(app: Flask, session: Session) -> None:
    make_track(session)
    with pytest.raises(NotReady, match="0 tracks have the features melspectrogram"):
        train(Instance(app.config["INSTANCE"], session), request("conv_vae"))


def test_pictures_are_read_from_disk_in_the_tables_order(
    app: Flask, session: Session, seen: list[int]
) -> None:
    key = feature_sets.key_of("melspectrogram")
    ids = np.array(seen[8:20])
    found = spectrograms.of_tracks(Instance(app.config["INSTANCE"], session), key, ids)
    assert found.shape == (12, BANDS, 49)
    one, other = found.read(np.array([9, 4]))
    pictures, _ = two_kinds(TRACKS)
    whole = np.hstack([pictures[17], pictures[17][:, :1]])
    np.testing.assert_array_equal(one, whole)
    np.testing.assert_array_equal(other[:, :48], pictures[12])
    assert (other[:, 48] == pictures[12].min()).all()


def test_a_picture_that_is_gone_leaves_its_track_out(
    app: Flask, session: Session, seen: list[int]
) -> None:
    instance = app.config["INSTANCE"]
    key = feature_sets.key_of("melspectrogram")
    (feature_cache.folder(instance) / feature_cache.relative_path(key, f"{3:064x}")).unlink()
    assert seen[3] not in spectrograms.tracks(Instance(instance, session), key)
    with pytest.raises(NotReady, match="1 of 40 tracks have no spectrogram"):
        spectrograms.of_tracks(Instance(instance, session), key, np.array(seen))
