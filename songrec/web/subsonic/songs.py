"""Serialization of songs for apps (``Child``), with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import current_app

from songrec.core.sorting import sort_key
from songrec.store.catalogue.playable_library import LOOSE
from songrec.store.catalogue.song_details import SongDetails, song_details
from songrec.store.db import db
from songrec.store.sound import predicted_tags
from songrec.web.subsonic import ids
from songrec.web.subsonic.authentication import caller

TYPES = {
    "mp3": "audio/mpeg",
    "mp2": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/ogg",
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "mp4": "audio/mp4",
    "aac": "audio/aac",
    "wav": "audio/wav",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "wma": "audio/x-ms-wma",
    "ape": "audio/x-ape",
    "wv": "audio/x-wavpack",
    "mpc": "audio/x-musepack",
    "tta": "audio/x-tta",
    "mka": "audio/x-matroska",
    "webm": "audio/webm",
}
"""Media types by file extension."""
OTHER_TYPE = "application/octet-stream"
_MOODS, _LIKELY = 4, 0.3
"""Maximum number and smallest probability of predicted tags."""
_REFERENCE_LUFS = -18.0
"""Target loudness of ReplayGain 2.0."""


def children(track_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Serialize the playable tracks among ``track_ids``, in the given order."""
    songs = children_by_id(track_ids)
    return [songs[track_id] for track_id in track_ids if track_id in songs]


def children_by_id(track_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Map the ids of the playable tracks to their serialized songs."""
    songs = song_details(db.session, track_ids, caller().listener)
    moods = predicted_tags.of_tracks(
        current_app.config["INSTANCE"], [song.id for song in songs], _MOODS, _LIKELY
    )
    return {song.id: _child(song, moods.get(song.id, [])) for song in songs}


def date(moment: datetime | None) -> str | None:
    """Format a date in ISO 8601 and UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _child(song: SongDetails, moods: Sequence[str]) -> dict[str, Any]:
    file = song.file
    first = song.credits[0].public_id if song.credits else ""
    album = ids.album_id(song.album_id or f"{LOOSE}{first}")
    by = (
        [{"id": ids.artist_id(song.album_artist_id), "name": song.album_artist}]
        if song.album_artist_id
        else []
    )
    return {
        "id": song.public_id,
        "parent": album,
        "isDir": False,
        "title": song.title,
        "album": song.album,
        "artist": song.artists or None,
        "track": file.track_number,
        "discNumber": file.disc_number,
        "year": song.year,
        "genre": next(iter(song.genres), None),
        "coverArt": song.public_id,
        "size": file.size,
        "contentType": TYPES.get(file.suffix, OTHER_TYPE),
        "suffix": file.suffix or None,
        "starred": date(song.starred_at),
        "userRating": song.rating,
        "duration": round(song.duration_s) if song.duration_s is not None else None,
        "bitRate": file.bit_rate,
        "samplingRate": file.sample_rate,
        "channelCount": file.channels,
        "path": file.path,
        "playCount": song.play_count,
        "played": date(song.played_at),
        "created": date(file.created_at),
        "albumId": album,
        "artistId": ids.artist_id(first) if first else None,
        "type": "music",
        "mediaType": "song",
        "isVideo": False,
        "bpm": round(song.tempo) if song.tempo else None,
        "sortName": sort_key(song.title),
        "musicBrainzId": song.musicbrainz_id,
        "isrc": list(song.isrcs),
        "genres": [{"name": name} for name in song.genres],
        "artists": [{"id": ids.artist_id(one.public_id), "name": one.name} for one in song.credits],
        "displayArtist": song.artists or None,
        "albumArtists": by,
        "displayAlbumArtist": song.album_artist,
        "moods": list(dict.fromkeys([*song.emotions, *moods])),
        "replayGain": (
            {"trackGain": round(_REFERENCE_LUFS - file.loudness, 2)}
            if file.loudness is not None
            else None
        ),
        "explicitStatus": "explicit" if song.explicit else "",
    }
