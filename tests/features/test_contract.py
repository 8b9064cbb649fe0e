"""The contract of feature sets, over every registered one and over the documented example."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from songrec.core.registry import Parameter
from songrec.core.types import Audio
from songrec.features import audio, registry
from songrec.features.extraction import extract_all, make_extractors
from songrec.features.registry import EXTRACTORS, FeatureSet, FeatureSets, digest
from songrec.features.settings import DEFAULTS
from tests.documented_modules import module_in

RATE = 22_050


def sound(seconds: float, level: float = 0.3) -> Audio:
    at = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(4).normal(0, 0.05, len(at))
    samples = level * (np.sin(2 * np.pi * 220 * at) + noise)
    return Audio(samples.astype(np.float32), RATE, 0.0, seconds)


def check(entry: FeatureSet) -> None:
    (extractor,) = make_extractors([entry.name]).values()
    assert isinstance(extractor.version, int)
    names = extractor.names()
    assert len(set(names)) == len(names) > 0
    for parameter, value in entry.arguments().items():
        assert getattr(extractor, parameter) == value
    if entry.model is not None:
        return  # its values need model files: a test of its own
    for audio_ in (sound(3.0), sound(0.05), sound(1.0, level=0.0)):
        values = extract_all(audio_, {entry.name: extractor})[entry.name]
        assert values.dtype == np.float32
        assert len(values) == len(names)
        assert (values.ndim == 1) == entry.is_vector
        assert not np.isinf(values).any()
    again = extractor.extract(sound(3.0))
    np.testing.assert_array_equal(extractor.extract(sound(3.0)), again)


@pytest.mark.parametrize("entry", [e for e in EXTRACTORS if e.from_audio], ids=lambda e: e.name)
def test_a_registered_set_keeps_the_contract(entry: FeatureSet) -> None:
    check(entry)


@pytest.fixture
def example(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FeatureSet:
    """The example of the page, where the page puts it, in the registry."""
    page = (request.config.rootpath / "docs" / "adding-a-feature-set.md").read_text()
    file, entry = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names = {"FeatureSet": FeatureSet, "Parameter": Parameter, "_STFT": registry._STFT}
    added = eval(entry, names)
    others = tuple(entry for entry in EXTRACTORS if entry.name != added.name)
    extended = FeatureSets("feature set", (*others, added))
    monkeypatch.setattr(EXTRACTORS, "_entries", extended._entries)
    with module_in(audio, "spectral_balance", tmp_path, file):
        yield added


def test_the_documented_example_keeps_the_contract(example: FeatureSet) -> None:
    check(example)
    low, high, centroid = make_extractors([example.name])[example.name].extract(sound(3.0))
    assert low > 0.8 > high
    assert 200 < centroid < 1500


def test_the_documented_example_needs_nothing_but_its_entry(example: FeatureSet) -> None:
    from songrec.services.features.feature_sets import key_of, parse_audio_features, settings_from

    assert example.name in registry.offered_sets()
    assert parse_audio_features("spectral_balance").names == ("spectral_balance", "statistical")
    settings = settings_from(["spectral_balance.low_hz=200"])
    assert make_extractors([example.name], settings)[example.name].low_hz == 200
    assert key_of(example.name, settings).digest == digest(example.name, settings)
    assert digest(example.name, settings) != digest(example.name)
    assert digest("mfcc", settings) == digest("mfcc", DEFAULTS)
