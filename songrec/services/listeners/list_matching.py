"""Matching of the songs of a list to tracks: by id, by names, by the path of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from songrec.audio_files.path_labels import labels_of
from songrec.core import songs
from songrec.core.artist_credits import Credit, evidence_names, parse_credits
from songrec.core.name_comparison import compare_names
from songrec.core.sorting import sort_key
from songrec.core.track_identity import ISRC, is_label, recording_key
from songrec.services.listeners.list_formats.entries import ListEntry
from songrec.services.listeners.list_formats.locations import unescaped
from songrec.services.listeners.similar_names import Candidate, Names, find_candidates, is_sure
from songrec.store.bulk import chunks
from songrec.store.catalogue import artists, merge_redirects, track_aliases
from songrec.store.sound import audio_files
from songrec.store.tables import Track

CANDIDATES = 500
_GUEST = re.compile(
    r"\s*[\(\[]\s*(?:feat|ft|featuring|with)\b\.?[^\)\]]*[\)\]]|\s+-?\s*(?:feat|ft|featuring)\b\.?.*$",
    re.IGNORECASE,
)

Song = tuple[tuple[str, ...], str, str, str]
"""Ids, title, artists and path of a song in a list."""

SURENESS = {
    "decision": 1.0,
    "id": 1.0,
    "isrc": 1.0,
    "path": 1.0,
    "names": 1.0,
    "guests": 0.95,
}
"""Sureness by way of matching; matches by similar names have individual figures."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An id that belongs to tracks of another name.

    ``is_matched``: whether the id was trusted. ``n_tracks`` is the number of tracks with the id.
    """

    entry: ListEntry
    track_title: str
    track_artists: str
    is_matched: bool
    n_tracks: int = 1

    @property
    def text(self) -> str:
        """The contradiction as a sentence."""
        names = " – ".join(filter(None, (self.track_artists, self.track_title)))
        if self.n_tracks > 1:
            others = self.n_tracks - 1
            more = f"{others} other {'song' if others == 1 else 'songs'}"
            outcome = f"and that of {more} in this catalogue; none was taken"
            return f"{self.entry.label}: its id is that of “{names}” {outcome}"
        outcome = "matched by the id" if self.is_matched else "the id was not believed"
        return f"{self.entry.label}: its id is “{names}” in this catalogue; {outcome}"


@dataclass
class Matching:
    """Matched entries by way of matching (``SURENESS``, similar), the others, and contradictions.

    ``similar`` is the sureness of each match by similar names. ``unsure`` are the candidates of
    unmatched entries.
    """

    matched: dict[str, list[tuple[ListEntry, int]]] = field(
        default_factory=lambda: {"id": [], "names": [], "guests": []}
    )
    missing: list[ListEntry] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    similar: dict[Names, float] = field(default_factory=dict)
    unsure: dict[Names, list[Candidate]] = field(default_factory=dict)

    def sureness_of(self, how: str, entry: ListEntry) -> float:
        """Return the sureness, 0 to 1, of an entry's match in this way."""
        return SURENESS.get(how) or self.similar[entry.artists, entry.title]


def match_entries(
    session: Session,
    entries: Sequence[ListEntry],
    decisions: Mapping[int, int | None] | None = None,
) -> Matching:
    """Match each entry to a track; repeated entries are matched once.

    ``decisions`` are a listener's decisions by the song key of the names: a track, or None for a
    song that is not in the catalogue.

    1. By id. A globally unique id (Spotify, MusicBrainz, ISRC, songrec's own) is trusted, and a
       contradiction to the names reported; an id of a catalogue's own numbering counts only if
       the names agree, or if the list has no names and a single song has the id.
    2. By the path of a file: absolute, or its last folders and name.
    3. By artist and title without case, accents and spacing; then without “feat. X” in either,
       if the first artist of one is an artist of the other.
    4. By the listener's decision for these names.
    5. By similar names, if one song is sure; otherwise there are candidates for a decision.
    """
    distinct = {_song(entry): entry for entry in reversed(entries)}
    result = Matching()
    matches: dict[Song, tuple[str, int]] = {}
    _match_ids(session, distinct, matches, result)
    _match_paths(session, distinct, matches)
    _match_names(session, distinct, matches)
    _match_similar(session, distinct, matches, result, decisions or {})
    for entry in entries:
        match = matches.get(_song(entry))
        if match is None:
            result.missing.append(entry)
        else:
            result.matched.setdefault(match[0], []).append((entry, match[1]))
    return result


def bare_title(title: str) -> str:
    """Return a title without guests, case and accents: ``"Élan (feat. X)"`` becomes ``"elan"``."""
    return songs.plain(_GUEST.sub("", title))


def names_contradict(entry: ListEntry, title: str, artists_line: str) -> bool:
    """Return whether the title or the artists of an entry are clearly not those of a track."""
    names = compare_names(entry.title, entry.artists, title, artists_line)
    return names.title is False or names.artists is False


def names_confirm(entry: ListEntry, title: str, artists_line: str) -> bool:
    """Return whether the names confirm an id that is not globally unique.

    Unknown names confirm it. If the scripts differ, title or artists must be equal.
    """
    names = compare_names(entry.title, entry.artists, title, artists_line)
    if names.title is False or names.artists is False:
        return False
    is_unknown = not entry.title or not title or title == songs.UNTITLED or is_label(title)
    return bool(names.title or names.artists) or is_unknown


def _song(entry: ListEntry) -> Song:
    return _ids(entry), entry.title, entry.artists, entry.path


def _ids(entry: ListEntry) -> tuple[str, ...]:
    return (entry.own_id, *entry.ids) if entry.own_id else entry.ids


def _match_ids(
    session: Session,
    distinct: dict[Song, ListEntry],
    matches: dict[Song, tuple[str, int]],
    result: Matching,
) -> None:
    requested = {one for entry in distinct.values() for one in _ids(entry)}
    certain, possible = _certain_tracks(session, requested), _possible_tracks(session, requested)
    ids = set(certain.values()) | {track for some in possible.values() for track in some}
    names = _names_of(session, ids)
    for song, entry in distinct.items():
        for one in _ids(entry):
            how = "isrc" if (recording_key(one) or "").startswith(f"{ISRC}:") else "id"
            if one in certain:
                matches[song] = (how, certain[one])
                if names_contradict(entry, *names[certain[one]]):
                    result.contradictions.append(
                        Contradiction(entry, *names[certain[one]], is_matched=True)
                    )
                break
            same = possible.get(one, [])
            is_named = bool(entry.title or entry.artists)
            confirmed = [id_ for id_ in same if names_confirm(entry, *names[id_])]
            if confirmed and (is_named or len(same) == 1):
                matches[song] = (how, confirmed[0])
                break
            if same:
                other = names[same[0]]
                n_tracks = 1 if is_named else len(same)
                result.contradictions.append(Contradiction(entry, *other, False, n_tracks))


def _certain_tracks(session: Session, ids: Set[str]) -> dict[str, int]:
    """Return the tracks of globally unique ids: of recordings, or songrec's own."""
    keys = {one: key for one in ids if (key := recording_key(one)) is not None}
    by_key = track_aliases.tracks_by_key(session, set(keys.values()))
    by_id = merge_redirects.survivors_by_external_id(session, keys)
    by_id |= merge_redirects.survivors_by_public_id(session, ids)
    # A catalogue may write an id differently: bare, or as a URI.
    values = {key: key.partition(":")[2] for key in keys.values()}
    spellings = set(values.values()) | {f"spotify:track:{value}" for value in values.values()}
    stored = _possible_tracks(session, spellings | keys.keys())
    for one, key in keys.items():
        for spelling in (one, values[key], f"spotify:track:{values[key]}"):
            if spelling in stored:
                by_id[one] = stored[spelling][0]
    by_id |= {one: by_key[key] for one, key in keys.items() if key in by_key}
    for part in chunks(sorted(ids)):
        query = select(Track.public_id, Track.id).where(Track.public_id.in_(part))
        by_id.update(session.execute(query).all())
    return by_id


def _possible_tracks(session: Session, ids: Set[str]) -> dict[str, list[int]]:
    """Return the tracks with one of these ids in any catalogue, oldest first."""
    by_id: dict[str, list[int]] = {}
    for part in chunks(sorted(ids)):
        query = select(Track.external_id, Track.id).where(Track.external_id.in_(part))
        for external_id, track_id in session.execute(query.order_by(Track.id)):
            by_id.setdefault(str(external_id), []).append(track_id)
    for external_id, track_id in merge_redirects.survivors_by_external_id(session, ids).items():
        by_id.setdefault(external_id, []).append(track_id)
    return {external_id: list(dict.fromkeys(some)) for external_id, some in by_id.items()}


def _names_of(session: Session, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    names: dict[int, tuple[str, str]] = {}
    for part in chunks(sorted(ids)):
        query = select(Track.id, Track.title, Track.artists)
        for track_id, title, line in session.execute(query.where(Track.id.in_(part))):
            names[track_id] = (title, line)
    return names


def _match_paths(
    session: Session, distinct: dict[Song, ListEntry], matches: dict[Song, tuple[str, int]]
) -> None:
    parts_by_song: dict[Song, list[list[str]]] = {}
    for song, entry in distinct.items():
        if entry.path and song not in matches:
            spellings = dict.fromkeys((entry.path, unescaped(entry.path)))
            parts_by_song[song] = [_parts(path) for path in spellings]
    file_names = {parts[-1] for spellings in parts_by_song.values() for parts in spellings if parts}
    if not file_names:
        return
    files = audio_files.paths_by_name(session, file_names)
    names = _names_of(session, {track for rows in files.values() for _, track in rows})
    for song, spellings in parts_by_song.items():
        for parts in spellings:
            rows = files.get(parts[-1], []) if parts else []
            track_id = _best_path(distinct[song], parts, rows, names)
            if track_id is not None:
                matches[song] = ("path", track_id)
                break


def _best_path(
    entry: ListEntry,
    parts: list[str],
    rows: Sequence[tuple[str, int]],
    names: dict[int, tuple[str, str]],
) -> int | None:
    """Return the track whose file has most of its last folders in common with the path, if any.

    A file name alone (``01 Intro.mp3``) suffices only if it is unique and the names agree.
    """
    lengths = [(_common_end(parts, _parts(path)), track_id) for path, track_id in rows]
    if not lengths:
        return None
    longest = max(length for length, _ in lengths)
    tracks = list(dict.fromkeys(track_id for length, track_id in lengths if length == longest))
    agreeing = [one for one in tracks if not names_contradict(entry, *names[one])]
    if longest == 1 or len(tracks) > 1:
        return agreeing[0] if len(agreeing) == 1 else None
    return tracks[0]


def _parts(path: str) -> list[str]:
    """Return the folders and the name of a path, comparable across systems."""
    text = audio_files.comparable_path(path.replace("\\", "/"))
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return parts


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        length += 1
    return length


def _match_names(
    session: Session, distinct: dict[Song, ListEntry], matches: dict[Song, tuple[str, int]]
) -> None:
    spellings = {song: _spellings(entry) for song, entry in distinct.items() if song not in matches}
    keys = {songs.song_key(*names) for all_names in spellings.values() for names in all_names}
    by_key = _tracks_by_song(session, keys)
    rest: dict[Song, tuple[str, str]] = {}
    for song, all_names in spellings.items():
        hits = [by_key.get(songs.song_key(*names)) for names in all_names]
        track_id = next((hit for hit in hits if hit is not None), None)
        if track_id is not None:
            matches[song] = ("names", track_id)
        elif all_names:
            rest[song] = all_names[0]
    _match_without_guests(session, rest, matches)


def _match_similar(
    session: Session,
    distinct: dict[Song, ListEntry],
    matches: dict[Song, tuple[str, int]],
    result: Matching,
    decisions: Mapping[int, int | None],
) -> None:
    rest: dict[Names, list[Song]] = {}
    for song, entry in distinct.items():
        if song in matches or not (entry.artists and entry.title):
            continue
        key = songs.song_key(entry.artists, entry.title)
        if key not in decisions:
            rest.setdefault((entry.artists, entry.title), []).append(song)
        elif (decided := decisions[key]) is not None:
            matches[song] = ("decision", decided)
    for names, candidates in find_candidates(session, rest).items():
        if is_sure(candidates):
            result.similar[names] = candidates[0].sureness
            matches |= dict.fromkeys(rest[names], ("similar", candidates[0].track_id))
        else:
            result.unsure[names] = candidates


def _spellings(entry: ListEntry) -> list[tuple[str, str]]:
    """Return artists and title of an entry, else possible ones from its path."""
    if entry.artists and entry.title:
        return [(entry.artists, entry.title)]
    if not entry.path:
        return []
    path = PurePosixPath(entry.path.replace("\\", "/"))
    labels = labels_of(path, path.parent)  # type: ignore[arg-type]
    folders = [part for part in reversed(path.parts[:-1]) if part not in ("..", "/")]
    by = [labels.artists] if labels.artists else []
    title = entry.title or labels.title
    return [(artist, title) for artist in (*by, *folders[1:2], *folders[:1])]


def _tracks_by_song(session: Session, keys: Iterable[int]) -> dict[int, int]:
    track_of_key: dict[int, int] = {}
    for part in chunks(sorted(keys)):
        query = select(Track.song_key, Track.id).where(Track.song_key.in_(part))
        track_of_key.update(session.execute(query.order_by(Track.id.desc())).all())
    return track_of_key


def _match_without_guests(
    session: Session,
    names: dict[Song, tuple[str, str]],
    matches: dict[Song, tuple[str, int]],
) -> None:
    """Match by title and main artist, without "feat. X" in either."""
    titles = {song: bare_title(title) for song, (_, title) in names.items()}
    candidates = _tracks_by_bare_title(
        session,
        {title for title in titles.values() if title},
        [title for _, title in names.values()],
    )
    ids = {track_id for some in candidates.values() for track_id in some}
    credited = artists.names_of_tracks(session, sorted(ids))
    words = {track_id: _words(" ".join(some)) for track_id, some in credited.items()}
    pairs: dict[Song, list[int]] = {}
    for song, (line, _) in names.items():
        mine = _words(line)
        for track_id in candidates.get(titles[song], ()):
            theirs = words.get(track_id, set())
            # Names without a common word cannot be the same artist.
            if not mine or not theirs or mine & theirs:
                pairs.setdefault(song, []).append(track_id)
    for some in chunks(list(pairs)):  # a long line may have hundreds of names
        comparison = _ArtistComparison(
            session,
            {names[song][0] for song in some},
            {name for song in some for one in pairs[song] for name in credited.get(one, ())},
        )
        for song in some:
            for track_id in pairs[song]:
                if comparison.share_artist(names[song][0], credited.get(track_id, ())):
                    matches[song] = ("guests", track_id)
                    break


def _tracks_by_bare_title(
    session: Session, bare: set[str], titles: Sequence[str]
) -> dict[str, list[int]]:
    """Return the tracks of each title without guests, at most ``CANDIDATES``, oldest first."""
    if not bare:
        return {}
    keys: dict[int, str] = {}

    def collect(query: Select[tuple[int, str]]) -> None:
        for track_id, title in session.execute(query.execution_options(yield_per=1000)):
            key = bare_title(title)
            if key in bare:
                keys[track_id] = key

    query = select(Track.id, Track.title)
    for part in chunks(sorted({sort_key(_GUEST.sub("", title)) for title in titles})):
        collect(query.where(Track.sort_title.in_(part)))
    lower = func.lower(Track.title)
    collect(
        query.where(or_(*(lower.like(f"%{mark}%") for mark in ("feat", "ft", "(with", "[with"))))
    )
    by_title: dict[str, list[int]] = {}
    for track_id, key in sorted(keys.items()):
        if len(by_title.setdefault(key, [])) < CANDIDATES:
            by_title[key].append(track_id)
    return by_title


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", songs.plain(text)))


class _ArtistComparison:
    """Comparison of artist lines of a list with credits; with one query for all."""

    def __init__(self, session: Session, lines: Set[str], names: Set[str]) -> None:
        requested = {name for text in lines | names for name in evidence_names(text)}
        self._evidence = artists.evidence_for(session, requested)

    def share_artist(self, line: str, credited: Sequence[str]) -> bool:
        """Return whether the first artist of one line is an artist of the other."""
        mine = [one.key for one in self._parse(line, credited)]
        names = [one.name for one in self._parse(line)]
        theirs = [one.key for name in credited for one in self._parse(name, names)]
        return bool(mine and theirs) and (mine[0] in theirs or theirs[0] in mine)

    def _parse(self, text: str, also: Iterable[str] = ()) -> list[Credit]:
        return parse_credits(text, self._evidence.with_names(also))
