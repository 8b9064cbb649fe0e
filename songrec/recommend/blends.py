"""Songs like A and B but not like C: sums and differences in the normalised space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Match, NameTracks, Reason, Space
from songrec.recommend.figures import figures_of
from songrec.recommend.ranking import matches
from songrec.recommend.taste import Taste, check_comparable, product, top_rows


def blend(
    space: Space,
    plus: Sequence[int],
    minus: Sequence[int],
    n: int,
    names: NameTracks | None = None,
) -> list[Match]:
    """The ``n`` tracks whose direction is nearest to Σ plus − Σ minus (track ids).

    q is the sum of the added songs' vectors less the subtracted ones', in the normalised space,
    whose origin is the middle of the catalogue. Score: the cosine between a track and q. It is the
    sum over the songs s of ± x · s / (‖x‖ ‖q‖), and those terms are the reasons. None of the songs
    comes back. Raises ``BadInput`` where nothing is added or all cancels out, ``NotReady`` where a
    song is not in the space.
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
    asked = Taste.of(space, plus, minus, names, heard=[*plus, *minus])
    rough = product(space.matrix, (query / length).astype(np.float32)) / figures_of(space).norms
    look = 2 * n + 2 * len(rows) + 16
    while True:
        near = top_rows(rough, look)
        found, _ = asked.in_order(near, rough[near].astype(np.float64))
        if len(found) >= n or look >= len(rough):
            break
        look *= 4
    found = found[:n]
    vectors = space.matrix[found].astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    shares = (vectors / np.where(lengths == 0, 1.0, lengths)) @ parts.T / length
    ids = [*plus, *minus]
    titles = names(ids) if names else {}
    reasons = []
    for share in shares:
        told = [
            _reason(track_id, titles.get(track_id) or f"track {track_id}", sign > 0, float(value))
            for track_id, sign, value in zip(ids, signs, share, strict=True)
        ]
        reasons.append(tuple(sorted(told, key=lambda reason: -abs(reason.contribution))))
    return matches(space, found, reasons)


def sentence(match: Match) -> str:
    """The largest terms of a match as one sentence."""
    clauses = [reason.text for reason in match.reasons[:2]]
    return "; ".join([clauses[0], *(clause[:1].lower() + clause[1:] for clause in clauses[1:])])


def _reason(track_id: int, title: str, added: bool, value: float) -> Reason:
    alike = value > 0 if added else value < 0
    like, whose = ("Like" if alike else "Unlike"), "" if added else ", which was taken away"
    return Reason(
        "added" if added else "subtracted", f"{like} “{title}”{whose}", value, track_id,
        {"title": title, "before": like, "after": whose, "features": []},
    )  # fmt: skip
