"""A song that comes later is extracted as the songs of the run were, not as most are by then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.features.audio.mfcc import Mfcc
from songrec.features.extraction import make_extractors
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.services.features import feature_sets, run_settings
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.services.uploads import analyze_upload
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs
from songrec.store.sound import feature_cache
from songrec.store.tables import AudioFile, Run, Upload
from tests.factories import make_track
from tests.sounding import write_wav

MFCC = FeatureSpec(("mfcc",))
THEN = replace(DEFAULTS, n_mfcc=5)


def plant(session: Session, instance: Path, settings: AudioSettings, numbers: range) -> None:
    """Tracks with MFCCs by ``settings``, drawn at random."""
    rng = np.random.default_rng(numbers.start)
    key = feature_sets.key_of("mfcc", settings)
    names = make_extractors(["mfcc"], settings)["mfcc"].names()
    feature_sets.write_columns(instance, key, names, settings)
    for number in numbers:
        track, digest = make_track(session), f"{number:064x}"
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
        feature_cache.write(instance, key, digest, rng.normal(size=len(names)).astype(np.float32))
        feature_cache.record(session, key, digest)
    session.commit()


@pytest.fixture
def learnt(app: Flask, session: Session) -> Run:
    """A run on MFCCs by the settings of then; most of the library has others by now."""
    instance = app.config["INSTANCE"]
    plant(session, instance, THEN, range(16))
    settings = {"representation": {"latent": 2}, "clustering": {"n_clusters": 2}}
    request = TrainRequest(feature_set=MFCC, representation="pca", parameters=settings)
    run = train(Instance(instance, session), request)
    session.commit()
    plant(session, instance, DEFAULTS, range(100, 120))
    return run


def change(instance: Path, run: Run, **told: object) -> None:
    """Rewrite what the run notes of its MFCCs."""
    path = run_folders.run_folder(instance, run.public_id) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["feature_settings"]["mfcc"].update(told)
    path.write_text(json.dumps(manifest))


def an_upload(session: Session, tmp_path: Path) -> Upload:
    path = write_wav(tmp_path / "song.wav", 3.0)
    row = Upload(public_id="u1", name="song.wav", path=str(path), size=path.stat().st_size)
    session.add(row)
    session.flush()
    return row


def test_a_run_notes_the_settings_that_it_learnt_from(
    app: Flask, session: Session, learnt: Run
) -> None:
    manifest = runs.manifest(app.config["INSTANCE"], learnt)
    key = feature_sets.key_of("mfcc", THEN)
    assert manifest["feature_settings"]["mfcc"] == {
        "version": Mfcc.version,
        "digest": key.digest,
        "parameters": {
            "sample_rate": 22_050,
            "seconds": 30.0,
            "where": "middle",
            "n_fft": 2048,
            "hop_length": 512,
            "n_mels": 128,
            "n_mfcc": 5,
        },
    }
    assert feature_sets.most_common_settings(session, "mfcc") == feature_sets.key_of("mfcc")
    settings = run_settings.settings_of(app.config["INSTANCE"], learnt)
    assert feature_sets.key_of("mfcc", settings["mfcc"]) == key
    assert run_settings.settings_of(app.config["INSTANCE"], None) == {}


def test_an_upload_is_extracted_as_the_run_was_and_kept_as_both_are(
    app: Flask, session: Session, learnt: Run, tmp_path: Path
) -> None:
    instance = app.config["INSTANCE"]
    row = an_upload(session, tmp_path)
    result = analyze_upload.analyse(Instance(instance, session), row, longest_s=60)
    assert result["problem"] is None
    assert result["place"]["run_id"] == learnt.public_id
    assert len(result["similar"]) > 5
    file = analyze_upload.keep(Instance(instance, session), row)
    for settings, width in ((THEN, 5 * 21), (DEFAULTS, 13 * 21)):
        key = feature_sets.key_of("mfcc", settings)
        assert feature_cache.read(instance, key, str(file.content_hash)).shape == (width,)


def test_an_upload_is_described_all_the_same_where_the_settings_are_gone(
    app: Flask, session: Session, learnt: Run, tmp_path: Path
) -> None:
    change(app.config["INSTANCE"], learnt, version=Mfcc.version - 1)
    row = an_upload(session, tmp_path)
    result = analyze_upload.analyse(Instance(app.config["INSTANCE"], session), row, longest_s=60)
    assert result["problem"] == (
        f"The run {learnt.public_id} was trained on mfcc, version {Mfcc.version - 1}; this songrec "
        f"extracts version {Mfcc.version}: train again with `flask train`."
    )
    assert result["place"] is None
    assert result["attributes"]["loudness"]["source"] == "measured"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"parameters": None}, "settings that were not recorded"),
        ({"digest": "0" * 16}, "settings that this songrec does not have"),
        ({"parameters": {"n_mfcc": 6}}, "settings that this songrec does not have"),
    ],
)
def test_settings_that_cannot_be_had_any_more_are_one_line(
    app: Flask, session: Session, learnt: Run, told: dict[str, object], reason: str
) -> None:
    change(app.config["INSTANCE"], learnt, **told)
    with pytest.raises(NotReady, match=reason):
        run_settings.settings_of(app.config["INSTANCE"], learnt)
