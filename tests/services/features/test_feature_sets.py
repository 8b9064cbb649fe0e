"""Which sets and settings there are: as text, as the library has them, as an upload needs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, SongrecError, UnknownName
from songrec.core.feature_spec import FeatureSpec
from songrec.features.registry import digest, parse_audio_features
from songrec.features.settings import DEFAULTS
from songrec.services.features import feature_sets
from songrec.services.features.feature_sets import (
    default_sets,
    library_settings,
    settings_from,
)
from songrec.services.library.analyze_file import (
    analyse_like_the_library,
    keep_file,
    record_vectors,
)
from songrec.services.library.worker_process import WorkerProcess
from songrec.store.instance import Instance
from songrec.store.models.published_weights import model
from songrec.store.sound import feature_cache
from tests.sounding import write_wav


def test_settings_are_read_from_words() -> None:
    found = settings_from(
        ["n_mfcc=20", "musicnn.model = MTT_musicnn", "musicnn_pooling=max", "mert.layer=6"]
    )
    assert found == replace(
        DEFAULTS,
        n_mfcc=20,
        own={"musicnn_model": "MTT_musicnn", "musicnn_pooling": "max", "mert_layer": 6},
    )
    # What sets share changes for all of them; what they do not share stays for the others.
    assert settings_from(["musicnn_tags.model=MTT_musicnn"]).own == {"musicnn_model": "MTT_musicnn"}
    for name in ("mfcc", "statistical"):
        assert digest(name, settings_from(["musicnn.model=MTT_musicnn"])) == digest(name)
    assert digest("musicnn", found) != digest("musicnn")
    assert settings_from([]) == DEFAULTS


@pytest.mark.parametrize(
    ("text", "error", "reason"),
    [
        ("n_mfcc", BadInput, "write NAME=VALUE"),
        ("n_mfc=20", UnknownName, "Did you mean 'n_mfcc'"),
        ("musicnn.layer=6", UnknownName, "No setting 'musicnn.layer'"),
        ("musicnn.model=VGG", BadInput, "one of MSD_musicnn, MTT_musicnn"),
        ("n_fft=12", BadInput, "from 256 to 16384"),
    ],
)
def test_settings_that_there_are_not_are_explained(
    text: str, error: type[SongrecError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        settings_from([text])


def test_the_embedding_brings_its_tags() -> None:
    names = ("musicnn", "statistical", "musicnn_tags", "musicnn_max")
    assert parse_audio_features("musicnn").names == names
    assert parse_audio_features("mfcc,statistical").names == ("mfcc", "statistical")


def test_the_network_listens_by_default_where_its_weights_are(tmp_path: Path) -> None:
    always = ("mfcc", "statistical", "timbre", "chroma")
    assert default_sets(tmp_path).names == always
    for file in model("musicnn").files:
        path = tmp_path / "models" / "musicnn" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert default_sets(tmp_path).names == (
        *always,
        "musicnn",
        "instrument_tags",
        "musicnn_tags",
        "musicnn_max",
    )


def test_an_upload_is_heard_as_the_library_was(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    instance = app.config["INSTANCE"]
    assert library_settings(Instance(instance, session), feature_sets.DEFAULT_SETS) == [
        (feature_sets.DEFAULT_SETS, DEFAULTS)
    ]
    other = replace(DEFAULTS, n_mfcc=20, seconds=10.0)
    for number in range(3):
        key = feature_sets.key_of("mfcc", other)
        feature_sets.write_columns(instance, key, ("a",), other)
        feature_cache.write(instance, key, f"{number:064x}", np.zeros(1, np.float32))
        feature_cache.record(session, key, f"{number:064x}")
    session.commit()
    groups = library_settings(Instance(instance, session), feature_sets.DEFAULT_SETS)
    assert groups == [
        (FeatureSpec(("mfcc",)), replace(other)),
        (FeatureSpec(("statistical",)), DEFAULTS),
    ]

    song = write_wav(tmp_path / "a.wav", 12.0)
    with WorkerProcess() as worker:
        sets = feature_sets.DEFAULT_SETS
        heard = analyse_like_the_library(Instance(instance, session), worker, song, sets)
    assert {n: a.shape for n, a in heard.arrays.items()} == {
        "mfcc": (20 * 21,),
        "statistical": (263,),
    }
    assert len(heard.columns()) == 20 * 21 + 263
    record_vectors(Instance(instance, session), heard)
    file = keep_file(session, song, heard)
    assert feature_cache.read(
        instance, feature_sets.key_of("mfcc", other), str(file.content_hash)
    ).shape == (20 * 21,)
