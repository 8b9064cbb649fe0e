"""Excerpts are taken where a file sounds, and where they always were if it sounds throughout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from songrec.audio_files.decoding import SoundFile, decode
from songrec.audio_files.excerpts import Range, choose, may_hold_silence
from songrec.core.errors import BadInput
from tests.audio_files.sounds import chords, write, write_wav

RATE = 8_000


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)


def music(seconds: float, seed: int = 1) -> NDArray[np.float32]:
    return chords(seconds, seed, RATE)


def put(folder: Path, *parts: NDArray[np.float32], name: str = "a.flac") -> Path:
    samples = np.concatenate(parts)
    if name.endswith(".wav"):
        return write_wav(folder / name, samples, RATE)
    codec = {"flac": "flac", "mp3": "libmp3lame", "ogg": "vorbis"}[name.split(".")[1]]
    if codec == "vorbis":  # FFmpeg's encoder takes two channels only
        return write(folder / name, np.stack([samples] * 2), RATE, codec, layout="stereo")
    return write(folder / name, samples, RATE, codec)


@pytest.mark.parametrize("name", ["a.flac", "a.wav", "a.mp3", "a.ogg"])
@pytest.mark.parametrize(
    ("parts", "start_s"),
    [
        ((60, -100, 40), 15),  # a hidden track
        ((40, -100, 60), 155),  # a long one, after a short song
        ((60, -90), 15),  # a silent tail
        ((-90, 60), 105),  # a silent beginning
        ((52, -60, 50), 11),  # a silent middle
    ],
)
def test_an_excerpt_moves_to_where_the_file_sounds(
    tmp_path: Path, name: str, parts: tuple[float, ...], start_s: float
) -> None:
    pieces = [music(part, 3) if part > 0 else silence(-part) for part in parts]
    found = decode(put(tmp_path, *pieces, name=name), sample_rate=RATE)
    assert found.audio.start_s == pytest.approx(start_s, abs=0.2)
    assert found.seconds == 30
    assert found.audio.duration_s == pytest.approx(sum(abs(part) for part in parts), abs=0.1)
    assert any("where it sounds" in note for note in found.notes)
    # The samples are those that lie there in the file.
    whole = decode(put(tmp_path, *pieces, name=name), sample_rate=RATE, seconds=None).audio.samples
    first = round(found.audio.start_s * RATE)
    expected = whole[first : first + len(found.audio.samples)]
    middle = slice(RATE, -RATE)
    assert np.corrcoef(expected[middle], found.audio.samples[middle])[0, 1] > 0.95


def test_a_song_without_long_silence_keeps_its_excerpt(tmp_path: Path) -> None:
    # Short pauses, a quiet passage, silence at both ends, none of it in the middle for long.
    parts = [silence(8), music(30), silence(4), 0.02 * music(6), music(40, 2), silence(20)]
    found = decode(put(tmp_path, *parts), sample_rate=RATE, seconds=20, where="middle")
    assert found.audio.start_s == pytest.approx((108 - 20) / 2, abs=0.01)
    assert found.notes == ()


def test_a_start_that_is_silent_begins_where_sound_does(tmp_path: Path) -> None:
    path = put(tmp_path, silence(12), music(60))
    found = decode(path, sample_rate=RATE, seconds=10, where="start")
    assert found.audio.start_s == pytest.approx(12, abs=0.1)
    assert decode(path, sample_rate=RATE, seconds=10).audio.start_s == pytest.approx(31, abs=0.01)


def test_a_short_song_in_silence_is_analysed_without_the_silence(tmp_path: Path) -> None:
    found = decode(put(tmp_path, silence(50), music(12), silence(60)), sample_rate=RATE)
    assert found.audio.start_s == pytest.approx(50, abs=0.1)
    assert found.seconds == pytest.approx(12, abs=0.2)


def test_noise_far_below_the_music_counts_as_silence(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 5e-4, 200 * RATE).astype(np.float32)
    path = put(tmp_path, noise[: 60 * RATE] + music(60), noise[60 * RATE :])
    assert decode(path, sample_rate=RATE).audio.start_s == pytest.approx(15, abs=0.1)


def test_a_constant_offset_is_no_sound(tmp_path: Path) -> None:
    path = put(tmp_path, music(60) + 0.1, silence(200) + 0.1)
    assert decode(path, sample_rate=RATE).audio.start_s == pytest.approx(15, abs=0.1)


def test_a_quiet_recording_is_not_silence(tmp_path: Path) -> None:
    path = put(tmp_path, 2e-3 * music(100), name="a.wav")
    found = decode(path, sample_rate=RATE)
    assert found.audio.start_s == pytest.approx(35, abs=0.01)
    assert found.notes == ()


@pytest.mark.parametrize("seconds", [3, 20, 200])
def test_a_file_without_any_sound_is_silent(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(BadInput, match="is silent"):
        decode(put(tmp_path, silence(seconds)), sample_rate=RATE)


def test_of_a_long_file_only_so_much_is_measured_as_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("songrec.audio_files.decoding.LONGEST_S", 100.0)
    path = put(tmp_path, music(60), silence(400), music(60, 2))
    assert decode(path, sample_rate=RATE).audio.start_s == pytest.approx(15, abs=0.1)
    assert decode(path, sample_rate=RATE).audio.duration_s == pytest.approx(520, abs=0.01)
    late = put(tmp_path, silence(400), music(60), silence(200), name="late.flac")
    found = decode(late, sample_rate=RATE)
    assert found.audio.start_s == pytest.approx(415, abs=0.1)
    assert found.seconds == 30


def test_all_rates_get_the_same_part_and_the_file_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = SoundFile(put(tmp_path, music(40), silence(60), music(30, 2)))
    scans = []
    real = file._scan
    monkeypatch.setattr(file, "_scan", lambda: scans.append(1) or real())
    found = [file.decode(sample_rate=rate, seconds=20) for rate in (RATE, 22_050, 16_000)]
    assert len({(each.audio.start_s, each.seconds, each.notes) for each in found}) == 1
    assert len(scans) == 1


@pytest.mark.parametrize("channels", [1, -1], ids=["plain", "channels cancel"])
@pytest.mark.parametrize("silent_s", [0, 60], ids=["middle", "moved"])
def test_rates_that_are_decoded_together_have_the_samples_of_each_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int, silent_s: int
) -> None:
    song = np.concatenate([music(40), silence(silent_s), music(30, 2)])
    both = np.stack([song, channels * song])
    path = write(tmp_path / "a.flac", both, RATE, "flac", layout="stereo")
    rates = (RATE, 22_050, 16_000)
    alone = [SoundFile(path).decode(sample_rate=rate, seconds=20) for rate in rates]
    file, passes = SoundFile(path, rates), []
    first = file.decode(sample_rate=rates[0], seconds=20)
    real = file._decode
    monkeypatch.setattr(file, "_decode", lambda *args: passes.append(1) or real(*args))
    together = [first, *(file.decode(sample_rate=rate, seconds=20) for rate in rates[1:])]
    assert not passes
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.audio.samples, other.audio.samples)
        assert (one.audio.start_s, one.notes) == (other.audio.start_s, other.notes)


class TestChoice:
    """The rule on powers of blocks of 0.1 s."""

    @staticmethod
    def powers(*parts: tuple[float, float]) -> NDArray[np.float64]:
        return np.concatenate([np.full(round(10 * s), 10 ** (db / 10)) for s, db in parts])

    @staticmethod
    def whole(powers: NDArray[np.float64]) -> Range | None:
        return choose(powers, powers, 300)

    def test_pauses_below_five_seconds_are_music(self) -> None:
        for pause, is_moved in ((4.9, False), (5.0, True)):
            powers = self.powers((30, -20), (pause, -90), (30, -20))
            chosen = choose(powers, powers[200:500], 300)
            assert (chosen is not None) == is_moved

    def test_the_gate_follows_the_level_of_the_file(self) -> None:
        for level, other, is_moved in (
            (-15, -54, False),
            (-15, -56, True),
            (-30, -69, False),
            (-30, -71, True),
            (-60, -79, False),
            (-5, -46, True),
        ):
            powers = self.powers((60, level), (40, other), (60, level))
            chosen = choose(powers, powers[650:950], 300)
            assert (chosen is not None) == is_moved, (level, other)
            if is_moved:
                assert may_hold_silence(powers[650:950])

    def test_most_sound_then_the_longest_run_then_its_middle(self) -> None:
        powers = self.powers((20, -20), (50, -90), (40, -20), (50, -90), (60, -20))
        assert choose(powers, powers[250:550], 300) == Range(1750, 2050)
        assert choose(powers, powers[250:550], 300, "start") == Range(1600, 1900)
        assert choose(powers, powers[250:550], 600) == Range(1600, 2200)

    def test_silence_alone_and_a_file_shorter_than_the_excerpt(self) -> None:
        assert self.whole(self.powers((40, -95))) is None
        assert self.whole(self.powers((6, -95), (2, -20))) == Range(50, 80)
        assert self.whole(self.powers((2, -20), (9, -95))) == Range(0, 30)

    def test_an_excerpt_never_exceeds_its_length_or_the_file(self) -> None:
        rng = np.random.default_rng(4)
        for _ in range(200):
            parts = [
                (rng.uniform(0.3, 20), float(rng.choice([-90, -20])))
                for _ in range(int(rng.integers(1, 9)))
            ]
            powers = self.powers(*parts)
            length = int(rng.integers(30, 400))
            stop = min(len(powers), length)
            chosen = choose(powers, powers[:stop], length)
            if chosen is not None:
                assert 0 <= chosen.start < chosen.stop <= len(powers)
                assert chosen.stop - chosen.start <= max(length, 30)
                assert (powers[chosen.start : chosen.stop] > 1e-8).any()
