"""From sound to the catalogue's own space: predicted, clustered, mapped, found beside others."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.features.extraction import make_extractors
from songrec.jobs import tasks
from songrec.prediction import folders, predictor
from songrec.services.features import feature_sets
from songrec.services.similarity import audio_similarity
from songrec.store import jobs
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.sound import feature_cache
from songrec.store.tables import AudioFile, Job, Track, TrackAttributes, Upload
from tests.factories import make_track
from tests.features.conftest import musicnn_models, musicnn_wheel
from tests.prediction.planted import QUICK
from tests.sounding import write_wav

__all__ = ["musicnn_models", "musicnn_wheel"]  # fixtures

TAUGHT, ALONE = 60, 12
ESTIMATED = (
    "energy",
    "positiveness",
    "danceability",
    "acousticness",
    "instrumentalness",
    "speechiness",
    "liveness",
)
API = "/api/v1/recommend/from-audio"


def run(app: Flask, *words: object) -> Any:
    result = app.test_cli_runner().invoke(args=[str(word) for word in words])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def work(session: Session) -> None:
    """Do the most urgent job that waits, as the worker would; segments come last."""
    job_id = jobs.claim(session, "worker")
    assert job_id is not None
    job = session.get_one(Job, job_id)
    result = getattr(tasks, job.kind)(session, job, lambda *_: None)
    assert jobs.finish(session, job.id, result, log="", details={})
    session.commit()
    assert session.get_one(Job, job.id).state == "done"


@pytest.fixture
def library(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Sounds whose energy their features tell; a catalogue that states it of most, not of all.

    The energies of those that nobody describes, in the order of their tracks. Features are planted
    under the real sets' names, so that a real upload can be told by the same predictor.
    """
    monkeypatch.setattr(predictor.BASE_MODELS, "names", lambda: QUICK)
    instance, rng = app.config["INSTANCE"], np.random.default_rng(5)
    sets = make_extractors(feature_sets.DEFAULT_SETS)
    keys = {name: feature_sets.key_of(name) for name in sets}
    directions = {name: rng.normal(size=len(made.names())) for name, made in sets.items()}
    for name, made in sets.items():
        feature_cache.write_columns(instance, keys[name], made.names())
    alone = []
    for number in range(TAUGHT + ALONE):
        energy = float(rng.uniform(0.05, 0.95))
        like = {"energy": energy, "positiveness": energy, "danceability": 0.5 * energy + 0.2}
        known = {"tempo": 120.0, "loudness": -20 + 12 * energy}
        if number < TAUGHT:
            make_track(session, song_key=5000 + number, **like, **known)
        else:
            alone.append(energy)
        track = make_track(
            session,
            f"Sound {number}",
            source_key=f"audio:{number}",
            song_key=5000 + number,
            **dict.fromkeys(ESTIMATED),
            **known,
        )
        digest = f"{number:064x}"
        measured = {name: {"value": value, "source": "measured"} for name, value in known.items()}
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
                info={"attributes": measured},
            )
        )
        for name, direction in directions.items():
            vector = (energy - 0.5) * direction + rng.normal(0, 0.05, len(direction))
            feature_cache.write(instance, keys[name], digest, vector.astype(np.float32))
            feature_cache.record(session, keys[name], digest)
    session.commit()
    return alone


def test_a_sound_that_nobody_described_finds_its_place_among_songs_without_sound(
    app: Flask, client: FlaskClient, session: Session, library: list[float], tmp_path: Path
) -> None:
    trained = run(app, "predict", "train", "--trials", 0, "--json")
    assert folders.ids(app.config["INSTANCE"]) == [trained["predictor"]]
    assert trained["targets"]["energy"]["r2"] > 0.8

    alone = session.scalars(
        select(Track).where(Track.source_key.like("audio:%")).order_by(Track.id).offset(TAUGHT)
    ).all()
    estimated = [track.attributes.energy for track in alone]
    assert np.corrcoef(estimated, library)[0, 1] > 0.9
    (file,) = session.scalars(select(AudioFile).where(AudioFile.track_id == alone[0].id))
    assert file.info["attributes"]["energy"]["source"] == "predicted"
    assert file.info["attributes"]["loudness"]["source"] == "measured"

    run(app, "train", "--representation", "pca", "--json")
    shown = runs.published(session)
    heard = set(session.scalars(select(AudioFile.track_id)))
    nearest = []
    for track in alone:
        found = tracks.find_track(session, track.public_id, shown)
        assert found is not None
        assert found.label is not None
        assert np.isfinite([found.x, found.y]).all()
        similar = audio_similarity.similar_by(
            Instance(app.config["INSTANCE"], session), found, 10, by="space"
        )
        silent = [m.track.id for m in similar if m.track.id not in heard]
        assert silent
        energies = select(TrackAttributes.energy).where(TrackAttributes.track_id.in_(silent))
        nearest.append(np.mean(session.scalars(energies).all()))
    assert np.corrcoef(nearest, library)[0, 1] > 0.7

    # The same predictor describes a song that somebody uploads.
    content = write_wav(tmp_path / "a.wav", 3.0).read_bytes()
    answer = client.post("/upload", data={"file": (io.BytesIO(content), "A song.wav")})
    work(session)
    result = session.scalars(select(Upload)).one().result
    assert result["attributes"]["energy"]["source"] == "predicted"
    assert 0 <= result["attributes"]["energy"]["value"] <= 1
    assert result["attributes"]["loudness"]["source"] == "measured"
    assert result["place"]["run_id"] == shown.public_id
    assert "energy" not in result["place"]["guessed"]
    assert "estimated from the sound" in client.get(answer.headers["Location"]).text


@pytest.mark.realdata
def test_real_sound_is_tagged_estimated_and_found_again(
    app: Flask,
    client: FlaskClient,
    session: Session,
    musicnn_models: Path,
    real_data: Path,
    tmp_path: Path,
) -> None:
    instance = app.config["INSTANCE"]
    (instance / "models").symlink_to(musicnn_models)
    sound = real_data / "audio"
    with (sound / "clips" / "clips.csv").open() as file:
        clips = [row["clip"] for row in csv.DictReader(file) if row["excerpt"] == "a"][
            :9
        ]  # with one track the ten that a run needs
    with (sound / "library" / "library.csv").open() as file:
        library = [row["path"] for row in csv.DictReader(file)][:1]
    folder = tmp_path / "music"
    folder.mkdir()
    for path in [
        *(sound / "clips" / clip for clip in clips),
        *(sound / "library" / path for path in library),
    ]:
        (folder / path.name).symlink_to(path)

    report = run(app, "analyze", folder, "--workers", 1, "--json")
    assert (report["analysed"], report["rejected"]) == (len(clips) + len(library), [])
    for file in session.scalars(select(AudioFile)):
        said = file.info["attributes"]
        sources = {name: entry["source"] for name, entry in said.items()}
        assert (sources["loudness"], sources["energy"]) == ("measured", "musicnn")
        assert all(0 <= said[name]["value"] <= 1 for name in ESTIMATED if name in said)
    again = run(app, "analyze", folder, "--json")
    assert (again["analysed"], again["unchanged"]) == (0, report["found"])

    run(app, "train", "--features", "musicnn", "--representation", "identity", "--json")
    for number, address in enumerate(("/upload", API)):
        clip = sound / "clips" / clips[number].replace("_a.", "_b.")
        answer = client.post(address, data={"file": (io.BytesIO(clip.read_bytes()), clip.name)})
        work(session)
        upload = session.scalars(select(Upload).order_by(Upload.id.desc())).first()
        tags = upload.result["tags"]
        assert len(tags["tags"]) == 8
        assert all(len(tag["over_time"]) == len(tags["times_s"]) == 3 for tag in tags["tags"])
        assert upload.result["attributes"]["energy"]["source"] == "musicnn"
        # Of ten songs the other excerpt of the same recording is one of the two most alike.
        alike = [
            tracks.find_track(session, similar["track_id"], None).id
            for similar in upload.result["similar"][:2]
        ]
        found = session.scalars(select(AudioFile.path).where(AudioFile.track_id.in_(alike)))
        assert clips[number] in {Path(path).name for path in found}
        text = client.get(answer.headers["Location"]).text
        if address == API:
            told = json.loads(text)
            assert (
                told["recommendations"][0]["track"]["id"] == upload.result["similar"][0]["track_id"]
            )
            assert told["attributes"]["energy"]["source"] == "musicnn"
        else:
            assert "estimated from the tags that MusiCNN hears" in text
            assert tags["tags"][0]["tag"] in text
