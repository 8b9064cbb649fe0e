"""Choice of an excerpt without long silences for analysis.

The excerpt is the middle (or the start) of the file. Where that holds a long silence (a hidden
track, a silent tail, a pause between pieces), the whole file is measured and the excerpt moves:

1. The level of a block of 0.1 s is its mean power over channels, without a constant offset. A
   block sounds if its level is above a gate 40 dB below the level of the file, at most -45 and at
   least -80 dB relative to full scale. The level of the file is the mean of the blocks that are at
   most 10 dB below the mean of all. Pauses shorter than ``LONG_SILENCE_S`` count as sound.
2. Among all excerpts of the requested length, those with most sound are eligible. The middle one
   (or the first) of the longest run of adjacent eligible excerpts is chosen. For a song followed by
   silence and a hidden track, this is the middle of the longer of the two.
3. Silence at the ends of the excerpt is cut off.

A file without a sounding block is silent and has no excerpt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from songrec.audio_files.mixing import BLOCK_S, LEAST_POWER

Where = Literal["middle", "start"]

LONG_SILENCE_S = 5.0
"""Pauses shorter than this are part of the music: no excerpt of 354 recordings has one of 3 s."""
SHORTEST_EXCERPT_S = 3.0
"""A shorter sound between silences is analysed together with some of the silence."""
_DEPTH = 10.0 ** (-40.0 / 10.0)
_LOWEST_GATE, _HIGHEST_GATE = LEAST_POWER, 10.0 ** (-45.0 / 10.0)


@dataclass(frozen=True, slots=True)
class Range:
    """Part of a file by the indices of its blocks, from ``start`` to before ``stop``."""

    start: int
    stop: int


def may_hold_silence(powers: NDArray[np.float64]) -> bool:
    """Return whether an excerpt could hold a long silence, regardless of the rest of the file.

    ``powers`` are the powers of its blocks (``mixing.Blocks``), float64 ``(blocks,)``.
    """
    return _holds_silence(powers > _HIGHEST_GATE)


def choose(
    powers: NDArray[np.float64],
    usual: NDArray[np.float64],
    length: int,
    where: Where = "middle",
) -> Range | None:
    """Choose an excerpt of at most ``length`` blocks where a file sounds.

    Parameters
    ----------
    powers
        Powers of all blocks of the file, or of its first hour.
    usual
        Powers of the blocks of the default excerpt.

    Returns
    -------
    Range or None
        None if the default excerpt holds no long silence, or if the whole file is silent.
    """
    gate = _gate(powers)
    sounding = powers > gate
    if not sounding.any() or not _holds_silence(usual > gate):
        return None
    bridged = _bridge_pauses(sounding)
    length = min(length, len(bridged))
    amounts = np.convolve(bridged.astype(np.int64), np.ones(length, dtype=np.int64), mode="valid")
    first, last = _longest_run(amounts == amounts.max())
    start = (first + last) // 2 if where == "middle" else first
    inside = start + np.flatnonzero(bridged[start : start + length])
    return _widen(Range(int(inside[0]), int(inside[-1]) + 1), len(bridged))


def _gate(powers: NDArray[np.float64]) -> float:
    audible = powers[powers > _LOWEST_GATE]
    if not len(audible):
        return _LOWEST_GATE
    level = float(audible[audible >= audible.mean() / 10.0].mean())
    return min(max(_LOWEST_GATE, level * _DEPTH), _HIGHEST_GATE)


def _holds_silence(sounding: NDArray[np.bool_]) -> bool:
    """Return whether a pause is long, or a shorter excerpt is all silent."""
    longest = min(round(LONG_SILENCE_S / BLOCK_S), len(sounding))
    return any(stop - start >= longest for start, stop in _runs(~sounding))


def _bridge_pauses(sounding: NDArray[np.bool_]) -> NDArray[np.bool_]:
    bridged = sounding.copy()
    for start, stop in _runs(~sounding):
        if start > 0 and stop < len(sounding) and stop - start < LONG_SILENCE_S / BLOCK_S:
            bridged[start:stop] = True
    return bridged


def _longest_run(chosen: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first and last index of the longest run of true values, the first of equals."""
    start, stop = max(_runs(chosen), key=lambda run: run[1] - run[0])
    return start, stop - 1


def _runs(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _widen(chosen: Range, count: int) -> Range:
    missing = round(SHORTEST_EXCERPT_S / BLOCK_S) - (chosen.stop - chosen.start)
    if missing <= 0:
        return chosen
    start = max(0, min(chosen.start - missing // 2, count - (chosen.stop - chosen.start) - missing))
    return Range(start, min(count, chosen.stop + missing - (chosen.start - start)))
