"""Suggestions for the beginning of a search: songs, artists, albums and sound groups.

They take milliseconds at 100,000 songs, because only a few dozen of the most popular matching
songs, and artists by the beginning of their name, are compared in Python.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.search_terms import (
    SearchWord,
    Term,
    meets,
    parse_search,
    search_terms,
    spelling_key,
)
from songrec.core.sorting import sort_key
from songrec.store.catalogue import artists, track_filters, tracks
from songrec.store.catalogue.artists import AlbumView, ArtistView
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.catalogue.tracks import TrackView
from songrec.store.tables import Cluster, Run, Track, TrackAttributes

SONGS, ARTISTS, ALBUMS, GROUPS = 5, 3, 3, 2
POOL = 60
"""Limit of matching songs, the best known first, whose artists and albums are suggested."""
GATHERED = 500
"""Limit of matching titles that are sorted; beyond it the index of popularity is scanned."""
SHORTEST_WORD = 3
"""Smallest length of a search whose matches are read by popularity if there are many."""
SHORTEST_MISSPELT = 4
SHORTEST_MISSPELT_BEGINNING = 6
"""Smallest length of a word whose spelling is corrected; shorter ones match too many words."""
_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class SearchSuggestions:
    """Suggestions for a search; ``corrected`` is the corrected spelling, if any."""

    songs: list[TrackView]
    artists: list[ArtistView]
    albums: list[AlbumView]
    groups: list[Cluster]
    corrected: str | None = None

    @property
    def total(self) -> int:
        """The number of suggestions."""
        return sum(map(len, (self.songs, self.artists, self.albums, self.groups)))


def suggest(
    session: Session, text: str, run: Run | None, clusters: Iterable[Cluster]
) -> SearchSuggestions:
    """Return suggestions for the beginning of a search, the best known first.

    Without results, one wrong, missing, additional or transposed letter of a word is corrected.
    """
    suggestions = _suggest(session, text, run, clusters)
    if suggestions.total:
        return suggestions
    corrected = correct_spelling(session, text)
    if corrected is None:
        return suggestions
    again = _suggest(session, corrected, run, clusters)
    return SearchSuggestions(again.songs, again.artists, again.albums, again.groups, corrected)


def correct_spelling(session: Session, text: str) -> str | None:
    """Return a search with one letter of a word changed so that songs match; None if none do."""
    words = text.split()
    changed = False
    for at, word in enumerate(words):
        last = at == len(words) - 1
        if _is_known(session, word):
            continue
        right = _nearest_term(session, word.lower(), begins=last)
        if right is None:
            return None
        words[at], changed = right, True
    return " ".join(words) if changed else None


def _suggest(
    session: Session, text: str, run: Run | None, clusters: Iterable[Cluster]
) -> SearchSuggestions:
    query = parse_search(text)
    if not query:
        return SearchSuggestions(tracks.suggest(session, text, SONGS, run), [], [], [])
    titled = _titles_beginning(session, text)
    pool = _best_known(session, text)
    named = _artists(session, query, text, pool)
    return SearchSuggestions(
        tracks.tracks_by_id(session, _best_songs(session, text, titled, pool), run),
        named,
        _albums(session, query, pool),
        [one for one in clusters if one.number >= 0 and meets(query, search_terms(one.name))][
            :GROUPS
        ],
    )


def _titles_beginning(session: Session, text: str) -> list[int]:
    """Return the best known songs whose title begins with the text."""
    key = sort_key(text.strip())
    begins = track_filters.title_begins_with(session, key)
    some = select(Track.id).where(begins).limit(GATHERED + 1).subquery()
    popularity = TrackAttributes.popularity.desc().nulls_last()
    query = select(Track.id).join(TrackAttributes, TrackAttributes.track_id == Track.id)
    if (session.scalar(select(func.count()).select_from(some)) or 0) > GATHERED:
        # Sorting all of them would take longer than walking the index of popularity.
        begins = track_filters.title_begins_with(session, key, walked=True)
        query = query.where(begins).order_by(popularity)
    else:
        query = query.where(begins).order_by(Track.sort_title != key, popularity, Track.id)
    return list(session.scalars(query.limit(SONGS)))


def _best_known(session: Session, text: str) -> list[int]:
    """Return the best known songs that match; none where nearly all songs do."""
    query = TrackQuery(text=text, sort="popularity", descending=True, per_page=POOL)
    _, more = track_filters.count(session, query, None)
    if more and text.isascii() and len(text.strip()) < SHORTEST_WORD:
        return []
    return track_filters.ids(session, query, None, offset=0, many=more)


def _best_songs(
    session: Session, text: str, titled: Sequence[int], pool: Sequence[int]
) -> list[int]:
    """Return songs of that title, then those whose title begins so, then the best known."""
    key = sort_key(text.strip())
    rows = session.execute(select(Track.id, Track.sort_title).where(Track.id.in_([*titled, *pool])))
    titles = {track_id: title for track_id, title in rows}  # noqa: C416 -- rows are no pairs
    ordered = [track_id for track_id in dict.fromkeys([*titled, *pool]) if track_id in titles]
    return sorted(ordered, key=lambda one: (titles[one] != key, not titles[one].startswith(key)))[
        :SONGS
    ]


def _artists(
    session: Session, query: Sequence[SearchWord], text: str, pool: Sequence[int]
) -> list[ArtistView]:
    """Return artists of that name, then those with the most songs."""
    names: dict[int, str] = {}
    for credits in artists.credits_of_tracks(session, pool).values():
        names |= {one.artist_id: one.artist_name for one in credits}
    ids = [id_ for id_, name in names.items() if meets(query, search_terms(name))]
    ids = list(dict.fromkeys([*ids, *artists.beginning_with(session, text, 4 * ARTISTS)]))
    counts = artists.track_counts(session, ids)
    views = artists.find_artists(session, [id_ for id_ in ids if counts.get(id_)])
    key = spelling_key(text)
    views.sort(key=lambda one: (spelling_key(one.name) != key, -counts[one.id]))
    return [replace(one, tracks=counts[one.id]) for one in views[:ARTISTS]]


def _albums(session: Session, query: Sequence[SearchWord], pool: Sequence[int]) -> list[AlbumView]:
    """Return the albums of well known songs whose title has the words."""
    ids = session.scalars(select(Track.album_id).where(Track.id.in_(pool)))
    counted = Counter(id_ for id_ in ids if id_ is not None)
    views = artists.find_albums(session, list(counted))
    named = [one for one in views if meets(query, search_terms(one.title))]
    return sorted(named, key=lambda one: -counted[one.id])[:ALBUMS]


def _is_known(session: Session, word: str) -> bool:
    """Return whether a song has the word, or one that begins so."""
    query = parse_search(word)
    if not query:
        return True
    some = track_filters.matching_words(session, query).limit(1)
    return session.execute(some).first() is not None


def _nearest_term(session: Session, word: str, *, begins: bool) -> str | None:
    """Return the term of the best known song that is one letter away from ``word``."""
    if len(word) < SHORTEST_MISSPELT or not set(word) <= set(_LETTERS):
        return None
    spellings = dict.fromkeys(_one_letter_away(word))
    begins = begins and len(word) >= SHORTEST_MISSPELT_BEGINNING
    for exact in (True, False) if begins else (True,):
        terms = tuple((Term(one, begins=not exact),) for one in spellings)
        matching = track_filters.matching_words(session, [SearchWord(terms)])
        best = session.execute(
            select(Track.search_terms)
            .join(TrackAttributes, TrackAttributes.track_id == Track.id)
            .where(Track.id.in_(matching))
            .order_by(TrackAttributes.popularity.desc().nulls_last(), Track.id)
            .limit(POOL)
        )
        for (names,) in best:
            for term in names.split():
                if term in spellings:
                    return term
                if not exact and any(term.startswith(one) for one in spellings):
                    return term
    return None


def _one_letter_away(word: str) -> Iterator[str]:
    """Yield the words at one edit: an omitted, transposed, replaced or added letter."""
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in _LETTERS:
            yield before + letter + after
            if after and letter != after[0]:
                yield before + letter + after[1:]
