"""Reasons: sentences with figures whose contributions add up to the score.

Titles are quoted plainly in ``text`` (“Hallelujah”); ``details["title"]`` holds the title alone
and ``details["before"]`` / ``["after"]`` the words around it, so that a page can set it in italics
without any markup in stored text.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Match, Reason, Space
from songrec.recommend.explain import attribute_ranks, phrases
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows

# A list longer than this is not read; the rest is summed up in one reason.
MAX_NAMED = 8
THIS_SONG = "this song"
NOTHING_STANDS_OUT = "alike in all taken together, no single trait stands out"


def reasons_per_like(
    query: Query, rows: Rows, contributions: NDArray[np.float64], apart: NDArray[np.float64]
) -> list[tuple[Reason, ...]]:
    """One reason per liked track, the largest contribution first.

    ``contributions`` and ``apart`` (L2 distances) are ``(rows, likes)``. Beyond ``MAX_NAMED`` likes
    the smaller contributions are summed in one reason.
    """
    clauses = _Clauses(query.space, rows, query.likes, apart / query.statistics.typical)
    answers = []
    for at in range(len(rows)):
        order = np.argsort(-contributions[at], kind="stable")
        reasons = [
            _about_track(
                "liked",
                query,
                int(query.likes[like]),
                float(contributions[at, like]),
                describe_closeness(apart[at, like] / query.statistics.typical),
                ", which you like",
                clauses.between(at, int(like)),
            )
            for like in order[:MAX_NAMED]
        ]
        rest = order[MAX_NAMED:]
        if len(rest):
            reasons.append(
                Reason(
                    "liked",
                    f"The other {len(rest)} songs you like, taken together",
                    math.fsum(contributions[at, rest].tolist()),
                    details={"count": len(rest)},
                )
            )
        answers.append(tuple(reasons))
    return answers


def reasons_per_dislike(
    query: Query, rows: Rows, contributions: NDArray[np.float64], apart: NDArray[np.float64]
) -> list[tuple[Reason, ...]]:
    """One reason per disliked track that moves the score; arrays ``(rows, dislikes)``."""
    if not len(query.dislikes):
        return [()] * len(rows)
    relative = apart / query.statistics.typical
    clauses = _Clauses(query.space, rows, query.dislikes, relative)
    answers = []
    for at in range(len(rows)):
        moving = [d for d in np.argsort(contributions[at], kind="stable") if contributions[at, d]]
        reasons = [
            _about_track(
                "disliked",
                query,
                int(query.dislikes[one]),
                float(contributions[at, one]),
                describe_closeness(relative[at, one]),
                ", which you do not like",
                clauses.between(at, int(one)),
            )
            for one in moving[:MAX_NAMED]
        ]
        rest = moving[MAX_NAMED:]
        if rest:
            reasons.append(
                Reason(
                    "disliked",
                    f"The other {len(rest)} songs you do not like, taken together",
                    math.fsum(contributions[at, rest].tolist()),
                    details={"count": len(rest)},
                )
            )
        answers.append(tuple(reasons))
    return answers


def reasons_per_feature(
    space: Space,
    rows: Rows,
    contributions: NDArray[np.float64],
    others: AttributeTable,
    other_rows: NDArray[np.int64],
    theirs: list[str],
    details: list[dict[str, Any]] | None = None,
) -> list[tuple[Reason, ...]]:
    """One reason per column of the space, the largest contribution first.

    ``contributions`` ``(rows, d)``; row ``at`` is compared with row ``other_rows[at]`` of
    ``others``, spoken of as ``theirs[at]``; ``details[at]`` is added to each of its reasons.
    """
    sheet = AttributeTable.from_rows(space, rows)
    answers = []
    for at in range(len(rows)):
        reasons = []
        for column in np.argsort(-contributions[at], kind="stable"):
            trait = sheet.compare(at, others, int(other_rows[at]), int(column))
            reasons.append(
                Reason(
                    "feature",
                    phrases.capitalize(phrases.describe_comparison(trait, theirs[at])),
                    float(contributions[at, column]),
                    trait.name,
                    {
                        "beside": theirs[at],
                        **(details[at] if details else {}),
                        "features": [trait.to_json()],
                        "weight": round(trait.weight, 4),
                        "clause": phrases.describe_shared(trait) if trait.is_known else "",
                    },
                )
            )
        answers.append(tuple(reasons))
    return answers


def build_matches(space: Space, rows: Rows, reasons: list[tuple[Reason, ...]]) -> list[Match]:
    """Build matches of ``rows``: each score is the sum of its reasons' contributions."""
    ids = np.asarray(space.track_ids[rows]).tolist()
    return [
        Match(track_id, math.fsum(reason.contribution for reason in why), why)
        for track_id, why in zip(ids, reasons, strict=True)
    ]


def split_distance(differences: NDArray[np.float64], typical: float) -> NDArray[np.float64]:
    """Split ``typical`` − ‖Δ‖ into one contribution per feature.

    A distance is the sum of Δ_f² / ‖Δ‖ over the features; ``typical`` is shared out equally.

    Parameters
    ----------
    differences
        ``(rows, d)``: Δ of each row.
    typical
        Distance of two random tracks.

    Returns
    -------
    Contributions ``(rows, d)``, which add up to ``typical`` − ‖Δ‖ over each row.
    """
    lengths = np.linalg.norm(differences, axis=1, keepdims=True)
    return typical / differences.shape[1] - differences**2 / np.where(lengths == 0, 1.0, lengths)


def main_reason(reasons: tuple[Reason, ...]) -> str:
    """What a page says first of a match: its main reason as one sentence, without a full stop.

    Per liked track that is the largest contribution; per feature, the traits most worth a word
    that speak for the song, after a prior that says more than each of them and names a liked song.
    """
    features = [reason for reason in reasons if reason.kind == "feature"]
    if not reasons:
        return ""
    if not features or reasons[0].kind not in ("feature", "prior"):
        return reasons[0].text
    telling = [
        reason
        for reason in features
        if reason.about != "explicit"
        and reason.contribution > 0
        and reason.details["weight"] > phrases.MIN_WEIGHT
    ]
    telling.sort(key=lambda reason: -reason.details["weight"])
    clauses = phrases.join_clauses([reason.details["clause"] for reason in telling[:2]])
    title, beside = features[0].details.get("title"), features[0].details["beside"]
    most = max(reason.contribution for reason in features)
    leading = [
        reason
        for reason in reasons
        if reason.kind == "prior" and reason.contribution > most and reason.details.get("likes")
    ]
    if leading:
        # Who made it is plainer than what playlists taught.
        lead = min(leading, key=lambda reason: reason.about == "playlists").text
        whose = "it" if beside in lead else beside
        return f"{lead}; in line with {whose}: {clauses}" if clauses else lead
    if not clauses:
        near = math.fsum(reason.contribution for reason in reasons) >= 0
        clauses = NOTHING_STANDS_OUT if near else "little in common, but nothing is nearer"
    if title:
        return f"From the group of “{title}”, which you like: {clauses}"
    return (
        phrases.capitalize(clauses) if beside == THIS_SONG else f"In line with {beside}: {clauses}"
    )


def _about_track(
    kind: str,
    query: Query,
    row: int,
    contribution: float,
    closeness: str,
    whose: str,
    clause: tuple[str, list[dict[str, Any]]],
) -> Reason:
    title = query.title(row)
    text, features = clause
    after = f"{whose}: {text}"
    return Reason(
        kind,
        f"{closeness} “{title}”{after}",
        contribution,
        int(query.space.track_ids[row]),
        {"title": title, "before": closeness, "after": after, "features": features},
    )


def describe_closeness(relative: float) -> str:
    """How near two are in words; ``relative`` to two random ones, which are at 1."""
    if relative < 0.35:
        return "Very close to"
    if relative < 0.75:
        return "Close to"
    return "Not far from" if relative < 1 else "Far from"


class _Clauses:
    """What two tracks share, or what tells them apart, for all pairs of two lists of rows."""

    def __init__(
        self, space: Space, rows: Rows, others: Rows, relative: NDArray[np.float64]
    ) -> None:
        self.sheet, self.others = (
            AttributeTable.from_rows(space, rows),
            AttributeTable.from_rows(space, others),
        )
        self.relative = relative
        pairs = attribute_ranks.trait_weights(self.sheet, self.others)
        self.telling = attribute_ranks.strongest_columns(pairs, space.columns)
        differences = np.abs(self.sheet.ranks[:, None, :] - self.others.ranks[None, :, :])
        differences = attribute_ranks.mask_explicit(np.nan_to_num(differences), space.columns, -1.0)
        self.most_different = differences.argmax(axis=-1)

    def between(self, at: int, other: int) -> tuple[str, list[dict[str, Any]]]:
        """The clause on a pair and the figures it quotes."""
        if self.relative[at, other] >= 1:
            trait = self.sheet.compare(at, self.others, other, int(self.most_different[at, other]))
            return phrases.describe_difference(trait), [trait.to_json()]
        traits = [
            self.sheet.compare(at, self.others, other, int(column))
            for column in self.telling[at, other]
            if column >= 0
        ]
        if not traits:
            return NOTHING_STANDS_OUT, []
        shared = phrases.join_clauses([phrases.describe_shared(trait) for trait in traits])
        return shared, [trait.to_json() for trait in traits]
