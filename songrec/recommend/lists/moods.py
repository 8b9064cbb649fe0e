"""Moods as targets: the genre–emotion table, and the tracks nearest to a target.

The table has a level (high, medium, low) per genre for each of the seven perceptual attributes. A
level is a percentile of the catalogue rather than a fixed value: 85th, 50th and 15th, so that even
a catalogue of studio recordings has songs of "high liveness". An emotion shifts these percentiles
by its coordinates in the circumplex model (Russell, "A circumplex model of affect", 1980): pleasure
shifts positiveness, arousal shifts energy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.attributes import BY_NAME, SHARES
from songrec.core.types import Match, Reason, Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.contributions import build_matches
from songrec.recommend.query import Query
from songrec.recommend.space_statistics import statistics_of

LEVELS = {"H": 0.85, "M": 0.50, "L": 0.15}

# Genre: its emotions, and its levels in the order of ``SHARES`` (energy, danceability,
# positiveness, speechiness, liveness, acousticness, instrumentalness).
GENRES: dict[str, tuple[tuple[str, ...], str]] = {
    "Pop": (("joy", "love", "sadness"), "HHHMLML"),
    "Rock": (("joy", "anger", "love"), "HMMLMML"),
    "Hip Hop": (("anger", "joy", "love"), "HMMHLLL"),
    "Indie": (("sadness", "love", "joy"), "MHMLMHL"),
    "Dance": (("joy", "love", "excitement"), "HHHLLLL"),
    "Rap": (("anger", "pride", "confidence"), "HMLHLLL"),
    "R&B": (("love", "sadness", "desire"), "MMMHLLL"),
    "Electronic": (("joy", "energy", "excitement"), "HHHMLLL"),
    "Soul": (("love", "nostalgia"), "LLMLHHL"),
    "Alternative": (("sadness", "melancholy"), "MMMMLHM"),
    "Metal": (("anger", "despair"), "HLLLLLH"),
    "Classical": (("awe", "peace", "sadness"), "LLLLHHL"),
    "Jazz": (("calm", "contentment"), "LLMLHHM"),
    "Country": (("heartbreak", "reflection"), "MMMLLHL"),
    "Folk": (("thoughtfulness", "nostalgia"), "LLMLHHL"),
}

# Emotion: pleasure and arousal, each from -1 to 1 (after Russell 1980 and, for the words that are
# not in his figure, their nearest neighbour there).
EMOTIONS: dict[str, tuple[float, float]] = {
    "joy": (1.0, 0.5),
    "love": (0.7, 0.0),
    "sadness": (-1.0, -0.5),
    "anger": (-0.7, 1.0),
    "excitement": (0.7, 1.0),
    "pride": (0.5, 0.5),
    "confidence": (0.5, 0.5),
    "desire": (0.4, 0.3),
    "energy": (0.4, 1.0),
    "nostalgia": (-0.2, -0.4),
    "melancholy": (-0.8, -0.5),
    "despair": (-1.0, 0.2),
    "awe": (0.3, 0.1),
    "peace": (0.4, -1.0),
    "calm": (0.3, -1.0),
    "contentment": (0.7, -0.6),
    "heartbreak": (-1.0, -0.2),
    "reflection": (0.0, -0.6),
    "thoughtfulness": (0.0, -0.5),
}

# Shift by an emotion at the end of an axis: 20 percentiles from the genre's level, 40 from the
# median without a genre.
SHIFT = 0.20
SHIFT_ALONE = 0.40
# Bonus of the requested genre or emotion as a tag; all seven attributes on target score 1.
TAG_BONUS = 0.15
# Differences are relative to the range of the catalogue's middle 70%, but at least to this value:
# if nearly all songs are the same, a difference of 0.01 is irrelevant.
MIN_SPREAD = 0.1
ON_TARGET = 0.35
# Values beyond a target at an end of the scale also meet it: their difference counts half.
OVERSHOOT_WEIGHT = 0.5
SLICE = 2**14


@dataclass(frozen=True)
class TaggedRows:
    """Rows with a requested tag, its kind (genre, emotion) and name."""

    kind: str
    name: str
    rows: NDArray[np.int64]


def target_percentiles(genre: str | None, emotion: str | None) -> dict[str, float]:
    """Return the target percentile, 0 to 1, of each attribute.

    Without a genre of the table every attribute starts at the median; an emotion that is not in the
    table is ignored.
    """
    letters = GENRES[genre][1] if genre in GENRES else "M" * len(SHARES)
    places = {name: LEVELS[letter] for name, letter in zip(SHARES, letters, strict=True)}
    pleasure, arousal = EMOTIONS.get(emotion or "", (0.0, 0.0))
    shift = SHIFT if genre in GENRES else SHIFT_ALONE
    places["positiveness"] += shift * pleasure
    places["energy"] += shift * arousal
    return {name: min(max(place, 0.02), 0.98) for name, place in places.items()}


def target_values(space: Space, genre: str | None, emotion: str | None) -> dict[str, float]:
    """Return the attribute values of this catalogue at the target percentiles."""
    spreads = statistics_of(space).distributions
    values = {}
    for name, place in target_percentiles(genre, emotion).items():
        if name in spreads and len(spreads[name].values):
            values[name] = round(spreads[name].quantile(place), 2)
    return values


def extreme_attributes(genre: str | None, emotion: str | None) -> dict[str, int]:
    """Return the attributes with a target at an end of the scale: 1 for high, -1 for low."""
    places = target_percentiles(genre, emotion)
    return {n: 1 if p > 0.5 else -1 for n, p in places.items() if abs(p - 0.5) > 0.25}


def nearest_to_target(
    space: Space,
    target: Mapping[str, float],
    n: int,
    *,
    ends: Mapping[str, int] | None = None,
    preferred: Sequence[TaggedRows] = (),
    dislikes: Sequence[int] = (),
    only: Sequence[int] | NDArray[np.int64] | None = None,
    withdrawn: Sequence[int] = (),
    pick_ranks: Callable[[int], NDArray[np.int64]] | None = None,
) -> list[Match]:
    """Return the ``n`` tracks nearest to ``target``, each song once, without disliked ones.

    The score is the mean over the attributes of 1 − |difference| / spread, each at least -1, where
    the spread is the width of the catalogue's middle 70%; 1 is exactly on target. Unknown values
    add nothing and have no reason; tracks without any value are left out.

    Parameters
    ----------
    target
        Attribute values by name.
    ends
        Attributes whose target is an end of the scale (1 high, -1 low): a difference beyond it
        counts half.
    preferred
        Rows with a requested tag, which get ``TAG_BONUS`` more.
    only
        Track ids to choose from.
    withdrawn
        Track ids that must not be chosen.
    pick_ranks
        Given the number of ranked tracks, returns the ranks to keep, in order.
    """
    names = [name for name in target if name in space.value_names]
    query = Query.of(space, [], list(dislikes), withdrawn=withdrawn)
    ends = ends or {}
    scores = _closeness_of_all(space, names, target, ends)
    for tag in preferred:
        scores[tag.rows] += np.float32(TAG_BONUS)
    if names:
        columns = [space.value_names.index(name) for name in names]
        scores[np.isnan(space.values[:, columns]).all(axis=1)] = -np.inf
    if only is not None:
        excluded = np.ones(len(scores), dtype=bool)
        excluded[space.rows_of(list(only))] = False
        scores[excluded] = -np.inf
    rows, _ = query.top(scores, n)
    if pick_ranks is not None:
        rows = rows[pick_ranks(len(rows))]
    return build_matches(space, rows, _target_reasons(space, rows, names, target, ends, preferred))


def _target_reasons(
    space: Space,
    rows: NDArray[np.int64],
    names: Sequence[str],
    target: Mapping[str, float],
    ends: Mapping[str, int],
    preferred: Sequence[TaggedRows],
) -> list[tuple[Reason, ...]]:
    """Return, per row, a reason per attribute with a value and per tag, the largest first."""
    shares = _closeness(space, names, target, ends, rows) / max(len(names), 1)
    distributions = statistics_of(space).distributions
    tagged = np.array([np.isin(rows, tag.rows) for tag in preferred])
    reasons = []
    for at, row in enumerate(rows):
        values = {name: space.values[row, space.value_names.index(name)] for name in names}
        parts = [
            _target_reason(
                name,
                float(values[name]),
                target[name],
                float(shares[at, column]),
                float(distributions[name].percentile(target[name])),
                float(distributions[name].percentile(values[name])),
                _spread(space, name),
                ends.get(name, 0),
            )
            for column, name in enumerate(names)
            if np.isfinite(values[name])
        ]
        parts += [
            Reason("tag", f"Tagged “{tag.name}”", TAG_BONUS, tag.name, {"kind": tag.kind})
            for column, tag in enumerate(preferred)
            if tagged[column, at]
        ]
        reasons.append(tuple(sorted(parts, key=lambda reason: -reason.contribution)))
    return reasons


def describe_match(match: Match) -> str:
    """Write a match's main sentence: the most distinctive targets that it meets, and its tags."""
    met = [
        r for r in match.reasons if r.kind == "target" and r.details["met"] and r.details["word"]
    ]
    met.sort(key=lambda reason: -reason.details["distinctness"])
    words = phrases.join_clauses([reason.details["word"] for reason in met[:3]])
    tags = phrases.join_clauses([f"“{r.about}”" for r in match.reasons if r.kind == "tag"])
    if not words and not tags:
        return "The closest match here"
    tagged = f"tagged {tags}" if tags else ""
    return phrases.capitalize(", ".join(part for part in (words, tagged) if part))


def _closeness(
    space: Space,
    names: Sequence[str],
    target: Mapping[str, float],
    ends: Mapping[str, int],
    rows: NDArray[np.int64] | slice,
) -> NDArray[np.float32]:
    """Compute how close rows are to each target value, from -1 to 1, ``(rows, names)``."""
    values = space.values[rows]
    closeness = np.empty((len(values), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        deviations = values[:, space.value_names.index(name)] - np.float32(target[name])
        deviations /= np.float32(_spread(space, name))
        if name in ends:
            deviations *= np.where(
                deviations * ends[name] > 0, np.float32(OVERSHOOT_WEIGHT), np.float32(1)
            )
        closeness[:, column] = 1 - np.abs(deviations)
    np.maximum(closeness, -1, out=closeness)
    # Unknown values add nothing.
    return np.nan_to_num(closeness, nan=0.0, copy=False)


def _closeness_of_all(
    space: Space, names: Sequence[str], target: Mapping[str, float], ends: Mapping[str, int]
) -> NDArray[np.float32]:
    """Compute the mean closeness of every track, ``(n,)``, in slices that stay in the cache."""
    scores = np.empty(len(space.track_ids), dtype=np.float32)
    for start in range(0, len(scores), SLICE):
        rows = slice(start, start + SLICE)
        shares = _closeness(space, names, target, ends, rows) / max(len(names), 1)
        scores[rows] = shares.sum(axis=1)
    return scores


def _spread(space: Space, name: str) -> float:
    """Return the width of the middle 70% of an attribute, at least ``MIN_SPREAD``."""
    distribution = statistics_of(space).distributions[name]
    width = distribution.quantile(LEVELS["H"]) - distribution.quantile(LEVELS["L"])
    return max(width, MIN_SPREAD) if width == width else MIN_SPREAD


def _target_reason(
    name: str,
    value: float,
    target: float,
    contribution: float,
    percentile: float,
    rank: float,
    spread: float,
    end: int,
) -> Reason:
    label = BY_NAME[name].label
    figure: dict[str, Any] = {"name": name, "label": label, "other": target}
    details: dict[str, Any] = {"features": [figure]}
    figure["value"] = round(value, 6)
    figures = f"({label.lower()} {value:.2f}, target {target:.2f})"
    is_high = percentile >= 0.5
    most, least = phrases.ADJECTIVE_BOUNDS[name]
    # The adjective may not apply although the value is near the target.
    is_true = value >= least if is_high else value <= most
    word = phrases.ADJECTIVES[name][is_high] if is_true else ""
    comparative = BY_NAME[name].more if value > target else BY_NAME[name].less
    is_near = abs(value - target) <= ON_TARGET * spread
    is_met = is_near or (value - target) * end > 0
    # A target in the middle of the scale is hardly a request.
    is_request = abs(percentile - 0.5) > 0.1 and (rank - 0.5) * (percentile - 0.5) > 0
    if is_met and not is_near:
        text = f"Even {comparative} {figures}"
    elif is_met and word and is_request:
        text = f"{phrases.capitalize(word)} {figures}"
    elif is_met:
        text = f"{label} close to the target {figures}"
    else:
        text = f"{phrases.capitalize(comparative)} than the target {figures}"
    details |= {
        "met": is_met and is_request,
        "distinctness": abs(percentile - 0.5),
        "clause": f"{word or label.lower()} {figures}",
        "word": word,
    }
    return Reason("target", text, contribution, name, details)


def nearest_emotions(emotion: str, names: Sequence[str], n: int) -> list[str]:
    """Return the emotions of ``names`` nearest to ``emotion`` on the circumplex's two axes.

    Empty for an emotion that is not in the table.
    """
    if emotion not in EMOTIONS:
        return []
    here = np.array(EMOTIONS[emotion])
    candidates = [name for name in names if name in EMOTIONS and name != emotion]
    return sorted(candidates, key=lambda name: float(np.linalg.norm(EMOTIONS[name] - here)))[:n]
