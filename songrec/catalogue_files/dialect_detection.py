"""Detection of a file's dialect from its header, and the positions of its columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace

from songrec.catalogue_files.dialects import DIALECTS, Dialect
from songrec.core.errors import BadInput, UnknownName


def normalize(name: str) -> str:
    """Reduce a header name to lower-case letters and digits, for comparison."""
    return re.sub(r"[\W_]+", "", name.casefold())


def dialect_by_name(name: str, dialects: Sequence[Dialect] = DIALECTS) -> Dialect:
    """Return the dialect called ``name``; ``UnknownName`` if there is none."""
    for dialect in dialects:
        if dialect.name == name:
            return dialect
    raise UnknownName("catalogue format", name, [d.name for d in dialects])


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
    missing, nearest = min(gaps, key=lambda gap: len(gap[0]) / _criteria_count(gap[1]))
    if not any(field in locate_columns(nearest, header) for field in nearest.required):
        names = ", ".join(dialect.name for dialect in dialects)
        raise BadInput(
            f"not a known catalogue format: none of the columns fits. Found: "
            f"{shorten_list(header)}. Known formats: {names}; see docs/data-formats.md."
        )
    raise BadInput(_explain(nearest, missing, header))


def _unsigned(dialect: Dialect) -> Dialect:
    return replace(dialect, signature=())


def _criteria_count(dialect: Dialect) -> int:
    return len(dialect.required) + len(dialect.signature)


def _explain(dialect: Dialect, missing: Sequence[str], header: Sequence[str]) -> str:
    parts = []
    taken = set(locate_columns(dialect, header).values())
    free = {normalize(name): name for at, name in enumerate(header) if at not in taken}
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
