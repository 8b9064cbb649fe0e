"""Conversion to what browsers play: same sound, same length, whatever the source."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from songrec.audio_files.decoding import decode
from songrec.audio_files.transcoding import limited, transcode
from songrec.core.errors import BadInput
from tests.audio_files.sounds import tone, write

SECONDS = 3.0
SOURCES = [
    ("a.wma", "wmav2", 44_100),
    ("a.m4a", "alac", 44_100),
    ("a.aiff", "pcm_s16be", 96_000),
    ("a.wv", "wavpack", 48_000),
    ("a.ac3", "ac3", 48_000),
    ("a.tta", "tta", 22_050),
    ("a.mp2", "mp2", 32_000),
]


@pytest.mark.parametrize(("name", "codec", "rate"), SOURCES)
@pytest.mark.parametrize("format", ["opus", "mp3"])
def test_the_sound_and_its_length_stay(
    tmp_path: Path, name: str, codec: str, rate: int, format: str
) -> None:
    samples = tone(SECONDS, rate, hz=1000)
    path = write(tmp_path / name, np.stack([samples, samples]), rate, codec, layout="stereo")
    target = tmp_path / f"b.{format}"
    transcode(path, target, format)
    with av.open(str(target)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name.startswith(format)
        assert stream.codec_context.layout.nb_channels == 2
    audio = decode(target, sample_rate=8_000, seconds=None).audio
    assert audio.duration_s == pytest.approx(SECONDS, abs=0.12)
    spectrum = np.abs(np.fft.rfft(audio.samples[8_000:16_000]))
    assert spectrum.argmax() == 1000
    assert np.sqrt(np.mean(audio.samples[8_000:16_000] ** 2)) == pytest.approx(
        0.5 / np.sqrt(2), rel=0.1
    )


def test_mono_stays_mono(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wma", tone(1.0, 44_100), 44_100, "wmav2")
    transcode(path, tmp_path / "b.opus", "opus")
    with av.open(str(tmp_path / "b.opus")) as container:
        assert container.streams.audio[0].codec_context.layout.nb_channels == 1


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wma"
    path.write_bytes(b"not a sound" * 100)
    with pytest.raises(BadInput):
        transcode(path, tmp_path / "b.opus", "opus")


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp3", "libmp3lame", 44_100),
        ("a.m4a", "aac", 44_100),
        ("a.opus", "libopus", 48_000),
        ("a.flac", "flac", 44_100),
        ("a.tta", "tta", 44_100),
    ],
)
def test_a_part_begins_and_ends_at_its_places(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    # A tone from the sixth second on.
    samples = np.concatenate([np.zeros(6 * rate, np.float32), tone(4.0, rate, hz=1000)])
    path = write(tmp_path / name, np.stack([samples, samples]), rate, codec, layout="stereo")
    transcode(path, tmp_path / "b.flac", "flac", start_s=4.5, end_s=8.0)
    audio = decode(tmp_path / "b.flac", sample_rate=8_000, seconds=None).audio
    assert audio.duration_s == pytest.approx(3.5, abs=0.05)
    assert (np.abs(audio.samples) > 0.1).argmax() / 8_000 == pytest.approx(1.5, abs=0.1)


def test_a_limit_takes_the_next_rate_that_a_format_has() -> None:
    assert limited("mp3", 130_000).bit_rate == 128_000
    assert (limited("mp3", 40_000).bit_rate, limited("mp3", 40_000).sample_rate) == (40_000, 22_050)
    assert limited("opus", 1_000).bit_rate == 6_000
    assert limited("aac", 900_000).bit_rate == 320_000
    assert limited("flac", 64_000) is limited("flac", None)
