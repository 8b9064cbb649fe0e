"""Songs converted while they play: what is chosen, and that nothing stays behind."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from songrec.audio_files.decoding import decode
from songrec.core.errors import BadInput
from songrec.services.features import live_conversion
from songrec.services.features.conversion_slots import Busy
from songrec.services.features.live_conversion import Conversion, choose, start
from songrec.store.sound.audio_files import SoundSource
from tests.audio_files.sounds import tone, write

RATE = 44_100


@pytest.fixture
def source(tmp_path: Path) -> SoundSource:
    """Twenty seconds of noise, which no encoder makes small; silent for the first eight."""
    samples = 0.2 * np.random.default_rng(1).standard_normal(20 * RATE).astype(np.float32)
    samples[: 8 * RATE] = 0
    path = write(
        tmp_path / "a.wav", np.stack([samples, samples]), RATE, "pcm_s16le", layout="stereo"
    )
    return SoundSource(path, "0" * 64)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("codec", "kbps", "wish", "expected"),
    [
        ("mp3float", 320, {}, None),
        ("mp3float", 320, {"format": "mp3"}, None),
        ("mp3float", 320, {"format": "raw", "max_kbps": 64, "from_s": 9.0}, None),
        ("mp3float", 320, {"max_kbps": 320}, None),
        ("mp3float", 320, {"max_kbps": 128}, Conversion("mp3", 128, is_limited=True)),
        ("mp3float", 128, {"from_s": 9.0}, Conversion("mp3", 128, 9.0, is_limited=True)),
        ("vorbis", 160, {"format": "ogg"}, None),
        ("flac", 900, {"format": "opus"}, Conversion("opus", 160)),
        ("flac", 900, {"format": "opus", "max_kbps": 96}, Conversion("opus", 96, is_limited=True)),
        ("flac", 900, {"format": "flac", "from_s": 3.0}, Conversion("flac", None, 3.0)),
        ("flac", 900, {"format": "flac", "max_kbps": 200}, Conversion("mp3", 192, is_limited=True)),
        ("pcm_s16le", 1411, {"format": "m4a"}, Conversion("aac", 192)),
        ("wmav2", 128, {"format": "flv"}, Conversion("mp3", 128, is_limited=True)),
        ("flac", None, {"max_kbps": 1000}, Conversion("mp3", 192, is_limited=True)),
    ],
)
def test_what_an_app_gets(
    codec: str, kbps: int | None, wish: dict[str, object], expected: Conversion | None
) -> None:
    assert choose(codec, kbps, **wish) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["mp3", "opus", "aac", "flac"])
def test_a_conversion_begins_at_its_place(tmp_path: Path, source: SoundSource, format: str) -> None:
    stream = start(source, Conversion(format, 96 if format != "flac" else None, 7.0), "anna")
    target = tmp_path / f"b.{format}"
    target.write_bytes(b"".join(stream))
    audio = decode(target, sample_rate=8_000, seconds=None).audio
    assert audio.duration_s == pytest.approx(13.0, abs=0.1)
    loud = np.abs(audio.samples) > 0.02
    assert loud.argmax() / 8_000 == pytest.approx(1.0, abs=0.1)
    assert not is_alive(stream.pid)


@pytest.mark.parametrize(("format", "kbps"), [("mp3", 128), ("mp3", 32), ("opus", 64), ("aac", 96)])
def test_a_rate_is_kept_within_fifteen_per_cent(
    source: SoundSource, format: str, kbps: int
) -> None:
    conversion = Conversion(format, kbps, 8.0, is_limited=True)
    size = len(b"".join(start(source, conversion, "anna")))
    assert size * 8 / 12 / 1000 == pytest.approx(kbps, rel=0.15)
    estimate = conversion.estimated_bytes(20.0)
    assert estimate is not None
    assert len(b"".join(start(source, conversion, "anna", length=estimate))) == estimate


def test_a_part_of_an_album_file_ends_where_it_ends(tmp_path: Path, source: SoundSource) -> None:
    part = SoundSource(source.path, "1" * 64, start_s=6.0, end_s=11.0)
    (tmp_path / "b.opus").write_bytes(b"".join(start(part, Conversion("opus", 96, 1.0), "anna")))
    audio = decode(tmp_path / "b.opus", sample_rate=8_000, seconds=None).audio
    assert audio.duration_s == pytest.approx(4.0, abs=0.1)


def test_the_process_ends_when_the_reader_leaves(source: SoundSource) -> None:
    stream = start(source, Conversion("flac", None), "anna")
    assert next(stream).startswith(b"fLaC")
    assert is_alive(stream.pid)
    stream.close()
    assert not is_alive(stream.pid)
    stream.close()  # twice is once


def test_nobody_takes_all_conversions(source: SoundSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_conversion, "WAIT_S", 0.05)
    lossless = Conversion("flac", None)
    streams = [start(source, lossless, "anna"), start(source, lossless, "anna")]
    with pytest.raises(Busy, match="2 songs are being converted for you already"):
        start(source, lossless, "anna")
    streams += [start(source, lossless, "bo"), start(source, lossless, "cleo")]
    assert len(streams) == live_conversion.MOST_AT_ONCE
    with pytest.raises(Busy, match="Other songs are being converted"):
        start(source, lossless, "dora")
    streams.pop(0).close()
    streams.append(start(source, lossless, "dora"))
    for stream in streams:
        stream.close()


def test_a_conversion_that_fails_gives_its_room_back(
    source: SoundSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_conversion, "WAIT_S", 0.05)
    path = tmp_path / "broken.wav"
    path.write_bytes(b"not a sound" * 100)
    for _ in range(live_conversion.MOST_EACH + 1):
        with pytest.raises(BadInput):
            start(SoundSource(path, "0" * 64), Conversion("mp3", 128), "anna")
    start(source, Conversion("flac", None), "anna").close()


def test_what_cannot_be_decoded_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"not a sound" * 100)
    with pytest.raises(BadInput):
        start(SoundSource(path, "0" * 64), Conversion("mp3", 128), "anna")
    short = write(tmp_path / "b.wav", tone(1.0, RATE), RATE, "pcm_s16le")
    with pytest.raises(BadInput):
        start(SoundSource(short, "0" * 64), Conversion("mp3", 128, 5.0), "anna")
