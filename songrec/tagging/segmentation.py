"""Splitting songs into segments, and segments into training and validation without overlap.

**The rule.** Each song is laid out in blocks of two segments' length from its beginning. A block is
for validation with ``validation_probability``, by one seeded draw, and for training otherwise. A
segment that lies, with the frame after it, wholly in blocks of one kind is of that kind; one that
reaches into both kinds is left out. So no training segment shares a frame with a validation
segment, whatever the step between segments, and since frames reach half over their neighbours, no
sample either. ``by="songs"`` draws whole songs instead of blocks, which measures the tagger on
songs that it has never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.types import Ints

TRAINING, VALIDATION, LEFT_OUT = 0, 1, 2
BLOCK = 2
"""Length of a block in segments. Longer blocks would leave excerpts of half a minute undivided,
shorter ones would leave most segments between two kinds."""
BY = ("segments", "songs", "windows")
"""What is held out together; ``windows`` is the former name of ``segments``."""


@dataclass(frozen=True)
class Segments:
    """Segments of several songs, all ``frames`` frames long.

    ``song`` int64 ``(m,)`` is the index of the song of each segment, ``first`` int64 ``(m,)`` the
    frame of its song at which it begins.
    """

    song: Ints
    first: Ints
    frames: int

    def __len__(self) -> int:
        return len(self.song)


def split(lengths: Sequence[int], frames: int, step: float) -> Segments:
    """Return the segments of songs, one every ``step`` frames.

    Parameters
    ----------
    lengths
        Frames of each song. A song shorter than a segment gives one segment (padded when read).
    frames
        Frames of a segment; only whole segments count.
    step
        Frames from one segment to the next. It need not be whole: each segment begins at the
        nearest frame.

    Raises
    ------
    BadInput
        For a length below 1 or a step that is not positive.
    """
    if frames < 1 or step <= 0:
        raise BadInput(
            f"Segments of {frames} frames every {step:g} frames are impossible: choose a positive "
            "length and step."
        )
    song, first = [], []
    for index, length in enumerate(lengths):
        last = max(0, length - frames)
        starts = np.rint(np.arange(2 + int(last / step)) * step).astype(np.int64)
        starts = np.unique(starts[starts <= last])
        first.append(starts)
        song.append(np.full(len(starts), index, dtype=np.int64))
    empty = np.empty(0, dtype=np.int64)
    return Segments(np.concatenate([empty, *song]), np.concatenate([empty, *first]), int(frames))


def assign(
    segments: Segments, validation_probability: float, seed: int, by: str = "segments"
) -> NDArray[np.int8]:
    """Assign each segment to training, to validation or to neither.

    Parameters
    ----------
    validation_probability
        Probability of a block (or song) to be held out, from 0 to below 1. Above 0 at least one is
        held out and one is not, wherever segments lie in two or more.
    by
        ``"segments"`` holds out blocks of a song, ``"songs"`` whole songs.

    Returns
    -------
    int8 ``(m,)`` of ``TRAINING``, ``VALIDATION`` or ``LEFT_OUT``.
    """
    if not 0 <= validation_probability < 1:
        raise BadInput(
            f"The validation probability is a number from 0 to below 1, not "
            f"{validation_probability:g}."
        )
    if by not in BY:
        raise BadInput(f"Hold out by {' or '.join(BY[:2])}, not by {by!r}.")
    block = BLOCK * segments.frames
    ends = segments.first + segments.frames
    lasts = np.zeros(int(segments.song.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(lasts, segments.song, ends - 1)
    low, high = segments.first // block, np.minimum(ends, lasts[segments.song]) // block
    if by == "songs":
        low, high = np.zeros_like(low), np.zeros_like(high)
    longest = int(high.max(initial=0)) + 1
    low, high = segments.song * longest + low, segments.song * longest + high
    blocks, places = np.unique(np.concatenate([low, high]), return_inverse=True)
    draws = np.random.default_rng(seed).random(len(blocks))
    is_held_out = draws < validation_probability
    whole = np.unique(places[: len(segments)][low == high])
    if validation_probability and len(whole) > 1:
        is_held_out[whole[draws[whole].argmin()]] = True
        is_held_out[whole[draws[whole].argmax()]] = False
    # A segment and a frame are no longer than a block: they reach into two at most.
    begins, stops = is_held_out[places[: len(segments)]], is_held_out[places[len(segments) :]]
    kinds = np.where(begins == stops, np.where(begins, VALIDATION, TRAINING), LEFT_OUT)
    return kinds.astype(np.int8)
