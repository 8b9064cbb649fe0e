"""Detection of a file's dialect from its header, and the positions of its columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from songrec.catalogue_files.column_recognition import (
    CORE_FIELDS,
    ColumnMapping,
    ColumnWarning,
    MappedColumn,
    recognise_columns,
)
from songrec.catalogue_files.dialects import BY_COLUMNS, DIALECTS, FIELDS, Dialect
from songrec.catalogue_files.rejects import format_value
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import BadInput, UnknownName

_NO_ATTRIBUTES = ColumnWarning(
    "no column holds an attribute (tempo, energy, …): these songs come in by name, to be found and "
    "listed, but nothing says how they sound. A list of likes is imported under Likes instead"
)


def normalize(name: str) -> str:
    """Reduce a header name to lower-case letters and digits, for comparison."""
    return re.sub(r"[\W_]+", "", name.casefold())


def dialect_by_name(name: str, dialects: Sequence[Dialect] = DIALECTS) -> Dialect:
    """Return the dialect called ``name``; ``UnknownName`` if there is none."""
    available = (*dialects, BY_COLUMNS)
    for dialect in available:
        if dialect.name == name:
            return dialect
    raise UnknownName("catalogue format", name, [d.name for d in available])


def map_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    name: str | None = None,
    *,
    requested: Mapping[str, str] = MappingProxyType({}),
    dialects: Sequence[Dialect] = DIALECTS,
) -> tuple[Dialect, ColumnMapping]:
    """Return a file's dialect and the mapping of its columns.

    Columns of the dialect are mapped by it; other columns, and all columns of a file without a
    dialect, are recognised by name and content.

    Parameters
    ----------
    header
        Names of the columns.
    rows
        Rows whose cells help to recognise columns.
    name
        Forces a dialect.
    requested
        Names of columns by field, which take precedence over everything else.

    Raises
    ------
    BadInput
        If the file is no catalogue, or lacks a requested column or one that its dialect needs.
    """
    chosen = [_requested_column(field, column, header) for field, column in requested.items()]
    try:
        dialect = detect_dialect(header, name, dialects)
    except BadInput as error:
        if name is not None or not rows:
            raise
        mapping = recognise_columns(header, rows, fixed=chosen)
        if not _is_catalogue(mapping):
            raise BadInput(f"{error}{_explain_recognition(mapping)}") from None
        if len(mapping.unknown_attributes) == len(ATTRIBUTE_NAMES):
            mapping = replace(mapping, warnings=(*mapping.warnings, _NO_ATTRIBUTES))
        return BY_COLUMNS, mapping
    return dialect, _map_dialect(dialect, header, rows, chosen)


def _map_dialect(
    dialect: Dialect,
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    chosen: Sequence[MappedColumn],
) -> ColumnMapping:
    fields = {column.field for column in chosen}
    used = {column.at for column in chosen}
    places = {
        field: at
        for field, at in locate_columns(dialect, header).items()
        if field not in fields and at not in used
    }
    by_evidence = CORE_FIELDS if dialect.open else ()
    by_dialect = [
        MappedColumn(field, at, format_value(header[at]), "format")
        for field, at in places.items()
        if field not in by_evidence
    ]
    return recognise_columns(
        header,
        rows,
        fixed=[*chosen, *by_dialect],
        preferred={field: places[field] for field in by_evidence if field in places},
        any_id=dialect is BY_COLUMNS,
    )


def _requested_column(field: str, name: str, header: Sequence[str]) -> MappedColumn:
    if field not in FIELDS:
        raise UnknownName("field", field, FIELDS)
    for spelling in (str, format_value, normalize):
        target = spelling(name)
        for at, column in enumerate(header):
            if target and spelling(column) == target:
                return MappedColumn(field, at, format_value(column), "request")
    near = difflib.get_close_matches(name, header, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise BadInput(f"has no column {name!r}.{hint} It has: {shorten_list(header)}.")


def _is_catalogue(mapping: ColumnMapping) -> bool:
    """Return whether the columns identify songs and hold more than a name or a number."""
    places = mapping.places
    if "title" in places:
        return "artists" in places or any(name in places for name in ATTRIBUTE_NAMES)
    return "external_id" in places and any(name in places for name in ATTRIBUTE_NAMES)


def locate_columns(dialect: Dialect, header: Sequence[str]) -> dict[str, int]:
    """Map the dialect's fields that ``header`` has to their column numbers."""
    at: dict[str, int] = {}
    for number, name in enumerate(header):
        at.setdefault(normalize(name), number)
    places: dict[str, int] = {}
    for field, spellings in dialect.columns.items():
        for spelling in spellings:
            if normalize(spelling) in at:
                places[field] = at[normalize(spelling)]
                break
    return places


def missing_columns(dialect: Dialect, header: Sequence[str]) -> list[str]:
    """List the required and signature columns of ``dialect`` that ``header`` lacks."""
    places = locate_columns(dialect, header)
    have = {normalize(name) for name in header}
    missing = [dialect.columns[f][0] for f in dialect.required if f not in places]
    return missing + [name for name in dialect.signature if normalize(name) not in have]


def detect_dialect(
    header: Sequence[str], name: str | None = None, dialects: Sequence[Dialect] = DIALECTS
) -> Dialect:
    """Return the dialect of a file with this header; ``name`` forces one.

    Raises ``BadInput``, naming the missing columns, if none fits.
    """
    if name is not None:
        dialect = dialect_by_name(name, dialects)
        # A forced format may lack its signature, never its required columns.
        missing = missing_columns(_unsigned(dialect), header)
        if missing:
            raise BadInput(_explain(dialect, missing, header))
        return dialect
    gaps = [(missing_columns(dialect, header), dialect) for dialect in dialects]
    for missing, dialect in gaps:
        if not missing:
            return dialect
    missing, nearest = max(gaps, key=lambda gap: _criteria_count(gap[1]) - len(gap[0]))
    present = locate_columns(nearest, header).keys() & set(nearest.required)
    if not present - {"external_id"}:
        names = ", ".join(dialect.name for dialect in dialects)
        raise BadInput(
            f"not a known catalogue format: none of the columns fits. Found: "
            f"{shorten_list(header)}. Known formats: {names}; see docs/data-formats.md."
        )
    raise BadInput(_explain(nearest, missing, header))


def _explain_recognition(mapping: ColumnMapping) -> str:
    """Explain why a table is not a catalogue, and what to do."""
    if not mapping.mapped:
        return ""
    read = ", ".join(f"{column.field} in {column.header!r}" for column in mapping.mapped[:8])
    return (
        f" By name and content were recognised: {read}. A catalogue needs titles or ids, and "
        "artists or attributes beside them; --column title=NAME says in which column they are."
    )


def _unsigned(dialect: Dialect) -> Dialect:
    return replace(dialect, signature=())


def _criteria_count(dialect: Dialect) -> int:
    return len(dialect.required) + len(dialect.signature)


def _explain(dialect: Dialect, missing: Sequence[str], header: Sequence[str]) -> str:
    parts = []
    used = set(locate_columns(dialect, header).values())
    free = {normalize(name): name for at, name in enumerate(header) if at not in used}
    for name in missing:
        near = difflib.get_close_matches(normalize(name), free, n=1, cutoff=0.6)
        parts.append(f"{name!r} (nearest: {free[near[0]][:60]!r})" if near else f"{name!r}")
    word = "column" if len(missing) == 1 else "columns"
    return (
        f"the nearest format is {dialect.name}, but the {word} {', '.join(parts)} "
        f"{'is' if len(missing) == 1 else 'are'} missing. Found: {shorten_list(header)}."
    )


def shorten_list(names: Sequence[str], max_names: int = 20) -> str:
    """List the first names of a header, each shortened, and count the rest."""
    shortened = [name if len(name) <= 40 else f"{name[:39]}…" for name in names[:max_names]]
    text = ", ".join(repr(name).strip("'\"") for name in shortened)
    return f"{text} and {len(names) - max_names} more" if len(names) > max_names else text
