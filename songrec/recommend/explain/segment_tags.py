"""Tags of songs' segments, and clauses for the tags that two songs share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songrec.core.types import Ints, SegmentIndex, positions
from songrec.recommend.explain.phrases import join_clauses

MAX_TAGS = 3
MIN_PROBABILITY = 0.1
MIN_SHARED = 0.2
"""Smallest mean probability, in both songs, of a shared tag."""
MIN_SHARED_BY_SEGMENTS = 0.3
"""The same for two segments, whose tags vary more than a song's mean."""
MAX_WORDS = 2

INSTRUMENTS: dict[str, str] = {
    **{
        name: name
        for name in (
            "cello", "drums", "flute", "guitar", "harp", "harpsichord", "piano", "sitar",
            "strings", "synth", "violin",
        )
    },
    **dict.fromkeys(("choir", "choral"), "choir"),
    **dict.fromkeys(
        ("female", "woman", "female vocal", "female voice", "female vocalist", "female vocalists"),
        "female vocals",
    ),
    **dict.fromkeys(
        ("male", "man", "male vocal", "male voice", "male vocalist", "male vocalists"),
        "male vocals",
    ),
}  # fmt: skip
"""Instruments and voices by tag, as “with piano” names them."""
UNSAID = frozenset(
    {
        # Attributes describe these more accurately.
        "acoustic", "catchy", "dance", "fast", "happy", "instrumental", "loud", "party", "quiet",
        "sad", "slow", "00s", "60s", "70s", "80s", "90s", "oldies",
        # True of nearly every song, or uninformative.
        "beat", "beats", "beautiful", "no vocal", "no vocals", "no voice", "sexy", "singing",
        "solo", "vocal", "vocals", "voice", "weird",
    }
)  # fmt: skip
OTHER_WORDS: dict[str, str] = {"classic": "classical", "opera": "operatic", "indian": "Indian"}


def song_tags(segments: SegmentIndex, rows: Ints) -> list[str]:
    """Return the tags of highest mean probability in segments; empty without a tagger."""
    if segments.tags is None or not segments.tag_names:
        return []
    mean = segments.tags[rows].astype(np.float64).mean(axis=0)
    order = np.argsort(-mean, kind="stable")[:MAX_TAGS]
    return [segments.tag_names[at] for at in order.tolist() if mean[at] >= MIN_PROBABILITY]


def shared_tags(segments: SegmentIndex | None, track_id: int, other_id: int) -> list[str]:
    """Return the tags that two songs share over their whole length, likeliest first.

    Empty if one of them has no segments, or the segments have no tags.
    """
    if segments is None:
        return []
    at_index = [positions(segments.track_ids, [one]) for one in (track_id, other_id)]
    if not all(map(len, at_index)):
        return []
    rows = [np.arange(segments.first[at[0]], segments.first[at[0] + 1]) for at in at_index]
    return common_tags(segments, rows[0], rows[1], MIN_SHARED)


def common_tags(
    segments: SegmentIndex, rows: Ints, others: Ints, least: float = MIN_SHARED_BY_SEGMENTS
) -> list[str]:
    """Return the tags whose mean probability is ``least`` in both groups of segments."""
    if segments.tags is None or not len(rows) or not len(others):
        return []
    one, other = (segments.tags[some].astype(np.float64).mean(axis=0) for some in (rows, others))
    both = np.minimum(one, other)
    order = np.argsort(-both, kind="stable")
    return [segments.tag_names[at] for at in order.tolist() if both[at] >= least]


def describe_sound(adjectives: Sequence[str], tags: Sequence[str]) -> str:
    """Write traits and tags as a clause: ``calm and classical, with piano``; may be empty.

    At most two adjectives and genres, and one instrument or voice, or two without anything else.
    """
    words = [word.lower() for word in tags]
    instruments = list(dict.fromkeys(INSTRUMENTS[word] for word in words if word in INSTRUMENTS))
    genres = [
        OTHER_WORDS.get(word, word)
        for word in words
        if word not in INSTRUMENTS and word not in UNSAID
    ]
    played = f", with {instruments[0]}" if instruments else ""
    adjectives = in_order(adjectives)[:MAX_WORDS]
    if len(adjectives) == 1 and genres:
        words = [genres[0], *adjectives] if _is_period(adjectives[0]) else [*adjectives, genres[0]]
        return f"{' '.join(words)}{played}"
    described = list(adjectives) or list(dict.fromkeys(genres))[:MAX_WORDS]
    if not described:
        return join_clauses(instruments[:MAX_WORDS])
    return f"{join_clauses(described)}{played}"


def in_order(words: Sequence[str]) -> list[str]:
    """Sort adjectives in idiomatic order: ``calm and from the 70s``."""
    return sorted(words, key=_is_period)


def _is_period(word: str) -> bool:
    return word.startswith("from ")
