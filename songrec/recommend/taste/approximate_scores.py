"""All tracks at once, as well as float32 tells them: which of them are worth a closer look.

A column at a time over slices that stay in the processor's cache, every density in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from songrec.recommend.taste.density import Array, StudentT

Floats32 = NDArray[np.float32]

CACHED = 2**19
"""So many elements of a matrix (float32) are turned at a time."""
SHORTEST, LONGEST = 2**13, 2**15


class Curves:
    """Student's t of each column as four numbers: c + Σ_f p_f · log(1 + (a_f x_f − b_f)²).

    ``scales`` ``(d,)`` are what the columns are divided by before ``density`` speaks of them.
    """

    def __init__(self, density: StudentT, scales: Array) -> None:
        width = np.sqrt(density.freedom * density.square)
        self.slope = (1 / (scales * width)).astype(np.float32)
        self.shift = (density.location / width).astype(np.float32)
        self.power = (-(density.freedom + 1) / 2).astype(np.float32)
        self.height = np.float32(density.constant.sum())

    def over(self, columns: Floats32, room: Floats32) -> Floats32:
        """The log density ``(m,)`` of ``columns`` ``(d, m)``; ``room`` ``(m,)`` is overwritten."""
        total = np.full(columns.shape[1], self.height, dtype=np.float32)
        for column, slope, shift, power in zip(
            columns, self.slope, self.shift, self.power, strict=True
        ):
            np.multiply(column, slope, out=room)
            np.subtract(room, shift, out=room)
            np.multiply(room, room, out=room)
            np.add(room, np.float32(1), out=room)
            np.log(room, out=room)  # vectorised, which log1p is not
            np.multiply(room, power, out=room)
            np.add(total, room, out=total)
        return total


def log_densities(matrix: NDArray, scales: Array, densities: Sequence[StudentT]) -> Floats32:
    """The log density of every track under each, ``(densities, n)``; ``matrix`` is ``(n, d)``."""
    curves = [Curves(density, scales) for density in densities]
    n, d = matrix.shape
    found = np.empty((len(curves), n), dtype=np.float32)
    step = min(max(CACHED // max(d, 1), SHORTEST), LONGEST)
    turned = np.empty((d, step), dtype=np.float32)
    room = np.empty(step, dtype=np.float32)
    for start in range(0, n, step):
        part = matrix[start : start + step]
        m = len(part)
        turned[:, :m] = part.T
        for number, curve in enumerate(curves):
            found[number, start : start + m] = curve.over(turned[:, :m], room[:m])
    return found


def best_taste(under: Floats32, shares: Array) -> tuple[Floats32, NDArray[np.int8]]:
    """Of each track the log density of the taste that it fits best ``(n,)``, and which that is.

    ``under`` is what ``log_densities`` gives, ``shares`` the logarithm of each taste's share.
    """
    best = under[0]
    best += np.float32(shares[0])
    group = np.zeros(len(best), dtype=np.int8)
    for number in range(1, len(under)):
        other = under[number]
        other += np.float32(shares[number])
        group[other > best] = number
        np.maximum(best, other, out=best)
    return best, group
