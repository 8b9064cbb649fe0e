"""Streaming resampling of one channel."""

from __future__ import annotations

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from songrec.core.types import Floats


class Resampler:
    """Streaming resampler of mono chunks to one rate; the rate of chunks may change."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._from: int | None = None
        self._inner: AudioResampler | None = None

    def push(self, chunk: Floats, rate: int) -> list[Floats]:
        """Resample ``chunk`` and return the output that is ready."""
        done = self.finish() if rate != self._from else []
        if rate == self._rate:
            self._from = rate
            return [*done, chunk]
        if self._inner is None:
            self._inner = AudioResampler(format="flt", layout="mono", rate=self._rate)
            self._from = rate
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(chunk[None]), "flt", "mono")
        frame.sample_rate = rate
        return done + _copies(self._inner.resample(frame))

    def finish(self) -> list[Floats]:
        """Return the remaining output."""
        inner, self._inner, self._from = self._inner, None, None
        return [] if inner is None else _copies(inner.resample(None))


def _copies(frames: list[AudioFrame]) -> list[Floats]:
    """Copy the samples of frames.

    Without copies the small arrays lie between FFmpeg's larger buffers and fragment the heap: five
    times the memory of the samples.
    """
    return [frame.to_ndarray()[0].copy() for frame in frames]
