"""Conversion of sound files to formats that every browser plays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from songrec.audio_files.containers import Damage, frames, opened
from songrec.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Target:
    """A format that is written: FFmpeg's names of container and encoder, rate and bits a second.

    ``options`` are those of the container: what is written can be read while it grows.
    """

    container: str
    encoder: str
    sample_format: str
    sample_rate: int
    bit_rate: int
    options: dict[str, str]


TARGETS = {
    "opus": Target("ogg", "libopus", "s16", 48_000, 160_000, {"flush_packets": "1"}),
    "mp3": Target(
        "mp3", "libmp3lame", "s16p", 44_100, 192_000, {"flush_packets": "1", "write_xing": "0"}
    ),
}


def transcode(path: Path, target: Path, format: str) -> None:
    """Write the sound of ``path`` to ``target`` in one of ``TARGETS``, mono or stereo.

    ``target`` grows from its beginning to its end. Undecodable packets are left out.

    Raises ``BadInput`` for a file that cannot be decoded.
    """
    kind = TARGETS[format]
    written = 0
    with (
        opened(path) as (container, stream),
        av.open(str(target), "w", format=kind.container, options=kind.options) as out,
    ):
        layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
        encoder = out.add_stream(kind.encoder, rate=kind.sample_rate, layout=layout)
        encoder.bit_rate = kind.bit_rate
        encoder.codec_context.format = kind.sample_format
        for frame in _resampled(frames(container, stream, Damage()), kind, layout):
            frame.pts = written
            frame.time_base = Fraction(1, kind.sample_rate)
            written += frame.samples
            out.mux(encoder.encode(frame))
        out.mux(encoder.encode(None))
    if not written:
        raise BadInput("holds no sound that can be decoded")


def _resampled(
    decoded: Iterator[tuple[float, float, AudioFrame]], kind: Target, layout: str
) -> Iterator[Any]:
    """Yield frames in the format of the encoder; rate and channels may change within a file."""
    resampler: AudioResampler | None = None
    source: tuple[Any, ...] | None = None
    for _, _, frame in decoded:
        properties = (frame.format.name, frame.layout.name, frame.sample_rate)
        if properties != source:
            if resampler is not None:
                yield from resampler.resample(None)
            source = properties
            resampler = AudioResampler(kind.sample_format, layout, kind.sample_rate)
        frame.pts = None
        assert resampler is not None
        yield from resampler.resample(frame)
    if resampler is not None:
        yield from resampler.resample(None)
