"""Headers of several rows, as pandas writes for columns with levels (FMA's ``tracks.csv``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

MAX_LEVELS = 4
_PLACEHOLDER = re.compile(r"Unnamed: \d+(_level_\d+)?")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)


def join_levels(header: Sequence[str], body: Sequence[Sequence[str]]) -> tuple[list[str], int]:
    """Return one name per column, and the number of rows of ``body`` that belong to the header.

    Parameters
    ----------
    header
        The file's first row.
    body
        The rows below it.

    Returns
    -------
    tuple
        The names, those of all levels joined by a blank ("track title"), and the number of further
        header rows, 0 for an ordinary header.
    """
    levels = _count_levels(header, body)
    if not levels:
        return list(header), 0
    rows = [header, *body[: levels - 1]]
    names = [_join([row[at] for row in rows]) for at in range(len(header))]
    if _names_index(body[levels - 1]):
        names[0] = body[levels - 1][0].strip()
        return names, levels
    names = [_join([name, cell]) for name, cell in zip(names, body[levels - 1], strict=True)]
    return names, levels


def _count_levels(header: Sequence[str], body: Sequence[Sequence[str]]) -> int:
    """Return the number of header rows below the first; the last may name the index."""
    named = [name for name in header[1:] if name.strip()]
    repeated = sum(count - 1 for count in Counter(named).values())
    if header[0].strip() or 3 * repeated < len(named) or not repeated:
        return 0
    rows = [row for row in body[:MAX_LEVELS] if len(row) == len(header)]
    for number, row in enumerate(rows, 1):
        if _names_index(row):
            return number
        if row[0].strip():
            break
    # Without a name of the index: a row of names, blank as the header is where rows have numbers.
    if len(rows) > 1 and not rows[0][0].strip() and not _is_data(rows[0]) and _is_data(rows[1]):
        return 1
    return 0


def _names_index(row: Sequence[str]) -> bool:
    return len(row) > 2 and bool(row[0].strip()) and not any(cell.strip() for cell in row[1:])


def _is_data(row: Sequence[str]) -> bool:
    return any(_NUMBER.fullmatch(cell.strip()) for cell in row)


def _join(levels: Sequence[str]) -> str:
    parts: list[str] = []
    for level in levels:
        name = level.strip()
        if name and not _PLACEHOLDER.fullmatch(name) and name not in parts[-1:]:
            parts.append(name)
    return " ".join(parts)
