"""Songs like A and B but not like C: sums and differences in the normalised space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from songrec.core.attributes import BY_NAME
from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Match, NameTracks, Reason, Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.explain.contributions import build_matches
from songrec.recommend.query import Query, check_comparable
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, product

MAX_NAMED = 3
"""Songs of a blend that a sentence names at most."""
MIDDLE = 0.1
"""Largest distance of a rank from the median that counts as the middle of the catalogue."""


def blend(
    space: Space,
    plus: Sequence[int],
    minus: Sequence[int],
    n: int,
    names: NameTracks | None = None,
) -> list[Match]:
    """Return the ``n`` tracks whose direction is nearest to Σ ``plus`` − Σ ``minus`` (track ids).

    The query q is the sum of the added songs' vectors less the subtracted ones', in the normalised
    space, whose origin is the middle of the catalogue. The score is the cosine between a track and
    q: the sum over the features f of x_f q_f / (‖x‖ ‖q‖), which are the reasons, and over the songs
    s of ± x · s / (‖x‖ ‖q‖), which are ``per_like``. The songs themselves are excluded.

    Raises
    ------
    BadInput
        If ``plus`` is empty or the songs cancel each other out.
    NotReady
        If a song is not in the space.
    """
    check_comparable(space)
    plus, minus = list(dict.fromkeys(plus)), list(dict.fromkeys(minus))
    if not plus:
        raise BadInput("A blend needs at least one song to begin with.")
    rows = space.rows_of([*plus, *minus])
    if len(rows) < len(plus) + len(minus):
        raise NotReady(
            "One of the songs came into the catalogue after the published run was trained. "
            "Train again with `flask train`."
        )
    signs = np.array([1.0] * len(plus) + [-1.0] * len(minus))
    parts = signs[:, None] * space.matrix[rows].astype(np.float64)
    query = parts.sum(axis=0)
    length = float(np.linalg.norm(query))
    if length < 1e-6:
        raise BadInput("These songs cancel each other out: nothing is left to look for.")
    blended = Query.of(space, plus, minus, names, excluded=[*plus, *minus])
    rough = product(space.matrix, (query / length).astype(np.float32)) / statistics_of(space).norms
    chosen, _ = blended.top(rough, n)
    vectors = space.matrix[chosen].astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths == 0, 1.0, lengths)
    titles = names([*plus, *minus]) if names else {}
    songs = [
        [
            _song_reason(
                track_id, titles.get(track_id) or f"track {track_id}", sign > 0, float(value)
            )
            for track_id, sign, value in zip([*plus, *minus], signs, share, strict=True)
        ]
        for share in unit @ parts.T / length
    ]
    features = _reasons_per_feature(space, chosen, rows, signs, unit * query / length)
    return [
        replace(
            match, per_like=tuple(sorted(of_songs, key=lambda reason: -abs(reason.contribution)))
        )
        for match, of_songs in zip(build_matches(space, chosen, features), songs, strict=True)
    ]


def describe_match(match: Match) -> str:
    """Write a match's main sentence: ``Faster than most songs, like “A” and “B”, unlike “C”``."""
    songs = [reason for reason in match.per_like if reason.contribution > 0] or [match.per_like[0]]
    titles: dict[str, list[str]] = {}
    for reason in songs[:MAX_NAMED]:
        titles.setdefault(reason.details["before"], []).append(f"“{reason.details['title']}”")
    named = ", ".join(
        f"{before.lower()} {phrases.join_clauses(quoted)}" for before, quoted in titles.items()
    )
    words = [r.details["word"] for r in match.reasons if r.contribution > 0 and r.details["word"]]
    traits = phrases.join_clauses(words[:2])
    return phrases.capitalize(f"{traits} than most songs, {named}" if traits else named)


def _song_reason(track_id: int, title: str, added: bool, value: float) -> Reason:
    like = "Like" if (value > 0 if added else value < 0) else "Unlike"
    whose = "" if added else ", which you took out"
    return Reason(
        "added" if added else "subtracted",
        f"{like} “{title}”{whose}",
        value,
        track_id,
        {"title": title, "before": like, "after": whose, "features": []},
    )


def _reasons_per_feature(
    space: Space, rows: Rows, parts: Rows, signs: NDArray[np.float64], shares: NDArray[np.float64]
) -> list[tuple[Reason, ...]]:
    """Write a reason per column, the largest of ``shares`` ``(rows, d)`` first."""
    table, blended = AttributeTable.from_rows(space, rows), AttributeTable.from_rows(space, parts)
    answers = []
    for at in range(len(rows)):
        reasons = []
        for column in np.argsort(-shares[at], kind="stable"):
            name, rank = table.names[column], float(table.ranks[at, column])
            stored = name in table.stored
            value = float(table.values[at, column])
            text, clause, word = _describe_rank(name, value, rank, stored)
            text += ", like the blend" if shares[at, column] > 0 else ", unlike the blend"
            text += _values(name, blended.values[:, column], signs) if stored else ""
            figure = {
                "name": name,
                "label": phrases.attribute_label(name),
                "value": value if stored and math.isfinite(value) else None,
                "rank": rank if math.isfinite(rank) else None,
            }
            reasons.append(
                Reason(
                    "feature",
                    phrases.capitalize(text),
                    float(shares[at, column]),
                    name,
                    {"features": [figure], "clause": clause, "word": word},
                )
            )
        answers.append(tuple(reasons))
    return answers


def _values(name: str, values: NDArray[np.float64], signs: NDArray[np.float64]) -> str:
    """Format the values of the blend's songs: `` (118 BPM and 120 BPM, minus 90 BPM)``."""
    plus, minus = (
        phrases.join_clauses(
            [phrases.format_value(name, v) for v in values[signs == sign].tolist() if v == v]
        )
        for sign in (1.0, -1.0)
    )
    terms = ", minus ".join([plus or "unknown", minus] if minus else [plus])
    return f" ({terms})" if terms else ""


def _describe_rank(name: str, value: float, rank: float, stored: bool) -> tuple[str, str, str]:
    """Describe a song's rank in the catalogue: with all figures, with its value, as one word.

    The last two are empty in the middle of the catalogue and for unknown values, the word also
    for attributes that the main sentence never mentions.
    """
    label = phrases.attribute_label(name).lower()
    if not math.isfinite(rank):
        return f"{label} unknown, counted as average", "", ""
    figure = phrases.format_value(name, value)
    if name in BY_NAME and BY_NAME[name].unit not in ("BPM", "dB"):
        figure = f"{label} {figure}"
    inside = f" ({figure})" if stored else ""
    if abs(rank - 0.5) < MIDDLE:
        return f"{label} in the middle of the catalogue{inside}", "", ""
    low, high = phrases.COMPARATIVES.get(name, (f"lower in {label}", f"higher in {label}"))
    word, share = (high, rank) if rank > 0.5 else (low, 1 - rank)
    is_said = name in phrases.COMPARATIVES and name not in phrases.NEVER_SAID
    text = f"{word} than {min(share, 0.99):.0%} of all songs{inside}"
    return text, f"{word}{inside}", word if is_said else ""
