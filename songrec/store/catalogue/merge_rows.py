"""Rows of any table that reference a track, and their JSON form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks
from songrec.store.db import Base, UtcDateTime
from songrec.store.tables import Duplicate, MatchKey, Playback, Track

Row = dict[str, Any]
_TRACK = Track.__table__
_PASSING = frozenset({MatchKey.__tablename__, Duplicate.__tablename__, Playback.__tablename__})
"""Tables whose rows are deleted with a merged track, because they are derived or transient."""


@dataclass(frozen=True, slots=True)
class Link:
    """A table whose key holds a track: ``rest`` are the key's other columns."""

    table: Table
    column: str
    rest: tuple[str, ...]

    def rows(self, session: Session, track_id: int) -> dict[tuple[Any, ...], Row]:
        """Return a track's rows by the rest of their key, without the track column."""
        result = session.execute(select(self.table).where(self.table.c[self.column] == track_id))
        rows = (dict(row) for row in result.mappings())
        return {tuple(row[name] for name in self.rest): self._without(row) for row in rows}

    def _without(self, row: Row) -> Row:
        return {name: value for name, value in row.items() if name != self.column}

    def put(self, session: Session, track_id: int, rows: dict[tuple[Any, ...], Row]) -> None:
        """Add rows to a track, except those that reference deleted rows (a listener)."""
        for name, existing in self._existing_references(session, rows.values()).items():
            rows = {
                key: row for key, row in rows.items() if row[name] is None or row[name] in existing
            }
        if rows:
            values = [{**row, self.column: track_id} for row in rows.values()]
            session.execute(insert(self.table), values)

    def take(self, session: Session, track_id: int, keys: Sequence[tuple[Any, ...]]) -> None:
        """Remove a track's rows with these keys."""
        for key in keys:
            same = [self.table.c[name] == value for name, value in zip(self.rest, key, strict=True)]
            session.execute(delete(self.table).where(self.table.c[self.column] == track_id, *same))

    def _existing_references(self, session: Session, rows: Any) -> dict[str, set[Any]]:
        existing: dict[str, set[Any]] = {}
        for name in (column.name for column in self.table.columns if column.name != self.column):
            for foreign in self.table.c[name].foreign_keys:
                values = sorted({row[name] for row in rows if row[name] is not None})
                existing[name] = set()
                for part in chunks(values):
                    query = select(foreign.column).where(foreign.column.in_(part))
                    existing[name].update(session.scalars(query))
        return existing


def pointing() -> tuple[list[Link], list[tuple[Table, str]]]:
    """Return the tables with a track in their key, and columns that reference one."""
    links, columns = [], []
    for table in Base.metadata.sorted_tables:
        if table.name in _PASSING:
            continue
        key = tuple(column.name for column in table.primary_key)
        for column in table.columns:
            if any(foreign.column.table is _TRACK for foreign in column.foreign_keys):
                if column.name in key:
                    rest = tuple(name for name in key if name != column.name)
                    links.append(Link(table, column.name, rest))
                else:
                    columns.append((table, column.name))
    return links, columns


def written(value: Any) -> Any:
    """Convert rows within lists and dictionaries to JSON values."""
    if isinstance(value, dict):
        return {name: written(one) for name, one in value.items()}
    if isinstance(value, list):
        return [written(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


def read(table: Table, row: Row) -> Row:
    """Convert a JSON row back, with its datetimes."""
    return {
        name: moment(value) if isinstance(table.c[name].type, UtcDateTime) else value
        for name, value in row.items()
    }


def moment(text: str | None) -> datetime | None:
    """Parse a datetime written as JSON."""
    return None if text is None else datetime.fromisoformat(text)
