"""Cutting and padding spectrograms to one length."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Floats


def centred(picture: Floats, frames: int) -> Floats:
    """Return the middle ``frames`` columns of ``(…, bands, t)``, float32.

    A shorter picture is padded on both sides with its own quietest level, which is silence: its
    floor of 80 dB below its loudest.
    """
    length = picture.shape[-1]
    if length >= frames:
        first = (length - frames) // 2
        return np.asarray(picture[..., first : first + frames], dtype=np.float32)
    quietest = picture.min(axis=(-2, -1), keepdims=True)
    filled = np.empty((*picture.shape[:-1], frames), dtype=np.float32)
    filled[...] = quietest
    first = (frames - length) // 2
    filled[..., first : first + length] = picture
    return filled
