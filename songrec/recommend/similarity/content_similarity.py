"""Similar tracks by one feature set of the sound: the cosine over its standardised columns."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Match, Reason, SoundSpace
from songrec.recommend.explain.contributions import LITTLE_IN_COMMON
from songrec.recommend.explain.phrases import join_clauses
from songrec.recommend.top_k import product, top_distinct

WHOLE = "whole"
"""Group of all columns of an embedding, whose dimensions have no names."""
GROUP_TEXTS = {
    "timbre": "timbre",
    "movement": "changes of timbre",
    "rhythm": "rhythm",
    "harmony": "harmony",
    "dynamics": "dynamics",
}
_STATISTICAL = {
    "rhythm": ("tempo", "beat_", "onset_"),
    "harmony": ("chroma_", "key", "mode", "f0_", "tuning"),
    "dynamics": ("rms_", "loudness", "attack_time", "note_temporal_", "temporal_centroid"),
}
_TAGS = "musicnn_tags"
_SIMILAR = "Similar "


def column_group(feature_set: str, column: str) -> str:
    """Return the group of a feature set's column: a key of ``GROUP_TEXTS``, ``WHOLE``, or a tag."""
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
    """Return the ``n`` tracks of largest cosine to ``track_id``, each song once.

    The reasons are one per group of columns and add up to the cosine.

    Parameters
    ----------
    label
        Name of the feature set in sentences.
    excluded
        Further track ids to leave out.

    Raises
    ------
    NotReady
        If the track does not have the feature set.
    """
    row = int(np.searchsorted(sound.track_ids, track_id))
    if row == len(sound.track_ids) or sound.track_ids[row] != track_id:
        raise NotReady(f"This song was not analysed by {sound.name}.")
    lengths = np.where(sound.lengths > 0, sound.lengths, 1).astype(np.float32)
    rough = product(sound.matrix, sound.matrix[row]) / (lengths * lengths[row])
    rough[sound.rows_of(list(excluded))] = -np.inf
    rows, _ = top_distinct(rough, n, sound.song_keys, sound.song_keys[[row]])
    own = _unit(sound.matrix[row])
    names = [column_group(sound.name, column) for column in sound.columns]
    groups = list(dict.fromkeys(names))
    at = np.array([groups.index(name) for name in names], dtype=np.int64)
    matches = []
    for other in rows:
        theirs = _unit(sound.matrix[other])
        shares = np.bincount(at, weights=own * theirs, minlength=len(groups))
        sides = np.bincount(at, weights=own, minlength=len(groups))
        order = np.argsort(-shares, kind="stable")
        reasons = tuple(
            Reason(
                "tag" if sound.name == _TAGS else "feature",
                _text(
                    sound.name, groups[i], float(shares[i]), float(sides[i]), label or sound.name
                ),
                float(shares[i]),
                groups[i],
            )
            for i in order
        )
        score = math.fsum(reason.contribution for reason in reasons)
        matches.append(Match(int(sound.track_ids[other]), score, reasons))
    return matches


def describe_match(match: Match) -> str:
    """Write a match's main sentence: the two groups that contribute most."""
    texts = [reason.text for reason in match.reasons[:2] if reason.contribution > 0]
    if not texts:
        return LITTLE_IN_COMMON
    if all(text.startswith(_SIMILAR) for text in texts):
        sides = [text.removeprefix(_SIMILAR).split(" and ") for text in texts]
        return _SIMILAR + join_clauses([side for some in sides for side in some])
    # The name of the model is among the figures.
    texts = [text.partition(" (")[0] for text in texts]
    return "; ".join([texts[0], *(text[0].lower() + text[1:] for text in texts[1:])])


def _unit(row: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = row.astype(np.float64)
    return wide / (float(np.sqrt(wide @ wide)) or 1.0)


def _text(feature_set: str, group: str, share: float, own: float, label: str) -> str:
    if group == WHOLE:
        return f"{'Close' if share > 0 else 'Far'} by what a listening model hears ({label})"
    if feature_set == _TAGS:
        if share <= 0:
            return f"One sounds more like “{group}” than most songs, the other less"
        return f"Both sound {'more' if own > 0 else 'less'} like “{group}” than most songs"
    return f"{_SIMILAR if share > 0 else 'Different '}{GROUP_TEXTS[group]}"
