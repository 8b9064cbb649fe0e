"""Files of listening counts (listener, artist, count) and of similar artists (artist, artist,
score), and folders in the format of the HetRec 2011 Last.fm data.

Columns are recognized by their names, whatever their order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.catalogue_files.dialect_detection import normalize
from songrec.catalogue_files.numerals import parse_number
from songrec.catalogue_files.reading import open_table
from songrec.catalogue_files.rejects import Reject, format_value
from songrec.core.artist_affinities import (
    COUNTS,
    SIMILAR,
    AffinityCollector,
    ArtistAffinities,
    NamedArtist,
)
from songrec.core.errors import BadInput
from songrec.core.types import Progress, no_progress

_COLUMN_NAMES = {
    "listener": """user userid username userhash usersha1 listener listenerid listenername account
        person""",
    "artist": """artist artistname artists name artista artist1 artisttitle referenceartist
        referencename sourceartist band bandname""",
    "other": """similar similarartist similarartistname other otherartist otherartistname artistb
        artist2 related relatedartist relatedartistname neighbour neighbor target targetartist
        similarto""",
    "artist_id": """artistmbid mbid musicbrainzid artistmusicbrainzid musicbrainzartistid
        referencembid artistmbid1""",
    "other_id": "othermbid similarmbid similarartistmbid artistmbid2 relatedmbid",
    "weight": """count counts plays playcount listens listencount listencounts weight times
        scrobbles totalartistplays artistplays score similarity match strength value""",
    "number": "artistid",
}
"""Names of columns without case, blanks and signs."""
_MEANINGS = {name: meaning for meaning, text in _COLUMN_NAMES.items() for name in text.split()}
LONGEST_NAME = 500
_FORMATS = "listener,artist,count or artist,similar,score"


@dataclass(frozen=True)
class AffinityFile:
    """Content of a file: its affinities, the number of rows, and the rejected rows."""

    affinities: ArtistAffinities
    n_rows: int
    rejects: tuple[Reject, ...]


def read_affinities(path: Path, on_progress: Progress = no_progress) -> AffinityFile:
    """Read a file, or a folder with ``user_artists`` and ``artists`` (``.tsv`` or ``.dat``).

    Raises ``BadInput`` for any other file, and if no row can be read.
    """
    rows = _folder_rows(path) if path.is_dir() else None
    if rows is None:
        kind, rows = _table_rows(path, on_progress)
    else:
        kind = COUNTS
    collector = AffinityCollector(kind)
    rejects: list[Reject] = []
    n_rows = 0
    for row in rows:
        n_rows += 1
        if isinstance(row, Reject):
            rejects.append(row)
            continue
        group, artist, weight = row
        collector.add(group, artist, weight)
    affinities = collector.affinities()
    if not len(affinities.weights):
        first = f" ({rejects[0]})" if rejects else ""
        raise BadInput(f"{path}: no row could be read{first}.")
    return AffinityFile(affinities, n_rows, tuple(sorted(rejects, key=lambda reject: reject.row)))


_Entry = tuple[str, NamedArtist, float]


@dataclass(frozen=True)
class _Columns:
    """Positions of the columns; None for a column that is missing."""

    listener: int | None
    artist: int | None
    artist_id: int | None
    other: int | None
    other_id: int | None
    weight: int | None

    @classmethod
    def of(cls, header: Sequence[str], path: Path) -> _Columns:
        """Recognize the columns; raises ``BadInput`` where one is missing."""
        places: dict[str, list[int]] = {}
        for at, name in enumerate(header):
            places.setdefault(_MEANINGS.get(normalize(name), ""), []).append(at)

        def place(meaning: str, number: int = 0) -> int | None:
            return next(iter(places.get(meaning, [])[number:]), None)

        listener, artist, artist_id = (place(name) for name in ("listener", "artist", "artist_id"))
        other, other_id, weight = (place(name) for name in ("other", "other_id", "weight"))
        if listener is None:
            # Two columns of one name: "artist,artist,score".
            other = place("artist", 1) if other is None else other
            other_id = place("artist_id", 1) if other_id is None else other_id
        columns = cls(listener, artist, artist_id, other, other_id, weight)
        named = artist is not None or artist_id is not None
        paired = listener is not None or other is not None or other_id is not None
        if not named and "number" in places:
            raise BadInput(
                f"{path}: has artists' numbers, not names. Give the folder that holds "
                "user_artists.tsv and artists.tsv."
            )
        if not named or not paired:
            raise BadInput(
                f"{path}: the columns {', '.join(format_value(name) for name in header[:8])} are "
                f"neither listening counts nor similar artists. Write {_FORMATS} in the first line."
            )
        return columns

    def entry(self, place: int, cells: Sequence[Any], header: Sequence[str]) -> _Entry | Reject:
        """Return a row's group, artist and weight, or its rejection."""

        def cell(at: int | None) -> str:
            return "" if at is None or cells[at] is None else str(cells[at]).strip()

        def rejected(at: int | None, reason: str) -> Reject:
            name = "" if at is None else header[at]
            return Reject(place, name, format_value(cell(at)), reason)

        artist = NamedArtist(cell(self.artist), cell(self.artist_id).lower() or None)
        if self.listener is None:
            other = NamedArtist(cell(self.other), cell(self.other_id).lower() or None)
            group, at_group = artist.key, self.artist
        else:
            other, group, at_group = artist, cell(self.listener), self.listener
        at_other = self.artist if self.listener is not None else self.other
        if not group:
            return rejected(at_group, "is empty")
        if not other.key:
            return rejected(at_other, "names nobody")
        if len(other.name) > LONGEST_NAME or len(group) > LONGEST_NAME:
            return rejected(at_other, f"is longer than {LONGEST_NAME} characters")
        weight = 1.0
        if self.weight is not None:
            try:
                weight = parse_number(cell(self.weight))
            except ValueError:
                weight = math.nan
            if not (math.isfinite(weight) and weight > 0):
                return rejected(self.weight, "is no number above 0")
        return group, other, weight


def _table_rows(path: Path, on_progress: Progress) -> tuple[str, Iterator[_Entry | Reject]]:
    table = open_table(path)
    columns = _Columns.of(table.header, path)

    def rows() -> Iterator[_Entry | Reject]:
        for batch in table.batches():
            yield from batch.rejects
            for place, cells in zip(batch.places, batch.rows, strict=True):
                yield columns.entry(place, cells, table.header)
            on_progress(batch.fraction, f"Reading {path.name}")

    return SIMILAR if columns.listener is None else COUNTS, rows()


def _folder_rows(folder: Path) -> Iterator[_Entry | Reject]:
    """Read the folder of the HetRec format: tab-separated, with or without a line of headings."""
    counts, artists = (_file_of(folder, name) for name in ("user_artists", "artists"))
    names: dict[str, str] = {}
    for _, cells in _tab_separated(artists):
        if len(cells) > 1:
            names[cells[0]] = cells[1]
    for line, cells in _tab_separated(counts):
        if line == 1 and not cells[0].isdigit():
            continue  # the headings
        if len(cells) < 3:
            yield Reject(line, "", format_value("\t".join(cells)), "has fewer than three cells")
            continue
        listener, number, written = cells[:3]
        artist = NamedArtist(names.get(number, ""))
        if not artist.key:
            yield Reject(line, "artistID", format_value(number), f"has no name in {artists.name}")
            continue
        try:
            weight = float(written)
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight > 0):
            yield Reject(line, "weight", format_value(written), "is no number above 0")
            continue
        yield listener, artist, weight


def _file_of(folder: Path, name: str) -> Path:
    for ending in ("tsv", "dat"):
        path = folder / f"{name}.{ending}"
        if path.is_file():
            return path
    raise BadInput(f"{folder}: holds no {name}.tsv (or .dat).")


def _tab_separated(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield line, [cell.strip() for cell in text.split("\t")]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error}).") from None
