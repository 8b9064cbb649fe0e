"""Every sound format that FFmpeg reads is seen by its extension, and decoded."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from songrec.audio_files.decoding import decode
from songrec.audio_files.file_scan import walk
from songrec.audio_files.formats import DEMUXERS, HEAD_BYTES, SOUND, is_sound
from tests.audio_files.sounds import tone, write

FILMS_AND_PICTURES = """
avi avif f4v flv heic heif ism isma ismv m2t m2ts mj2 mk3d mks mkv mov mpeg mpg mts psp ts wmv"""
AMBIGUOUS = "apl mac sf wa"
"""Extensions that mostly name something else."""
OTHERS = frozenset(f"{FILMS_AND_PICTURES} {AMBIGUOUS}".split())


def test_every_extension_of_the_demuxers_is_sound_or_something_else() -> None:
    for name in DEMUXERS:
        extensions = av.ContainerFormat(name, "r").extensions
        assert extensions <= SOUND | OTHERS, name
    assert not SOUND & OTHERS


def test_text_pictures_and_playlists_are_no_sound() -> None:
    names = "txt nfo log md cue m3u m3u8 pls xspf asx ram jpg png gif pdf zip lrc srt csv json html"
    assert not SOUND & set(names.split())


def dsd(samples: NDArray[np.float32]) -> bytes:
    """One bit a sample, most significant first, by a second-order modulator."""
    bits = np.empty(len(samples), np.uint8)
    first = second = 0.0
    for at, value in enumerate(samples.tolist()):
        output = 1.0 if second >= 0 else -1.0
        first += value - output
        second += first - 2 * output
        bits[at] = output > 0
    return np.packbits(bits).tobytes()


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack(">Q", len(content)) + content + b"\0" * (len(content) % 2)


def write_dff(path: Path, seconds: float = 1.0) -> Path:
    """A mono file in Philips' DSDIFF at 2.8224 MHz."""
    rate = 64 * 44_100
    properties = b"SND " + chunk(b"FS  ", struct.pack(">I", rate))
    properties += chunk(b"CHNL", struct.pack(">H", 1) + b"C000")
    properties += chunk(b"CMPR", b"DSD \x0enot compressed\0")
    body = b"DSD " + chunk(b"FVER", bytes([1, 5, 0, 0])) + chunk(b"PROP", properties)
    body += chunk(b"DSD ", dsd(tone(seconds, rate, 440.0, 0.4)))
    path.write_bytes(chunk(b"FRM8", body))
    return path


ENCODED = [
    ("a.aac", "aac", 44_100, None),
    ("a.ac3", "ac3", 44_100, None),
    ("a.aif", "pcm_s16be", 44_100, None),
    ("a.amr", "libopencore_amrnb", 8_000, None),
    ("a.au", "pcm_mulaw", 44_100, None),
    ("a.caf", "alac", 44_100, None),
    ("a.ec3", "eac3", 44_100, "eac3"),
    ("a.m4b", "aac", 44_100, "mp4"),
    ("a.mka", "ac3", 44_100, "matroska"),
    ("a.mp2", "mp2", 44_100, None),
    ("a.mpga", "libmp3lame", 44_100, "mp3"),
    ("a.opus", "libopus", 48_000, None),
    ("a.ra", "real_144", 8_000, "rm"),
    ("a.rso", "pcm_u8", 8_000, None),
    ("a.sox", "pcm_s32le", 44_100, None),
    ("a.tta", "tta", 44_100, None),
    ("a.voc", "pcm_u8", 8_000, None),
    ("a.w64", "pcm_s16le", 44_100, None),
    ("a.weba", "libopus", 48_000, "webm"),
    ("a.wma", "wmav2", 44_100, "asf"),
    ("a.wv", "wavpack", 44_100, None),
]


@pytest.mark.parametrize(("name", "codec", "rate", "container"), ENCODED)
def test_sound_of_every_kind_is_seen_and_decoded(
    tmp_path: Path, name: str, codec: str, rate: int, container: str | None
) -> None:
    path = write(tmp_path / name, tone(3.0, rate, level=0.4), rate, codec, container=container)
    assert [found.path.name for found in walk(tmp_path)] == [name]
    assert_is_tone(path, 3.0)


def test_dsd_in_a_dff_file_is_seen_and_decoded(tmp_path: Path) -> None:
    path = write_dff(tmp_path / "a.dff")
    assert [found.path.name for found in walk(tmp_path)] == ["a.dff"]
    assert_is_tone(path, 1.0)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.flac", "flac", 44_100),
        ("a.wav", "pcm_s16le", 44_100),
        ("a.w64", "pcm_s16le", 44_100),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.opus", "libopus", 48_000),
        ("a.caf", "pcm_s16be", 44_100),
        ("a.tta", "tta", 44_100),
        ("a.wv", "wavpack", 44_100),
        ("a.au", "pcm_s16be", 44_100),
        ("a.aiff", "pcm_s16be", 44_100),
        ("a.amr", "libopencore_amrnb", 8_000),
        ("a.wma", "wmav2", 44_100),
        ("a.voc", "pcm_u8", 8_000),
    ],
)
def test_sound_without_its_extension_is_seen_by_its_signature(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    path = write(tmp_path / name, tone(1.0, rate), rate, codec)
    path.rename(tmp_path / "song")
    assert [found.path.name for found in walk(tmp_path)] == ["song"]


def test_dff_without_its_extension_is_seen(tmp_path: Path) -> None:
    assert is_sound(write_dff(tmp_path / "a", 0.1).read_bytes()[:HEAD_BYTES])


def assert_is_tone(path: Path, seconds: float) -> None:
    found = decode(path)
    assert found.audio.duration_s == pytest.approx(seconds, abs=0.15)
    samples = found.audio.samples[4000:-4000]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    hz = np.fft.rfftfreq(len(samples), 1 / 22_050)[spectrum.argmax()]
    assert hz == pytest.approx(440, abs=3)
    assert np.std(samples) == pytest.approx(0.4 / np.sqrt(2), rel=0.15)
