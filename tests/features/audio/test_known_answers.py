"""Tempo, key, mode, pitch and loudness of sounds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from songrec.features.audio import key, pitch
from songrec.features.audio.loudness import integrated_loudness, k_weighting
from songrec.features.audio.pitch import fundamental, harmonics
from songrec.features.audio.stft import Frames
from songrec.features.audio.tempo import find_tempo, rhythm_envelope
from tests.features.audio.sounds import RATE, audio, clicks, sine, tone


@pytest.mark.parametrize("bpm", range(60, 181, 15))
def test_the_tempo_of_clicks_is_their_rate(bpm: int) -> None:
    frames = Frames(audio(clicks(bpm)))
    assert find_tempo(rhythm_envelope(frames), frames.rate) == pytest.approx(bpm, rel=0.01)


def _chords(roots: list[int], thirds: list[int], seconds: float = 1.0) -> np.ndarray:
    hertz = [
        [440.0 * 2 ** ((57 + root % 12 + part - 69) / 12) for part in (0, third, 7)]
        for root, third in zip(roots, thirds, strict=True)
    ]
    return np.concatenate([sum(tone(part, seconds, 5) for part in chord) / 3 for chord in hertz])


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("mode", [1, 0])
def test_a_cadence_is_in_its_key(tonic: int, mode: int) -> None:
    # I IV V I and i iv V i, twice.
    third = 4 if mode else 3
    sound = _chords([tonic, tonic + 5, tonic + 7, tonic] * 2, [third, third, 4, third] * 2)
    # _chords counts from A.
    found = key.find_key(key.pitch_classes(Frames(audio(sound))))
    assert found is not None
    assert (found.key, found.mode) == ((tonic + 9) % 12, mode)


def test_a_detuned_recording_keeps_its_key() -> None:
    sound = _chords([3, 8, 10, 3] * 2, [4] * 4 * 2)
    at = key.find_key(key.pitch_classes(Frames(audio(sound))))
    longer = signal.resample_poly(sound, 101, 100)  # 17 cents flat
    flat = key.find_key(key.pitch_classes(Frames(audio(longer))))
    assert at is not None
    assert flat is not None
    assert (at.key, at.mode) == (flat.key, flat.mode) == (0, 1)


@pytest.mark.parametrize("hertz", [82.4, 110.0, 146.8, 220.0, 311.1, 440.0, 659.3, 987.8, 1568.0])
def test_the_pitch_of_a_tone_is_right_within_ten_cents(hertz: float) -> None:
    found = fundamental(Frames(audio(tone(hertz, 1.0))))[3:-3]
    assert np.isfinite(found).all()
    assert np.abs(1200 * np.log2(found / hertz)).max() < 10


def test_a_tone_without_its_fundamental_keeps_its_pitch() -> None:
    t = np.arange(RATE) / RATE
    wave = sum(np.sin(2 * np.pi * 150 * k * t) for k in (2, 3, 4, 5)) / 8
    found = fundamental(Frames(audio(wave)))[3:-3]
    assert np.median(found) == pytest.approx(150.0, rel=0.005)


def test_a_glide_is_followed() -> None:
    t = np.arange(2 * RATE) / RATE
    hertz = 200 * 2 ** (t / 2)
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    frames = Frames(audio(0.3 * np.sin(phase) + 0.1 * np.sin(2 * phase)))
    found = fundamental(frames)[3:-3]
    there = hertz[(np.arange(3, frames.count - 3) * frames.hop_length).clip(0, len(t) - 1)]
    assert np.abs(1200 * np.log2(found / there)).max() < 20


def test_in_noise_pitch_is_found_at_least_as_often_as_by_probabilistic_yin() -> None:
    import librosa

    rng = np.random.default_rng(4)
    ours, theirs = [], []
    for hertz in (110.0, 330.0, 880.0):
        sound = tone(hertz, 1.0)
        sound = sound + rng.normal(0, sound.std(), len(sound)).astype(np.float32)  # 0 dB
        f0, voiced, _ = librosa.pyin(sound, fmin=65.4, fmax=2093.0, sr=RATE)
        for found, into in (
            (fundamental(Frames(audio(sound))), ours),
            (np.where(voiced, f0, np.nan), theirs),
        ):
            into.append(np.mean(np.abs(1200 * np.log2(found / hertz)) < 20))
    assert np.mean(ours) >= np.mean(theirs)
    assert np.mean(ours) > 0.5


def test_noise_has_no_pitch() -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, 3 * RATE)
    assert np.isfinite(fundamental(Frames(audio(noise)))).mean() < 0.05


def test_the_path_takes_the_steady_candidate() -> None:
    # A frame whose octave is a little stronger does not make the melody jump for one frame.
    gains = np.array([[0.4, 0.9, 0.5], [0.4, 0.8, 0.85], [0.4, 0.9, 0.5]])
    pitches = np.array([[np.nan, 1.0, 2.0]] * 3)
    assert pitch._likeliest(gains, pitches, 43.0).tolist() == [1, 1, 1]


def test_the_harmonics_of_a_tone_are_as_made() -> None:
    frames = Frames(audio(tone(440.0, 1.0, partials=6)))
    rows = harmonics(frames, fundamental(frames))[5:-5]
    made = 1.0 / np.arange(1, 7)
    made /= made.sum()
    expected = [made[0], made[1:4].sum(), made[4:].sum()]
    # A partial between two bins shows up to 1.4 dB low.
    np.testing.assert_allclose(rows[:, :3].mean(axis=0), expected, atol=0.05)
    assert rows[:, 3].max() < 0.01


def test_stretched_strings_are_inharmonic() -> None:
    t = np.arange(RATE) / RATE
    parts = [k * np.sqrt(1 + 0.004 * k**2) for k in range(1, 8)]
    stretched = sum(np.sin(2 * np.pi * 220 * part * t) / k for k, part in enumerate(parts, 1)) / 4
    frames = Frames(audio(stretched))
    f0 = np.full(frames.count, 220.0, dtype=np.float32)
    even = Frames(audio(tone(220.0, 1.0, 7)))
    assert np.median(harmonics(frames, f0)[:, 3]) > 5 * np.median(harmonics(even, f0)[:, 3])


def test_the_weighting_at_48_khz_is_the_standards_table() -> None:
    shelf = [
        1.53512485958697,
        -2.69169618940638,
        1.19839281085285,
        -1.69065929318241,
        0.73248077421585,
    ]
    high_pass = [1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48_000)[:, [0, 1, 2, 4, 5]], [shelf, high_pass], 1e-7)


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_a_sine_of_997_hz_has_the_loudness_that_the_standard_says(rate: int) -> None:
    # ITU-R BS.1770-4: 0 dBFS in one channel is -3.01 LKFS, in two 0.
    sound = sine(997.0, 5.0, 1.0, rate)
    assert integrated_loudness(sound, rate) == pytest.approx(-3.01, abs=0.05)
    both = np.stack([sound, sound], axis=1)
    assert integrated_loudness(both, rate) == pytest.approx(0.0, abs=0.05)


def test_quiet_passages_are_gated_as_ebu_tech_3341_asks() -> None:
    # Case 3: -36, -23 and -36 dBFS in both channels measure -23 LUFS.
    levels = [(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)]
    one = np.concatenate([sine(1000.0, s, 10 ** (level / 20), 48_000) for level, s in levels])
    both = np.stack([one, one], axis=1)
    assert integrated_loudness(both, 48_000) == pytest.approx(-23.0, abs=0.1)


def test_silence_has_no_loudness() -> None:
    assert np.isnan(integrated_loudness(np.zeros(RATE, np.float32), RATE))
    assert np.isnan(integrated_loudness(sine(440.0, 0.3), RATE))
