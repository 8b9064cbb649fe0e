"""One channel of several: their mean, unless they cancel each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from songrec.audio_files.decoding import SoundFile, decode
from songrec.audio_files.mixing import BlockMeter, opposing_channels
from tests.audio_files.sounds import chords, tone, write

RATE = 22_050
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1"}


def put(folder: Path, *channels: NDArray[np.float32], name: str = "a.wav") -> Path:
    codec = {"wav": "pcm_f32le", "flac": "flac", "m4a": "aac", "mp3": "libmp3lame"}
    planes = np.stack(channels).astype(np.float32)
    layout = LAYOUTS[len(channels)]
    return write(folder / name, planes, RATE, codec[name.split(".")[1]], layout=layout)


def delayed(samples: NDArray[np.float32], ms: float) -> NDArray[np.float32]:
    count = round(ms * RATE / 1000)
    return np.concatenate([np.zeros(count, np.float32), samples[:-count]])


def is_aligned(path: Path) -> bool:
    return any("cancel each other" in note for note in decode(path).notes)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a", "a.mp3"])
def test_a_song_with_one_channel_inverted_is_the_song(tmp_path: Path, name: str) -> None:
    song = chords(40, 1)
    found = decode(put(tmp_path, song, -song, name=name)).audio
    first = round(found.start_s * RATE)
    alike = [
        np.corrcoef(song[first + lag :][2000:600_000], found.samples[2000:600_000])[0, 1]
        for lag in range(-30, 31)  # the start is rounded to a millisecond
    ]
    assert max(alike) > 0.95
    expected = song[first : first + len(found.samples)]
    assert np.std(found.samples) == pytest.approx(np.std(expected), rel=0.1)
    assert is_aligned(tmp_path / name)


@pytest.mark.parametrize("share", [1.2, 0.9, 0.7, 0.5])
def test_channels_that_cancel_in_part_are_aligned(tmp_path: Path, share: float) -> None:
    song = chords(12, 2)
    noise = np.random.default_rng(0).normal(0, 0.005, len(song)).astype(np.float32)
    found = decode(put(tmp_path, song, noise - share * song))
    np.testing.assert_allclose(found.audio.samples, (song + share * song - noise) / 2, atol=1e-5)


def channels_of(kind: str) -> list[NDArray[np.float32]]:
    song, other = chords(12, 3), chords(12, 4)
    return {
        "equal": [song, song],
        "left only": [song, 0 * song],
        "right only": [0 * song, song],
        "unrelated": [song, other],
        "half in common": [song + other, song - 0.5 * other],
        "wide": [song + other, 0.8 * other - 0.4 * song],
        "slightly opposed": [song, -0.25 * song],
        "delayed by 1 ms": [song, delayed(song, 1)],
        "delayed by 12 ms": [song, delayed(song, 12)],
        "delayed by 30 ms": [song, delayed(song, 30)],
        "a delayed tone": [tone(12), delayed(tone(12), 10)],
        "a delayed low tone": [tone(12, hz=55), delayed(tone(12, hz=55), 7)],
        "six unrelated": [chords(12, seed) for seed in range(6)],
        "one inverted of six": [song, song, song, song, song, -song],
        "an offset": [song + 0.3, song - 0.3],
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "equal",
        "left only",
        "right only",
        "unrelated",
        "half in common",
        "wide",
        "slightly opposed",
        "delayed by 1 ms",
        "delayed by 12 ms",
        "delayed by 30 ms",
        "a delayed tone",
        "a delayed low tone",
        "six unrelated",
        "one inverted of six",
        "an offset",
    ],
)
def test_channels_that_do_not_cancel_are_averaged(tmp_path: Path, kind: str) -> None:
    channels = channels_of(kind)
    path = put(tmp_path, *channels)
    assert not is_aligned(path)
    expected = np.mean(np.stack(channels).astype(np.float32), axis=0, dtype=np.float32)
    np.testing.assert_array_equal(decode(path).audio.samples, expected)


@pytest.mark.parametrize(
    "weights",
    [
        (1, -1, 0.5, -0.5),
        (1, -1, 0, 0, 0.3, -0.3),
        (1, -1, 0, 0, 0),
        (1, 1, 0, 0, -1, -1),
        (1, 0, -1),
    ],
)
def test_inverted_ones_of_many_channels_are_aligned(
    tmp_path: Path, weights: tuple[float, ...]
) -> None:
    song = chords(12, 5)
    path = put(tmp_path, *(weight * song for weight in weights))
    assert is_aligned(path)
    samples = decode(path).audio.samples
    expected = np.abs(weights).mean() * song
    assert np.abs(np.corrcoef(samples, expected)[0, 1]) > 0.9999
    assert np.std(samples) == pytest.approx(np.std(expected), rel=1e-3)


def test_a_song_that_is_inverted_for_a_while_loses_nothing(tmp_path: Path) -> None:
    song = chords(29, 6)
    sign = np.ones(len(song), np.float32)
    sign[10 * RATE : 20 * RATE] = -1
    samples = decode(put(tmp_path, song, sign * song)).audio.samples
    assert is_aligned(tmp_path / "a.wav")
    for second in (2, 8, 12, 18, 22, 27):
        part = slice(second * RATE, (second + 1) * RATE)
        assert np.std(samples[part]) == pytest.approx(np.std(song[part]), rel=0.01), second
    np.testing.assert_array_equal(samples[: 9 * RATE], song[: 9 * RATE])


def test_channels_cancel_at_all_rates_alike_and_in_the_whole_file(tmp_path: Path) -> None:
    song = chords(40, 7)
    file = SoundFile(put(tmp_path, song, -song))
    for rate in (RATE, 16_000, 8_000):
        part = file.decode(sample_rate=rate)
        assert np.std(part.audio.samples) == pytest.approx(np.std(song), rel=0.2)
    whole = file.decode(seconds=None)
    np.testing.assert_allclose(whole.audio.samples, song, atol=1e-6)


def test_inverted_channels_are_found_among_blocks_of_any_size() -> None:
    rng = np.random.default_rng(8)
    song = chords(9, 8)
    planes = np.stack([song, -0.9 * song])
    whole, pieces = BlockMeter(), BlockMeter()
    whole.add(0.0, planes, 1.0, RATE)
    at = 0
    while at < planes.shape[1]:
        length = int(rng.integers(1, 6000))
        pieces.add(at / RATE, planes[:, at : at + length], 1.0, RATE)
        at += length
    one, many = whole.finish(), pieces.finish()
    np.testing.assert_allclose(one.starts_s, many.starts_s, atol=1e-9)
    np.testing.assert_allclose(one.powers, many.powers, rtol=1e-4)
    np.testing.assert_array_equal(opposing_channels(one), opposing_channels(many))
    assert one.powers == pytest.approx(
        [np.var(planes[:, i * 2205 : (i + 1) * 2205], axis=1).mean() for i in range(90)], rel=1e-3
    )


@pytest.mark.realdata
def test_an_inverted_file_is_not_silent(real_data: Path) -> None:
    found = decode(real_data / "faults" / "audio" / "o21 inverted.flac")
    assert np.std(found.audio.samples) > 0.01
