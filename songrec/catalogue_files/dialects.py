"""Catalogue formats that songrec reads. A new one is one declaration in ``DIALECTS``.

A header is compared in lower case without spaces and punctuation, so ``"Loudness (db)"`` matches
``"loudness db"`` and ``"Artist(s)"`` as ``"artists"``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from songrec.catalogue_files import cell_values
from songrec.core.attributes import ATTRIBUTE_NAMES, SHARES

Converter = Callable[[Any], Any]

TEXT_FIELDS = ("title", "artists", "album", "external_id", "genre", "subgenre", "emotion")
WHOLE_FIELDS = ("year", "duration_ms", "duration", "key", "mode", "time_signature")
OTHER_FIELDS = ("lyrics", "playlist_id", "playlist_name")
FIELDS = (*ATTRIBUTE_NAMES, *TEXT_FIELDS, *WHOLE_FIELDS, *OTHER_FIELDS)
"""All fields that a dialect may map to columns."""

CONVERTERS: Mapping[str, Converter] = MappingProxyType(
    {
        "loudness": cell_values.decibels,
        "explicit": cell_values.flag,
        "title": cell_values.line,
        "artists": cell_values.artists,
        "album": cell_values.line,
        "external_id": cell_values.line,
        "genre": cell_values.labels,
        "subgenre": cell_values.labels,
        "emotion": cell_values.labels,
        "year": cell_values.year,
        "duration_ms": cell_values.milliseconds,
        "duration": cell_values.clock,
        "key": cell_values.pitch,
        "mode": cell_values.mode,
        "time_signature": cell_values.beats,
        "lyrics": cell_values.lyrics,
        "playlist_id": cell_values.line,
        "playlist_name": cell_values.line,
    }
)
"""Default converter per field; fields not listed are numbers."""


@dataclass(frozen=True)
class Dialect:
    """One catalogue format.

    ``columns`` maps a field to the header names it may have, the likeliest first. ``required``
    fields need a column and, where they are attributes, a value in every row. ``signature`` are
    header names that only this format has; a file is of the first dialect whose required fields
    and signature it holds. ``converters`` replace the usual ones. ``scale`` is that of the seven
    perceptual columns: ``unit`` (0-1), ``percent`` (0-100) or ``auto``, seen from the values.
    ``missing`` are words that mean an empty cell in text columns. ``id_namespace`` says whose ids
    ``external_id`` holds; files of one namespace share tracks. None: the file's own ids.
    """

    name: str
    label: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    signature: tuple[str, ...] = ()
    converters: Mapping[str, Converter] = field(default_factory=dict)
    scale: str = "auto"
    missing: tuple[str, ...] = ()
    id_namespace: str | None = None

    def __post_init__(self) -> None:
        unknown = [n for n in (*self.columns, *self.converters, *self.required) if n not in FIELDS]
        if unknown:
            raise ValueError(f"dialect {self.name!r} names unknown fields: {', '.join(unknown)}")
        if self.scale not in SCALES:
            raise ValueError(f"dialect {self.name!r}: scale must be one of {', '.join(SCALES)}")

    def converter(self, name: str) -> Converter:
        """How a cell of the field ``name`` is read."""
        return self.converters.get(name) or CONVERTERS.get(name) or cell_values.number


SCALES = ("auto", "unit", "percent")

_PLAYLISTS = {
    "playlist_id": ("playlist id",),
    "playlist_name": ("playlist name", "playlist"),
}

PREPROCESS = Dialect(
    name="preprocess",
    label="the twelve attributes, with or without names (also the 900K file's light version)",
    columns={
        "variance": ("variance",),
        "tempo": ("tempo", "bpm"),
        "loudness": ("loudness", "loudness db"),
        "explicit": ("explicit",),
        "popularity": ("popularity",),
        "energy": ("energy",),
        "danceability": ("danceability",),
        "positiveness": ("positiveness", "valence"),
        "speechiness": ("speechiness",),
        "liveness": ("liveness",),
        "acousticness": ("acousticness",),
        "instrumentalness": ("instrumentalness",),
        "title": ("song", "title", "track name", "name", "song name"),
        "artists": ("artist", "artists", "artist name", "track artist"),
        "album": ("album", "album name"),
        "external_id": ("spotify id", "track id"),
        "genre": ("genre", "genres"),
        "subgenre": ("subgenre",),
        "emotion": ("emotion", "emotions", "mood"),
        "year": ("year", "release date", "release year"),
        "duration_ms": ("duration ms",),
        "duration": ("duration", "length"),
        "key": ("key",),
        "mode": ("mode",),
        "time_signature": ("time signature",),
        "lyrics": ("text", "lyrics"),
        **_PLAYLISTS,
    },
    required=ATTRIBUTE_NAMES,
    converters={"artists": cell_values.artists_between(",")},
)

SPOTIFY_900K = replace(
    PREPROCESS,
    name="spotify-900k",
    label='Kaggle "900K+ Spotify songs with lyrics, emotions"',
    columns={k: v for k, v in PREPROCESS.columns.items() if k != "variance"}
    | {"positiveness": ("positiveness",)},
    required=(
        *("title", "artists", "tempo", "loudness", "energy", "danceability", "positiveness"),
        *("speechiness", "liveness", "acousticness", "instrumentalness"),
    ),
)

SPOTIFY_API = Dialect(
    name="spotify-api",
    label="columns named as in Spotify's API (lower case, valence, shares from 0 to 1)",
    columns={
        "tempo": ("tempo",),
        "loudness": ("loudness",),
        "explicit": ("explicit",),
        "popularity": ("popularity", "track popularity"),
        "positiveness": ("valence",),
        **{name: (name,) for name in SHARES if name != "positiveness"},
        "title": ("name", "track name", "song", "title"),
        "artists": ("artists", "artist", "track artist", "artist name"),
        "album": ("album", "album name", "track album name"),
        "external_id": ("track id", "id", "spotify id"),
        "genre": ("track genre", "genre", "genres"),
        "year": ("release date", "track album release date", "year"),
        "duration_ms": ("duration ms",),
        "key": ("key",),
        "mode": ("mode",),
        "time_signature": ("time signature",),
        **_PLAYLISTS,
    },
    required=("tempo", "loudness", *SHARES),
    scale="unit",
    id_namespace="spotify",
)

SPOTIFY_PLAYLISTS = replace(
    SPOTIFY_API,
    name="spotify-playlists",
    label="Spotify tracks, one row per playlist they stand in (TidyTuesday 2020-01-21)",
    columns={
        **SPOTIFY_API.columns,
        "genre": ("playlist genre",),
        "subgenre": ("playlist subgenre",),
    },
    signature=("playlist id", "playlist name"),
    missing=("NA",),
)

SPOTIFY_TRACKS = replace(
    SPOTIFY_API,
    name="spotify-tracks",
    label='Kaggle "Spotify Tracks Dataset" (114,000 rows, one per genre)',
    signature=("track id", "track genre", "artists"),
    converters={"artists": cell_values.artists_between(";")},
)

SPOTIFY_SONGS = replace(
    SPOTIFY_API,
    name="spotify-songs",
    label="Kaggle \"Spotify 1.2M+ Songs\" (artists as \"['A', 'B']\")",
    signature=("id", "artist ids", "disc number"),
)

DIALECTS: tuple[Dialect, ...] = (
    PREPROCESS,
    SPOTIFY_900K,
    SPOTIFY_PLAYLISTS,
    SPOTIFY_TRACKS,
    SPOTIFY_SONGS,
    SPOTIFY_API,
)
"""In the order in which a header is compared with them: the narrower before the wider."""
