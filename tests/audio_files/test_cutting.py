"""Parts of files: exact to the sample, in every format."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import numpy as np
import pytest
from mutagen.flac import FLAC

from songrec.audio_files.cutting import cut
from songrec.core.errors import BadInput
from tests.audio_files.sounds import chords, write

RATE = 48_000


def samples_of(path: Path) -> np.ndarray:
    """Decode to float ``(samples, channels)``."""
    chunks = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            values = frame.to_ndarray()
            n_channels = frame.layout.nb_channels
            values = values.T if frame.format.is_planar else values.reshape(-1, n_channels)
            scale = {np.dtype("i2"): 2**15, np.dtype("i4"): 2**31}.get(values.dtype, 1)
            chunks.append(values / scale)
    return np.concatenate(chunks)


@pytest.mark.parametrize(
    ("name", "codec", "bits"),
    [
        ("a.flac", "flac", 16),
        ("a.wav", "pcm_s16le", 16),
        ("a.wav", "pcm_s24le", 24),
        ("a.wv", "wavpack", None),
        ("a.mp3", "libmp3lame", 16),
        ("a.m4a", "aac", 16),
        ("a.opus", "libopus", 16),
        ("a.ogg", "vorbis", 16),
    ],
)
def test_a_part_has_the_samples_of_its_file(
    tmp_path: Path, name: str, codec: str, bits: int | None
) -> None:
    left = chords(6.0, 1, RATE)
    path = write(tmp_path / name, np.stack([left, -0.5 * left]), RATE, codec, layout="stereo")
    target = tmp_path / "part.flac"
    cut(path, 2.5, 4.0, target)
    part = samples_of(target)
    whole = samples_of(path)
    assert part.shape == (1.5 * RATE, 2)
    # AAC replaces noise by other noise in each decoding.
    limit = 0.02 if codec == "aac" else 2**-15
    assert np.abs(part - whole[round(2.5 * RATE) : round(4.0 * RATE)]).max() <= limit
    assert FLAC(target).info.length == 1.5
    assert bits is None or FLAC(target).info.bits_per_sample == bits
    cut(path, 4.0, None, target)
    assert abs(len(samples_of(target)) - (len(whole) - 4.0 * RATE)) <= 1


def test_parts_of_one_file_join_without_a_gap(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", chords(5.0, 2, 44_100), 44_100, "flac")
    marks = [0.0, 1.0133, 3.4267, None]
    parts = []
    for number, (start, end) in enumerate(itertools.pairwise(marks)):
        cut(path, start, end, tmp_path / f"{number}.flac")
        parts.append(samples_of(tmp_path / f"{number}.flac"))
    assert np.array_equal(np.concatenate(parts), samples_of(path))


def test_a_part_behind_the_end_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", chords(2.0, 3), 22_050, "flac")
    with pytest.raises(BadInput, match=r"ends before 3\.0 s"):
        cut(path, 3.0, None, tmp_path / "part.flac")
    assert [file.name for file in tmp_path.iterdir()] == ["a.flac"]
