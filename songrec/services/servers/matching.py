"""Matching of music servers' songs to tracks, and creation of new tracks.

A song is the track of a file with its size, length and name; else the one with its MusicBrainz id
or ISRC; else the one with its names and length. Other songs become new tracks, in the same way as
rows of a catalogue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.artist_credits import ArtistField
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.catalogue import CatalogueRow
from songrec.core.name_comparison import compare_names
from songrec.core.songs import UNTITLED, names_key, plain, song_key, unique_song_key
from songrec.core.title_normalization import match_key, same_length
from songrec.core.track_identity import ISRC, MUSICBRAINZ, catalogue_key
from songrec.services.servers.client import RemoteSong
from songrec.store.bulk import chunks
from songrec.store.catalogue import track_aliases
from songrec.store.catalogue.writer import CatalogueWriter
from songrec.store.sound.audio_files import comparable_path
from songrec.store.tables import AudioFile, MatchKey, MusicServer, Track

LENGTH_SLACK_S = 1.5
"""Tolerance in seconds, because servers round lengths up or down to whole seconds."""
FIELDS = frozenset({"title", "artists", "album", "year", "duration_ms", "genre"})
"""Fields of a track that music servers provide."""


class SongMatcher:
    """Finder and creator of the tracks of a server's songs, by page. The caller commits."""

    def __init__(self, session: Session, server: MusicServer) -> None:
        self._session = session
        self._catalogue = f"server {server.public_id}"
        self._source = server.name
        self._has_files = session.scalar(select(AudioFile.id).limit(1)) is not None
        self._writer = CatalogueWriter(session, source=server.name, fields=FIELDS)
        self._number = 0

    def match(self, songs: Sequence[RemoteSong]) -> tuple[dict[str, int], int]:
        """Return the track of each song by the song's id, and the number of new tracks."""
        tracks = self.find(songs)
        new = [song for song in songs if song.id not in tracks]
        created, n_new = self._create(new)
        return tracks | created, n_new

    def find(self, songs: Sequence[RemoteSong]) -> dict[str, int]:
        """Return the existing tracks of songs, by the song's id."""
        tracks: dict[str, int] = {}
        for find in (self._by_file, self._by_id, self._by_names):
            tracks |= find([song for song in songs if song.id not in tracks])
        return tracks

    def update(self, songs: Mapping[int, RemoteSong]) -> int:
        """Update tracks, by id, from the server's data; only tracks that came from it change."""
        rows = []
        for part in chunks(list(songs)):
            query = select(Track.id, Track.source_key).where(
                Track.id.in_(part), Track.source == self._source
            )
            rows += [self._row(songs[id_], key) for id_, key in self._session.execute(query)]
        return self._writer.write(rows).updated if rows else 0

    def _by_file(self, songs: Sequence[RemoteSong]) -> dict[str, int]:
        """Find files with a song's size and length, and its file name or title."""
        sizes = [song.size for song in songs if song.size] if self._has_files else []
        if not sizes:
            return {}
        files: dict[int, list[Any]] = {}
        for part in chunks(sizes):
            query = (
                select(
                    AudioFile.size,
                    AudioFile.path,
                    AudioFile.track_id,
                    AudioFile.duration_s,
                    Track.title,
                )
                .join(Track, Track.id == AudioFile.track_id)
                .where(AudioFile.size.in_(part), AudioFile.part == 0)
                .order_by(AudioFile.id)
            )
            for row in self._session.execute(query):
                files.setdefault(row.size, []).append(row)
        track_of: dict[str, int] = {}
        for song in songs:
            for file in files.get(song.size or 0, ()):
                if same_seconds(song.duration_s, file.duration_s) and (
                    _is_named(file.path, song.path) or _same_title(song.title, file.title)
                ):
                    track_of[song.id] = file.track_id
                    break
        return track_of

    def _by_id(self, songs: Sequence[RemoteSong]) -> dict[str, int]:
        """Find tracks with a song's MusicBrainz id or ISRC, unless their names differ."""
        keys = {song.id: _recording_keys(song) for song in songs}
        track_of = track_aliases.tracks_by_key(
            self._session, {key for some in keys.values() for key in some}
        )
        names: dict[int, Any] = {}
        for part in chunks(list(set(track_of.values()))):
            query = select(Track.id, Track.title, Track.artists).where(Track.id.in_(part))
            names |= {row.id: row for row in self._session.execute(query)}
        matched: dict[str, int] = {}
        for song in songs:
            for key in keys[song.id]:
                track = names.get(track_of.get(key, 0))
                if track is not None and not _is_other(song, track.title, track.artists):
                    matched[song.id] = track.id
                    break
        return matched

    def _by_names(self, songs: Sequence[RemoteSong]) -> dict[str, int]:
        """Find tracks with a song's artists, title and length; then with similar names."""
        named = [song for song in songs if song.title and song.artist_line]
        by_name = {song.id: song_key(_artists(song).line, song.title) for song in named}
        tracks = self._with_values(
            (Track.song_key, Track.id, Track.duration_ms), set(by_name.values())
        )
        track_of = {
            song.id: track_id
            for song in named
            for track_id, length in reversed(tracks.get(by_name[song.id], ()))
            if same_length(length, _milliseconds(song))
        }
        rest = [song for song in named if song.id not in track_of and song.duration_s]
        keys = {song.id: match_key(_names(song), song.title) for song in rest}
        nearly = self._with_values(
            (MatchKey.key, MatchKey.track_id, MatchKey.duration_ms),
            {key for key in keys.values() if key is not None},
        )
        for song in rest:
            for track_id, length in nearly.get(keys[song.id], ()):
                if length is not None and same_length(length, _milliseconds(song)):
                    track_of[song.id] = track_id
                    break
        return track_of

    def _with_values(self, columns: tuple[Any, Any, Any], values: set[int]) -> dict[Any, list[Any]]:
        key, track_id, length = columns
        tracks: dict[Any, list[Any]] = {}
        for part in chunks(list(values)):
            query = select(key, track_id, length).where(key.in_(part)).order_by(track_id)
            for value, *track in self._session.execute(query):
                tracks.setdefault(value, []).append(track)
        return tracks

    def _create(self, songs: Sequence[RemoteSong]) -> tuple[dict[str, int], int]:
        """Create tracks; songs of one page with the same names and length share one."""
        firsts: dict[int, list[RemoteSong]] = {}
        leader: dict[str, str] = {}
        unique: list[RemoteSong] = []
        for song in songs:
            same = None
            if song.title and song.artist_line:
                others = firsts.setdefault(song_key(_artists(song).line, song.title), [])
                same = next(
                    (o for o in others if same_length(_milliseconds(o), _milliseconds(song))), None
                )
                if same is None:
                    others.append(song)
            if same is None:
                unique.append(song)
            leader[song.id] = same.id if same else song.id
        candidates = {song.id: self._keys(song) for song in unique}
        taken = set(
            track_aliases.tracks_by_key(
                self._session, {key for keys in candidates.values() for key in keys}
            )
        )
        rows: dict[str, CatalogueRow] = {}
        for song in unique:
            # A key of another song, with another length or other names, does not apply.
            key = next((key for key in candidates[song.id] if key not in taken), None)
            key = key or catalogue_key(self._catalogue, song.id)
            taken.add(key)
            rows[song.id] = self._row(song, key)
        counts = self._writer.write(list(rows.values()))
        refused = {id(one.row) for one in counts.contradictions}
        again = {
            song.id: self._row(song, catalogue_key(self._catalogue, song.id))
            for song in unique
            if id(rows[song.id]) in refused
        }
        if again:
            counts.inserted += self._writer.write(list(again.values())).inserted
        keys = {id_: row.source_key for id_, row in {**rows, **again}.items()}
        track_of = track_aliases.tracks_by_key(self._session, keys.values())
        tracks = {id_: track_of[key] for id_, key in keys.items() if key in track_of}
        return {
            song.id: tracks[leader[song.id]] for song in songs if leader[song.id] in tracks
        }, counts.inserted

    def _keys(self, song: RemoteSong) -> list[str]:
        """Return the possible keys of a song as a new track, the strongest first."""
        named = song.title and song.artist_line
        names = [names_key(_artists(song).line, song.title, song.album)] if named else []
        return _recording_keys(song) + names

    def _row(self, song: RemoteSong, source_key: str) -> CatalogueRow:
        self._number += 1
        artists = _artists(song)
        genres = [("genre", genre.lower()) for genre in dict.fromkeys(song.genres)]
        is_named = bool(song.title and artists.line)
        fields = {
            "external_id": song.musicbrainz_id or song.isrc,
            "title": song.title or UNTITLED,
            "artists": artists.line[:500],
            "year": song.year,
            "duration_ms": _milliseconds(song),
            "key": None,
            "mode": None,
            "time_signature": None,
        }
        text = "\x1f".join(map(str, (*fields.values(), artists, song.album, genres)))
        return CatalogueRow(
            number=self._number,
            source_key=source_key,
            fingerprint=hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
            song_key=song_key(artists.line, song.title)
            if is_named
            else unique_song_key(source_key),
            fields=fields,
            attributes=[None] * len(ATTRIBUTE_NAMES),
            artists=artists,
            album=song.album or None,
            tags=genres,
            further_keys=tuple(key for key in _recording_keys(song) if key != source_key),
            is_titled=bool(song.title),
        )


def _artists(song: RemoteSong) -> ArtistField:
    if song.artists:
        return ArtistField(song.artists, True, (), song.artist_line)
    return ArtistField.from_text(song.artist_line)


def _names(song: RemoteSong) -> list[str]:
    return list(song.artists) or [song.artist_line]


def _recording_keys(song: RemoteSong) -> list[str]:
    keys = [f"{MUSICBRAINZ}:{song.musicbrainz_id}"] if song.musicbrainz_id else []
    return keys + ([f"{ISRC}:{song.isrc}"] if song.isrc else [])


def _milliseconds(song: RemoteSong) -> int | None:
    return round(song.duration_s * 1000) if song.duration_s else None


def same_seconds(one: float | None, other: float | None) -> bool:
    """Return whether two lengths in seconds may be equal; an unknown one equals any."""
    return one is None or other is None or abs(one - other) <= LENGTH_SLACK_S


def _is_named(path: str, remote: str) -> bool:
    """Return whether two paths end with the same file name."""
    names = [comparable_path(each.replace("\\", "/")).rpartition("/")[2] for each in (path, remote)]
    return bool(names[0]) and names[0] == names[1]


def _same_title(one: str, other: str) -> bool:
    return bool(one) and plain(one) == plain(other)


def _is_other(song: RemoteSong, title: str, artists: str) -> bool:
    """Return whether the names are clearly those of another song."""
    names = compare_names(song.title, _artists(song).line, title, artists)
    return names.title is False and names.artists is False
