"""Protocols of recommendation methods, as created by an entry of ``registry.METHODS``."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows, Scores


class Method(Protocol):
    """A recommendation method."""

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """Return the best ``count`` rows and their scores, best first, each song once.

        Liked, disliked, excluded and withdrawn songs are left out; ``Query.top`` does all of that.
        """
        ...

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Return the reasons of each row; their contributions add up to the row's score."""
        ...


@runtime_checkable
class ScoresRows(Protocol):
    """A method that can score any rows, which separating tastes requires."""

    def scores(self, query: Query, rows: Rows) -> Scores:
        """Compute the scores of ``rows`` in float64, liked ones included."""
        ...


@runtime_checkable
class ExplainsLikes(Protocol):
    """A method whose scores can be split over the likes."""

    def per_like(self, query: Query, rows: Rows) -> NDArray[np.float64]:
        """Split the score, without the dislikes' penalty, over the likes, ``(rows, likes)``."""
        ...
