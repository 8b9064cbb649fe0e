"""Files with several streams: the sound that players choose, and nothing but sound."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3
from mutagen.mp4 import MP4, MP4Cover
from numpy.typing import NDArray

from songrec.audio_files.containers import JoinedFrames
from songrec.audio_files.decoding import decode
from songrec.core.errors import BadInput
from tests.audio_files.sounds import tone

RATE = 44_100


def put(
    path: Path, codec: str, tones: list[tuple[float, Disposition]], *, film: bool = False
) -> Path:
    """Write a stream of 4 s for each frequency, with its disposition, after those of a film."""
    with av.open(str(path), "w") as file:
        video = add_film(file) if film else None
        streams = []
        for _, disposition in tones:
            stream = file.add_stream(codec, rate=RATE, layout="stereo")
            stream.disposition = disposition
            streams.append(stream)
        if video is not None:
            draw(file, video)
        for stream, (hz, _) in zip(streams, tones, strict=True):
            encode(file, stream, np.tile(tone(4.0, RATE, hz), (2, 1)))
    return path


def add_film(file: av.container.OutputContainer) -> av.VideoStream:
    video = file.add_stream("mpeg4", rate=5)
    video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
    return video


def draw(file: av.container.OutputContainer, video: av.VideoStream) -> None:
    for _ in range(20):
        image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        file.mux(video.encode(image))
    file.mux(video.encode(None))


def png() -> bytes:
    image = io.BytesIO()
    with av.open(image, "w", format="image2pipe") as file:
        stream = file.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 8, 8, "rgb24"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((8, 8, 3), np.uint8), "rgb24")))
        file.mux(stream.encode(None))
    return image.getvalue()


def encode(file: av.container.OutputContainer, stream: av.AudioStream, planes: NDArray) -> None:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), "fltp", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    resampler = av.AudioResampler(
        format=stream.codec_context.format,
        layout="stereo",
        rate=RATE,
        frame_size=stream.codec_context.frame_size or None,
    )
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        file.mux(stream.encode(piece))
    file.mux(stream.encode(None))


def pitch(path: Path) -> float:
    samples = decode(path).audio.samples
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / 22_050)[spectrum.argmax()])


NONE, DEFAULT = Disposition(0), Disposition.default


@pytest.mark.parametrize(("name", "codec"), [("a.mka", "flac"), ("a.mka", "ac3"), ("a.m4a", "aac")])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_default_stream_is_decoded(tmp_path: Path, name: str, codec: str, number: int) -> None:
    dispositions = [DEFAULT if at == number else NONE for at in range(3)]
    tones = list(zip((300.0, 600.0, 900.0), dispositions, strict=True))
    path = put(tmp_path / name, codec, tones)
    assert pitch(path) == pytest.approx(300 * (number + 1), abs=2)
    assert f"holds 3 audio streams; number {number + 1} is used" in decode(path).notes


def test_a_commentary_for_the_blind_is_not_the_song(tmp_path: Path) -> None:
    tones = [(300.0, Disposition.visual_impaired), (600.0, NONE)]
    path = put(tmp_path / "a.mka", "flac", tones)
    assert pitch(path) == pytest.approx(600, abs=2)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.m4a", "aac")]
)
def test_a_cover_is_passed_over(tmp_path: Path, name: str, codec: str) -> None:
    path = put(tmp_path / name, codec, [(440.0, DEFAULT)])
    picture = png()
    if name == "a.mp3":
        tags = ID3()
        tags.add(APIC(mime="image/png", type=3, data=picture))
        tags.save(path)
    elif name == "a.flac":
        flac = FLAC(path)
        front = Picture()
        front.mime, front.type, front.data = "image/png", 3, picture
        flac.add_picture(front)
        flac.save()
    else:
        mp4 = MP4(path)
        mp4["covr"] = [MP4Cover(picture, imageformat=MP4Cover.FORMAT_PNG)]
        mp4.save()
    with av.open(str(path)) as file:
        assert file.streams.video
    assert pitch(path) == pytest.approx(440, abs=2)
    assert decode(path).notes == ()


def test_pictures_before_the_sound_are_passed_over(tmp_path: Path) -> None:
    path = put(tmp_path / "a.mp4", "aac", [(440.0, DEFAULT)], film=True)
    with av.open(str(path)) as file:
        assert file.streams[0].type == "video"
    assert pitch(path) == pytest.approx(440, abs=2)
    assert decode(path).notes == ()


def test_a_film_without_sound_holds_none(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        draw(file, add_film(file))
    with pytest.raises(BadInput, match="holds no sound"):
        decode(path)


def frame_of(values: NDArray[np.generic], layout: str, rate: int, pts: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(values, "fltp", layout)
    frame.sample_rate, frame.pts = rate, pts
    frame.time_base = Fraction(1, 1000 + pts)
    return frame


def test_frames_of_one_format_are_joined_whatever_their_timestamps() -> None:
    rng = np.random.default_rng(1)
    parts = [rng.random((2, size)).astype(np.float32) for size in (100, 1, 57)]
    joined = JoinedFrames()
    assert joined.take() is None
    for pts, part in zip((5, 4, 900), parts, strict=True):
        assert joined.add(frame_of(part, "stereo", RATE, pts))
    taken = joined.take()
    np.testing.assert_array_equal(taken.to_ndarray(), np.concatenate(parts, axis=1))
    assert (taken.sample_rate, taken.layout.name) == (RATE, "stereo")
    assert joined.take() is None


@pytest.mark.parametrize(("layout", "rate"), [("mono", RATE), ("stereo", 48_000)])
def test_a_frame_of_another_format_is_not_joined(layout: str, rate: int) -> None:
    joined = JoinedFrames()
    first = np.ones((2, 10), dtype=np.float32)
    assert joined.add(frame_of(first, "stereo", RATE, 0))
    channels = 1 if layout == "mono" else 2
    other = frame_of(np.zeros((channels, 10), dtype=np.float32), layout, rate, 10)
    assert not joined.add(other)
    np.testing.assert_array_equal(joined.take().to_ndarray(), first)
    assert joined.add(other)
