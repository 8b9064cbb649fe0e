"""From likes and dislikes to matches with reasons: the one door to the methods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Match, NameTracks, Reason, Space
from songrec.recommend.pulls import Pull, Pulled
from songrec.recommend.registry import METHODS
from songrec.recommend.taste import Rows, Scores, Taste, check_comparable
from songrec.recommend.variety import POOL, diversify

DEFAULT = METHODS.names()[0]


class Method(Protocol):
    """What an entry of ``METHODS`` does."""

    def search(self, taste: Taste, count: int) -> tuple[Rows, Scores]:
        """The best ``count`` rows, best first, without known songs, every song once."""
        ...

    def reasons(self, taste: Taste, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row the reasons; their contributions add up to the row's score."""
        ...


def rank(
    space: Space,
    likes: list[int],
    dislikes: list[int] | None = None,
    n: int = 20,
    *,
    method: str = DEFAULT,
    variety: float = 0.0,
    names: NameTracks | None = None,
    heard: list[int] | None = None,
    pulls: Sequence[Pull] = (),
    **parameters: Any,
) -> list[Match]:
    """The ``n`` best tracks for these likes and dislikes (track ids), each with its reasons.

    Nothing liked or disliked comes back, nor another track of the same song (``song_keys``), and
    every song comes once; nor does anything of ``heard``, track ids that count for nothing else.
    ``variety`` from 0 to 1 trades closeness for difference among the answers (see ``diversify``);
    scores are those of ``variety`` 0, the order is not. ``names`` gives the titles that reasons
    quote. ``pulls`` bend the order a little for likes that weigh more and for skips, whatever the
    method (see ``pulls``): their shares are part of the scores. Deterministic.

    Raises ``UnknownName`` for the method, ``BadInput`` without likes or with ``variety`` out of
    range, ``NotReady`` when no liked track is part of the space or it has no columns.
    """
    if not 0 <= variety <= 1:
        raise BadInput(f"Variety is a number from 0 (close) to 1 (varied), not {variety}.")
    recommender: Method = METHODS.create(method, **parameters)
    if not len(likes):
        raise BadInput("Recommendations need at least one liked song.")
    check_comparable(space)
    taste = Taste.of(space, likes, dislikes, names, heard)
    if not len(taste.likes):
        if not len(space.rows_of(list(likes))):
            raise NotReady(
                "None of the liked songs is part of the published run: they came after it. "
                "Train again with `flask train`."
            )
        raise BadInput("All of the liked songs are disliked as well.")
    rows, scores = recommender.search(taste, n * POOL if variety or pulls else n)
    pulled = Pulled.of(taste, pulls, rows, scores)
    if pulled.pulls:
        scores = scores + pulled.total
    order = np.argsort(-scores, kind="stable")
    chosen = order[diversify(taste, rows[order], scores[order], n, variety)]
    rows = rows[chosen]
    return matches(space, rows, pulled.added(recommender.reasons(taste, rows), chosen))


def matches(space: Space, rows: Rows, reasons: list[tuple[Reason, ...]]) -> list[Match]:
    """Rows with their reasons as matches: the score is what the reasons add up to."""
    ids = np.asarray(space.track_ids[rows]).tolist()
    return [
        Match(track_id, math.fsum(reason.contribution for reason in why), why)
        for track_id, why in zip(ids, reasons, strict=True)
    ]
