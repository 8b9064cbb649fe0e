"""Cutting of a part of a sound file, such as one track of an album, into a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from songrec.audio_files.containers import Damage, frames_from, opened
from songrec.audio_files.decoding import PREROLL_S
from songrec.audio_files.stream_length import measure
from songrec.core.errors import BadInput
from songrec.core.files import atomic_file

HIGHEST_RATE = 192_000
"""Hz. Highest rate that FLAC and browsers play; only DSD exceeds it."""
_DEEP = frozenset({"s32", "s64", "flt", "dbl"})
_LOSSY = ("mp", "aac", "vorbis", "opus", "wma", "ac3", "eac3", "atrac")


def cut(path: Path, start_s: float, end_s: float | None, target: Path) -> str:
    """Write the part from ``start_s`` up to ``end_s`` (None: to the end) as FLAC to ``target``.

    The cut is exact to the sample and keeps the file's sample rate and channels; lossless sources
    of more than 16 bits become 24 bits. ``target`` is replaced atomically. Returns the codec of
    the file.

    Raises ``BadInput`` for a file that cannot be decoded and for a part behind its end.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from None
    origin_s = _origin(path, status.st_size, status.st_mtime_ns)
    with atomic_file(target, suffix=".flac") as draft:
        written = 0
        with opened(path) as (container, stream), av.open(str(draft), "w", format="flac") as out:
            context = stream.codec_context
            rate = min(context.sample_rate, HIGHEST_RATE)
            is_lossy = context.name.startswith(_LOSSY)
            deep = context.format.packed.name in _DEEP and not is_lossy
            sample_format = "s32" if deep else "s16"
            encoder = out.add_stream("flac", rate=rate, layout=context.layout.name)
            encoder.codec_context.options = {"compression_level": "0"}  # a copy that does not last
            encoder.codec_context.format = sample_format
            skip_s = max(0.0, start_s - PREROLL_S)
            decoded = frames_from(container, stream, Damage(), skip_s, origin_s)
            for samples in _samples(decoded, stream, sample_format, rate, start_s, end_s):
                frame = AudioFrame.from_ndarray(samples, sample_format, context.layout.name)
                frame.sample_rate = rate
                out.mux(encoder.encode(frame))
                written += frame.samples
            out.mux(encoder.encode(None))
        if not written:
            raise BadInput(f"ends before {start_s:.1f} s, where the part begins")
    return str(context.name)


@lru_cache(maxsize=64)
def _origin(path: Path, size: int, modified_ns: int) -> float | None:
    """Return ``StreamLength.origin_s``, cached because it takes reading all packets of the file."""
    with opened(path) as (container, stream):
        return measure(container, stream).origin_s


def _samples(
    decoded: Iterator[tuple[float, AudioFrame]],
    stream: Any,
    sample_format: str,
    rate: int,
    start_s: float,
    end_s: float | None,
) -> Iterator[np.ndarray]:
    """Yield the interleaved samples of the part, ``(1, samples * channels)``."""
    n_channels = stream.codec_context.layout.nb_channels
    resampler: AudioResampler | None = None
    source: tuple[Any, ...] | None = None
    at: float | None = None
    for clock, frame in decoded:
        at = clock if at is None else at
        properties = (frame.format.name, frame.layout.name, frame.sample_rate)
        if properties != source:
            source = properties
            resampler = AudioResampler(
                format=sample_format, layout=stream.codec_context.layout.name, rate=rate
            )
        frame.pts = None
        for piece in resampler.resample(frame):
            values = piece.to_ndarray()
            first = round((start_s - at) * rate)
            last = values.size // n_channels if end_s is None else round((end_s - at) * rate)
            part = values[:, max(0, first) * n_channels : max(0, last) * n_channels]
            at += values.size / n_channels / rate
            if part.size:
                yield np.ascontiguousarray(part)
        if end_s is not None and at >= end_s:
            return
