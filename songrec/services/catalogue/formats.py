"""Formats of catalogue files and choices of their columns, for forms and commands."""

from __future__ import annotations

from collections.abc import Iterable

from songrec.catalogue_files.column_recognition import ColumnMapping, field_label
from songrec.catalogue_files.dialect_detection import dialect_by_name
from songrec.catalogue_files.dialects import BY_COLUMNS, DIALECTS, FIELDS, SCALES
from songrec.core.errors import BadInput, UnknownName

FORMATS = (*DIALECTS, BY_COLUMNS)
FIELD_LABELS = {name: field_label(name) for name in FIELDS}
"""What fields are called."""
EVIDENCE = {
    "request": "as chosen",
    "format": "the format's column",
    "name": "by its name",
    "content": "by what it holds",
}
"""Labels of the evidence for a column."""
IDENTITIES = {
    "spotify": "Spotify id",
    "mbid": "MusicBrainz id",
    "isrc": "ISRC",
    "id": "the catalogue's own id",
    "names": "artist and title",
    "values": "their values (no id, no full name)",
}
"""Labels of the kinds of keys of a row (``core.track_identity.key_kind``), the strongest first."""

__all__ = [
    "EVIDENCE",
    "FIELDS",
    "FIELD_LABELS",
    "FORMATS",
    "IDENTITIES",
    "SCALES",
    "ColumnMapping",
    "dialect_by_name",
    "parse_column_choices",
]


def parse_column_choices(choices: Iterable[str]) -> dict[str, str]:
    """Return the columns by field of choices such as ``"title=song_name"``.

    Raises ``BadInput`` for a choice of another form or a field that does not exist.
    """
    columns: dict[str, str] = {}
    for choice in choices:
        field, equals, column = (part.strip() for part in choice.partition("="))
        if not equals or not column:
            raise BadInput(f"{choice!r} is no choice of a column; write title=song_name.")
        field = {"id": "external_id", "artist": "artists"}.get(field.casefold(), field.casefold())
        if field not in FIELDS:
            raise UnknownName("field", field, FIELDS)
        columns[field] = column
    return columns
