"""An index in memory of names by their search terms, for lists that a database does not index."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from songrec.core.search_terms import SearchWord, Term
from songrec.core.types import Ints

_LAST_CHARACTER = "\U0010ffff"


class TermIndex:
    """Finds the rows whose terms (``core.search_terms``) meet a parsed search."""

    def __init__(self, terms_by_row: Sequence[str]) -> None:
        terms: list[str] = []
        rows: list[int] = []
        for row, text in enumerate(terms_by_row):
            distinct = set(text.split())
            terms += distinct
            rows += [row] * len(distinct)
        order = sorted(range(len(terms)), key=terms.__getitem__)
        self._terms: list[str] = []
        starts: list[int] = []
        for at, place in enumerate(order):
            if not self._terms or self._terms[-1] != terms[place]:
                self._terms.append(terms[place])
                starts.append(at)
        self._starts = np.array([*starts, len(order)], dtype=np.int64)
        self._rows = np.array(rows, dtype=np.int64)[np.array(order, dtype=np.int64)]

    def matching(self, query: Sequence[SearchWord]) -> Ints:
        """Return the rows that have every word of ``query``, ascending."""
        matching: Ints | None = None
        for word in query:
            ways = []
            for way in word.alternatives:
                having = self._having(way[0])
                for term in way[1:]:
                    having = np.intersect1d(having, self._having(term))
                ways.append(having)
            rows = np.unique(np.concatenate(ways)) if ways else np.empty(0, dtype=np.int64)
            matching = rows if matching is None else np.intersect1d(matching, rows)
        return np.empty(0, dtype=np.int64) if matching is None else matching

    def _having(self, term: Term) -> Ints:
        first = bisect_left(self._terms, term.text)
        if term.begins:
            last = bisect_left(self._terms, term.text + _LAST_CHARACTER)
        else:
            last = first + (first < len(self._terms) and self._terms[first] == term.text)
        return np.unique(self._rows[self._starts[first] : self._starts[last]])
