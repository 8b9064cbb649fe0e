"""Search for words in titles, tags and lyrics by the database's full-text index.

Any of the words may match. Songs that match more of them come first, rare words counting more than
common ones (by the root of the inverse document frequency, Spärck Jones 1972), and among equal
ones the better by BM25 (Robertson & Zaragoza 2009; ``ts_rank`` on PostgreSQL). A tag counts more
than a title, a title more than the lyrics. Words are compared by their English stems.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from songrec.core.cjk_bigrams import rejoined
from songrec.store.catalogue.lyrics_query import Word, parse_query

LOOKED_AT = 400
"""Number of best hits by BM25 that are sorted by their matched words, each for hits of all words
and for hits of any word."""
ROWS_PER_SEEK = 300
"""Rows of a word's list that FTS5 scans in the time of one look-up."""
WEIGHTS = "2.0, 5.0, 1.0"
PLACES = ("title", "tags", "lyrics")
_OPEN, _CLOSE = "\x02", "\x03"
_MARKED = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


@dataclass(frozen=True, slots=True)
class Hit:
    """A track that was found; ``matched`` are the matching words by field, never its text."""

    track_id: int
    score: float
    matched: dict[str, tuple[str, ...]]

    @property
    def words(self) -> tuple[str, ...]:
        """The distinct words that matched."""
        return tuple(dict.fromkeys(word for words in self.matched.values() for word in words))


def search(session: Session, words: str, n: int = 20) -> list[Hit]:
    """Return the ``n`` best tracks for ``words``; empty if no word remains after parsing."""
    index = _Index(session)
    matching, rarity, counts = [], {}, {}
    for word in parse_query(words):
        count = index.count(word)
        if not count and (longer := word.beginning()) != word:
            # No text has the word itself: it may be a prefix.
            word, count = longer, index.count(longer)
        if count:
            matching.append(word)
            counts[word] = count
            # Damped: two common words of three are better than the rare one alone.
            rarity[word] = math.sqrt(math.log1p(index.most() / count))
    if not matching:
        return []
    best = dict(index.best(matching, together=False))
    if len(matching) > 1:
        best |= dict(index.best(matching, together=True))
    covered = dict.fromkeys(best, 0.0)
    for word in matching:
        for track_id in index.among(word, counts[word], list(best)):
            covered[track_id] += rarity[word] / sum(rarity.values())
    scores = {track: rank * covered[track] for track, rank in best.items()}
    order = sorted(scores, key=lambda track: (-round(covered[track], 6), -scores[track], track))[:n]
    marked = index.marked(matching, order)
    return [Hit(track, round(scores[track], 4), marked.get(track, {})) for track in order]


_DOCUMENT = (
    "(setweight(to_tsvector('english', title), 'B') || setweight(to_tsvector('english', tags), 'A')"
    " || setweight(to_tsvector('english', words), 'D'))"
)
"""The same expression as the index of the migration that made it."""


class _Index:
    """The full-text index of either database, queried by expressions of its own kind."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sqlite = session.get_bind().dialect.name == "sqlite"

    def most(self) -> int:
        """An upper estimate of the number of tracks: the highest id."""
        return self._session.scalar(text("SELECT max(track_id) FROM track_words")) or 1

    def count(self, word: Word) -> int:
        """Return the number of tracks that match a word."""
        sql = (
            "SELECT count(*) FROM words_search WHERE words_search MATCH :words"
            if self._sqlite
            else "SELECT count(*) FROM track_words "
            f"WHERE {_DOCUMENT} @@ to_tsquery('english', :words)"
        )
        return self._session.scalar(text(sql), {"words": self._match_expression([word])}) or 0

    def best(self, words: Sequence[Word], *, together: bool) -> list[tuple[int, float]]:
        """Return the best tracks by BM25 that match any of the words, or all (``together``)."""
        sql = (
            f"SELECT rowid, -bm25(words_search, {WEIGHTS}) AS score FROM words_search "
            "WHERE words_search MATCH :words ORDER BY score DESC, rowid LIMIT :most"
            if self._sqlite
            else f"SELECT track_id, ts_rank({_DOCUMENT}, to_tsquery('english', :words)) AS score "
            f"FROM track_words WHERE {_DOCUMENT} @@ to_tsquery('english', :words) "
            "ORDER BY score DESC, track_id LIMIT :most"
        )
        parameters = {"words": self._match_expression(words, together=together), "most": LOOKED_AT}
        return [
            (track, float(score)) for track, score in self._session.execute(text(sql), parameters)
        ]

    def among(self, word: Word, count: int, tracks: list[int]) -> list[int]:
        """Return those of ``tracks`` that match a word; ``count`` is its number of tracks."""
        # The plus keeps SQLite from looking up each track, which is slower than scanning a list
        # that is not much longer.
        listed = "+rowid" if count < ROWS_PER_SEEK * len(tracks) else "rowid"
        sql = (
            f"SELECT rowid FROM words_search WHERE words_search MATCH :word AND {listed} IN :tracks"
            if self._sqlite
            else "SELECT track_id FROM track_words "
            f"WHERE {_DOCUMENT} @@ to_tsquery('english', :word) AND track_id IN :tracks"
        )
        return list(
            self._of(sql, {"word": self._match_expression([word]), "tracks": tracks}).scalars()
        )

    def marked(
        self, query_words: Sequence[Word], tracks: list[int]
    ) -> dict[int, dict[str, tuple[str, ...]]]:
        """Return the matching words by track and field, without any other text."""
        if self._sqlite:
            marks = ", ".join(f"highlight(words_search, {at}, :open, :close)" for at in range(3))
            sql = (
                f"SELECT rowid, {marks} FROM words_search "
                "WHERE words_search MATCH :words AND rowid IN :tracks"
            )
            parameters = {"open": _OPEN, "close": _CLOSE}
        else:
            marks = ", ".join(
                f"ts_headline('english', {column}, to_tsquery('english', :words), :options)"
                for column in ("title", "tags", "words")
            )
            sql = f"SELECT track_id, {marks} FROM track_words WHERE track_id IN :tracks"
            options = f"StartSel={_OPEN}, StopSel={_CLOSE}, HighlightAll=true"
            parameters = {"options": options}
        parameters |= {"words": self._match_expression(query_words), "tracks": tracks}
        text_of_indexed = {word.indexed: word.text for word in query_words}
        matched = {}
        for track_id, *texts in self._of(sql, parameters):
            matched[track_id] = {
                place: words
                for place, marked in zip(PLACES, texts, strict=True)
                if (words := _words_in(marked, text_of_indexed))
            }
        return matched

    def _of(self, sql: str, parameters: dict[str, Any]) -> Any:
        statement = text(sql).bindparams(bindparam("tracks", expanding=True))
        return self._session.execute(statement, parameters)

    def _match_expression(self, words: Sequence[Word], *, together: bool = False) -> str:
        if self._sqlite:
            return (" AND " if together else " OR ").join(word.sqlite() for word in words)
        return (" & " if together else " | ").join(word.postgresql() for word in words)


def _words_in(marked: str, written: dict[str, str]) -> tuple[str, ...]:
    """Return the distinct marked words; ``written`` maps indexed forms to words of the search."""
    # Neighbouring matches are marked as one: "sad piano".
    words = [word for match in _MARKED.findall(marked) for word in re.findall(r"\w+", match)]
    # A single character is found by the pairs that begin with it.
    words = [word[0] if len(word) == 2 and word[0] in written else word for word in words]
    return tuple(dict.fromkeys(written.get(word, word).lower() for word in rejoined(words)))
