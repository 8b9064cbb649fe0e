"""JSON documents and JSON lines: detection of their format, and their rows."""

from __future__ import annotations

import json
from typing import Any

from songrec.core.errors import BadInput
from songrec.services.listeners.list_formats import (
    lastfm,
    listenbrainz,
    own_export,
    plain_json,
    spotify,
    youtube,
)
from songrec.services.listeners.list_formats.entries import SongList, fields
from songrec.services.listeners.list_formats.jspf import read_jspf

Rows = list[tuple[int, Any]]


def read_json(text: str, name: str) -> SongList:
    """Read a JSON document or JSON lines; ``name`` is the file's without its extension."""
    try:
        document = json.loads(text)
    except RecursionError:
        raise BadInput("This file is nested too deeply to be a list of songs.") from None
    except json.JSONDecodeError as error:
        return _read_rows(_json_lines(text, error), name)
    if isinstance(document, list):
        return _read_rows(list(enumerate(_flat(document), 1)), name)
    return _read_object(fields(document), name)


def _read_object(document: dict[str, Any], name: str) -> SongList:
    if document.get("format") == own_export.FORMAT:
        return own_export.read(document)
    if isinstance(document.get("playlist"), dict):
        return read_jspf(document["playlist"], name)
    if _are_jspf(document.get("playlists")):
        return _read_several(document["playlists"], name)
    for reader in (listenbrainz, spotify, lastfm, youtube, plain_json):
        result = reader.read_object(document, name)
        if result is not None:
            return result
    keys = ", ".join(list(map(str, document))[:6]) or "nothing"
    raise BadInput(
        "This JSON is not a JSPF playlist, ListenBrainz, Spotify, Last.fm or YouTube data, or an "
        f"export of songrec; it holds {keys[:120]}."
    )


def _read_rows(rows: Rows, name: str) -> SongList:
    first = next((row for _, row in rows if isinstance(row, dict)), {})
    if _are_jspf([row for _, row in rows]):
        return _read_several([row for _, row in rows], name)
    for reader in (spotify, youtube, listenbrainz, lastfm, plain_json):
        if reader.has_row(first):
            return reader.read_rows(rows, name)
    if first and not any(listenbrainz.has_row(row) for _, row in rows if isinstance(row, dict)):
        keys = ", ".join(list(map(str, first))[:6]) or "nothing"
        raise BadInput(f"This JSON is a list, but not of songs: its rows have {keys[:120]}.")
    return listenbrainz.read_rows(rows, name)


def _are_jspf(documents: Any) -> bool:
    return isinstance(documents, list) and any(
        isinstance(fields(one).get("playlist"), dict) for one in documents
    )


def _read_several(documents: list[Any], name: str) -> SongList:
    """Read several JSPF documents, as ListenBrainz exports playlists."""
    result = SongList("JSPF")
    for number, document in enumerate(documents, 1):
        if isinstance(fields(document).get("playlist"), dict):
            result.append(read_jspf(document["playlist"], f"{name} {number}"))
        else:
            result.refuse(number, "is not a playlist")
    return result


def _flat(rows: list[Any]) -> list[Any]:
    """Return the rows of pages: ``[[a, b], [c]]`` and Last.fm's ``[{"track": [a, b]}, …]``."""
    pages = [row.get("track") if isinstance(row, dict) and "@attr" in row else row for row in rows]
    if rows and all(isinstance(page, list) for page in pages):
        return [row for page in pages for row in page]
    return rows


def _json_lines(text: str, error: json.JSONDecodeError) -> Rows:
    rows: Rows = []
    # Not `splitlines`: U+2028 may stand within a JSON text.
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except (json.JSONDecodeError, RecursionError):
                rows.append((number, None))
    if not any(isinstance(row, dict) for _, row in rows):
        raise BadInput(
            "This file begins like JSON but is not valid JSON: line "
            f"{error.lineno}, column {error.colno}: {error.msg}. It may have been cut off; "
            "export it again."
        )
    return rows
