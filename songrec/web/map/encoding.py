"""Binary formats of the map, with 5 bytes per track; ``static/js/map/data.js`` decodes them.

All numbers are little-endian. Rows are in the order of the run's arrays.

Points (``encode_points``)::

    offset  type         what
    0       4 bytes      magic "SRMP"
    4       uint8        format version, 1
    5       uint8        bytes of a label: 1 or 2
    6       uint16       0
    8       uint32       n
    12      float32 × 4  left, right, bottom, top: what code 0 and code 65535 stand for
    28      float32 × 4  left, right, bottom, top of the view to begin with
    44      uint16 × n   x codes
    +2n     uint16 × n   y codes
    +4n     int8|16 × n  cluster numbers, -1 is noise

Columns (``encode_amounts``, ``encode_names``)::

    0       4 bytes      magic "SRMC"
    4       uint8        format version, 1
    5       uint8        0: amounts, 1: names
    6       uint8        bytes of a code: 1 or 2
    7       uint8        steps of the scale that low and high are the ends of (amounts only)
    8       uint32       n
    12      float32 × 2  low, high: what code 0 and the highest code stand for (amounts only)
    20      uint8|16 × n codes; the largest number of the type (255 or 65535) means unknown
    +n·w    UTF-8        names only: JSON ``[[name, tracks], …]``, the code is the place in it

``density`` encodes parts of maps that are too large to be sent whole.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from songrec.web.map.plane import STEPS, bounds_of, first_view, quantise

VERSION = 1
POINTS_HEADER = struct.Struct("<4sBBHI4f4f")
COLUMN_HEADER = struct.Struct("<4sBBBBI2f")
AMOUNT_STEPS = 254
UNKNOWN_AMOUNT = 255


def encode_points(coordinates: NDArray[np.float32], labels: NDArray[np.int32]) -> bytes:
    """Encode coordinates ``(n, 2)`` and cluster numbers ``(n,)``.

    The error of a coordinate is at most half a 65,535th of its range.
    """
    n = len(labels)
    bounds = bounds_of(coordinates)
    label_type = "<i1" if not n or np.abs(labels).max() < 128 else "<i2"
    header = POINTS_HEADER.pack(
        b"SRMP", VERSION, np.dtype(label_type).itemsize, 0, n, *bounds, *first_view(coordinates)
    )
    left, right, bottom, top = bounds
    return b"".join(
        (
            header,
            quantise(coordinates[:, 0], left, right).tobytes(),
            quantise(coordinates[:, 1], bottom, top).tobytes(),
            labels.astype(label_type).tobytes(),
        )
    )


def encode_amounts(values: NDArray[np.float32], low: float, high: float, bins: int = 10) -> bytes:
    """Encode amounts ``(n,)`` as 255 steps, clipped to ``low`` … ``high``; NaN is unknown."""
    span = (high - low) or 1.0
    steps = np.clip((values.astype(np.float64) - low) / span, 0.0, 1.0) * AMOUNT_STEPS
    codes = np.where(np.isfinite(values), np.rint(np.nan_to_num(steps)), UNKNOWN_AMOUNT)
    header = COLUMN_HEADER.pack(b"SRMC", VERSION, 0, 1, bins, len(values), low, high)
    return header + codes.astype("<u1").tobytes()


def encode_names(names: Sequence[str | None]) -> bytes:
    """Encode a name per track, None if unknown; the codes are ranks by number of tracks."""
    bearers: dict[str, int] = {}
    for name in names:
        if name is not None:
            bearers[name] = bearers.get(name, 0) + 1
    ranked = sorted(bearers.items(), key=lambda item: (-item[1], item[0]))[: STEPS - 1]
    width = 1 if len(ranked) < UNKNOWN_AMOUNT else 2
    unknown = 256**width - 1
    code_of = {name: code for code, (name, _) in enumerate(ranked)}
    codes = np.fromiter(
        (unknown if name is None else code_of.get(name, unknown) for name in names),
        dtype=f"<u{width}",
        count=len(names),
    )
    header = COLUMN_HEADER.pack(b"SRMC", VERSION, 1, width, 0, len(names), 0.0, 0.0)
    return header + codes.tobytes() + json.dumps(ranked, ensure_ascii=False).encode()
