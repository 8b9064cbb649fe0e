"""Settings, digests, the registry of feature sets, and genre."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from songrec.core.errors import BadInput, UnknownName
from songrec.core.feature_spec import AUTO, FeatureSpec
from songrec.core.registry import Parameter
from songrec.core.types import Audio
from songrec.features.audio.musicnn_tags import TAGS
from songrec.features.extraction import extract_all, make_extractors
from songrec.features.genre import Genre
from songrec.features.registry import (
    EXTRACTORS,
    digest,
    offered_sets,
    parameters_of,
    parse_audio_features,
    parse_features,
    sample_rate_of,
)
from songrec.features.settings import DEFAULTS, SHARED, AudioSettings

CHANGED_SHARED = {
    "sample_rate": 44_100,
    "seconds": 15.0,
    "where": "start",
    "n_fft": 4096,
    "hop_length": 1024,
    "n_mels": 64,
    "n_mfcc": 20,
}


def another_value(parameter: Parameter) -> Any:
    """Return a value that the parameter takes and that is not its default."""
    candidates = parameter.choices or (parameter.low, parameter.high, not parameter.default)
    return next(value for value in candidates if value not in (None, parameter.default))


CHANGED = CHANGED_SHARED | {
    entry.setting(parameter): another_value(parameter)
    for entry in EXTRACTORS
    if entry.from_audio
    for parameter in entry.parameters
    if parameter.name not in SHARED
}


@pytest.mark.parametrize("setting", CHANGED)
@pytest.mark.parametrize("name", EXTRACTORS.names())
def test_a_changed_setting_invalidates_just_what_depends_on_it(name: str, setting: str) -> None:
    changed = DEFAULTS.updated({setting: CHANGED[setting]})
    assert (digest(name, changed) != digest(name)) == (setting in parameters_of(name))


def test_every_setting_is_one_that_invalidates_something() -> None:
    assert set(CHANGED_SHARED) == SHARED
    used = {setting for name in EXTRACTORS.names() for setting in parameters_of(name)}
    assert used == set(CHANGED)


def test_a_digest_is_the_same_on_every_machine() -> None:
    assert digest("mfcc") == digest("mfcc", AudioSettings(seconds=30))
    assert digest("mfcc", DEFAULTS, {"weights": "a"}) != digest("mfcc")
    assert len(digest("genre")) == 16


def test_every_feature_set_has_settings() -> None:
    assert all(parameters_of(entry.name) for entry in EXTRACTORS if entry.from_audio)
    with pytest.raises(UnknownName, match="Did you mean 'mfcc'"):
        parameters_of("mfc")


def test_published_networks_keep_their_sample_rate() -> None:
    assert sample_rate_of("musicnn", replace(DEFAULTS, sample_rate=44_100)) == 16_000
    assert sample_rate_of("mfcc", replace(DEFAULTS, sample_rate=44_100)) == 44_100


def test_names_of_sets_are_read_from_text() -> None:
    spec = parse_features(" mfcc, genre,mfcc")
    assert spec == parse_features("mfcc+genre") == FeatureSpec(("mfcc", "genre"))
    assert str(spec) == "mfcc,genre"
    assert parse_features("auto", allow_auto=True) == AUTO
    for text in ("mfcc,nothing", "auto", " , "):
        with pytest.raises(UnknownName):
            parse_features(text)
    with pytest.raises(BadInput, match="No feature set"):
        parse_audio_features(" , ")
    with pytest.raises(BadInput, match="from labels"):
        parse_audio_features("genre")


def test_forms_offer_what_needs_no_optional_library() -> None:
    offered = set(offered_sets())
    assert {"mfcc", "statistical", "melspectrogram", "musicnn"} <= offered
    assert not {"mert", "encodecmae", "musicnn_tags", "genre"} & offered


def test_extractors_take_their_parameters_from_the_settings() -> None:
    made = make_extractors(["mfcc"], replace(DEFAULTS, n_mfcc=20, n_fft=4096))["mfcc"]
    assert len(made.names()) == len(set(made.names())) == 20 * 3 * 7
    statistical = make_extractors(["statistical"])["statistical"].names()
    assert len(statistical) == len(set(statistical)) >= 200
    with pytest.raises(BadInput, match="from labels"):
        make_extractors(["genre"])


def test_a_networks_own_settings_reach_its_extractor() -> None:
    settings = DEFAULTS.updated(
        {"musicnn_model": "MTT_musicnn", "musicnn_pooling": "max", "mert_layer": 6}
    )
    made = make_extractors(["musicnn", "musicnn_tags", "mert"], settings)
    assert (made["musicnn"].model, made["musicnn"].pooling) == ("MTT_musicnn", "max")
    assert made["musicnn_tags"].names() == TAGS["MTT_musicnn"]
    assert made["mert"].layer == 6


class Listener:
    """A network that counts how often it runs."""

    def __init__(self, name: str) -> None:
        self.pass_key, self.passes = name, 0

    def forward(self, audio: Audio) -> str:
        self.passes += 1
        return f"heard by {self.pass_key}"

    def from_pass(self, outputs: str) -> str:
        return outputs


def test_feature_sets_of_one_network_take_one_pass() -> None:
    sound = Audio(np.zeros(10, np.float32), 16_000, 0.0, 1.0)
    a, b, other = Listener("x"), Listener("x"), Listener("y")
    found = extract_all(sound, {"a": a, "b": b, "other": other})
    assert found == {"a": "heard by x", "b": "heard by x", "other": "heard by y"}
    assert (a.passes + b.passes, other.passes) == (1, 1)


def test_the_registry_imports_no_numerics() -> None:
    code = (
        "import sys, songrec.features.registry; "
        "assert not {'numpy', 'scipy', 'librosa'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_extracting_imports_neither_librosa_nor_numba() -> None:
    code = (
        "import sys, numpy as np\n"
        "from songrec.core.types import Audio\n"
        "from songrec.features.extraction import extract_all, make_extractors\n"
        "sound = Audio(np.random.default_rng(0).normal(size=22050).astype('f4'), 22050, 0., 1.)\n"
        "extract_all(sound, make_extractors(['mfcc', 'statistical']))\n"
        "assert not {'librosa', 'numba', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_genres_become_columns_and_the_rare_share_one() -> None:
    table = Genre(most=2).table(
        np.array([1, 2, 3, 4, 5]), ["Rock", " rock ", "Jazz", "Polka", None]
    )
    assert table.names == ("jazz", "rock", "other")
    assert table.values.tolist() == [[0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert str(table.feature_set) == "genre"


def test_a_trained_vocabulary_is_kept() -> None:
    table = Genre().table(np.array([1, 2]), ["Ska", "rock"], ("jazz", "rock"))
    assert table.values.tolist() == [[0, 0], [0, 1]]
