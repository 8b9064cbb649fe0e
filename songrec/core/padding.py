"""Bringing spectrograms of different lengths to one."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Floats


def centred(picture: Floats, frames: int) -> Floats:
    """The middle ``frames`` columns of ``(…, bands, t)``.

    A shorter picture comes to lie in the middle of its own quietest level, which is silence: its
    floor of 80 dB below its loudest.
    """
    there = picture.shape[-1]
    if there >= frames:
        first = (there - frames) // 2
        return np.asarray(picture[..., first : first + frames], dtype=np.float32)
    quietest = picture.min(axis=(-2, -1), keepdims=True)
    filled = np.empty((*picture.shape[:-1], frames), dtype=np.float32)
    filled[...] = quietest
    first = (frames - there) // 2
    filled[..., first : first + there] = picture
    return filled
