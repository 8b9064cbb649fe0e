"""Whatever is in a file, the extractors give their columns: numbers, or NaN where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.core.types import Audio
from songrec.features.audio.statistical import MEASURED, Statistical, measured
from songrec.features.audio.stft import Frames
from songrec.features.extraction import extract_all, make_extractors
from tests.features.audio.sounds import RATE, audio, clicks, sine, tone

SETS = ("mfcc", "statistical", "melspectrogram")
NAMES = Statistical().names()


def _odd() -> dict[str, Audio]:
    loud = tone(220.0, 1.0)
    broken = tone(220.0, 1.0)
    broken[::100] = np.nan
    broken[5::100] = np.inf
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    return {
        "nothing": audio(np.zeros(0)),
        "one sample": audio(np.array([0.5])),
        "one quiet sample": audio(np.array([0.0])),
        "silence": audio(np.zeros(2 * RATE)),
        "ten samples": audio(loud[:10]),
        "one window": audio(loud[:2048]),
        "a third of a second": audio(loud[: RATE // 3]),
        "no numbers": audio(np.full(RATE, np.nan)),
        "broken": audio(broken),
        "offset": audio(np.full(RATE, 0.8)),
        "offset and tone": audio(np.clip(loud + 0.5, -1, 1)),
        "clipped": audio(np.clip(50 * loud, -1, 1)),
        "enormous": audio(loud * 1e30),
        "faint": audio(loud * 1e-6),
        "noise": audio(noise),
        "one click": audio(np.concatenate([np.zeros(RATE), [1.0], np.zeros(RATE)])),
        "square of full scale": audio(np.sign(sine(100.0, 1.0))),
        "8 kHz": audio(tone(220.0, 2.0, rate=8000), 8000),
        "96 kHz": audio(tone(220.0, 1.0, rate=96_000), 96_000),
    }


@pytest.fixture(scope="module")
def odd() -> dict[str, Audio]:
    return _odd()


@pytest.mark.parametrize("name", _odd())
def test_every_sound_gives_every_column(name: str, odd: dict[str, Audio]) -> None:
    sets = make_extractors(SETS)
    found = extract_all(odd[name], sets)
    assert found["mfcc"].shape == (273,)
    assert found["statistical"].shape == (len(NAMES),)
    assert found["melspectrogram"].shape[0] == 128
    for values in found.values():
        assert values.dtype == np.float32
        assert not np.isinf(values).any()
    assert np.isfinite(found["melspectrogram"]).all()
    assert np.isfinite(found["mfcc"][:91]).all()


@pytest.mark.parametrize("name", ["nothing", "one quiet sample", "silence", "no numbers"])
def test_silence_has_levels_and_nothing_else(name: str, odd: dict[str, Audio]) -> None:
    found = dict(zip(NAMES, Statistical().extract(odd[name]), strict=True))
    known = {column for column, value in found.items() if np.isfinite(value)}
    assert {"rms_mean", "rms_max", "zero_crossing_rate_mean", "onset_rate"} <= known
    assert all(found[column] == 0.0 for column in known)
    assert not known & {"tempo", "key", "loudness", "f0_mean", "spectral_centroid_mean"}


def test_what_is_not_there_is_no_number(odd: dict[str, Audio]) -> None:
    noise = dict(zip(NAMES, Statistical().extract(odd["noise"]), strict=True))
    assert noise["voiced_share"] < 0.05
    offset = dict(zip(NAMES, Statistical().extract(odd["offset"]), strict=True))
    assert np.isnan(offset["f0_mean"])
    assert np.isnan(offset["tempo"])


def test_a_short_sound_has_differences_over_what_there_is() -> None:
    mfcc = make_extractors(["mfcc"])["mfcc"]
    names = mfcc.names()
    short = dict(zip(names, mfcc.extract(audio(tone(220.0)[:2600])), strict=True))  # 6 frames
    assert np.isfinite(list(short.values())).all()
    shorter = dict(zip(names, mfcc.extract(audio(tone(220.0)[:600])), strict=True))  # 2 frames
    assert np.isnan(shorter["mfcc_1_delta_mean"])
    assert np.isfinite(shorter["mfcc_1_mean"])


def test_long_sound_in_blocks_is_the_same_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from songrec.features.audio import stft

    sound = audio((clicks(120.0, 8.0) + tone(330.0, 8.0)).astype(np.float32))
    sets = make_extractors(SETS)
    whole = extract_all(sound, sets)
    monkeypatch.setattr(stft, "KEPT", 10)
    monkeypatch.setattr(stft, "BLOCK", 64)
    parts = extract_all(sound, sets)
    for name in SETS:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("hertz", [66.0, 440.0, 1396.9, 2050.0])
@pytest.mark.parametrize("n_fft", [256, 1024, 2048, 8192])
def test_any_window_and_pitch_will_do(n_fft: int, hertz: float) -> None:
    found = Statistical(n_fft=n_fft, hop_length=n_fft // 4).extract(audio(tone(hertz, 1.0, 20)))
    assert found.shape == (len(NAMES),)
    assert not np.isinf(found).any()


def test_measured_values_come_by_name() -> None:
    sound = audio(clicks(120.0) * 0.5 + tone(220.0, 12.0))
    found = measured(Statistical().extract(sound))
    assert tuple(found) == MEASURED
    assert found["tempo"] == pytest.approx(120.0, rel=0.01)
    assert found["key"] == 9.0
    silent = measured(Statistical().extract(audio(np.zeros(RATE))))
    assert set(silent.values()) == {None}


def test_samples_are_not_written_to() -> None:
    samples = tone(220.0, 0.5)
    samples.setflags(write=False)
    before = samples.copy()
    extract_all(Audio(samples, RATE, 0.0, 0.5), make_extractors(SETS))
    np.testing.assert_array_equal(samples, before)
    assert Frames(audio(samples)).count == 1 + len(samples) // 512
