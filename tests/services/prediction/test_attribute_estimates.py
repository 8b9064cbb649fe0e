"""Estimates fill in what is unknown, say what they are, and never replace a measurement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.types import FeatureTable, Floats
from songrec.features.audio.musicnn_tags import MSD_TAGS
from songrec.services.features import feature_sets
from songrec.services.prediction import attribute_estimates
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache
from songrec.store.tables import AudioFile, Track
from tests.factories import make_track

UNKNOWN = dict.fromkeys(
    ("energy", "positiveness", "tempo", "loudness", "danceability", "instrumentalness", "liveness")
)


class FixedEstimator:
    """A predictor whose answers are known: energy is the one feature there is."""

    def __init__(self, name: str, more: float = 0.0) -> None:
        self.id, self.more = name, more

    def attributes(self, table: FeatureTable) -> dict[str, Floats]:
        energy = table.values[:, 0] + np.float32(self.more)
        rest = {"loudness": -5.0, "danceability": 0.4, "positiveness": np.nan, "key": 3.0}
        return {"energy": energy, **{n: np.full(len(energy), v) for n, v in rest.items()}}


@pytest.fixture
def file(app: Flask, session: Session) -> AudioFile:
    track = make_track(session, **{**UNKNOWN, "loudness": -20.0, "danceability": 0.9})
    known = {"loudness": {"value": -20.0, "source": "measured"}}
    file = AudioFile(
        public_id="f",
        track_id=track.id,
        root="/m",
        path="/m/a",
        content_hash="0" * 64,
        size=1,
        modified_ns=1,
        state="analysed",
        info={"attributes": known, "start_s": 1.0},
    )
    session.add(file)
    key = feature_sets.key_of("mfcc")
    feature_cache.write_columns(app.config["INSTANCE"], key, ("a",))
    feature_cache.write(app.config["INSTANCE"], key, "0" * 64, np.array([0.7], np.float32))
    feature_cache.record(session, key, "0" * 64)
    session.commit()
    return file


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> list[FixedEstimator | None]:
    newest: list[FixedEstimator | None] = [FixedEstimator("p1")]
    monkeypatch.setattr(attribute_estimates, "_sets", lambda instance: ["mfcc"])
    monkeypatch.setattr(attribute_estimates, "load_estimator", lambda instance, columns: newest[-1])
    return newest


def test_unknown_attributes_are_estimated_and_marked(
    app: Flask, session: Session, file: AudioFile, predictor: list[Any]
) -> None:
    assert attribute_estimates.refresh(Instance(app.config["INSTANCE"], session)) == 1
    session.commit()
    track = session.get_one(Track, file.track_id)
    assert track.attributes.energy == pytest.approx(0.7)
    assert track.key == 3
    assert track.attributes.positiveness is None
    assert file.info["attributes"]["energy"]["source"] == "predicted"
    assert file.info["start_s"] == 1.0


def test_what_was_measured_or_stated_stays(
    app: Flask, session: Session, file: AudioFile, predictor: list[Any]
) -> None:
    attribute_estimates.refresh(Instance(app.config["INSTANCE"], session))
    track = session.get_one(Track, file.track_id)
    assert (track.attributes.loudness, track.attributes.danceability) == (-20.0, 0.9)
    assert file.info["attributes"]["loudness"]["source"] == "measured"
    assert "danceability" not in file.info["attributes"]


def test_a_newer_predictor_replaces_estimates_within_their_range_and_the_same_does_nothing(
    app: Flask, session: Session, file: AudioFile, predictor: list[Any]
) -> None:
    attribute_estimates.refresh(Instance(app.config["INSTANCE"], session))
    assert attribute_estimates.refresh(Instance(app.config["INSTANCE"], session)) == 0
    predictor.append(FixedEstimator("p2", more=0.8))
    assert attribute_estimates.refresh(Instance(app.config["INSTANCE"], session)) == 1
    assert session.get_one(Track, file.track_id).attributes.energy == 1.0
    assert file.info["predictor"] == "p2"


def test_without_a_predictor_nothing_happens(app: Flask, session: Session, file: AudioFile) -> None:
    assert attribute_estimates.refresh(Instance(app.config["INSTANCE"], session)) == 0
    assert "predictor" not in file.info


@pytest.fixture
def tagged(app: Flask, session: Session, file: AudioFile) -> AudioFile:
    """The file's tags are known: a loud one, sung."""
    key = feature_sets.key_of(feature_sets.TAGS)
    heard = {"rock": 0.6, "hard rock": 0.4, "male vocalists": 0.3, "metal": 0.3}
    values = np.array([heard.get(tag, 0.0) for tag in MSD_TAGS], np.float32)
    feature_cache.write_columns(app.config["INSTANCE"], key, MSD_TAGS)
    feature_cache.write(app.config["INSTANCE"], key, str(file.content_hash), values)
    feature_cache.record(session, key, str(file.content_hash))
    session.commit()
    return file


def test_without_a_predictor_tags_estimate_and_are_named(
    app: Flask, session: Session, tagged: AudioFile
) -> None:
    assert attribute_estimates.refresh(Instance(app.config["INSTANCE"], session)) == 1
    assert attribute_estimates.refresh(Instance(app.config["INSTANCE"], session)) == 0
    session.commit()
    attributes = session.get_one(Track, tagged.track_id).attributes
    assert attributes.energy > 0.65
    assert attributes.instrumentalness < 0.2
    assert tagged.info["attributes"]["energy"] == {"value": attributes.energy, "source": "musicnn"}
    assert (attributes.loudness, attributes.danceability) == (-20.0, 0.9)  # measured, stated
    assert tagged.info["attributes"]["loudness"]["source"] == "measured"
    assert attributes.liveness is None  # no tag tells it


def test_a_predictor_takes_over_from_the_tags_and_keeps_the_word(
    app: Flask, session: Session, tagged: AudioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = app.config["INSTANCE"]
    attribute_estimates.refresh(Instance(instance, session))
    heard = session.get_one(Track, tagged.track_id).attributes.positiveness
    monkeypatch.setattr(attribute_estimates, "_sets", lambda instance: ["mfcc"])
    monkeypatch.setattr(
        attribute_estimates, "load_estimator", lambda instance, columns: FixedEstimator("p1")
    )
    assert attribute_estimates.refresh(Instance(instance, session)) == 1
    assert attribute_estimates.refresh(Instance(instance, session)) == 0
    said = tagged.info["attributes"]
    assert session.get_one(Track, tagged.track_id).attributes.energy == pytest.approx(0.7)
    assert said["energy"]["source"] == "predicted"
    # The predictor knows nothing of positiveness: the tags' word stands.
    assert said["positiveness"] == {"value": heard, "source": "musicnn"}


def test_vibenet_comes_between_the_tags_and_a_predictor(
    app: Flask, session: Session, tagged: AudioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = app.config["INSTANCE"]
    instance = Instance(folder, session)
    attribute_estimates.refresh(instance)
    key, names = feature_sets.key_of(feature_sets.VIBENET), ("energy", "liveness", "danceability")
    feature_cache.write_columns(folder, key, names)
    values = np.array([0.25, 0.75, 0.5], np.float32)
    feature_cache.write(folder, key, str(tagged.content_hash), values)
    feature_cache.record(session, key, str(tagged.content_hash))
    session.commit()
    assert attribute_estimates.refresh(instance) == 1
    assert attribute_estimates.refresh(instance) == 0
    sources = {name: entry["source"] for name, entry in tagged.info["attributes"].items()}
    assert (sources["energy"], sources["liveness"]) == ("vibenet", "vibenet")
    assert sources["positiveness"] == "musicnn"
    attributes = session.get_one(Track, tagged.track_id).attributes
    assert (attributes.energy, attributes.liveness, attributes.danceability) == (0.25, 0.75, 0.9)
    monkeypatch.setattr(attribute_estimates, "_sets", lambda instance: ["mfcc"])
    monkeypatch.setattr(
        attribute_estimates, "load_estimator", lambda instance, columns: FixedEstimator("p1")
    )
    assert attribute_estimates.refresh(instance) == 1
    sources = {name: entry["source"] for name, entry in tagged.info["attributes"].items()}
    assert (sources["energy"], sources["liveness"]) == ("predicted", "vibenet")
