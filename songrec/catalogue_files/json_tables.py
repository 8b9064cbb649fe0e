"""Catalogues in JSON, read in batches: playlists with their tracks, arrays and lines of records."""

from __future__ import annotations

import codecs
import gzip
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from songrec.catalogue_files.batches import (
    BATCH_CHARACTERS,
    BATCH_ROWS,
    Batch,
    check_columns,
)
from songrec.catalogue_files.read_errors import read_errors_as_bad_input
from songrec.catalogue_files.reading_notes import Assumption
from songrec.catalogue_files.rejects import Reject, format_value
from songrec.core.errors import BadInput

MAX_RECORD_LENGTH = 1 << 26
"""Limit of characters per record (a playlist with its tracks, a song)."""
_CHUNK = 1 << 18
_SPACE = re.compile(r"[\s,]*")
_TWO_LINES = re.compile(r"([^\n]*)\n\s*(\S)")
_HEADER_RECORDS = 1_000
# Keys under which documents of exports and of Spotify's API hold their records.
_RECORD_KEYS = ("playlists", "tracks", "songs", "items", "data", "records")
_PLAYLIST_KEYS = {
    "pid": "playlist id",
    "playlist_id": "playlist id",
    "id": "playlist id",
    "name": "playlist name",
    "title": "playlist name",
}
Record = dict[str, Any] | str
"""A flat record, or the reason why it cannot be read."""


class JsonTable:
    """A JSON file, plain or gzipped, whose records are rows.

    The columns are the keys of the first records; keys of nested objects are joined by a blank
    (``"album name"``). Playlists with tracks give a row for each track. See ``TextTable`` for the
    parameters.
    """

    encoding = "JSON"
    decimal_comma = False

    def __init__(
        self, name: str, open_file: Callable[[], IO[bytes]], size: int, *, zipped: bool
    ) -> None:
        self.name = name
        self.assumptions: list[Assumption] = []
        self._open_file = open_file
        self._size = max(size, 1)
        self._zipped = zipped
        names: dict[str, None] = {}
        for record in itertools.islice(self._records(lambda *_: None), _HEADER_RECORDS):
            if isinstance(record, dict):
                names |= dict.fromkeys(record)
                check_columns(name, len(names))
        if not names:
            raise BadInput(f"{name}: holds no records (JSON objects with names and values).")
        self.header = list(names)

    def batches(self, size: int = BATCH_ROWS) -> Iterator[Batch]:
        """See ``Table``."""
        batch = Batch()
        start = end = 0

        def advance(fraction: float, characters: int) -> None:
            nonlocal end
            batch.fraction, end = fraction, characters

        for number, record in enumerate(self._records(advance), 1):
            if isinstance(record, str):
                batch.rejects.append(Reject(number, "", "", record))
            else:
                batch.rows.append([record.get(name) for name in self.header])
                batch.places.append(number)
                batch.numbers.append(number)
            if len(batch) >= size or end - start >= BATCH_CHARACTERS:
                yield batch
                batch, start = Batch(fraction=batch.fraction), end
        if len(batch):
            batch.fraction = 1.0
            yield batch

    def _records(self, on_advance: Callable[[float, int], None]) -> Iterator[Record]:
        with self._open() as raw, read_errors_as_bad_input(self.name):
            file: Any = gzip.GzipFile(fileobj=raw) if self._zipped else raw

            def advance(characters: int) -> None:
                on_advance(min(raw.tell() / self._size, 1.0), characters)

            yield from _flat_records(_Scanner(file, self.name, advance))

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with self._open_file() as file:
            yield file


class _Scanner:
    """Incremental decoder of the JSON values in a file of any length."""

    def __init__(self, file: Any, name: str, advance: Callable[[int], None]) -> None:
        first = file.read(_CHUNK)
        encoding = "utf-8-sig"
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self._file = file
        self.name = name
        self._advance = advance
        self._json = json.JSONDecoder()
        self._text = self._decoder.decode(first)
        self._at = 0
        self._before = 0
        self._done = not first
        self.values = 0

    def peek(self) -> str:
        """Return the next character that is neither blank nor a comma; "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read():
                return ""

    def skip(self, character: str) -> None:
        """Skip the next character, which must be ``character``."""
        if self.peek() != character:
            raise self._damaged(f"{character!r} is missing")
        self._at += 1

    def value(self) -> Any:
        """Decode the next value."""
        self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError:
                raise self._damaged("it is nested too deeply") from None
            except ValueError as error:
                if len(self._text) - self._at > MAX_RECORD_LENGTH:
                    raise self._damaged(
                        f"a record is longer than {MAX_RECORD_LENGTH:,} characters"
                    ) from None
                if not self._read():
                    raise self._damaged(str(error).split(":")[0]) from None
                continue
            # A number may go on in the next piece.
            if end == len(self._text) and not isinstance(value, dict | list) and self._read():
                continue
            self._at = end
            self.values += 1
            self._advance(self._before + self._at)
            return value

    def line(self) -> str:
        """Return the rest of the line."""
        while "\n" not in self._text[self._at :]:
            if len(self._text) - self._at > MAX_RECORD_LENGTH or not self._read():
                break
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end + 1
        line, self._at = self._text[self._at : end], end
        self._advance(self._before + self._at)
        return line

    def has_lines(self) -> bool:
        """Return whether the next line is a complete object and another one follows."""
        while (match := _TWO_LINES.match(self._text, self._at)) is None:
            if len(self._text) - self._at > MAX_RECORD_LENGTH or not self._read():
                return False
        if match[2] != "{":
            return False
        try:
            return isinstance(json.loads(match[1]), dict)
        except (ValueError, RecursionError):
            return False

    def _read(self) -> bool:
        if self._done:
            return False
        chunk = self._file.read(max(_CHUNK, len(self._text) - self._at))
        self._done = not chunk
        self._text = self._text[self._at :] + self._decoder.decode(chunk, final=self._done)
        self._before += self._at
        self._at = 0
        return True

    def _damaged(self, reason: str) -> BadInput:
        return BadInput(f"{self.name}: the JSON is damaged after value {self.values:,} ({reason}).")


def _flat_records(scanner: _Scanner) -> Iterator[Record]:
    first = scanner.peek()
    if first == "[":
        scanner.skip("[")
        yield from _elements(scanner)
    elif first == "{" and not scanner.has_lines():
        yield from _document(scanner)
    elif first == "{":
        while scanner.peek():
            line = scanner.line()
            try:
                yield from _flatten_record(json.loads(line))
            except (ValueError, RecursionError):
                yield f"is not a JSON object: {format_value(line.strip())}"


def _document(scanner: _Scanner) -> Iterator[Record]:
    """Yield the records in the arrays of one large object."""
    scanner.skip("{")
    single: dict[str, Any] = {}
    has_records = False
    while scanner.peek() not in ("}", ""):
        key = scanner.value()
        scanner.skip(":")
        if key in _RECORD_KEYS and scanner.peek() == "[":
            has_records = True
            scanner.skip("[")
            yield from _elements(scanner)
        else:
            single[str(key)] = scanner.value()
    if not has_records:
        yield from _flatten_record(single)


def _elements(scanner: _Scanner) -> Iterator[Record]:
    while (character := scanner.peek()) != "]":
        if not character:
            raise BadInput(
                f"{scanner.name}: the JSON ends too early, after value {scanner.values:,}; it was "
                "cut off. Copy it again."
            )
        yield from _flatten_record(scanner.value())
    scanner.skip("]")


def _flatten_record(value: Any) -> Iterator[Record]:
    """Yield the rows of one record: a playlist's tracks, or the record itself."""
    if not isinstance(value, dict):
        yield f"is not a JSON object: {format_value(value)}"
        return
    tracks = value.get("tracks")
    if isinstance(tracks, Mapping):
        tracks = tracks.get("items")
    if not isinstance(tracks, list):
        yield _flatten(value)
        return
    about: dict[str, Any] = {}
    for key, name in _PLAYLIST_KEYS.items():
        cell = value.get(key)
        if name not in about and isinstance(cell, str | int):
            about[name] = f"mpd:{cell}" if key == "pid" else cell
    if not tracks:
        name = format_value(about.get("playlist name", ""))
        yield f"is a playlist without tracks: {name}"
    for track in tracks:
        if isinstance(track, dict):
            yield about | _flatten(track)
        else:
            yield f"is not a track: {format_value(track)}"


def _flatten(record: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Flatten nested objects: ``{"album": {"name": …}}`` becomes ``"album name"``.

    Objects in lists are represented by their names, as artists are in Spotify's API.
    """
    flat: dict[str, Any] = {}
    for key, value in record.items():
        name = f"{prefix} {key}".strip()
        if isinstance(value, Mapping) and depth < 3:
            flat |= _flatten(value, name, depth + 1)
        elif isinstance(value, list):
            flat[name] = [
                part.get("name", part) if isinstance(part, Mapping) else part for part in value
            ]
        else:
            flat[name] = value
    return flat
