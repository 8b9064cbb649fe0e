"""Catalogue files with playlists, read for measuring: no database is asked, none is written.

Genre and subgenre columns of such files may come from the playlists themselves; they are read
past, never used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.catalogue_files.dialect_detection import detect_dialect
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
    """A playlist of a file: its tracks as rows of the catalogue, each once, in the file's order."""

    file: int
    name: str
    rows: Ints


@dataclass(frozen=True)
class PlaylistCatalogue:
    """The tracks of some files, each once, and their playlists.

    ``values`` float32 ``(n, 12)`` in the order of ``core.attributes``, ``duration_ms`` and ``year``
    float32 ``(n,)``, NaN where unknown; ``song_keys`` uint64 ``(n,)``; ``artists`` and ``albums``
    uint64 ``(n,)`` number each track's first artist and its album, 0 where unknown. ``playlists``
    of the files in their order.
    """

    values: Floats
    duration_ms: Floats
    year: Floats
    song_keys: NDArray[np.uint64]
    artists: NDArray[np.uint64]
    albums: NDArray[np.uint64]
    playlists: tuple[Playlist, ...]


def read_playlists(paths: Sequence[Path], on_progress: Progress = no_progress) -> PlaylistCatalogue:
    """The tracks of all ``paths`` together, and their playlists.

    Rows that an ingest would reject are left out. Raises ``BadInput`` for a file that is no
    catalogue and for one without playlists.
    """
    rows: dict[str, int] = {}
    kept: list[CatalogueRow] = []
    playlists: list[Playlist] = []
    for number, path in enumerate(paths):
        lists: dict[str, tuple[str, dict[int, None]]] = {}
        for row in _rows(path, number, len(paths), on_progress):
            at = rows.setdefault(row.source_key, len(kept))
            if at == len(kept):
                kept.append(row)
            if row.playlist is not None:
                lists.setdefault(row.playlist[0], (row.playlist[1], {}))[1][at] = None
        if not lists:
            raise BadInput(
                f"{path}: holds no playlists. Give a catalogue with the column playlist_id or "
                "playlist_name, a row for each track of each playlist."
            )
        playlists += [
            Playlist(number, name, np.array(list(members), dtype=np.int64))
            for name, members in lists.values()
        ]
    return _gathered(kept, playlists)


def _rows(path: Path, number: int, files: int, on_progress: Progress):
    table = open_table(path)
    try:
        dialect = detect_dialect(table.header)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    parser = None
    for batch in table.batches():
        if parser is None:
            scale = detect_scale(dialect, table, batch, "auto")
            parser = RowParser(dialect, table, scale=scale, source="playlists")
        yield from parser.parse(batch)[0]
        on_progress((number + batch.fraction) / files, f"Reading {path.name}")


def _gathered(kept: list[CatalogueRow], playlists: list[Playlist]) -> PlaylistCatalogue:
    values = np.array([row.attributes for row in kept], dtype=np.float64).astype(np.float32)
    figures = np.array(
        [(row.fields["duration_ms"], row.fields["year"]) for row in kept], dtype=np.float64
    ).astype(np.float32)
    evidence = collect_evidence(row.artists for row in kept)
    credits = [parse_credits(row.artists, evidence) for row in kept]
    keys = np.array(
        [_song_key(row, by) for row, by in zip(kept, credits, strict=True)], dtype=np.uint64
    )
    artists = [by[0].key if by else None for by in credits]
    albums = [
        album_public_id(row.album, by) if row.album and by else None
        for row, by in zip(kept, artists, strict=True)
    ]
    return PlaylistCatalogue(
        values.reshape(-1, len(ATTRIBUTE_NAMES)),
        figures[:, 0],
        figures[:, 1],
        keys,
        _numbered(artists),
        _numbered(albums),
        tuple(playlists),
    )


def _song_key(row: CatalogueRow, credits: list[Credit]) -> int:
    """Equal for a song and its remaster, as in a run."""
    key = match_key([credit.name for credit in credits], row.fields["title"])
    return (row.song_key if key is None else key) % 2**64


def _numbered(names: list[str | None]) -> NDArray[np.uint64]:
    """A number from 1 for each name; 0 where it is unknown."""
    numbers: dict[str, int] = {}
    found = [0 if name is None else numbers.setdefault(name, len(numbers) + 1) for name in names]
    return np.array(found, dtype=np.uint64)
