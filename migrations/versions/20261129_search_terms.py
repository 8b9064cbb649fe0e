"""Full-text search by folded terms, the same on both databases.

Revision 0011, after 0010. What names are found by (``songrec.core.search_terms``) is stored beside
them, and the index is made anew of it: an upgraded catalogue is searched like a new one.
"""

import sqlalchemy as sa
from alembic import op

from songrec.core.search_terms import search_terms

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BATCH = 20_000
SOURCES = {"track": ("title", "artists"), "album": ("title",), "tag": ("name",)}

VIEW = (
    "CREATE VIEW track_terms AS SELECT track.id AS id, track.search_terms || ' ' || "
    "coalesce(album.search_terms, '') || ' ' || coalesce((SELECT group_concat(terms, ' ') FROM "
    "(SELECT tag.search_terms AS terms FROM track_tag JOIN tag ON tag.id = track_tag.tag_id "
    "WHERE track_tag.track_id = track.id AND tag.kind = 'genre' ORDER BY tag.id)), '') AS terms "
    "FROM track LEFT JOIN album ON album.id = track.album_id"
)
# Terms are letters and digits between spaces; whatever is beyond ASCII is part of a term.
SEARCH = (
    "CREATE VIRTUAL TABLE track_search USING fts5(terms, content='track_terms', "
    "content_rowid='id', tokenize='ascii', prefix='1 2 3 4 5', detail='none')"
)
OLD_VIEW = (
    "CREATE VIEW track_text AS SELECT track.id AS id, track.title AS title, "
    "track.artists AS artists, album.title AS album, "
    "(SELECT group_concat(name, ' ') FROM (SELECT tag.name AS name FROM track_tag "
    "JOIN tag ON tag.id = track_tag.tag_id WHERE track_tag.track_id = track.id "
    "AND tag.kind = 'genre' ORDER BY tag.id)) AS genre "
    "FROM track LEFT JOIN album ON album.id = track.album_id"
)
OLD_SEARCH = (
    "CREATE VIRTUAL TABLE track_search USING fts5(title, artists, album, genre, "
    "content='track_text', content_rowid='id', tokenize='unicode61 remove_diacritics 2', "
    "prefix='2 3')"
)
INDEXES = (
    "CREATE INDEX ix_track_search ON track USING gin (CAST(search_terms AS tsvector))",
    "CREATE INDEX ix_album_search ON album USING gin (CAST(search_terms AS tsvector))",
)
OLD_INDEXES = (
    "CREATE INDEX ix_track_search ON track USING gin "
    "(to_tsvector('simple', title || ' ' || artists))",
    "CREATE INDEX ix_album_search ON album USING gin (to_tsvector('simple', title))",
)


def _triggers(view: str, columns: str, named: str) -> tuple[str, ...]:
    def trigger(name: str, event: str, row: str, *, add: bool) -> str:
        what = "rowid" if add else "track_search, rowid"
        command = "" if add else "'delete', "
        tag = f"{row.split('.')[0]}.tag_id"
        when = f"WHEN (SELECT kind FROM tag WHERE id = {tag}) = 'genre' "
        return (
            f"CREATE TRIGGER track_search_{name} {event} {when if 'track_tag' in event else ''}"
            f"BEGIN INSERT INTO track_search({what}, {columns}) SELECT {command}id, {columns} "
            f"FROM {view} WHERE id = {row}; END"
        )

    update = f"UPDATE OF {named}, album_id ON track"
    return (
        trigger("insert", "AFTER INSERT ON track", "new.id", add=True),
        trigger("delete", "BEFORE DELETE ON track", "old.id", add=False),
        trigger("forget", f"BEFORE {update}", "old.id", add=False),
        trigger("update", f"AFTER {update}", "new.id", add=True),
        trigger("untagged", "BEFORE INSERT ON track_tag", "new.track_id", add=False),
        trigger("tagged", "AFTER INSERT ON track_tag", "new.track_id", add=True),
        trigger("tag_goes", "BEFORE DELETE ON track_tag", "old.track_id", add=False),
        trigger("tag_gone", "AFTER DELETE ON track_tag", "old.track_id", add=True),
    )


TRIGGERS = _triggers("track_terms", "terms", "search_terms")
OLD_TRIGGERS = _triggers("track_text", "title, artists, album, genre", "title, artists")
NAMES = tuple(trigger.split()[2] for trigger in TRIGGERS)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        _drop_sqlite("track_text")
    else:
        _drop_postgresql()
    for table in SOURCES:
        op.add_column(
            table, sa.Column("search_terms", sa.Text(), nullable=False, server_default="")
        )
        _fill(table)
    if sqlite:
        _make_sqlite(VIEW, SEARCH, TRIGGERS)
    else:
        for statement in INDEXES:
            op.execute(statement)


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        _drop_sqlite("track_terms")
    else:
        _drop_postgresql()
    for table in SOURCES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN search_terms")
    if sqlite:
        _make_sqlite(OLD_VIEW, OLD_SEARCH, OLD_TRIGGERS)
    else:
        for statement in OLD_INDEXES:
            op.execute(statement)


def _drop_sqlite(view: str) -> None:
    for name in NAMES:
        op.execute(f"DROP TRIGGER {name}")
    op.execute("DROP TABLE track_search")
    op.execute(f"DROP VIEW {view}")


def _make_sqlite(view: str, search: str, triggers: tuple[str, ...]) -> None:
    for statement in (view, search, *triggers):
        op.execute(statement)
    op.execute("INSERT INTO track_search(track_search) VALUES ('rebuild')")


def _drop_postgresql() -> None:
    op.execute("DROP INDEX ix_track_search")
    op.execute("DROP INDEX ix_album_search")


def _fill(table: str) -> None:
    connection, last = op.get_bind(), 0
    columns = ", ".join(SOURCES[table])
    query = sa.text(f"SELECT id, {columns} FROM {table} WHERE id > :last ORDER BY id LIMIT :n")
    write = sa.text(f"UPDATE {table} SET search_terms = :terms WHERE id = :row_id")
    while rows := connection.execute(query, {"last": last, "n": BATCH}).all():
        last = rows[-1][0]
        connection.execute(
            write, [{"row_id": row_id, "terms": search_terms(*names)} for row_id, *names in rows]
        )
