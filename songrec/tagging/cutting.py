"""Songs cut into windows, and windows put into training and validation without any overlap.

**The rule.** Each song is laid out in blocks of two windows' length from its beginning. A block is
for validation with ``validation_probability``, by one seeded draw, and for training otherwise. A
window that lies with the frame after it wholly in blocks of one kind is of that kind; one that
reaches into both is left out. So no training window shares a frame with a validation window, at
whatever step they follow each other, and since frames reach half over their neighbours not a
sample either. ``by="songs"`` draws whole songs instead of blocks: what is then measured is how
well songs are tagged of which nothing was ever heard.
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
"""Windows that a block is long: more would leave excerpts of half a minute undivided, fewer would
leave most windows between two kinds."""
BY = ("windows", "songs")


@dataclass(frozen=True)
class Windows:
    """Windows of several pictures: ``song`` and ``first`` int64 ``(m,)`` say of which picture each
    is and at which frame it begins; every one is ``frames`` long.
    """

    song: Ints
    first: Ints
    frames: int

    def __len__(self) -> int:
        return len(self.song)


def cut(lengths: Sequence[int], frames: int, step: float) -> Windows:
    """Windows of ``frames`` frames every ``step`` frames of pictures that are ``lengths`` long.

    Only whole windows count; a picture shorter than one gives one (its end is silence). ``step``
    need not be whole: each window begins at the nearest frame.
    """
    if frames < 1 or step <= 0:
        raise BadInput(f"A window of {frames} frames every {step:g} frames is none.")
    song, first = [], []
    for at, length in enumerate(lengths):
        last = max(0, length - frames)
        starts = np.rint(np.arange(2 + int(last / step)) * step).astype(np.int64)
        starts = np.unique(starts[starts <= last])
        first.append(starts)
        song.append(np.full(len(starts), at, dtype=np.int64))
    empty = np.empty(0, dtype=np.int64)
    return Windows(np.concatenate([empty, *song]), np.concatenate([empty, *first]), int(frames))


def assign(
    windows: Windows, validation_probability: float, seed: int, by: str = "windows"
) -> NDArray[np.int8]:
    """``TRAINING``, ``VALIDATION`` or ``LEFT_OUT`` for each window, int8 ``(m,)``.

    With a probability above 0 at least one block (or song) is for validation and one is not, as
    long as there are two that windows lie in. Raises ``BadInput`` for a probability outside 0 to
    below 1.
    """
    if not 0 <= validation_probability < 1:
        raise BadInput(
            f"The validation probability is a number from 0 to below 1, not "
            f"{validation_probability:g}."
        )
    if by not in BY:
        raise BadInput(f"Windows are held out by {' or '.join(BY)}, not by {by!r}.")
    block = BLOCK * windows.frames
    ends = windows.first + windows.frames
    lasts = np.zeros(int(windows.song.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(lasts, windows.song, ends - 1)
    low, high = windows.first // block, np.minimum(ends, lasts[windows.song]) // block
    if by == "songs":
        low, high = np.zeros_like(low), np.zeros_like(high)
    longest = int(high.max(initial=0)) + 1
    low, high = windows.song * longest + low, windows.song * longest + high
    blocks, places = np.unique(np.concatenate([low, high]), return_inverse=True)
    drawn = np.random.default_rng(seed).random(len(blocks))
    held = drawn < validation_probability
    whole = np.unique(places[: len(windows)][low == high])
    if validation_probability and len(whole) > 1:
        held[whole[drawn[whole].argmin()]] = True
        held[whole[drawn[whole].argmax()]] = False
    # A window and a frame are no longer than a block: they reach into two at most.
    one, other = held[places[: len(windows)]], held[places[len(windows) :]]
    kinds = np.where(one == other, np.where(one, VALIDATION, TRAINING), LEFT_OUT)
    return kinds.astype(np.int8)
