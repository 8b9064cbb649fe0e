"""Additive ranking model: a score is the sum of one piecewise-linear curve per input.

Inputs are evidence for a candidate (``taste.evidence``), 0 where nothing is known; every curve is
0 there, and trained ones never fall. There is a set of curves for 1, 3 and 10 likes, interpolated
over the logarithm of the number of likes.

``discovery`` from 0 to 1 moves from familiar songs to artists that are new to the listener: what an
artist or album of the likes adds falls to nothing, and a song by an artist of the likes loses more
than other evidence can make up for.

References
----------
Zhuang et al. (2021), Interpretable ranking with generalized additive models, WSDM.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVELS = (1, 3, 10)
"""Numbers of likes that have curves of their own."""
FAMILIAR = ("artist", "album")
"""Inputs that count 1 − ``discovery``."""
LIKED_ARTIST, LIKED_ARTIST_LOSS = "liked_artist", 10.0
"""An input, 1 for songs by an artist of the likes, and what those lose at ``discovery`` 1."""


@dataclass(frozen=True)
class Curve:
    """A piecewise-linear function, constant beyond its knots.

    ``knots`` ``(k,)`` ascend; ``values`` ``(k,)`` are those at the knots.
    """

    knots: Array
    values: Array

    def __call__(self, inputs: NDArray[Any]) -> Array:
        """Evaluate the curve, in the shape of ``inputs``."""
        return np.interp(inputs, self.knots, self.values)

    @property
    def is_zero(self) -> bool:
        """Whether the input adds nothing to any score."""
        return not self.values.any()


NO_CURVE = Curve(np.zeros(1), np.zeros(1))


@dataclass(frozen=True)
class AdditiveModel:
    """Knots of each input ``(k,)``, and the values at them by input, ``(levels, k)``."""

    knots: Mapping[str, Array]
    values: Mapping[str, Array]

    def curves(self, n_likes: int, discovery: float = 0.0) -> Mapping[str, Curve]:
        """Return the curve of each input for a number of likes; other inputs count nothing."""
        place = np.interp(
            math.log(max(n_likes, 1)), np.log(LEVELS), np.arange(len(LEVELS), dtype=np.float64)
        )
        lower = min(int(place), len(LEVELS) - 2)
        share = place - lower
        curves: dict[str, Curve] = defaultdict(lambda: NO_CURVE)
        for name, knots in self.knots.items():
            levels = self.values[name]
            values = (1 - share) * levels[lower] + share * levels[lower + 1]
            values -= np.interp(0.0, knots, values)
            curves[name] = Curve(knots, (1 - discovery) * values if name in FAMILIAR else values)
        # Little at first: what the artist adds falls meanwhile, and both together end it early.
        loss = -LIKED_ARTIST_LOSS * discovery**3
        curves[LIKED_ARTIST] = Curve(np.array([0.0, 1.0]), np.array([0.0, loss]))
        return curves

    @classmethod
    def linear(cls, slopes: Mapping[str, float], widest: float = 50.0) -> AdditiveModel:
        """Return the model with a straight line per input, for inputs up to ``widest`` from 0."""
        knots = np.array([-widest, widest])
        values = {name: np.tile(slope * knots, (len(LEVELS), 1)) for name, slope in slopes.items()}
        return cls(dict.fromkeys(slopes, knots), values)

    def with_line(self, name: str, slope: float, widest: float) -> AdditiveModel:
        """Return the model with one more input, a straight line from −``widest`` to ``widest``."""
        one = AdditiveModel.linear({name: slope}, widest)
        return AdditiveModel({**self.knots, **one.knots}, {**self.values, **one.values})

    def to_json(self) -> dict[str, Any]:
        """Serialize the model as ``ranker.json`` of a run folder holds it."""
        return {
            "levels": list(LEVELS),
            "inputs": {
                name: {
                    "knots": np.round(knots, 4).tolist(),
                    "values": np.round(self.values[name], 4).tolist(),
                }
                for name, knots in self.knots.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AdditiveModel:
        """Read what ``to_json`` wrote."""
        arrays = {
            key: {
                name: np.array(one[key], dtype=np.float64) for name, one in data["inputs"].items()
            }
            for key in ("knots", "values")
        }
        return cls(arrays["knots"], arrays["values"])
