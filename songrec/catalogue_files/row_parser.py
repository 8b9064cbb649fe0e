"""Parser of batches of cells into track records: columns are converted whole, bad rows rejected."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from songrec.catalogue_files import cell_values
from songrec.catalogue_files.batches import Batch, Table
from songrec.catalogue_files.cell_values import CellFormat
from songrec.catalogue_files.column_contents import sample_rows
from songrec.catalogue_files.column_formats import (
    ColumnFormats,
    detect_column_formats,
    detect_null_words,
)
from songrec.catalogue_files.column_recognition import ColumnMapping
from songrec.catalogue_files.dialect_detection import locate_columns
from songrec.catalogue_files.dialects import Converter, Dialect
from songrec.catalogue_files.reading_notes import Assumption
from songrec.catalogue_files.rejects import Reject, format_value
from songrec.catalogue_files.track_keys import TrackKeys
from songrec.core import songs
from songrec.core.artist_credits import ArtistField
from songrec.core.attributes import ATTRIBUTE_NAMES, BY_NAME
from songrec.core.catalogue import CatalogueRow
from songrec.core.track_identity import recording_id, recording_key

# Converters that leave a plain number as it is.
_NUMERIC = (
    cell_values.number,
    cell_values.decibels,
    cell_values.tempo,
    cell_values.share,
    cell_values.points,
    cell_values.flag,
)
# Fields that identify a song, besides the attributes that the format requires.
_ESSENTIAL = ("title", "artists", "external_id")
_MAX_LENGTH = {
    "title": 500,
    "artists": 500,
    "album": 500,
    "external_id": 100,
    "playlist_id": 100,
    "playlist_name": 200,
    "genre": 200,
    "subgenre": 200,
    "emotion": 100,
}
_MAX_LABEL_LENGTH = 100
_SAMPLE_ROWS = 1_000
# Rounding, as in float32 files and sums of shares, gives values slightly above 1.
_ROUNDING = 1e-6
# Part of every fingerprint: increase it when the same cells get another meaning.
_VERSION = b"2"


class ParsedBatch(NamedTuple):
    """Accepted rows, rejected rows, and unreadable cells of accepted rows, in file order.

    A row with unreadable cells is accepted unless one of them is essential.
    """

    rows: list[CatalogueRow]
    rejects: list[Reject]
    lost_cells: list[Reject]


@dataclass
class _Column:
    field: str
    at: int
    header: str
    read: Callable[[Any], Any]
    is_plain: bool
    is_essential: bool


@dataclass
class _Problems:
    """Rejections of a batch: rows by index, cells by row and field."""

    rows: dict[int, Reject] = field(default_factory=dict)
    cells: dict[tuple[int, str], Reject] = field(default_factory=dict)


class RowParser:
    """A parser of one table's batches into track records.

    ``scale`` is ``unit`` or ``percent``, see ``unit_detection.detect_scale``; ``source`` names the
    catalogue. Without ``columns`` the dialect's own columns are read. ``reads_ids`` is False if ids
    do not identify single songs. The notation of each column is detected in a sample of the first
    batch, which also sets ``assumptions``.
    """

    def __init__(
        self,
        dialect: Dialect,
        table: Table,
        *,
        scale: str,
        source: str,
        columns: ColumnMapping | None = None,
        reads_ids: bool = True,
    ) -> None:
        self.dialect = dialect
        self.source = source
        self.divisor = 100.0 if scale == "percent" else 1.0
        self.scale = scale
        self.places = columns.places if columns else locate_columns(dialect, table.header)
        if not reads_ids:
            self.places = {name: at for name, at in self.places.items() if name != "external_id"}
        self._table = table
        self._formats: ColumnFormats | None = None
        self._columns: dict[str, _Column] = {}
        self._null_words: frozenset[str] = frozenset()
        self.assumptions: tuple[Assumption, ...] = ()
        self._track_keys = TrackKeys(dialect, source)
        own_id = self.places.get("external_id")
        id_columns = columns.id_columns if columns and reads_ids else ()
        self._further_ids = [at for at in id_columns if at != own_id]

    @property
    def fields(self) -> frozenset[str]:
        """Fields for which the file has a column."""
        return frozenset(self.places)

    def parse(self, batch: Batch) -> ParsedBatch:
        """Parse a batch into accepted rows, rejects and lost cells."""
        if self._formats is None:
            self._detect_formats(batch)
        problems = _Problems()
        values = np.full((len(batch.rows), len(ATTRIBUTE_NAMES)), np.nan)
        for at, name in enumerate(ATTRIBUTE_NAMES):
            if name in self._columns:
                values[:, at] = self._attribute(self._columns[name], batch, problems)
        others = {
            name: self._converted(column, [row[column.at] for row in batch.rows], batch, problems)
            for name, column in self._columns.items()
            if name not in BY_NAME
        }
        if "key" in self._columns and ("mode" not in others or None in others["mode"]):
            others["mode"] = self._with_modes_of_keys(batch, others.get("mode"))
        good = self._assemble(batch, values, others, problems.rows)
        rejects = sorted([*problems.rows.values(), *batch.rejects], key=lambda reject: reject.row)
        lost = [cell for (i, _), cell in problems.cells.items() if i not in problems.rows]
        return ParsedBatch(good, rejects, sorted(lost, key=lambda cell: cell.row))

    def _with_modes_of_keys(self, batch: Batch, modes: Sequence[Any] | None) -> list[Any]:
        cells = [row[self._columns["key"].at] for row in batch.rows]
        of_keys, _ = _read_all(cell_values.mode_of_key, cells)
        if modes is None:
            return of_keys
        return [b if a is None else a for a, b in zip(modes, of_keys, strict=True)]

    def _detect_formats(self, batch: Batch) -> None:
        rows = sample_rows(batch.rows, _SAMPLE_ROWS)
        cells = {name: [row[at] for row in rows] for name, at in self.places.items()}
        header = self._table.header
        formatted = {
            name: (header[self.places[name]], column)
            for name, column in cells.items()
            if self.dialect.converter(name) in cell_values.FORMATTED
        }
        self._formats = detect_column_formats(
            formatted,
            decimal_comma=self._table.decimal_comma,
            percent=self.scale == "percent",
        )
        names = {header[self.places[n]]: cells[n] for n in ("artists", "album") if n in cells}
        self._null_words, assumed = detect_null_words(names, (c for _, c in formatted.values()))
        self.assumptions = (*self._formats.assumptions, *assumed)
        self._columns = {name: self._column(name, self._formats) for name in self.places}

    def _column(self, name: str, formats: ColumnFormats) -> _Column:
        read = self.dialect.converter(name)
        form = formats.by_field.get(name)
        at = self.places[name]
        return _Column(
            name,
            at,
            self._table.header[at],
            self._reader(name, read, form),
            read in _NUMERIC and (form is None or form.numbers.point == "decimal"),
            name in _ESSENTIAL or name in self.dialect.required,
        )

    def _reader(self, name: str, read: Converter, form: CellFormat | None) -> Callable[[Any], Any]:
        if form is not None:
            return lambda cell: read(cell, form)
        missing = frozenset(self.dialect.missing)
        if name in ("album", "artists"):
            # A song may well be called "None".
            missing |= self._null_words
        if name == "artists":
            return lambda cell: _check_artists(_without(missing, read(cell)))
        if name in ("genre", "subgenre", "emotion"):
            return lambda cell: _check_labels(read(cell))
        if name in _MAX_LENGTH:
            return lambda cell: _check_length(_text(missing, read(cell)), name)
        return read

    def _attribute(self, column: _Column, batch: Batch, problems: _Problems) -> NDArray[np.float64]:
        cells = [row[column.at] for row in batch.rows]
        values = _fast_floats(cells) if column.is_plain else None
        if values is None:
            converted = self._converted(column, cells, batch, problems)
            values = np.array([np.nan if v is None else v for v in converted], dtype=np.float64)
        attribute = BY_NAME[column.field]
        if attribute.is_share:
            values /= self.divisor
        over = (values > attribute.high) & (values <= attribute.high + _ROUNDING)
        values[over] = attribute.high
        with np.errstate(invalid="ignore"):
            outside = np.flatnonzero((values < attribute.low) | (values > attribute.high))
        for i in outside.tolist():
            self._refuse(i, column, batch, problems, self._range_reason(column.field, values[i]))
        values[outside] = np.nan
        if attribute.unit == "flag":
            for i in np.flatnonzero((values > 0) & (values < 1)).tolist():
                self._refuse(i, column, batch, problems, "is neither yes nor no")
                values[i] = np.nan
        if column.field in self.dialect.required:
            for i in np.flatnonzero(np.isnan(values)).tolist():
                blank = cells[i] is None or not str(cells[i]).strip()
                reason = "is empty" if blank else "holds no value"
                self._refuse(i, column, batch, problems, reason)
        if column.field == "tempo":
            values[values == 0] = np.nan  # Spotify's tempo is 0 if no beat was detected
        return values

    def _range_reason(self, name: str, value: float) -> str:
        attribute = BY_NAME[name]
        if np.isinf(value):
            return "is infinite"
        if attribute.unit == "flag":
            return "is neither yes nor no"
        factor = self.divisor if attribute.is_share else 1.0
        low, high = attribute.low * factor, attribute.high * factor
        hint = ""
        if attribute.is_share and factor == 1.0 and 1.0 < value <= 100.0:
            hint = " (--scale percent if the file counts from 0 to 100)"
        return f"is outside {low:g} to {high:g}{hint}"

    def _converted(
        self, column: _Column, cells: Sequence[Any], batch: Batch, problems: _Problems
    ) -> list[Any]:
        values, failed = _read_all(column.read, cells)
        if failed:
            for i, value in enumerate(values):
                if isinstance(value, ValueError):
                    self._refuse(i, column, batch, problems, str(value))
                    values[i] = None
        return values

    def _refuse(
        self, i: int, column: _Column, batch: Batch, problems: _Problems, reason: str
    ) -> None:
        value = format_value(batch.rows[i][column.at])
        reject = Reject(batch.places[i], format_value(column.header), value, reason)
        if column.is_essential:
            problems.rows.setdefault(i, reject)
        else:
            problems.cells.setdefault((i, column.field), reject)

    def _assemble(
        self,
        batch: Batch,
        values: NDArray[np.float64],
        others: Mapping[str, Sequence[Any]],
        rejected: Mapping[int, Reject],
    ) -> list[CatalogueRow]:
        """Return the rows that are not rejected, from columns of attributes and other fields."""
        rows = values.tolist()
        packed = np.ascontiguousarray(values, dtype="<f8").tobytes()
        width = values.shape[1] * 8
        further_keys = self._further_keys(batch)
        return [
            self._row(
                number,
                [None if v != v else v for v in rows[i]],
                packed[i * width : (i + 1) * width],
                {name: column[i] for name, column in others.items()},
                further_keys[i],
            )
            for i, number in enumerate(batch.numbers)
            if i not in rejected
        ]

    def _row(
        self,
        number: int,
        attributes: list[float | None],
        packed_attributes: bytes,
        cells: Mapping[str, Any],
        further_keys: tuple[str, ...],
    ) -> CatalogueRow:
        """Return row ``number`` with ``cells`` by field, and its fingerprint."""
        title, album = cells.get("title") or "", cells.get("album") or None
        artists = cells.get("artists") or ArtistField()
        external_id = cells.get("external_id")
        duration_ms = cells.get("duration_ms", cells.get("duration"))
        year, key, mode = cells.get("year"), cells.get("key"), cells.get("mode")
        is_named = bool(title and artists.line)
        source_key = self._track_keys.source_key(
            external_id or (further_keys[0] if further_keys and not is_named else None),
            artists.line,
            title,
            album or "",
            attributes,
            (duration_ms, year, key, mode),
        )
        external_id = recording_id(source_key) or external_id or None
        fields = {
            "external_id": external_id,
            "title": title or (songs.UNTITLED if external_id else ""),
            "artists": artists.line,
            "year": year,
            "duration_ms": duration_ms,
            "key": key,
            "mode": mode,
            "time_signature": cells.get("time_signature"),
        }
        tags = [
            (kind, name)
            for kind in ("genre", "subgenre", "emotion")
            for name in cells.get(kind) or ()
        ]
        lyrics = cells.get("lyrics")
        further_keys = tuple(one for one in further_keys if one != source_key)
        fingerprint = _fingerprint(
            packed_attributes, (*fields.values(), artists, album, tags, lyrics), further_keys
        )
        return CatalogueRow(
            number=number,
            source_key=source_key,
            fingerprint=fingerprint,
            song_key=songs.song_key(artists.line, title)
            if is_named
            else songs.unique_song_key(source_key),
            fields={**fields, "title": fields["title"] or f"Track {number}"},
            attributes=attributes,
            artists=artists,
            album=album,
            tags=tags,
            lyrics=lyrics,
            playlist=_playlist(cells.get("playlist_id"), cells.get("playlist_name")),
            further_keys=further_keys,
            is_titled=bool(title),
        )

    def _further_keys(self, batch: Batch) -> list[tuple[str, ...]]:
        """Return the keys in the other columns of ids, by row."""
        return [
            tuple(
                dict.fromkeys(
                    key
                    for at in self._further_ids
                    if row[at] and (key := recording_key(str(row[at])))
                )
            )
            for row in batch.rows
        ]


def _fingerprint(attributes: bytes, others: Sequence[Any], further_keys: Sequence[str]) -> str:
    """Return a digest that changes with any stored value of a row."""
    digest = hashlib.blake2b(_VERSION, digest_size=16)
    digest.update(attributes)
    digest.update("\x1f".join(map(str, others)).encode())
    if further_keys:
        digest.update("\x1f".join(further_keys).encode())
    return digest.hexdigest()


def _playlist(external_id: str | None, name: str | None) -> tuple[str, str] | None:
    """Return a playlist's id and name; without an id it is identified by its name."""
    key = external_id or (name or "")[: _MAX_LENGTH["playlist_id"]]
    return (key, name or "Playlist") if key else None


def _fast_floats(cells: Sequence[Any]) -> NDArray[np.float64] | None:
    # Fast path: nearly every column of nearly every batch holds plain numbers only.
    try:
        if "_" in "".join(cells):
            return None
    except TypeError:
        pass  # numbers from a Parquet file rather than text
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except (TypeError, ValueError, OverflowError):
        return None
    return values


def _read_all(read: Callable[[Any], Any], cells: Sequence[Any]) -> tuple[list[Any], bool]:
    """Convert cells (equal ones once) to values or ``ValueError``; return also if any failed."""
    try:
        table = {cell: _try(read, cell) for cell in set(cells)}
    except TypeError:  # lists from a Parquet file
        values = [_try(read, cell) for cell in cells]
        return values, any(isinstance(value, ValueError) for value in values)
    failed = any(isinstance(value, ValueError) for value in table.values())
    return [table[cell] for cell in cells], failed


def _try(read: Callable[[Any], Any], cell: Any) -> Any:
    try:
        return read(cell)
    except ValueError as error:
        return error


def _text(missing: frozenset[str], text: str) -> str:
    return "" if text in missing else text


def _without(missing: frozenset[str], artists: ArtistField) -> ArtistField:
    if missing.isdisjoint(artists.names):
        return artists
    return replace(artists, names=tuple(name for name in artists.names if name not in missing))


def _check_length(text: str, name: str) -> str:
    if len(text) > _MAX_LENGTH[name]:
        raise ValueError(f"is longer than {_MAX_LENGTH[name]} characters")
    return text


def _check_labels(labels: list[str]) -> list[str]:
    for label in labels:
        if len(label) > _MAX_LABEL_LENGTH:
            raise ValueError(f"has a name longer than {_MAX_LABEL_LENGTH} characters")
    return labels


def _check_artists(artists: ArtistField) -> ArtistField:
    """Reject names that are too long; shorten a very long list of artists for display."""
    if any(len(name) > _MAX_LENGTH["artists"] for name in artists.names):
        raise ValueError(f"is longer than {_MAX_LENGTH['artists']} characters")
    return artists
