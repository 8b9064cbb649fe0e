import numpy as np

from songrec.core.types import Audio
from songrec.features.audio.chunking import at_rate, chunks


def test_windows_are_equally_long_and_hold_everything() -> None:
    samples = np.arange(23, dtype=np.float32)
    parts = chunks(samples, 10, 1)
    assert [len(part) for part in parts] == [8, 8, 7]
    np.testing.assert_array_equal(np.concatenate(parts), samples)
    assert [len(part) for part in chunks(samples[:20], 10, 1)] == [10, 10]


def test_too_short_a_sound_is_followed_by_silence() -> None:
    (part,) = chunks(np.ones(3, np.float32), 10, 5)
    assert part.tolist() == [1, 1, 1, 0, 0]


def test_a_tone_keeps_its_pitch_at_another_rate() -> None:
    at = np.arange(22_050) / 22_050
    tone = Audio(np.sin(2 * np.pi * 440 * at).astype(np.float32), 22_050, 0, 1)
    samples = at_rate(tone, 24_000)
    assert samples.dtype == np.float32
    assert len(samples) == 24_000
    assert np.abs(np.fft.rfft(samples)).argmax() == 440


def test_a_sound_at_the_rate_is_left_as_it_is() -> None:
    sound = Audio(np.ones(9, np.float32), 24_000, 0, 1)
    assert at_rate(sound, 24_000) is sound.samples
