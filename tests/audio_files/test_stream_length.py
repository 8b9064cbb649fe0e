"""Lengths: what decoding gives in every format, whatever headers and packets state."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from songrec.audio_files.containers import Damage, frames, opened
from songrec.audio_files.decoding import SoundFile, decode
from songrec.audio_files.stream_length import StreamLength, measure, stated_length
from songrec.core.errors import BadInput
from tests.audio_files.sounds import chords, write

SECONDS = 14.3


def length_of(path: Path) -> StreamLength:
    with opened(path) as (container, stream):
        return measure(container, stream)


def stated(path: Path) -> float | None:
    with opened(path) as (container, stream):
        return stated_length(path, container, stream)


def decoded(path: Path) -> float:
    with opened(path) as (container, stream):
        return sum(f.samples / f.sample_rate for _, _, f in frames(container, stream, Damage()))


@cache
def made_up_piece(rate: int) -> NDArray[np.float32]:
    return chords(SECONDS, 5, rate)


def sound(folder: Path, name: str, codec: str, rate: int = 44_100, **muxer: str) -> Path:
    layout = "mono" if codec in ("libopencore_amrnb", "real_144") else "stereo"
    samples = made_up_piece(rate)
    planes = samples if layout == "mono" else np.stack([samples, 0.8 * samples])
    return write(folder / name, planes, rate, codec, layout=layout, **muxer)


WITHOUT_LENGTH = frozenset({"mp2", "aac", "ac3", "eac3", "ts", "amr", "rm", "voc", "caf"})
"""Formats in which nothing says that a part is missing."""

FORMATS = [
    ("a.mp3", "libmp3lame", 44_100, {}),
    ("a.mp3", "libmp3lame", 8_000, {}),
    ("a.mp3", "libmp3lame", 44_100, {"write_xing": "0"}),
    ("a.mp2", "mp2", 44_100, {}),
    ("a.m4a", "aac", 44_100, {}),
    ("a.m4a", "aac", 8_000, {}),
    ("a.m4a", "aac", 44_100, {"use_editlist": "0"}),
    ("a.mp4", "aac", 44_100, {"movflags": "frag_keyframe+empty_moov"}),
    ("a.m4a", "alac", 44_100, {}),
    ("a.aac", "aac", 44_100, {}),
    ("a.opus", "libopus", 48_000, {}),
    ("a.webm", "libopus", 48_000, {}),
    ("a.ogg", "vorbis", 44_100, {}),
    ("a.mka", "vorbis", 44_100, {}),
    ("a.flac", "flac", 44_100, {}),
    ("a.oga", "flac", 44_100, {}),
    ("a.mka", "flac", 44_100, {}),
    ("a.ac3", "ac3", 44_100, {}),
    ("a.mka", "ac3", 44_100, {}),
    ("a.eac3", "eac3", 48_000, {}),
    ("a.wma", "wmav2", 44_100, {}),
    ("a.wma", "wmav2", 8_000, {}),
    ("a.wma", "wmav1", 44_100, {}),
    ("a.wv", "wavpack", 44_100, {}),
    ("a.tta", "tta", 44_100, {}),
    ("a.wav", "pcm_s24le", 44_100, {}),
    ("a.wav", "adpcm_ms", 44_100, {}),
    ("a.w64", "pcm_s16le", 44_100, {}),
    ("a.aiff", "pcm_s16be", 44_100, {}),
    ("a.au", "pcm_s16be", 44_100, {}),
    ("a.caf", "pcm_s16be", 44_100, {}),
    ("a.caf", "alac", 44_100, {}),
    ("a.voc", "pcm_u8", 44_100, {}),
    ("a.flv", "libmp3lame", 44_100, {}),
    ("a.avi", "libmp3lame", 44_100, {}),
    ("a.ts", "aac", 44_100, {}),
    ("a.amr", "libopencore_amrnb", 8_000, {}),
    ("a.rm", "real_144", 8_000, {}),
]


@pytest.mark.parametrize(("name", "codec", "rate", "muxer"), FORMATS)
def test_the_length_is_what_decoding_gives_in_every_format(
    tmp_path: Path, name: str, codec: str, rate: int, muxer: dict[str, str]
) -> None:
    path = sound(tmp_path, name, codec, rate, **muxer)
    file = decode(path, seconds=4)
    assert file.audio.duration_s == pytest.approx(decoded(path), abs=0.02)
    assert file.audio.duration_s == pytest.approx(SECONDS, abs=0.15)
    assert file.audio.start_s == pytest.approx((SECONDS - 4) / 2, abs=0.2)
    assert file.notes == ()


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        (name, codec, rate)
        for name, codec, rate, muxer in FORMATS
        if not muxer and name.split(".")[1] not in WITHOUT_LENGTH
    ],
)
def test_a_truncated_file_is_named_in_every_format_that_can_tell(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    path = sound(tmp_path, name, codec, rate)
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * 0.7)])
    try:
        notes = " ".join(decode(path, seconds=4).notes)
    except BadInput as error:  # an MP4 file without its index
        notes = str(error)
    assert "claims" in notes or "cut off" in notes


@pytest.mark.realdata
def test_packets_of_vorbis_state_less_than_they_hold(real_data: Path) -> None:
    path = real_data / "audio" / "library" / "opensurge" / "options.ogg"
    length = length_of(path)
    assert length.packets_s == pytest.approx(194.54, abs=0.01)
    assert length.seconds == pytest.approx(207.48, abs=0.01)
    assert decode(path).notes == ()


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["library", "clips", "awkward"])
def test_lengths_of_real_files_agree_with_decoding(real_data: Path, folder: str) -> None:
    differing, accused = {}, []
    for path in sorted((real_data / "audio" / folder).rglob("*")):
        if not path.is_file() or path.suffix in (".csv", ".txt", ".toml", ""):
            continue
        try:
            length = length_of(path)
            whole = decoded(path)
            notes = decode(path).notes if folder == "library" else ()
        except BadInput:
            continue
        if length.seconds is not None and abs(length.seconds - whole) > 0.05:
            differing[path.name] = (length.seconds, whole)
        accused += [path.name for note in notes if "claims" in note or "cut off" in note]
    assert differing == {}
    assert accused == []


def test_an_estimate_from_the_bit_rate_is_no_statement(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame", write_xing="0")
    assert stated(path) is None
    assert stated(sound(tmp_path, "b.mp3", "libmp3lame")) == pytest.approx(SECONDS, abs=0.01)
    data = (tmp_path / "b.mp3").read_bytes()
    assert data[:3] == b"ID3"
    (tmp_path / "b.mp3").write_bytes(data.replace(b"Info", b"VBRI"))
    assert stated(tmp_path / "b.mp3") is not None


class TestHeadersThatLie:
    """Sizes and counts in headers that are not those of the sound."""

    @pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
    def test_a_wave_file_whose_size_is_unknown(self, tmp_path: Path, size: int) -> None:
        path = sound(tmp_path, "a.wav", "pcm_s16le")
        data = bytearray(path.read_bytes())
        at = data.index(b"data")
        data[at + 4 : at + 8] = data[4:8] = struct.pack("<I", size)
        path.write_bytes(data)
        file = decode(path, seconds=4)
        assert file.audio.duration_s == pytest.approx(SECONDS, abs=0.01)
        assert file.notes == ()

    def test_flac_without_the_number_of_samples(self, tmp_path: Path) -> None:
        path = sound(tmp_path, "a.flac", "flac")
        data = bytearray(path.read_bytes())
        data[21] &= 0xF0
        data[22:26] = bytes(4)
        path.write_bytes(data)
        file = decode(path, seconds=4)
        assert file.audio.duration_s == pytest.approx(SECONDS, abs=0.01)
        assert file.notes == ()

    def test_an_edit_list_that_cuts_both_ends(self, tmp_path: Path) -> None:
        path = sound(tmp_path, "a.m4a", "aac")
        data = bytearray(path.read_bytes())
        at = data.index(b"elst")
        data[at + 12 : at + 20] = struct.pack(">II", 9_000, 1024 + 3 * 44_100)
        path.write_bytes(data)
        file = decode(path, seconds=4)
        assert file.audio.duration_s == pytest.approx(decoded(path), abs=0.02)
        assert file.audio.duration_s == pytest.approx(9, abs=0.1)
        assert file.notes == ()

    @pytest.mark.parametrize(
        ("name", "codec", "rate"),
        [("a.ogg", "vorbis", 44_100), ("a.opus", "libopus", 48_000), ("a.oga", "flac", 44_100)],
    )
    def test_a_chain_of_ogg_streams_is_as_long_as_all_of_them(
        self, tmp_path: Path, name: str, codec: str, rate: int
    ) -> None:
        path = sound(tmp_path, name, codec, rate)
        path.write_bytes(path.read_bytes() * 3)
        file = decode(path, seconds=4)
        assert file.audio.duration_s == pytest.approx(3 * SECONDS, abs=0.1)
        assert file.notes == ()
        assert file.audio.duration_s == pytest.approx(decoded(path), abs=0.02)

    def test_two_mp3_files_in_one(self, tmp_path: Path) -> None:
        path = sound(tmp_path, "a.mp3", "libmp3lame")
        path.write_bytes(path.read_bytes() * 2)
        file = decode(path, seconds=4)
        assert file.audio.duration_s == pytest.approx(decoded(path), abs=0.05)
        assert file.audio.duration_s == pytest.approx(2 * SECONDS, abs=0.2)


def test_a_length_is_measured_once_for_all_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from songrec.audio_files import decoding

    calls = []
    real = decoding.measure
    monkeypatch.setattr(decoding, "measure", lambda *args: calls.append(1) or real(*args))
    file = SoundFile(sound(tmp_path, "a.ogg", "vorbis"))
    for rate in (22_050, 16_000, 8_000):
        part = file.decode(sample_rate=rate, seconds=4)
        assert len(part.audio.samples) == 4 * rate
    assert len(calls) == 1


def test_a_whole_file_without_reliable_timestamps_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sound(tmp_path, "a.rm", "real_144", 8_000)
    assert length_of(path).seconds is None
    file = SoundFile(path)
    monkeypatch.setattr(file, "_count", lambda: pytest.fail("counted"))
    assert file.decode(seconds=None).audio.duration_s == pytest.approx(SECONDS, abs=0.05)
