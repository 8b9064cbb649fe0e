"""What sounds like one track by a single feature set: the cosine over its standardised columns."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Match, Reason, SoundSpace
from songrec.recommend.top_k import product, top_distinct

WHOLE = "whole"
"""The one group of an embedding: its dimensions have no names."""
GROUP_TEXTS = {
    "timbre": "timbre",
    "movement": "how the timbre moves",
    "rhythm": "rhythm",
    "harmony": "harmony",
    "dynamics": "loudness and attacks",
}
_STATISTICAL = {
    "rhythm": ("tempo", "beat_", "onset_"),
    "harmony": ("chroma_", "key", "mode", "f0_", "tuning"),
    "dynamics": ("rms_", "loudness", "attack_time", "note_temporal_", "temporal_centroid"),
}
_TAGS = "musicnn_tags"
_ALIKE = "Alike in "


def column_group(feature_set: str, column: str) -> str:
    """The group that a column of a feature set belongs to: a name of ``GROUP_TEXTS`` or ``WHOLE``.

    Of tags each is a group of its own.
    """
    if feature_set == "mfcc":
        return "movement" if "_delta" in column else "timbre"
    if feature_set == "statistical":
        for group, beginnings in _STATISTICAL.items():
            if column.startswith(beginnings):
                return group
        return "timbre"
    return column if feature_set == _TAGS else WHOLE


def nearest_by_features(
    sound: SoundSpace, track_id: int, n: int, *, label: str = "", excluded: Iterable[int] = ()
) -> list[Match]:
    """The ``n`` tracks of largest cosine to ``track_id``, each song once, never the song itself.

    The reasons are one per group of columns and add up to the cosine. ``label`` is what the
    feature set is called, ``excluded`` names further tracks to leave out. Raises ``NotReady`` where
    the track does not have the set.
    """
    row = int(np.searchsorted(sound.track_ids, track_id))
    if row == len(sound.track_ids) or sound.track_ids[row] != track_id:
        raise NotReady(f"This song has no sound that was analysed by {sound.name}.")
    lengths = np.where(sound.lengths > 0, sound.lengths, 1).astype(np.float32)
    rough = product(sound.matrix, sound.matrix[row]) / (lengths * lengths[row])
    rough[sound.rows_of(list(excluded))] = -np.inf
    rows, _ = top_distinct(rough, n, sound.song_keys, sound.song_keys[[row]])
    own = _unit(sound.matrix[row])
    names = [column_group(sound.name, column) for column in sound.columns]
    groups = list(dict.fromkeys(names))
    at = np.array([groups.index(name) for name in names], dtype=np.int64)
    found = []
    for other in rows:
        theirs = _unit(sound.matrix[other])
        shares = np.bincount(at, weights=own * theirs, minlength=len(groups))
        sides = np.bincount(at, weights=own, minlength=len(groups))
        order = np.argsort(-shares, kind="stable")
        reasons = tuple(
            Reason(
                "tag" if sound.name == _TAGS else "feature",
                _text(sound.name, groups[i], float(shares[i]), float(sides[i]), label),
                float(shares[i]),
                groups[i],
            )
            for i in order
        )
        score = math.fsum(reason.contribution for reason in reasons)
        found.append(Match(int(sound.track_ids[other]), score, reasons))
    return found


def describe_match(match: Match) -> str:
    """The two groups that make most of a match as one line."""
    told = [reason.text for reason in match.reasons[:2] if reason.contribution > 0]
    if not told:
        return "Not alike"
    if all(text.startswith(_ALIKE) for text in told):
        return _ALIKE + " and ".join(text.removeprefix(_ALIKE) for text in told)
    return "; ".join([told[0], *(text[0].lower() + text[1:] for text in told[1:])])


def _unit(row: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = row.astype(np.float64)
    return wide / (float(np.sqrt(wide @ wide)) or 1.0)


def _text(feature_set: str, group: str, share: float, own: float, label: str) -> str:
    if group == WHOLE:
        near_or_far = "Near it" if share > 0 else "Far from it"
        return f"{near_or_far} as {label or feature_set} hears it, as a whole"
    if feature_set == _TAGS:
        if share <= 0:
            return f"One sounds more like “{group}” than songs here do, the other less"
        return f"Both sound {'more' if own > 0 else 'less'} like “{group}” than songs here do"
    return f"{_ALIKE if share > 0 else 'Unlike in '}{GROUP_TEXTS[group]}"
