"""Suggestions for searches without results: the artist or title that was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from songrec.core.artist_credits import artist_key
from songrec.core.sorting import sort_key
from songrec.services.catalogue.search_suggestions import correct_spelling
from songrec.store.catalogue import track_filters
from songrec.store.tables import Artist, Track

MIN_SIMILARITY = 0.75
MIN_NAME_LIKENESS = 0.6
MIN_LENGTH = 4
MAX_CANDIDATES = 5_000
"""Names compared with the search: of its first letter and nearly its length."""


def did_you_mean(session: Session, text: str) -> str | None:
    """Return the artist, else the title, spelt most like ``text``, else ``text`` without a typo.

    None if nothing is close.
    """
    for key, name, searched in (
        (Artist.key, Artist.name, artist_key(text)),
        (Track.sort_title, Track.title, sort_key(text)),
    ):
        candidates = _candidates(session, key, name, searched)
        close = difflib.get_close_matches(searched, candidates, n=1, cutoff=MIN_SIMILARITY)
        if close and close[0] != searched:
            return candidates[close[0]]
    return correct_spelling(session, text)


def _candidates(
    session: Session,
    key: InstrumentedAttribute[str],
    name: InstrumentedAttribute[str],
    searched: str,
) -> dict[str, str]:
    if len(searched) < MIN_LENGTH:
        return {}
    rows = session.execute(
        select(key, name)
        .where(
            track_filters.begins_with(session, key, searched[0]),
            func.length(key).between(len(searched) - 2, len(searched) + 2),
        )
        .order_by(func.abs(func.length(key) - len(searched)), key)
        .limit(MAX_CANDIDATES)
    )
    return dict(rows.all())


def nearest_names(text: str, names: Sequence[str], n: int = 4) -> list[str]:
    """Return the names that share words with ``text`` or are spelt like it, the nearest first."""
    words = set(re.findall(r"[^\W_]+", text.lower()))

    def likeness(name: str) -> float:
        spelt = difflib.SequenceMatcher(None, text.lower(), name.lower()).ratio()
        return spelt + len(words & set(re.findall(r"[^\W_]+", name.lower())))

    ranked = sorted(names, key=likeness, reverse=True)
    return [name for name in ranked[:n] if likeness(name) >= MIN_NAME_LIKENESS]
