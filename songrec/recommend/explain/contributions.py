"""Reasons: sentences with figures whose contributions add up to the score.

Titles are quoted plainly in ``text`` (“Hallelujah”); ``details["title"]`` holds the title alone
and ``details["before"]`` / ``["after"]`` the words around it, so that a page can set it in italics
without any markup in stored text. ``main_reason`` is the short sentence without figures for pages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Match, Reason, Space
from songrec.recommend.explain import attribute_ranks, phrases, segment_tags
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows

MAX_NAMED = 8
"""Limit of songs with individual reasons; the others share one reason."""
MAX_TRAITS = 2
MAX_COMPARED = 100
"""Limit of likes that ``name_likes`` compares; an evenly spaced sample of more."""
THIS_SONG = "this song"
NO_TRAIT = "no single trait stands out"
LITTLE_IN_COMMON = "Little in common, but nothing is closer"
LIKED_KINDS = frozenset({"liked", "added"})
"""Kinds of reasons about a liked song or a song added to a blend."""


def reasons_per_like(
    query: Query, rows: Rows, contributions: NDArray[np.float64], distances: NDArray[np.float64]
) -> list[tuple[Reason, ...]]:
    """Write one reason per liked track, the largest contribution first.

    Beyond ``MAX_NAMED`` likes the smaller contributions are summed up in one reason.

    Parameters
    ----------
    contributions
        ``(rows, likes)``.
    distances
        L2 distances ``(rows, likes)``.
    """
    clauses = _PairClauses(query.space, rows, query.likes, distances / query.statistics.typical)
    answers = []
    for at in range(len(rows)):
        order = np.argsort(-contributions[at], kind="stable")
        reasons = [
            _track_reason("liked", query, clauses, at, int(like), float(contributions[at, like]))
            for like in order[:MAX_NAMED]
        ]
        rest = order[MAX_NAMED:]
        if len(rest):
            songs = "of these songs" if query.seeds else "songs you like"
            reasons.append(_summary_reason("liked", contributions[at, rest], songs))
        answers.append(tuple(reasons))
    return answers


def reasons_per_dislike(
    query: Query, rows: Rows, contributions: NDArray[np.float64], distances: NDArray[np.float64]
) -> list[tuple[Reason, ...]]:
    """Write one reason per disliked track that moves the score; arrays ``(rows, dislikes)``."""
    if not len(query.dislikes):
        return [()] * len(rows)
    clauses = _PairClauses(query.space, rows, query.dislikes, distances / query.statistics.typical)
    answers = []
    for at in range(len(rows)):
        moving = [d for d in np.argsort(contributions[at], kind="stable") if contributions[at, d]]
        reasons = [
            _track_reason("disliked", query, clauses, at, int(one), float(contributions[at, one]))
            for one in moving[:MAX_NAMED]
        ]
        rest = moving[MAX_NAMED:]
        if rest:
            reasons.append(
                _summary_reason("disliked", contributions[at, rest], "songs you dislike")
            )
        answers.append(tuple(reasons))
    return answers


def reasons_per_feature(
    space: Space,
    rows: Rows,
    contributions: NDArray[np.float64],
    others: AttributeTable,
    other_rows: NDArray[np.int64],
    compared_with: Sequence[str],
    details: Sequence[dict[str, Any]] | None = None,
) -> list[tuple[Reason, ...]]:
    """Write one reason per column of the space, the largest contribution first.

    Parameters
    ----------
    contributions
        ``(rows, d)``.
    others, other_rows
        Row ``at`` is compared with row ``other_rows[at]`` of ``others``.
    compared_with
        Name of what each row is compared with: a quoted title, ``YOUR_LIKES`` or ``THIS_SONG``.
    details
        Further details of each reason, per row.
    """
    table = AttributeTable.from_rows(space, rows)
    answers = []
    for at in range(len(rows)):
        reasons = []
        for column in np.argsort(-contributions[at], kind="stable"):
            trait = table.compare(at, others, int(other_rows[at]), int(column))
            if not (trait.has_values or contributions[at, column]):
                continue  # it adds nothing
            reasons.append(
                Reason(
                    "feature",
                    phrases.capitalize(phrases.describe_comparison(trait, compared_with[at])),
                    float(contributions[at, column]),
                    trait.name,
                    {
                        "beside": compared_with[at],
                        **(details[at] if details else {}),
                        "features": [trait.to_json()],
                        "weight": round(trait.weight, 4),
                        "clause": phrases.describe_shared(trait) if trait.has_values else "",
                        "word": trait.word,
                    },
                )
            )
        answers.append(tuple(reasons))
    return answers


def name_likes(
    query: Query, rows: Rows, reasons: Sequence[tuple[Reason, ...]], likes: Sequence[Rows]
) -> None:
    """Add to each row's reasons (in place) the liked song that shares most with the row.

    Reasons per feature compare with the median of several likes, but listeners know songs, not
    medians. Among traits with a positive contribution, the like with the most unusual shared traits
    (at most ``MAX_TRAITS``) is chosen; without notable traits, the nearest like. The reasons of
    shared traits get ``title``, ``likes`` (the like's track id), ``word`` and ``shared_weight`` in
    ``details``; a row's first reason gets ``likes``, ``nearest`` (the title) and ``tags`` (shared
    by segments of both songs).

    Parameters
    ----------
    reasons
        Per row, the reasons by ``reasons_per_feature``.
    likes
        Per row, the liked rows to choose from.
    """
    space = query.space
    table = AttributeTable.from_rows(space, rows)
    names = [name if phrases.is_mentionable(name) else "" for name in table.names]
    speaking = [{str(r.about): r for r in why if r.contribution > 0} for why in reasons]
    for group in {id(liked): liked for liked in likes}.values():
        members = [at for at in range(len(rows)) if likes[at] is group]
        group = group[:: -(-len(group) // MAX_COMPARED)]
        others = AttributeTable.from_rows(space, group)
        shared = attribute_ranks.trait_weights(table.select(members), others)
        counts = np.array([[name in speaking[at] for name in names] for at in members])
        shared[(shared <= phrases.MIN_WEIGHT) | ~counts[:, None, :]] = 0.0
        strength = np.sort(shared, axis=2)[:, :, -MAX_TRAITS:].sum(axis=2)
        for at, strengths, weights in zip(members, strength, shared, strict=True):
            best = int(strengths.argmax())
            if not strengths[best]:
                best = int(query.statistics.distances(group, rows[at]).argmin())
            row = int(group[best])
            title, like = query.title(row), [int(space.track_ids[row])]
            for column in np.argsort(-weights[best], kind="stable")[:MAX_TRAITS].tolist():
                if weights[best, column]:
                    speaking[at][names[column]].details.update(
                        title=title,
                        likes=like,
                        word=table.compare(at, others, best, column).word,
                        shared_weight=round(float(weights[best, column]), 4),
                    )
            if reasons[at]:
                own_id = int(space.track_ids[rows[at]])
                tags = segment_tags.shared_tags(space.segments, own_id, like[0])
                reasons[at][0].details.update(nearest=title, likes=like, tags=tags)


def build_matches(space: Space, rows: Rows, reasons: list[tuple[Reason, ...]]) -> list[Match]:
    """Build matches of ``rows``: each score is the sum of its reasons' contributions."""
    ids = np.asarray(space.track_ids[rows]).tolist()
    return [
        Match(track_id, math.fsum(reason.contribution for reason in why), why)
        for track_id, why in zip(ids, reasons, strict=True)
    ]


def split_distance(
    differences: NDArray[np.float64], typical: float, unknown: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Split ``typical`` − ‖Δ‖ into one contribution per feature.

    A distance is the sum of Δ_f² / ‖Δ‖ over the features; ``typical`` is shared out equally. A
    feature that one of the two tracks lacks contributes nothing: the others share both among them.

    Parameters
    ----------
    differences
        ``(rows, d)``: Δ of each row.
    typical
        Distance of two random tracks.
    unknown
        Mask of the features that one of the two tracks lacks, ``(rows, d)``; None if there are
        none. A row of nothing else is split like one of known features.

    Returns
    -------
    Contributions ``(rows, d)``, which add up to ``typical`` − ‖Δ‖ over each row.
    """
    lengths = np.linalg.norm(differences, axis=1, keepdims=True)
    counts = np.ones(differences.shape, dtype=bool)
    if unknown is not None:
        counts = ~unknown | unknown.all(axis=1, keepdims=True)
    shares = counts / counts.sum(axis=1, keepdims=True)
    squares = np.where(counts, differences, 0.0) ** 2
    total = squares.sum(axis=1, keepdims=True)
    parts = np.divide(squares, total, out=shares.copy(), where=total > 0)
    return typical * shares - lengths * parts


def main_reason(reasons: tuple[Reason, ...]) -> str:
    """Write the main sentence: one line without figures and without a full stop.

    By liked song it is about the largest contribution; by feature it names the most unusual traits
    that speak for the song, after a prior that says more than each of them and names a liked song:
    ``Calm and acoustic, like “Vibe Ace”``, ``More by Nirvana, also fast``, ``Sounds like “Blue”``.
    Empty for a song that shares no trait with the one song that it is compared with.
    """
    return phrases.shorten(_main_reason(reasons)[0])


def named_like(reasons: tuple[Reason, ...]) -> int | None:
    """Return the track id of the liked song in ``main_reason``; None without one."""
    like = _main_reason(reasons)[1]
    # Stored reasons name tracks by their public ids.
    return like if isinstance(like, int) else None


def _main_reason(reasons: tuple[Reason, ...]) -> tuple[str, Any]:
    """Write the unshortened sentence of ``main_reason``; return also the liked track in it."""
    if not reasons:
        return "", None
    features = [reason for reason in reasons if reason.kind == "feature"]
    by_feature = features and reasons[0].kind in ("feature", "prior")
    if not by_feature or "beside" not in features[0].details:
        first = reasons[0]
        text = str(first.details.get("sentence") or first.text)
        return text, first.about if first.kind in LIKED_KINDS else None
    mentioned = _choose_mentioned(features)
    words = segment_tags.in_order([reason.details["word"] for reason in mentioned])
    adjectives = phrases.join_clauses(words)
    lead = _leading_prior(reasons, max(reason.contribution for reason in features))
    if lead:
        text = str(lead.details.get("sentence") or lead.text)
        return f"{text}, also {adjectives}" if adjectives else text, lead.details["likes"][0]
    likes = features[0].details.get("likes") or (None,)
    details = features[0].details
    clause = segment_tags.describe_sound(words, details.get("tags", ()))
    if not clause and math.fsum(reason.contribution for reason in reasons) < 0:
        return _little_in_common(details.get("nearest")), likes[0]
    return _compare_with(details, mentioned, clause), likes[0]


def _compare_with(details: dict[str, Any], mentioned: Sequence[Reason], clause: str) -> str:
    """Write ``clause`` about the sound with the song or songs that share it."""
    compared_with = details["beside"]
    if compared_with == THIS_SONG:
        return f"Also {clause}" if clause else ""
    if details.get("same_cluster"):
        if clause:
            return phrases.capitalize(f"{clause}, like {compared_with} from the same sound group")
        return f"From the same sound group as {compared_with}"
    nearest = f"“{details['nearest']}”" if details.get("nearest") else compared_with
    if not clause:
        return f"Sounds like {nearest}"
    # A trait of the likes at large that no single one of them shares.
    alone = mentioned and "title" not in mentioned[0].details and compared_with != nearest
    return phrases.capitalize(f"{clause}, {'close to' if alone else 'like'} {nearest}")


def _little_in_common(title: str | None) -> str:
    return f"{LITTLE_IN_COMMON} to “{title}”" if title else LITTLE_IN_COMMON


def _leading_prior(reasons: Sequence[Reason], most: float) -> Reason | None:
    """Return the prior that contributes more than each feature and names a like, if any."""
    leading = [
        reason
        for reason in reasons
        if reason.kind == "prior" and reason.contribution > most and reason.details.get("likes")
    ]
    # A shared artist is easier to understand than shared playlists.
    return min(leading, key=lambda one: one.about not in ("artist", "album"), default=None)


def _choose_mentioned(reasons: Sequence[Reason]) -> list[Reason]:
    """Choose the reasons per feature whose traits the sentence mentions, most unusual first."""
    features = [reason for reason in reasons if reason.kind == "feature"]
    shared = [reason for reason in features if "shared_weight" in reason.details]
    if shared:
        return sorted(shared, key=lambda reason: -reason.details["shared_weight"])
    speaking = [
        reason
        for reason in features
        if reason.contribution > 0
        and reason.details["word"]
        and reason.details["weight"] > phrases.MIN_WEIGHT
    ]
    return sorted(speaking, key=lambda reason: -reason.details["weight"])[:MAX_TRAITS]


def _track_reason(
    kind: str, query: Query, clauses: _PairClauses, at: int, other: int, contribution: float
) -> Reason:
    """Write the reason of row ``at`` about one liked or disliked track."""
    row = int((query.likes if kind == "liked" else query.dislikes)[other])
    title = query.title(row)
    before = describe_closeness(float(clauses.relative[at, other]))
    traits = clauses.traits(at, other)
    whose = "" if kind == "liked" else ", which you dislike"
    after = f"{whose}: {clauses.describe(at, other, traits)}"
    details = {
        "title": title,
        "before": before,
        "after": after,
        "features": [trait.to_json() for trait in traits],
    }
    if kind == "liked":
        details["sentence"] = _like_sentence(title, float(clauses.relative[at, other]), traits)
    return Reason(
        kind,
        f"{before} “{title}”{after}",
        contribution,
        int(query.space.track_ids[row]),
        details,
    )


def _like_sentence(title: str, relative: float, traits: Sequence[phrases.Trait]) -> str:
    """Write the sentence of ``main_reason`` for a liked track at distance ``relative``."""
    if relative >= 1:
        return _little_in_common(title)
    words = segment_tags.in_order([trait.word for trait in traits if trait.word])
    adjectives = phrases.join_clauses(words)
    return phrases.capitalize(
        f"{adjectives}, like “{title}”" if adjectives else f"Sounds like “{title}”"
    )


def _summary_reason(kind: str, contributions: NDArray[np.float64], songs: str) -> Reason:
    """Write one reason for all tracks beyond ``MAX_NAMED``."""
    return Reason(
        kind,
        f"The other {len(contributions)} {songs}, together",
        math.fsum(contributions.tolist()),
        details={"count": len(contributions)},
    )


def describe_closeness(relative: float) -> str:
    """Describe a distance in words; ``relative`` is 1 for two random tracks."""
    if relative < 0.35:
        return "Very close to"
    if relative < 0.75:
        return "Close to"
    return "Not far from" if relative < 1 else "Far from"


class _PairClauses:
    """Shared traits, or the greatest difference, of all pairs of two lists of rows.

    ``relative`` ``(rows, others)`` are distances in units of the typical one.
    """

    def __init__(
        self, space: Space, rows: Rows, others: Rows, relative: NDArray[np.float64]
    ) -> None:
        self.table = AttributeTable.from_rows(space, rows)
        self.others = AttributeTable.from_rows(space, others)
        self.relative = relative
        pairs = attribute_ranks.trait_weights(self.table, self.others)
        self.strongest = attribute_ranks.strongest_columns(pairs, space.columns)
        differences = np.abs(self.table.ranks[:, None, :] - self.others.ranks[None, :, :])
        differences = attribute_ranks.mask_unmentioned(
            np.nan_to_num(differences), space.columns, -1.0
        )
        self.most_different = differences.argmax(axis=-1)

    def traits(self, at: int, other: int) -> list[phrases.Trait]:
        """The traits to describe: shared ones, or beyond a typical distance the most different."""
        if self.relative[at, other] >= 1:
            columns = [self.most_different[at, other]]
        else:
            columns = [column for column in self.strongest[at, other] if column >= 0]
        return [self.table.compare(at, self.others, other, int(column)) for column in columns]

    def describe(self, at: int, other: int, traits: Sequence[phrases.Trait]) -> str:
        """Describe ``traits`` of the pair with figures."""
        if self.relative[at, other] >= 1:
            return phrases.describe_difference(traits[0])
        return phrases.join_clauses([phrases.describe_shared(t) for t in traits]) or NO_TRAIT
