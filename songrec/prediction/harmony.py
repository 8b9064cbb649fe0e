"""Key-invariant columns computed from every set of twelve pitch classes.

A song and the same song in another key have the same energy and the same mood, but their chroma
are turned against each other. Sorted by size, and as the magnitudes of its discrete Fourier
transform (Amiot 2016: "Music through Fourier space"), a chroma says how tonal and how even the
harmony is and leaves the key out. Spoken word is recognised by exactly that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from songrec.core.types import Floats
from songrec.prediction.targets import PITCHES

_LETTERS = {name.lower(): number for number, name in enumerate(PITCHES)}
_PITCH_CLASS = re.compile(
    r"^(?P<head>.*chroma(?:_[a-z]+)*?)[._ -]"
    r"(?P<class>[0-9]{1,2}|[a-g](?:_?sharp|s|#|♯)?)(?P<tail>(?:[._ -].*)?)$"
)
ADDED = 20
"""Number of columns added for each chroma."""


def chroma_sets(names: Sequence[str]) -> list[list[int]]:
    """Find the sets of twelve columns that are the pitch classes of one chroma, each from C to B.

    Columns are recognised by names with ``chroma`` in them that differ in the pitch class alone,
    as a number (``chroma_cens``, ``chroma_cens.1``, …; ``chroma_01_mean``, …) or a name
    (``chroma_c_sharp_mean``).
    """
    sets: dict[str, dict[int, int]] = {}
    for column, name in enumerate(names):
        lower = name.lower()
        if "chroma" not in lower:
            continue
        match = _PITCH_CLASS.match(lower)
        # pandas numbers repeated headers from the second one on: the first carries no number.
        stem = f"{match['head']}*{match['tail']}" if match else f"{lower}*"
        sets.setdefault(stem, {})[_number(match["class"]) if match else 0] = column
    whole = (range(12), range(1, 13))
    return [
        [columns[number] for number in sorted(columns)]
        for columns in sets.values()
        if any(set(columns) == set(numbers) for numbers in whole)
    ]


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    return _LETTERS[text[0] + ("#" if len(text) > 1 else "")]


def with_harmony(values: Floats, sets: Sequence[Sequence[int]]) -> Floats:
    """Append ``ADDED`` key-invariant columns to ``values`` ``(n, d)`` for each chroma of ``sets``.

    They are the pitch classes sorted by size, their mean and standard deviation, and the magnitudes
    of the Fourier coefficients 1 to 6. NaN where any of the twelve is NaN.
    """
    parts = [values]
    for columns in sets:
        chroma = values[:, columns]
        added = np.hstack(
            [
                np.sort(chroma, axis=1),
                chroma.mean(axis=1, keepdims=True),
                chroma.std(axis=1, keepdims=True),
                np.abs(np.fft.rfft(chroma, axis=1))[:, 1:],
            ]
        ).astype(np.float32)
        added[np.isnan(chroma).any(axis=1)] = np.nan
        parts.append(added)
    joined: Floats = np.hstack(parts)
    return joined
