"""Conversion of sound files to formats that every browser and app plays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from songrec.audio_files.containers import Damage, frames, opened
from songrec.core.errors import BadInput

LOW_RATE = 22_050
"""Hz. Sample rate of streams with a low bit rate."""
HIGHEST_RATE = 192_000
"""Hz. Highest sample rate of FLAC output."""
PREROLL_S = 0.5
"""Decoded and dropped before ``start_s``, because lossy decoders need to start up."""
MP3_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MP3_LOW_RATES = (8, 16, 24, 32, 40, 48, 56)
"""Bit rates (kbit/s) of MP3 at 44,100 Hz and at ``LOW_RATE``."""
_DEEP = frozenset({"s32", "s64", "flt", "dbl"})
_LOSSLESS = ("flac", "alac", "pcm_", "ape", "wavpack", "tta", "tak", "mlp", "truehd")


@dataclass(frozen=True, slots=True)
class Target:
    """An output format: FFmpeg's names of container and encoder, sample rate and bit rate.

    The container ``options`` make the output readable while it grows. A ``sample_rate`` of 0 is
    the source's; a ``bit_rate`` of 0 means lossless.
    """

    container: str
    encoder: str
    sample_format: str
    sample_rate: int
    bit_rate: int
    options: dict[str, str]
    encoder_options: dict[str, str] = field(default_factory=dict)


_OPUS = Target("ogg", "libopus", "s16", 48_000, 160_000, {"flush_packets": "1"})
TARGETS = {
    "opus": _OPUS,
    "ogg": _OPUS,
    "mp3": Target(
        "mp3", "libmp3lame", "s16p", 44_100, 192_000, {"flush_packets": "1", "write_xing": "0"}
    ),
    "aac": Target("adts", "aac", "fltp", 44_100, 192_000, {"flush_packets": "1"}),
    "flac": Target("flac", "flac", "s16", 0, 0, {"flush_packets": "1"}, {"compression_level": "1"}),
}


def limited(format: str, bit_rate: int | None) -> Target:
    """Return the target of ``format`` limited to ``bit_rate`` bits a second, if any is given.

    The limit is never below the encoder's lowest rate.
    """
    kind = TARGETS[format]
    if not bit_rate or not kind.bit_rate:
        return kind
    match format:
        case "mp3":
            is_low = bit_rate < 64_000
            rates = MP3_LOW_RATES if is_low else MP3_RATES
            chosen = max((1000 * rate for rate in rates if 1000 * rate <= bit_rate), default=8_000)
            return replace(
                kind, bit_rate=chosen, sample_rate=LOW_RATE if is_low else kind.sample_rate
            )
        case "opus" | "ogg":
            # Constrained VBR holds the mean over a second, so the limit holds.
            return replace(
                kind,
                bit_rate=min(max(bit_rate, 6_000), 450_000),
                encoder_options={"vbr": "constrained"},
            )
    is_low = bit_rate < 64_000
    return replace(
        kind,
        bit_rate=min(max(bit_rate, 16_000), 320_000),
        sample_rate=LOW_RATE if is_low else kind.sample_rate,
    )


def transcode(
    path: Path,
    target: Path | str,
    format: str,
    *,
    bit_rate: int | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
) -> None:
    """Write the sound of ``path`` to ``target`` in one of ``TARGETS``, mono or stereo.

    ``target`` grows from its beginning to its end. Undecodable packets are left out.

    Parameters
    ----------
    target
        A path, or an address of FFmpeg that need not be seekable (``pipe:1``).
    bit_rate
        Bits a second at most; None for the format's own rate.
    start_s, end_s
        The part of the file in seconds; to its end with None.

    Raises
    ------
    BadInput
        For a file that cannot be decoded, or that ends before ``start_s``.
    """
    kind = limited(format, bit_rate)
    written = 0
    with (
        opened(path) as (container, stream),
        av.open(str(target), "w", format=kind.container, options=kind.options) as out,
    ):
        context = stream.codec_context
        layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        if not kind.bit_rate:
            deep = context.format.packed.name in _DEEP and context.name.startswith(_LOSSLESS)
            kind = replace(
                kind,
                sample_rate=min(context.sample_rate, HIGHEST_RATE),
                sample_format="s32" if deep else kind.sample_format,
            )
        encoder = out.add_stream(kind.encoder, rate=kind.sample_rate, layout=layout)
        if kind.bit_rate:
            encoder.bit_rate = kind.bit_rate
        encoder.codec_context.format = kind.sample_format
        encoder.codec_context.options = kind.encoder_options
        skip_s = max(0.0, start_s - PREROLL_S)
        decoded = frames(container, stream, Damage(), skip_s=skip_s)
        for frame in _between(decoded, kind, layout, start_s, end_s):
            frame.pts = written
            frame.time_base = Fraction(1, kind.sample_rate)
            written += frame.samples
            out.mux(encoder.encode(frame))
        if not written:  # checked before the header of the format is written
            if start_s:
                raise BadInput(f"ends before {start_s:.1f} s")
            raise BadInput("holds no sound that can be decoded")
        out.mux(encoder.encode(None))


def _between(
    decoded: Iterator[tuple[float, float, AudioFrame]],
    kind: Target,
    layout: str,
    start_s: float,
    end_s: float | None,
) -> Iterator[Any]:
    """Yield resampled frames from ``start_s`` up to ``end_s``, exact to the sample."""
    first_frame = next(decoded, None)
    if first_frame is None:
        return
    begins_s = first_frame[0]
    first = round((start_s - begins_s) * kind.sample_rate)
    last = None if end_s is None else round((end_s - begins_s) * kind.sample_rate)
    at = 0
    for piece in _resampled(_chain(first_frame, decoded), kind, layout):
        begin, at = at, at + piece.samples
        if at <= first:
            continue
        if last is not None and begin >= last:
            return
        low = max(first - begin, 0)
        high = piece.samples if last is None else min(piece.samples, last - begin)
        yield piece if (low, high) == (0, piece.samples) else _cut(piece, low, high)


def _chain(
    first: tuple[float, float, AudioFrame], rest: Iterator[tuple[float, float, AudioFrame]]
) -> Iterator[tuple[float, float, AudioFrame]]:
    yield first
    yield from rest


def _cut(frame: Any, low: int, high: int) -> AudioFrame:
    """Return the samples ``low`` to ``high`` of a frame."""
    width = 1 if frame.format.is_planar else frame.layout.nb_channels
    samples = frame.to_ndarray()[:, low * width : high * width]
    piece = AudioFrame.from_ndarray(samples.copy(), frame.format.name, frame.layout.name)
    piece.sample_rate = frame.sample_rate
    return piece


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
