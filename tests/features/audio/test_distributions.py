"""``timbre`` and ``chroma`` on sounds whose distribution is known."""

import numpy as np
import pytest

from songrec.core.types import Audio
from songrec.features.audio.chroma import Chroma
from songrec.features.audio.mfcc import coefficients
from songrec.features.audio.stft import Frames
from songrec.features.audio.timbre import COEFFICIENTS, Timbre

RATE = 22_050


def audio_of(samples: np.ndarray) -> Audio:
    return Audio(samples.astype(np.float32), RATE, 0.0, len(samples) / RATE)


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def named(extractor: Timbre | Chroma, samples: np.ndarray) -> dict[str, float]:
    return dict(zip(extractor.names(), extractor.extract(audio_of(samples)).tolist(), strict=True))


def test_timbre_is_mean_and_covariance_of_the_coefficients():
    samples = np.random.default_rng(0).normal(0, 0.1, RATE) * np.linspace(0.1, 1, RATE)
    vector = Timbre().extract(audio_of(samples))
    cepstra = coefficients(Frames(audio_of(samples)), COEFFICIENTS, 128)
    np.testing.assert_allclose(vector[:COEFFICIENTS], cepstra.mean(axis=0), rtol=1e-4, atol=1e-4)
    covariance = np.cov(cepstra, rowvar=False)
    upper = covariance[np.triu_indices(COEFFICIENTS)]
    np.testing.assert_allclose(vector[COEFFICIENTS:], upper, rtol=1e-3, atol=1e-3)
    assert Timbre().names()[COEFFICIENTS : COEFFICIENTS + 2] == ("cov_01_01", "cov_01_02")


def test_what_alternates_varies_more_than_what_stays():
    rng = np.random.default_rng(1)
    noise = 0.1 * rng.normal(size=RATE)
    steady = named(Timbre(), tone(220) + noise)
    changing = named(Timbre(), np.concatenate([tone(220, 0.5), 3 * noise[: RATE // 2]]))
    assert changing["cov_01_01"] > 5 * steady["cov_01_01"]


def test_the_pitch_class_of_a_tone_is_the_loudest_and_chords_vary_together():
    values = named(Chroma(), tone(440))
    means = {name: value for name, value in values.items() if name.startswith("mean_")}
    assert max(means, key=means.__getitem__) == "mean_a"
    assert sum(means.values()) == pytest.approx(0, abs=1e-3)  # the level is left out
    # C and E sound together, in turn with F sharp.
    chord = tone(261.63, 0.5) + tone(329.63, 0.5)
    values = named(Chroma(), np.concatenate([chord, tone(369.99, 0.5)] * 2))
    assert values["cov_c_e"] > 0 > values["cov_c_f_sharp"]


@pytest.mark.parametrize("extractor", [Timbre(), Chroma()])
def test_silence_is_unknown(extractor):
    assert np.isnan(extractor.extract(audio_of(np.zeros(RATE)))).all()
