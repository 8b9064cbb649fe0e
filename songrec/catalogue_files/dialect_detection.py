"""Which dialect a header is, and where its columns stand."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace

from songrec.catalogue_files.dialects import DIALECTS, Dialect
from songrec.core.errors import BadInput, UnknownName


def squash(name: str) -> str:
    """A header name as it is compared: lower case, letters and digits only."""
    return re.sub(r"[\W_]+", "", name.casefold())


def by_name(name: str, dialects: Sequence[Dialect] = DIALECTS) -> Dialect:
    """The dialect called ``name``; ``UnknownName`` otherwise."""
    for dialect in dialects:
        if dialect.name == name:
            return dialect
    raise UnknownName("catalogue format", name, [d.name for d in dialects])


def locate(dialect: Dialect, header: Sequence[str]) -> dict[str, int]:
    """Field to column number, for those of the dialect's fields that ``header`` has."""
    at: dict[str, int] = {}
    for number, name in enumerate(header):
        at.setdefault(squash(name), number)
    places: dict[str, int] = {}
    for field, spellings in dialect.columns.items():
        for spelling in spellings:
            if squash(spelling) in at:
                places[field] = at[squash(spelling)]
                break
    return places


def lacking(dialect: Dialect, header: Sequence[str]) -> list[str]:
    """What ``header`` lacks to be this dialect: header names, required and signature."""
    places = locate(dialect, header)
    have = {squash(name) for name in header}
    missing = [dialect.columns[f][0] for f in dialect.required if f not in places]
    return missing + [name for name in dialect.signature if squash(name) not in have]


def choose(
    header: Sequence[str], name: str | None = None, dialects: Sequence[Dialect] = DIALECTS
) -> Dialect:
    """The dialect of a file with this header; ``name`` forces one. ``BadInput`` says what lacks."""
    if name is not None:
        dialect = by_name(name, dialects)
        # Forcing a format waives its signature, never the columns it cannot do without.
        missing = lacking(_unsigned(dialect), header)
        if missing:
            raise BadInput(_explain(dialect, missing, header))
        return dialect
    gaps = [(lacking(dialect, header), dialect) for dialect in dialects]
    for missing, dialect in gaps:
        if not missing:
            return dialect
    missing, nearest = min(gaps, key=lambda gap: len(gap[0]) / _demands(gap[1]))
    if not any(field in locate(nearest, header) for field in nearest.required):
        known = ", ".join(dialect.name for dialect in dialects)
        raise BadInput(
            f"this is no catalogue that songrec knows: none of the columns fits. Found: "
            f"{shorten_list(header)}. Known formats: {known}; see docs/data-formats.md."
        )
    raise BadInput(_explain(nearest, missing, header))


def _unsigned(dialect: Dialect) -> Dialect:
    return replace(dialect, signature=())


def _demands(dialect: Dialect) -> int:
    return len(dialect.required) + len(dialect.signature)


def _explain(dialect: Dialect, missing: Sequence[str], header: Sequence[str]) -> str:
    parts = []
    taken = set(locate(dialect, header).values())
    free = {squash(name): name for at, name in enumerate(header) if at not in taken}
    for name in missing:
        near = difflib.get_close_matches(squash(name), free, n=1, cutoff=0.6)
        parts.append(f"{name!r} (nearest: {free[near[0]][:60]!r})" if near else f"{name!r}")
    word = "column" if len(missing) == 1 else "columns"
    return (
        f"the nearest format is {dialect.name}, but the {word} {', '.join(parts)} "
        f"{'is' if len(missing) == 1 else 'are'} missing. Found: {shorten_list(header)}."
    )


def shorten_list(names: Sequence[str], most: int = 20) -> str:
    """The first names of a header, each shortened, and how many more there are."""
    shown = [name if len(name) <= 40 else f"{name[:39]}…" for name in names[:most]]
    text = ", ".join(repr(name).strip("'\"") for name in shown)
    return f"{text} and {len(names) - most} more" if len(names) > most else text
