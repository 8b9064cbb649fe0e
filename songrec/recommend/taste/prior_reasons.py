"""What priors say, in words: an artist that comes again, popularity, one of several tastes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend.query import Query, Rows
from songrec.recommend.taste import two_tower_scores


def prior_reasons(
    query: Query,
    rows: Rows,
    priors: Mapping[str, NDArray[np.float64]],
    groups: Sequence[NDArray[np.int64]],
    group: NDArray[np.int64],
) -> list[list[Reason]]:
    """Per row a reason of the kind ``prior`` for each prior that moves it, largest first.

    ``priors`` are contributions by name, ``(rows,)`` each; ``groups`` the tastes as positions
    among the likes and ``group`` the one that each row fits.
    """
    artists, albums = query.statistics.artists, query.statistics.albums
    answers = []
    for at, row in enumerate(rows.tolist()):
        reasons = []
        for name, values in priors.items():
            if not values[at]:
                continue
            text, liked = "", []
            if name == "artist":
                liked = _same(query, artists, row)
                text = (
                    f"By the artist of {_quoted(query, liked)}"
                    if liked
                    else "By an artist whom none of your likes is by"
                )
            elif name == "album":
                liked = _same(query, albums, row)
                text = (
                    f"From the album of {_quoted(query, liked)}"
                    if liked
                    else "From another album than your likes by this artist"
                )
            elif name == "popularity":
                text = _known(query, row, values[at] > 0)
            elif name == "playlists":
                liked = [two_tower_scores.nearest_like(query, row)]
                title = f"“{query.title(liked[0])}”"
                text = (
                    f"In playlists, songs like it stand beside {title}, which you like"
                    if values[at] > 0
                    else "In playlists, songs like it stand apart from what you like"
                )
            else:
                size = len(groups[int(group[at])])
                text = f"One of your {len(groups)} tastes: {size} of {len(query.likes)} likes"
            ids = query.space.track_ids[np.array(liked, dtype=np.int64)].tolist()
            details = {"likes": ids} if liked else {}
            reasons.append(Reason("prior", text, float(values[at]), name, details))
        answers.append(sorted(reasons, key=lambda reason: -reason.contribution))
    return answers


def _known(query: Query, row: int, fits: bool) -> str:
    """How well known the song is beside the likes, with the figures (0 to 100)."""
    values = query.space.values[:, query.space.value_names.index("popularity")]
    own, theirs = float(values[row]), values[query.likes]
    theirs = theirs[np.isfinite(theirs)]
    if not np.isfinite(own) or not len(theirs):
        return "How well known it is nobody knows"
    usual = float(np.median(theirs))
    figures = f"(popularity {own:.0f} and {usual:.0f})"
    if fits or round(own) == round(usual):
        return f"About as well known as your likes {figures}"
    return f"{'Better' if own > usual else 'Less'} known than your likes {figures}"


def _same(query: Query, numbers: NDArray[np.int64], row: int) -> list[int]:
    """Liked rows that have the row's number."""
    if not numbers[row]:
        return []
    return [like for like in query.likes.tolist() if numbers[like] == numbers[row]]


def _quoted(query: Query, liked: Sequence[int]) -> str:
    first = f"“{query.title(liked[0])}”"
    if len(liked) == 1:
        return f"{first}, which you like"
    other = "another song" if len(liked) == 2 else f"{len(liked) - 1} other songs"
    return f"{first} and {other} you like"
