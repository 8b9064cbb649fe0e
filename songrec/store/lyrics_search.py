"""Searching words over titles, tags and lyrics: the database's full-text index, nothing heavier.

Any of the words may match; tracks that match more of them come first, and among these the better
ones by BM25 (Robertson & Zaragoza 2009; ``ts_rank`` on PostgreSQL). A tag counts more than a
title, a title more than the lyrics. Words are compared by their English stems.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

MOST_WORDS = 12
LOOKED_AT = 400
"""So many of the best by BM25 are put in order by how many words they match."""
WEIGHTS = "2.0, 5.0, 1.0"
PLACES = ("title", "tags", "lyrics")
_OPEN, _CLOSE = "\x02", "\x03"
_MARKED = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
# Words that nearly every text has find nothing; a search of nothing else keeps them.
_EVERYWHERE = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "das", "de", "del", "der", "des",
    "die", "du", "ein", "eine", "el", "en", "et", "for", "from", "i", "ich", "in", "is", "ist",
    "it", "la", "le", "les", "los", "me", "my", "of", "on", "or", "que", "so", "that", "the",
    "this", "to", "un", "und", "une", "we", "with", "y", "you", "your",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """A track that was found: ``matched`` are its words that answer, by place, never its text."""

    track_id: int
    score: float
    matched: dict[str, tuple[str, ...]]

    @property
    def words(self) -> tuple[str, ...]:
        """All words that matched, each once."""
        return tuple(dict.fromkeys(word for words in self.matched.values() for word in words))


def asked(words: str) -> list[str]:
    """The words of a search that are looked for, in lower case, each once."""
    found = re.findall(r"\w+", unicodedata.normalize("NFC", words.lower()).replace("_", " "))
    telling = [word for word in found if word not in _EVERYWHERE]
    return list(dict.fromkeys(telling or found))[:MOST_WORDS]


def search(session: Session, words: str, n: int = 20) -> list[Hit]:
    """The ``n`` tracks that answer ``words`` best; none where no word is left."""
    wanted = asked(words)
    if not wanted:
        return []
    sqlite = session.get_bind().dialect.name == "sqlite"
    best = dict((_sqlite if sqlite else _postgresql)(session, wanted))
    counts: dict[int, int] = {}
    for word in wanted:
        for track_id in _matching(session, word, list(best), sqlite=sqlite):
            counts[track_id] = counts.get(track_id, 0) + 1
    scores = {track: rank * counts.get(track, 1) / len(wanted) for track, rank in best.items()}
    order = sorted(scores, key=lambda track: (-counts.get(track, 1), -scores[track], track))[:n]
    marked = _marked(session, wanted, order, sqlite=sqlite)
    return [Hit(track, round(scores[track], 4), marked.get(track, {})) for track in order]


def _sqlite(session: Session, wanted: list[str]) -> list[tuple[int, float]]:
    statement = text(
        f"SELECT rowid, -bm25(words_search, {WEIGHTS}) AS score FROM words_search "
        "WHERE words_search MATCH :words ORDER BY score DESC, rowid LIMIT :most"
    )
    rows = session.execute(statement, {"words": _any(wanted), "most": LOOKED_AT})
    return [(track_id, float(score)) for track_id, score in rows]


_DOCUMENT = (
    "(setweight(to_tsvector('english', title), 'B') || setweight(to_tsvector('english', tags), 'A')"
    " || setweight(to_tsvector('english', words), 'D'))"
)
"""The same expression as the index of the migration that made it."""


def _postgresql(session: Session, wanted: list[str]) -> list[tuple[int, float]]:
    statement = text(
        f"SELECT track_id, ts_rank({_DOCUMENT}, to_tsquery('english', :words)) AS score "
        f"FROM track_words WHERE {_DOCUMENT} @@ to_tsquery('english', :words) "
        "ORDER BY score DESC, track_id LIMIT :most"
    )
    rows = session.execute(statement, {"words": " | ".join(wanted), "most": LOOKED_AT})
    return [(track_id, float(score)) for track_id, score in rows]


def _matching(session: Session, word: str, tracks: list[int], *, sqlite: bool) -> list[int]:
    if not tracks:
        return []
    condition = (
        "SELECT rowid FROM words_search WHERE words_search MATCH :word AND rowid IN :tracks"
        if sqlite
        else f"SELECT track_id FROM track_words WHERE {_DOCUMENT} @@ to_tsquery('english', :word) "
        "AND track_id IN :tracks"
    )
    statement = text(condition).bindparams(bindparam("tracks", expanding=True))
    given = {"word": _any([word]) if sqlite else word, "tracks": tracks}
    return list(session.execute(statement, given).scalars())


def _marked(
    session: Session, wanted: list[str], tracks: list[int], *, sqlite: bool
) -> dict[int, dict[str, tuple[str, ...]]]:
    """By track and place the words that matched; of the text nothing else leaves this function."""
    if not tracks:
        return {}
    if sqlite:
        marks = ", ".join(f"highlight(words_search, {at}, :open, :close)" for at in range(3))
        sql = (
            f"SELECT rowid, {marks} FROM words_search "
            "WHERE words_search MATCH :words AND rowid IN :tracks"
        )
        given = {"words": _any(wanted), "open": _OPEN, "close": _CLOSE}
    else:
        marks = ", ".join(
            f"ts_headline('english', {column}, to_tsquery('english', :words), :options)"
            for column in ("title", "tags", "words")
        )
        sql = f"SELECT track_id, {marks} FROM track_words WHERE track_id IN :tracks"
        options = f"StartSel={_OPEN}, StopSel={_CLOSE}, HighlightAll=true"
        given = {"words": " | ".join(wanted), "options": options}
    statement = text(sql).bindparams(bindparam("tracks", expanding=True))
    found = {}
    for track_id, *texts in session.execute(statement, {**given, "tracks": tracks}):
        found[track_id] = {
            place: words
            for place, marked in zip(PLACES, texts, strict=True)
            if (words := _words_in(marked))
        }
    return found


def _words_in(marked: str) -> tuple[str, ...]:
    # Neighbouring matches are marked as one: "sad piano".
    parts = (word for match in _MARKED.findall(marked) for word in re.findall(r"\w+", match))
    return tuple(dict.fromkeys(word.lower() for word in parts))


def _any(wanted: list[str]) -> str:
    return " OR ".join(f'"{word}"' for word in wanted)
