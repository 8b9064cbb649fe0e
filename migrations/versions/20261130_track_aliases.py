"""Further keys of tracks, and keys of tracks that were known by a place or by another's ids.

Revision 0013, after 0012. Rows without names were known by their number (``row:songs:7``), and a
catalogue's own ids passed for Spotify's in files with Spotify's columns (``spotify:7``). Such
tracks get the keys by which imports know them now: their values, and the ids of their catalogue.
Nothing is renamed: addresses, likes and playlists stay.
"""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from alembic import op

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.track_identity import (
    MIN_VALUES,
    count_values,
    id_key,
    recording_key,
    repeated_key,
    values_key,
)

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BATCH = 20_000

TRACK = sa.table(
    "track",
    *(
        sa.column(name)
        for name in ("id", "source_key", "external_id", "source", "title", "artists")
    ),
)
ATTRIBUTES = sa.table("track_attributes", *map(sa.column, ("track_id", *ATTRIBUTE_NAMES)))
ALIAS = sa.table("track_alias", *map(sa.column, ("id", "key", "track_id")))
MERGE = sa.table(
    "track_merge",
    *map(sa.column, ("id", "survivor_id", "merged_id", "undone_at")),
    sa.column("before", sa.JSON),
)
MOVED = "track_alias.track_id"
"""Where a merge notes which rows it pointed at the survivor."""


def upgrade() -> None:
    op.create_table(
        "track_alias",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_track_alias_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_track_alias")),
        sa.UniqueConstraint("key", name=op.f("uq_track_alias_key")),
    )
    op.create_index(op.f("ix_track_alias_track_id"), "track_alias", ["track_id"])
    connection = op.get_bind()
    rows_by_values: Counter[str] = Counter()
    last = 0
    while rows := _tracks(connection, last):
        last = rows[-1].id
        keys = {}
        for row in rows:
            key = _key(row, [getattr(row, name) for name in ATTRIBUTE_NAMES], rows_by_values)
            if key is not None:
                keys.setdefault(key, row.id)
        _add(connection, keys)
    _add_merged(connection, rows_by_values)


def downgrade() -> None:
    connection = op.get_bind()
    for merge_id, before in connection.execute(sa.select(MERGE.c.id, MERGE.c.before)).all():
        if before["columns"].pop(MOVED, None):
            connection.execute(sa.update(MERGE).where(MERGE.c.id == merge_id).values(before=before))
    op.drop_table("track_alias")


def _tracks(connection: sa.Connection, last: int) -> list[sa.Row]:
    columns = (*TRACK.c, *(ATTRIBUTES.c[name] for name in ATTRIBUTE_NAMES))
    key = TRACK.c.source_key
    return list(
        connection.execute(
            sa.select(*columns)
            .select_from(TRACK.outerjoin(ATTRIBUTES, ATTRIBUTES.c.track_id == TRACK.c.id))
            .where(
                TRACK.c.id > last,
                key.like("row:%") | key.like("spotify:%") | key.like("id:%"),
            )
            .order_by(TRACK.c.id)
            .limit(BATCH)
        )
    )


def _key(row: Any, values: list[float | None], rows_by_values: Counter[str]) -> str | None:
    """Return the key by which an import knows this track now; None if it has it already."""
    kind = row.source_key.partition(":")[0]
    if kind == "row":
        if count_values(values) < MIN_VALUES:
            return None
        key = values_key(values, title=row.title, artists=row.artists)
        rows_by_values[key] += 1
        return repeated_key(key, rows_by_values[key])
    if kind == "spotify" and row.external_id:
        key = id_key(row.external_id, row.source)
    else:  # a catalogue's own id, unless it looks like one that is the same everywhere
        key = recording_key(row.external_id or "")
    return None if key == row.source_key else key


def _add(connection: sa.Connection, keys: dict[str, int]) -> None:
    """Add aliases, except for keys that are a track's already."""
    names = list(keys)
    for start in range(0, len(names), 1_000):
        part = names[start : start + 1_000]
        taken = set(
            connection.scalars(sa.select(TRACK.c.source_key).where(TRACK.c.source_key.in_(part)))
        )
        taken |= set(connection.scalars(sa.select(ALIAS.c.key).where(ALIAS.c.key.in_(part))))
        new = [{"key": key, "track_id": keys[key]} for key in part if key not in taken]
        if new:
            connection.execute(
                sa.text("INSERT INTO track_alias (key, track_id) VALUES (:key, :track_id)"), new
            )


def _add_merged(connection: sa.Connection, rows_by_values: Counter[str]) -> None:
    """Give survivors the keys of what was merged into them, and note them with each merge."""
    merges = connection.execute(
        sa.select(MERGE).where(MERGE.c.undone_at.is_(None)).order_by(MERGE.c.id)
    ).all()
    by_merged = {merge.merged_id: merge for merge in merges}
    for merge in merges:
        values = merge.before["links"].get("track_attributes") or [{"merged": {}}]
        key = _key(
            SimpleNamespace(**merge.before["track"]),
            [values[0]["merged"].get(name) for name in ATTRIBUTE_NAMES],
            rows_by_values,
        )
        if key is None:
            continue
        chain = [merge]
        while chain[-1].survivor_id in by_merged:
            chain.append(by_merged[chain[-1].survivor_id])
        _add(connection, {key: chain[-1].survivor_id})
        alias = connection.scalar(
            sa.select(ALIAS.c.id).where(
                ALIAS.c.key == key, ALIAS.c.track_id == chain[-1].survivor_id
            )
        )
        for one in chain if alias is not None else ():
            one.before["columns"].setdefault(MOVED, []).append(alias)
            connection.execute(
                sa.update(MERGE).where(MERGE.c.id == one.id).values(before=one.before)
            )
