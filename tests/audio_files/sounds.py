"""Sound files for tests, made on the spot: whatever container, rate, channels and sample format."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BIT_RATES = {"wmav1": 64_000, "wmav2": 64_000, "real_144": 8_000}
"""Bits a second for encoders without a default."""


def tone(
    seconds: float = 2.0, rate: int = 22_050, hz: float = 440.0, level: float = 0.5
) -> NDArray[np.float32]:
    """A sine, float32 ``(n,)``."""
    at = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hz * at)).astype(np.float32)


def chords(seconds: float, seed: int, rate: int = 22_050) -> NDArray[np.float32]:
    """A made-up piece, different for each seed: chords on a beat, with noise on top."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 0.01, round(seconds * rate))
    beat = 60 / rng.uniform(70, 160)
    for number in range(int(seconds / beat)):
        start = round(number * beat * rate)
        length = min(round(beat * rate), len(samples) - start)
        at = np.arange(length) / rate
        for hz in 110 * 2 ** (rng.choice(24, 3, replace=False) / 12):
            samples[start : start + length] += 0.15 * np.sin(2 * np.pi * hz * at) * np.exp(-3 * at)
    return samples.astype(np.float32)


def write_wav(
    path: Path, samples: NDArray[np.floating], rate: int = 22_050, width: int = 2
) -> Path:
    """PCM of 1, 2, 3 or 4 bytes a sample; ``samples`` ``(n,)`` or ``(n, channels)``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = samples.reshape(len(samples), -1)
    scaled = np.round(frames * (2 ** (8 * width - 1) - 1)).astype(np.int64)
    raw = (
        (scaled + 128).astype(np.uint8).tobytes()
        if width == 1
        else scaled.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)
    return path


def write(
    path: Path,
    samples: NDArray[np.float32],
    rate: int,
    codec: str,
    *,
    layout: str = "mono",
    container: str | None = None,
    **muxer: str,
) -> Path:
    """Encode mono or planar samples ``(n,)`` or ``(channels, n)`` with one of FFmpeg's encoders.

    ``muxer`` are options of the container format.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    planes = samples.reshape(-1, samples.shape[-1])
    with av.open(str(path), "w", format=container, options=muxer) as file:
        options = {"strict": "experimental"} if codec == "vorbis" else {}
        stream = file.add_stream(codec, rate=rate, layout=layout, options=options)
        if codec in BIT_RATES:
            stream.bit_rate = BIT_RATES[codec]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), "fltp", layout)
        # Without timestamps some encoders make them up.
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or None,
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return path
