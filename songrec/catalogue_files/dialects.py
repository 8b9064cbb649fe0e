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

Converter = Callable[..., Any]

TEXT_FIELDS = ("title", "artists", "album", "external_id", "genre", "subgenre", "emotion")
WHOLE_FIELDS = ("year", "duration_ms", "duration", "key", "mode", "time_signature")
OTHER_FIELDS = ("lyrics", "playlist_id", "playlist_name")
FIELDS = (*ATTRIBUTE_NAMES, *TEXT_FIELDS, *WHOLE_FIELDS, *OTHER_FIELDS)
"""Fields that a dialect may map to columns."""

CONVERTERS: Mapping[str, Converter] = MappingProxyType(
    {
        "tempo": cell_values.tempo,
        "loudness": cell_values.decibels,
        "explicit": cell_values.flag,
        "popularity": cell_values.points,
        **dict.fromkeys(SHARES, cell_values.share),
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
    ``missing`` are words that mean an empty cell in text columns. ``id_namespace`` names whose ids
    ``external_id`` holds, so that all files of the format share tracks. None: ids are the
    catalogue's own, unless they look like those of Spotify, MusicBrainz or ISRC. ``open``: title,
    artists and id may be in other columns too; the listed names are only preferred.
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
    open: bool = False

    def __post_init__(self) -> None:
        unknown = [n for n in (*self.columns, *self.converters, *self.required) if n not in FIELDS]
        if unknown:
            raise ValueError(f"dialect {self.name!r} names unknown fields: {', '.join(unknown)}")
        if self.scale not in SCALES:
            raise ValueError(f"dialect {self.name!r}: scale must be one of {', '.join(SCALES)}")

    def converter(self, name: str) -> Converter:
        """Return the converter for cells of the field ``name``."""
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
    open=True,
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
    open=False,
)

_SPOTIFY_FEATURES = {
    "tempo": ("tempo",),
    "loudness": ("loudness",),
    "explicit": ("explicit",),
    "popularity": ("popularity", "track popularity"),
    "positiveness": ("valence",),
    **{name: (name,) for name in SHARES if name != "positiveness"},
    "duration_ms": ("duration ms",),
    "key": ("key",),
    "mode": ("mode",),
    "time_signature": ("time signature",),
}

SPOTIFY_API = Dialect(
    name="spotify-api",
    label="columns named as in Spotify's API (lower case, valence, shares from 0 to 1)",
    columns={
        **_SPOTIFY_FEATURES,
        "title": ("name", "track name", "song", "title"),
        "artists": ("artists", "artist", "track artist", "artist name"),
        "album": ("album", "album name", "track album name"),
        "external_id": ("track id", "id", "spotify id"),
        "genre": ("track genre", "genre", "genres"),
        "year": ("release date", "track album release date", "year"),
        **_PLAYLISTS,
    },
    required=("tempo", "loudness", *SHARES),
    converters={"artists": cell_values.artists_between(",")},
    scale="unit",
    open=True,
)

_SPOTIFY_EXPORT = replace(SPOTIFY_API, converters={}, open=False)

SPOTIFY_PLAYLISTS = replace(
    _SPOTIFY_EXPORT,
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
    _SPOTIFY_EXPORT,
    name="spotify-tracks",
    label='Kaggle "Spotify Tracks Dataset" (114,000 rows, one per genre)',
    signature=("track id", "track genre", "artists"),
    converters={"artists": cell_values.artists_between(";")},
)

SPOTIFY_SONGS = replace(
    _SPOTIFY_EXPORT,
    name="spotify-songs",
    label="Kaggle \"Spotify 1.2M+ Songs\" (artists as \"['A', 'B']\")",
    signature=("id", "artist ids", "disc number"),
)

SPOTIFY_160K = replace(
    _SPOTIFY_EXPORT,
    name="spotify-160k",
    label='Kaggle "Spotify Dataset 1921-2020, 160k+ Tracks" (data.csv)',
    signature=("id", "name", "artists", "year", "popularity", "explicit"),
)

EXPORTIFY = replace(
    _SPOTIFY_EXPORT,
    name="exportify",
    label="Exportify: a playlist of Spotify, with or without audio features",
    columns={
        **_SPOTIFY_FEATURES,
        "title": ("track name",),
        "artists": ("artist name(s)", "artist name"),
        "album": ("album name",),
        "external_id": ("track uri", "spotify uri", "spotify id"),
        "genre": ("genres", "artist genres"),
        "year": ("release date", "album release date"),
        "duration_ms": ("duration (ms)", "track duration (ms)"),
    },
    required=("title", "artists", "external_id"),
    signature=("added at",),
    converters={"artists": cell_values.artists_between(",")},
)

HIT_PREDICTOR = replace(
    _SPOTIFY_EXPORT,
    name="hit-predictor",
    label='Kaggle "The Spotify Hit Predictor Dataset (1960-2019)" (dataset-of-00s.csv and others)',
    columns={
        **_SPOTIFY_FEATURES,
        "title": ("track",),
        "artists": ("artist",),
        "external_id": ("uri",),
    },
    required=("title", "artists", "external_id", *SPOTIFY_API.required),
    signature=("chorus hit", "sections"),
)

GENRES_V2 = replace(
    _SPOTIFY_EXPORT,
    name="genres-v2",
    label='Kaggle "Dataset of songs in Spotify" (genres_v2.csv: title is a playlist\'s name)',
    columns={
        **_SPOTIFY_FEATURES,
        "title": ("song name",),
        "external_id": ("id", "uri"),
        "genre": ("genre",),
        "playlist_name": ("title",),
    },
    required=("title", "external_id", *SPOTIFY_API.required),
    signature=("track href", "analysis url"),
)

SPOTIFY_YOUTUBE = replace(
    _SPOTIFY_EXPORT,
    name="spotify-youtube",
    label='Kaggle "Spotify and Youtube" (Title is the title of a video)',
    columns={
        **_SPOTIFY_FEATURES,
        "title": ("track",),
        "artists": ("artist",),
        "album": ("album",),
        "external_id": ("uri",),
    },
    required=("title", "artists", "external_id"),
    signature=("url youtube", "channel"),
)

MOST_STREAMED = Dialect(
    name="most-streamed",
    label='Kaggle "Most Streamed Spotify Songs 2023" (spotify-2023.csv)',
    columns={
        "tempo": ("bpm",),
        "positiveness": ("valence %",),
        **{name: (f"{name} %",) for name in SHARES if name != "positiveness"},
        "title": ("track name",),
        "artists": ("artist(s) name",),
        "year": ("released year",),
        "key": ("key",),
        "mode": ("mode",),
    },
    required=("title", "artists"),
    signature=("artist count", "in spotify playlists", "streams"),
    scale="percent",
)

FMA_TRACKS = Dialect(
    name="fma-tracks",
    label="Free Music Archive, tracks.csv (three header rows)",
    columns={
        "title": ("track title",),
        "artists": ("artist name",),
        "album": ("album title",),
        "external_id": ("track id",),
        "genre": ("track genre top",),
        "year": ("album date released", "track date recorded"),
        "duration": ("track duration",),
    },
    required=("title", "artists", "external_id"),
    signature=("set split", "set subset"),
)

MPD = Dialect(
    name="mpd",
    label="Million Playlist Dataset (mpd.slice.0-999.json): playlists and their songs",
    columns={
        "title": ("track name",),
        "artists": ("artist name",),
        "album": ("album name",),
        "external_id": ("track uri",),
        "duration_ms": ("duration ms",),
        "playlist_id": ("playlist id",),
        "playlist_name": ("playlist name",),
    },
    required=("title", "external_id", "playlist_id"),
    signature=("pos", "artist uri", "album uri"),
)

DIALECTS: tuple[Dialect, ...] = (
    PREPROCESS,
    SPOTIFY_900K,
    EXPORTIFY,
    HIT_PREDICTOR,
    GENRES_V2,
    SPOTIFY_YOUTUBE,
    MOST_STREAMED,
    FMA_TRACKS,
    MPD,
    SPOTIFY_PLAYLISTS,
    SPOTIFY_TRACKS,
    SPOTIFY_SONGS,
    SPOTIFY_160K,
    SPOTIFY_API,
)
"""Dialects in the order of detection: specific before general ones."""

BY_COLUMNS = Dialect(
    name="by-columns",
    label="any other table with titles or ids: columns are recognised by name and content",
    columns={},
    required=(),
    converters={"artists": cell_values.artists_between(",")},
    open=True,
)
"""Fallback dialect: columns are recognised by name and content."""
