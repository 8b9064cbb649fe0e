"""Alembic's entry point: migrations run on the application's own engine."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import ForeignKeyConstraint

from songrec.store import tables
from songrec.store.db import Base, UtcDateTime
from songrec.store.instance_paths import InstancePath

assert tables.__all__  # importing the tables is what fills the metadata

# Full-text search (FTS5 tables on SQLite, an expression index on PostgreSQL) is made by hand in a
# migration; autogenerate must not see it.
SEARCH = ("track_search", "album_search", "words_search")


def include_name(name: str | None, kind: str, parents: object) -> bool:
    """Leave what full-text search is made of out of comparisons."""
    return not (
        kind in ("table", "index") and name is not None and any(search in name for search in SEARCH)
    )


INLINE_REFERENCES = {
    ("track", "album_id"),
    ("job", "listener_id"),
    ("audio_file", "kept_by_id"),
}


def include_object(
    item: object, name: str | None, kind: str, reflected: bool, compared_to: object
) -> bool:
    """Leave out references that SQLite added inline with their column.

    SQLAlchemy reads neither name nor ON DELETE of such a reference, and a reference of the table
    would need the table to be made anew.
    """
    return not (
        isinstance(item, ForeignKeyConstraint)
        and (item.table.name, *item.column_keys) in INLINE_REFERENCES
    )


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Write our own types as plain SQLAlchemy, so that migrations do not import songrec."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, InstancePath):
        return f"sa.{item.impl_instance!r}" if item.impl_instance.length else "sa.Text()"
    return False


def run() -> None:
    """Run the migrations in one transaction; an empty revision file is not written."""
    migrate = current_app.extensions["migrate"]
    engine = migrate.db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_name=include_name,
            include_object=include_object,
            render_item=render_item,
            **migrate.configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
