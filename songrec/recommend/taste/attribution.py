"""Contributions of each liked song to a taste score, and the sentences of its priors.

A density does not split into likes by itself; this is the rule. Each feature's term is shared
over the likes of the song's taste: a positive term in proportion to the density around each like
at the song's value (responsibilities, as of the components of a mixture), so that it goes to the
likes that are similar there; a negative one in inverse proportion, to those that are different.
Artist and album go in equal parts to the likes of that artist or album, or to all likes where
there are none; popularity to all likes, other priors to all likes of the taste. Nearness by
playlists is a sum over the likes already (``TasteScorer.playlists_per_like``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend.query import Query
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.density import Array, NormalInverseGamma
from songrec.recommend.taste.evidence import (
    ARTIST_SOUND,
    LIKED_ARTIST,
    LISTENERS,
    MIXTURE,
    NEAREST_YEAR,
    PAIRS,
)
from songrec.recommend.taste.playlist_evidence import PlaylistEvidence
from songrec.recommend.top_k import Rows

Groups = Sequence[NDArray[np.int64]]


def features_per_like(
    model: NormalInverseGamma,
    liked: Array,
    groups: Groups,
    points: Array,
    features: Array,
    group: NDArray[np.int64],
) -> Array:
    """Split the features' contributions over the likes.

    Parameters
    ----------
    liked, points
        Likes ``(likes, d)``, NaN where unknown, and scored tracks ``(rows, d)`` in standard
        deviations. A like without a value gets no share where others have one.
    groups
        Positions of the likes of each taste.
    features
        ``(rows, d)``: contributions to split.
    group
        ``(rows,)``: number of each row's taste.

    Returns
    -------
    ``(rows, likes)``; each row adds up to that row of ``features``.
    """
    split = np.zeros((len(points), len(liked)))
    signs = np.where(features < 0, -1.0, 1.0)
    densities = np.array([model.density_around(point).log_density(points) for point in liked])
    lacking = np.isnan(liked)
    for at in range(len(points)):
        members = groups[int(group[at])]
        some_lack = lacking[members] & ~lacking[members].all(axis=0)
        weights = np.where(some_lack, -np.inf, signs[at] * densities[members, at])
        parts = np.exp(weights - weights.max(axis=0))
        split[at, members] = (features[at] * parts / parts.sum(axis=0)).sum(axis=1)
    return split


def priors_per_like(
    query: Query,
    rows: Rows,
    priors: Mapping[str, Array],
    groups: Groups,
    group: NDArray[np.int64],
) -> Array:
    """Split contributions of priors, ``(rows,)`` by name, over the likes, ``(rows, likes)``.

    ``groups`` and ``group`` are those of ``features_per_like``.
    """
    split = np.zeros((len(rows), len(query.likes)))
    numbers_by_prior = {"artist": query.statistics.artists, "album": query.statistics.albums}
    for name, values in priors.items():
        part = np.ones_like(split)
        if name in numbers_by_prior:
            numbers = numbers_by_prior[name]
            same = (numbers[rows][:, None] == numbers[query.likes]) & (numbers[rows] > 0)[:, None]
            part[same.any(axis=1)] = same[same.any(axis=1)]
        elif name != "popularity":
            part[:] = 0.0
            for at in range(len(rows)):
                part[at, groups[int(group[at])]] = 1.0
        split += values[:, None] * part / part.sum(axis=1, keepdims=True)
    return split


def prior_reasons(
    query: Query,
    rows: Rows,
    priors: Mapping[str, Array],
    groups: Groups,
    group: NDArray[np.int64],
) -> list[list[Reason]]:
    """Return per row a reason of kind ``prior`` for each prior that moves it, largest first.

    Parameters are those of ``priors_per_like``.
    """
    answers = []
    for at, row in enumerate(rows.tolist()):
        reasons = []
        for name, values in priors.items():
            if not values[at]:
                continue
            text, liked = _describe_prior(query, row, name, values[at] > 0, groups[int(group[at])])
            if name == "taste":
                text = f"Fits one of your {len(groups)} tastes ({text})"
            ids = query.space.track_ids[np.array(liked, dtype=np.int64)].tolist()
            details = {"likes": ids} if liked else {}
            reasons.append(Reason("prior", text, float(values[at]), name, details))
        answers.append(sorted(reasons, key=lambda reason: -reason.contribution))
    return answers


def _describe_prior(
    query: Query, row: int, name: str, is_positive: bool, members: NDArray[np.int64]
) -> tuple[str, list[int]]:
    """The sentence of a prior, and the liked rows that it names."""
    if name == "artist":
        liked = _likes_with_number(query, query.statistics.artists, row)
        if liked:
            return f"By the same artist as {_quote(query, liked)}", liked
        if len(query.likes) == 1:
            return f"Not by the artist of {query.likes_phrase}", liked
        whose = "none of these songs" if query.seeds else "none of the songs you like"
        return f"By an artist of {whose}", liked
    if name == "album":
        liked = _likes_with_number(query, query.statistics.albums, row)
        if liked:
            return f"From the same album as {_quote(query, liked)}", liked
        return "From another album by this artist", liked
    if name == "popularity":
        return _compare_popularity(query, row, is_positive), []
    if name == "playlists":
        liked = [two_tower_scores.nearest_like(query, row, members)]
        title = f"“{query.title(liked[0])}”"
        if is_positive and not _is_in_playlists(query, row):
            return f"Sounds like songs in playlists with {title}", liked
        if is_positive:
            return f"Often in playlists with songs like {title}", liked
        return f"Seldom in playlists with songs like {query.likes_phrase}", liked
    if name in _SENTENCES:
        sentence = _SENTENCES[name][0 if is_positive else 1]
        return sentence.format(likes=query.likes_phrase, artists=query.artists_phrase), []
    return f"{len(members)} of {len(query.likes)} likes", []


_SENTENCES = {
    ARTIST_SOUND: (
        "Other songs by this artist are like {likes}",
        "Other songs by this artist are less like {likes}",
    ),
    PAIRS: (
        "The artist is often in playlists with {artists}",
        "The artist is seldom in playlists with {artists}",
    ),
    MIXTURE: (
        "The artist is often in playlists with songs like {likes}",
        "The artist is seldom in playlists with songs like {likes}",
    ),
    LIKED_ARTIST: ("By {artists}", "Also by {artists}"),
    LISTENERS: (
        "Heard by the listeners of {artists}",
        "Heard by other people than {artists}",
    ),
    NEAREST_YEAR: ("From the time of {likes}", "From another time than {likes}"),
}
"""Sentences of further priors, for and against a song."""


def _is_in_playlists(query: Query, row: int) -> bool:
    """Return whether a playlist holds the artist of a row; True where playlists are not known."""
    evidence = PlaylistEvidence.of(query.space)
    artist = query.statistics.artists[row]
    return not evidence.n_playlists or bool(np.any(evidence.artist == artist))


def _compare_popularity(query: Query, row: int, fits: bool) -> str:
    """Compare the song's popularity with the likes', with the figures (0 to 100)."""
    values = query.space.values[:, query.space.value_names.index("popularity")]
    own, theirs = float(values[row]), values[query.likes]
    theirs = theirs[np.isfinite(theirs)]
    if not np.isfinite(own) or not len(theirs):
        return "Popularity unknown"
    usual = float(np.median(theirs))
    figures = f"(popularity {own:.0f} and {usual:.0f})"
    if fits or round(own) == round(usual):
        return f"About as well known as {query.likes_phrase} {figures}"
    return f"{'Better' if own > usual else 'Less'} known than {query.likes_phrase} {figures}"


def _likes_with_number(query: Query, numbers: NDArray[np.int64], row: int) -> list[int]:
    """Liked rows that have the row's number; none where it is unknown."""
    if not numbers[row]:
        return []
    return [like for like in query.likes.tolist() if numbers[like] == numbers[row]]


def _quote(query: Query, liked: Sequence[int]) -> str:
    first = f"“{query.title(liked[0])}”"
    if len(liked) == 1:
        return first
    if query.seeds:
        return f"{first} and {len(liked) - 1} more of these songs"
    other = "another song" if len(liked) == 2 else f"{len(liked) - 1} other songs"
    return f"{first} and {other} you like"
