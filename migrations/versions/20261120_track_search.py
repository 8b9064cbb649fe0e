"""Full-text search over title, artists, album and genre.

SQLite: an FTS5 index over the track table's own columns, kept by triggers. PostgreSQL: an
expression index that ``songrec.store.catalogue.tracks`` matches with the same expression.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = ("title", "artists", "album", "genre")
PLAIN = ", ".join(COLUMNS)
NEW = ", ".join(f"new.{column}" for column in COLUMNS)
OLD = ", ".join(f"old.{column}" for column in COLUMNS)
REMOVE = f"INSERT INTO track_search(track_search, rowid, {PLAIN}) VALUES ('delete', old.id, {OLD})"
ADD = f"INSERT INTO track_search(rowid, {PLAIN}) VALUES (new.id, {NEW})"

SQLITE = (
    f"CREATE VIRTUAL TABLE track_search USING fts5({PLAIN}, content='track', content_rowid='id', "
    "tokenize='unicode61 remove_diacritics 2', prefix='2 3')",
    f"CREATE TRIGGER track_search_insert AFTER INSERT ON track BEGIN {ADD}; END",
    f"CREATE TRIGGER track_search_delete AFTER DELETE ON track BEGIN {REMOVE}; END",
    f"CREATE TRIGGER track_search_update AFTER UPDATE OF {PLAIN} ON track "
    f"BEGIN {REMOVE}; {ADD}; END",
    "INSERT INTO track_search(track_search) VALUES ('rebuild')",
)
POSTGRESQL = (
    "CREATE INDEX ix_track_search ON track USING gin (to_tsvector('simple', title || ' ' || "
    "artists || ' ' || coalesce(album, '') || ' ' || coalesce(genre, '')))",
)


def upgrade() -> None:
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER track_search_{name}")
        op.execute("DROP TABLE track_search")
    else:
        op.execute("DROP INDEX ix_track_search")
