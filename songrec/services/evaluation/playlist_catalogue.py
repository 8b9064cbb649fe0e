"""Catalogue files with playlists, read for evaluation without a database.

Genre and subgenre columns are ignored, because they may come from the playlists themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.catalogue_files.dialect_detection import map_columns
from songrec.catalogue_files.reading import open_table
from songrec.catalogue_files.row_parser import RowParser
from songrec.catalogue_files.unit_detection import detect_scale
from songrec.core.artist_credits import Credit, collect_evidence, parse_credits
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.catalogue import CatalogueRow
from songrec.core.errors import BadInput
from songrec.core.songs import album_public_id
from songrec.core.title_normalization import match_key
from songrec.core.types import Floats, Ints, Progress, no_progress


@dataclass(frozen=True)
class Playlist:
    """A playlist of a file; ``rows`` are its distinct tracks in the file's order."""

    file: int
    name: str
    rows: Ints


@dataclass(frozen=True)
class PlaylistCatalogue:
    """The distinct tracks of one or several files, and their playlists.

    Attributes
    ----------
    values
        Float32 ``(n, 12)``, in the order of ``core.attributes``, NaN where unknown.
    duration_ms, year
        Float32 ``(n,)``, NaN where unknown.
    song_keys
        uint64 ``(n,)``.
    artists, albums
        uint64 ``(n,)``, numbers of each track's first artist and its album, 0 where unknown.
    artist_names
        The name of each artist, of number 1 first.
    playlists
        Those of all files, in the files' order.
    """

    values: Floats
    duration_ms: Floats
    year: Floats
    song_keys: NDArray[np.uint64]
    artists: NDArray[np.uint64]
    albums: NDArray[np.uint64]
    artist_names: tuple[str, ...]
    playlists: tuple[Playlist, ...]


def read_playlists(paths: Sequence[Path], on_progress: Progress = no_progress) -> PlaylistCatalogue:
    """Read the tracks of all ``paths`` and their playlists.

    Rows that ``flask ingest`` would reject are left out. Raises ``BadInput`` for a file that is not
    a catalogue or has no playlists.
    """
    numbers: dict[str, int] = {}
    tracks: list[CatalogueRow] = []
    playlists: list[Playlist] = []
    for file, path in enumerate(paths):
        lists: dict[str, tuple[str, dict[int, None]]] = {}
        for row in _rows(path, file, len(paths), on_progress):
            number = numbers.setdefault(row.source_key, len(tracks))
            if number == len(tracks):
                tracks.append(row)
            if row.playlist is not None:
                lists.setdefault(row.playlist[0], (row.playlist[1], {}))[1][number] = None
        if not lists:
            raise BadInput(
                f"{path}: holds no playlists. Give a catalogue with the column playlist_id or "
                "playlist_name, a row for each track of each playlist."
            )
        playlists += [
            Playlist(file, name, np.array(list(members), dtype=np.int64))
            for name, members in lists.values()
        ]
    return _to_arrays(tracks, playlists)


def _rows(path: Path, file: int, n_files: int, on_progress: Progress) -> Iterator[CatalogueRow]:
    table = open_table(path)
    parser = None
    for batch in table.batches():
        if parser is None:
            try:
                dialect, columns = map_columns(table.header, batch.rows)
            except BadInput as error:
                raise BadInput(f"{path}: {error}") from None
            scale = detect_scale(dialect, table, batch, "auto", columns)
            parser = RowParser(dialect, table, scale=scale, source="playlists", columns=columns)
        yield from parser.parse(batch)[0]
        on_progress((file + batch.fraction) / n_files, f"Reading {path.name}")


def _to_arrays(tracks: list[CatalogueRow], playlists: list[Playlist]) -> PlaylistCatalogue:
    values = np.array([row.attributes for row in tracks], dtype=np.float64).astype(np.float32)
    numbers = np.array(
        [(row.fields["duration_ms"], row.fields["year"]) for row in tracks], dtype=np.float64
    ).astype(np.float32)
    evidence = collect_evidence(row.artists for row in tracks)
    credits = [parse_credits(row.artists, evidence) for row in tracks]
    keys = np.array(
        [_song_key(row, by) for row, by in zip(tracks, credits, strict=True)], dtype=np.uint64
    )
    artists = [by[0].key if by else None for by in credits]
    artist_names = {by[0].key: by[0].name for by in reversed(credits) if by}
    albums = [
        album_public_id(row.album, by) if row.album and by else None
        for row, by in zip(tracks, artists, strict=True)
    ]
    return PlaylistCatalogue(
        values.reshape(-1, len(ATTRIBUTE_NAMES)),
        numbers[:, 0],
        numbers[:, 1],
        keys,
        _numbered(artists),
        _numbered(albums),
        tuple(artist_names[key] for key in dict.fromkeys(artists) if key is not None),
        tuple(playlists),
    )


def _song_key(row: CatalogueRow, credits: list[Credit]) -> int:
    """Return the song key, which is equal for a song and its remaster, as in a run."""
    key = match_key([credit.name for credit in credits], row.fields["title"])
    return (row.song_key if key is None else key) % 2**64


def _numbered(names: list[str | None]) -> NDArray[np.uint64]:
    """A number from 1 for each name; 0 where it is unknown."""
    numbers: dict[str, int] = {}
    numbered = [0 if name is None else numbers.setdefault(name, len(numbers) + 1) for name in names]
    return np.array(numbered, dtype=np.uint64)
