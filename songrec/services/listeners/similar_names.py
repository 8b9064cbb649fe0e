"""Candidate tracks for songs of a list with other names than in the catalogue, with their sureness.

Artists are looked up by name, else by names with common trigrams. Candidates are their tracks with
similar titles, and tracks with the same title by artists of a similar name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.name_comparison import artist_comparison_key, artist_names, other_script
from songrec.core.sorting import sort_key
from songrec.core.title_normalization import title_parts
from songrec.store.bulk import chunks
from songrec.store.tables import Artist, Track, TrackArtist

SURE = 0.82
"""Smallest sureness at which the first candidate is accepted, if no other song is as similar."""
UNSURE = 0.6
"""Smallest sureness of a candidate."""
MARGIN = 0.04
"""Smallest difference in sureness between an accepted candidate and the next song."""
MOST_CANDIDATES = 3
_MOST_SAME_TITLE = 200
_MOST_SIMILAR_ARTISTS = 5
_LEAST_ARTIST = 0.7
_LEAST_TITLE = 0.6
_SAME_CORE, _OTHER_VERSION, _SUBTITLE = 0.72, 0.6, 0.78
_GUEST, _NOBODY, _SCRIPT = 0.95, 0.65, 0.65
_NUMBERS = re.compile(r"\d+|i{1,3}|iv|vi{0,3}|ix|x|one|two|three|four|five")
_VERSIONS = frozenset(
    {
        "live",
        "remix",
        "mix",
        "acoustic",
        "instrumental",
        "demo",
        "karaoke",
        "edit",
        "unplugged",
        "session",
        "sessions",
        "cover",
        "reprise",
        "version",
        "rework",
        "bootleg",
        "dub",
        "extended",
        "radio",
        "orchestral",
        "piano",
        "sped",
        "slowed",
        "nightcore",
        "take",
        "alternate",
        "outtake",
        "rehearsal",
        "acapella",
        "cappella",
        "tribute",
        "originally",
        "interlude",
        "intro",
        "outro",
        "skit",
        "vip",
        "flip",
        "mashup",
        "rmx",
        "club",
        "recorded",
        "rerecorded",
    }
)

Names = tuple[str, str]
"""Artists and title in a list."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible track of a song in a list; ``sureness`` from 0 to 1."""

    track_id: int
    sureness: float


@dataclass(frozen=True, slots=True)
class _Row:
    track_id: int
    title: str
    song_key: int


def find_candidates(
    session: Session, songs: Collection[Names], *, without: Collection[int] = ()
) -> dict[Names, list[Candidate]]:
    """Return up to three candidates of each song, the surest first; songs without any are left out.

    Of tracks with the same names the oldest is the candidate. ``without`` are tracks to ignore.
    """
    if not songs:
        return {}
    lookup = _ArtistLookup(session)
    by_song = {names: lookup.artists(names[0]) for names in songs}
    rows = _rows_of_artists(session, {id_ for ids in by_song.values() for id_ in ids})
    same_title = _rows_of_titles(session, {title for _, title in songs})
    credited = lookup.credits(row.track_id for some in same_title.values() for row in some)
    hidden = frozenset(without)
    by_names: dict[Names, list[Candidate]] = {}
    for names in songs:
        line, title = names
        best: dict[int, Candidate] = {}
        for artist_id, sureness in by_song[names].items():
            for row in rows.get(artist_id, ()):
                _offer(best, row, sureness * title_similarity(title, row.title))
        for row in same_title.get(sort_key(title), ()):
            similarity = artist_similarity(line, credited.get(row.track_id, ()))
            _offer(best, row, similarity * title_similarity(title, row.title))
        rest = [one for one in best.values() if one.track_id not in hidden]
        if rest:
            rest.sort(key=lambda one: (-one.sureness, one.track_id))
            by_names[names] = rest[:MOST_CANDIDATES]
    return by_names


def is_sure(candidates: Sequence[Candidate]) -> bool:
    """Return whether the first candidate can be accepted without a question."""
    if not candidates or candidates[0].sureness < SURE:
        return False
    return len(candidates) == 1 or candidates[0].sureness - candidates[1].sureness >= MARGIN


def title_similarity(one: str, other: str) -> float:
    """Return the sureness, 0 to 1, that two titles are those of the same song.

    Remasters, guests and punctuation do not count. Another version (live, remix) or number (Part 2)
    is a different song; a subtitle in only one title lowers the sureness a little.
    """
    (core, rest), (other_core, other_rest) = title_parts(one), title_parts(other)
    if core == other_core:
        if rest == other_rest or rest.replace(" ", "") == other_rest.replace(" ", ""):
            return 1.0
        return _same_core(set(rest.split()), set(other_rest.split()))
    squeezed = f"{core}{rest}".replace(" ", ""), f"{other_core}{other_rest}".replace(" ", "")
    if squeezed[0] == squeezed[1]:
        return 0.98
    if set(rest.split()) != set(other_rest.split()):
        # "Blue (Da Ba Dee)" and "Blue Da Bah Dee": compare without brackets.
        return min(0.85, _spelling(*squeezed)) if rest and other_rest else 0.0
    words, other_words = set(core.split()), set(other_core.split())
    if any(_NUMBERS.fullmatch(word) for word in words ^ other_words):
        return 0.0
    if sorted(core.split()) == sorted(other_core.split()):
        return 0.9
    return _spelling(core.replace(" ", ""), other_core.replace(" ", ""))


def artist_similarity(line: str, credited: Sequence[str]) -> float:
    """Return the sureness, 0 to 1, that a line of artists names one of the credited artists."""
    names = artist_names(line)
    keys = [artist_comparison_key(name) for name in credited]
    keys = [key for key in keys if key]
    if not names or not keys:
        return _NOBODY
    if keys[0] in names:
        return 1.0
    if names & set(keys):
        return _GUEST
    if other_script(line, " ".join(credited)):
        return _SCRIPT
    return max((_spelling(name, key) for name in names for key in keys), default=0.0)


def _offer(best: dict[int, Candidate], row: _Row, sureness: float) -> None:
    if sureness < UNSURE:
        return
    held = best.get(row.song_key)
    candidate = Candidate(row.track_id, round(sureness, 3))
    if held is None or (-candidate.sureness, row.track_id) < (-held.sureness, held.track_id):
        best[row.song_key] = candidate


def _same_core(rest: set[str], other: set[str]) -> float:
    difference = rest ^ other
    if any(_NUMBERS.fullmatch(word) for word in difference):
        return _OTHER_VERSION
    if (rest | other) & _VERSIONS:
        return _SAME_CORE if not rest or not other else _OTHER_VERSION
    return _SUBTITLE


def _spelling(one: str, other: str) -> float:
    """Return 1 − (edit distance / length), with a transposition as one edit.

    0 if there are too many edits for a typing error, or if the names are too short.
    """
    longest = max(len(one), len(other))
    if longest < 4:
        return float(one == other)
    allowed = int(longest * (1 - _LEAST_TITLE))
    if abs(len(one) - len(other)) > allowed:
        return 0.0
    if len(set(one) ^ set(other)) > 2 * allowed:
        return 0.0
    distance = _edits(one, other, allowed)
    return 0.0 if distance > allowed else 1.0 - distance / longest


def _edits(one: str, other: str, most: int) -> int:
    """Return the optimal string alignment distance, clipped to ``most + 1``."""
    before: list[int] = []
    last: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = last, row, [i, *[0] * len(other)]
        for j, other_letter in enumerate(other, 1):
            row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other_letter))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == other_letter:
                row[j] = min(row[j], before[j - 2] + 1)
        if min(row) > most:
            return most + 1
    return row[-1]


class _ArtistLookup:
    """Index of the catalogue's artists by name and, for unknown names, by trigrams."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: list[int] = []
        self._keys: list[str] = []
        self._by_key: dict[str, list[int]] = defaultdict(list)
        for artist_id, name in session.execute(select(Artist.id, Artist.name)):
            if key := artist_comparison_key(name):
                self._by_key[key].append(artist_id)
                self._ids.append(artist_id)
                self._keys.append(key)
        self._trigrams: dict[str, np.ndarray] | None = None
        self._sizes = np.zeros(0)
        self._similar: dict[str, dict[int, float]] = {}

    def artists(self, line: str) -> dict[int, float]:
        """Return the artists that a line may name, each with its sureness."""
        exact: dict[int, float] = {}
        names = artist_names(line)
        for name in names:
            exact |= dict.fromkeys(self._by_key.get(name, ()), 1.0)
        if exact:
            return exact
        similar: dict[int, float] = {}
        for name in names:
            for artist_id, sureness in self._similar_to(name).items():
                similar[artist_id] = max(sureness, similar.get(artist_id, 0.0))
        return similar

    def credits(self, track_ids: Iterable[int]) -> dict[int, list[str]]:
        """Return the names of the credited artists of tracks, in order."""
        names: dict[int, list[str]] = defaultdict(list)
        for part in chunks(sorted(set(track_ids))):
            query = (
                select(TrackArtist.track_id, Artist.name)
                .join(Artist, Artist.id == TrackArtist.artist_id)
                .where(TrackArtist.track_id.in_(part))
                .order_by(TrackArtist.track_id, TrackArtist.position)
            )
            for track_id, name in self._session.execute(query):
                names[track_id].append(name)
        return names

    def _similar_to(self, name: str) -> dict[int, float]:
        if name not in self._similar:
            self._similar[name] = self._search(name) if len(name) >= 4 else {}
        return self._similar[name]

    def _search(self, name: str) -> dict[int, float]:
        if self._trigrams is None:
            self._trigrams, self._sizes = _index(self._keys)
        grams = _grams(name)
        postings = [self._trigrams[gram] for gram in grams if gram in self._trigrams]
        if not postings:
            return {}
        shared = np.bincount(np.concatenate(postings), minlength=len(self._keys))
        dice = 2 * shared / (len(grams) + self._sizes)
        near = np.argsort(-dice, kind="stable")[: 4 * _MOST_SIMILAR_ARTISTS]
        scored = [
            (_spelling(name, self._keys[at]), self._ids[at]) for at in near if dice[at] >= 0.3
        ]
        scored = sorted((one for one in scored if one[0] >= _LEAST_ARTIST), reverse=True)
        return {artist_id: sureness for sureness, artist_id in scored[:_MOST_SIMILAR_ARTISTS]}


def _grams(text: str) -> set[str]:
    padded = f"  {text} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


def _index(keys: Sequence[str]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    postings: dict[str, list[int]] = defaultdict(list)
    sizes = np.zeros(len(keys))
    for at, key in enumerate(keys):
        grams = _grams(key)
        sizes[at] = len(grams)
        for gram in grams:
            postings[gram].append(at)
    return {gram: np.asarray(some, dtype=np.int64) for gram, some in postings.items()}, sizes


def _rows_of_artists(session: Session, artist_ids: Collection[int]) -> dict[int, list[_Row]]:
    rows: dict[int, list[_Row]] = defaultdict(list)
    for part in chunks(sorted(artist_ids)):
        query = (
            select(TrackArtist.artist_id, Track.id, Track.title, Track.song_key)
            .join(Track, Track.id == TrackArtist.track_id)
            .where(TrackArtist.artist_id.in_(part))
        )
        for artist_id, *row in session.execute(query):
            rows[artist_id].append(_Row(*row))
    return rows


def _rows_of_titles(session: Session, titles: Collection[str]) -> dict[str, list[_Row]]:
    rows: dict[str, list[_Row]] = defaultdict(list)
    for part in chunks(sorted({sort_key(title) for title in titles})):
        query = select(Track.sort_title, Track.id, Track.title, Track.song_key)
        for key, *row in session.execute(query.where(Track.sort_title.in_(part))):
            if len(rows[key]) < _MOST_SAME_TITLE:
                rows[key].append(_Row(*row))
    return rows
