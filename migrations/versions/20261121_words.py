"""Words to search by, and languages as a kind of tag.

Revision 0006, after 0005. SQLite cannot change a CHECK constraint: the table ``tag`` is made anew,
and ``track_tag``, whose rows go with a dropped tag, is kept aside meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KINDS = "kind in ('genre', 'emotion', 'subgenre', 'tag')"
MORE_KINDS = "kind in ('genre', 'emotion', 'subgenre', 'tag', 'language')"

COLUMNS = "title, tags, words"
NEW = "new.title, new.tags, new.words"
OLD = "old.title, old.tags, old.words"
REMOVE = (
    f"INSERT INTO words_search(words_search, rowid, {COLUMNS}) "
    f"VALUES ('delete', old.track_id, {OLD})"
)
ADD = f"INSERT INTO words_search(rowid, {COLUMNS}) VALUES (new.track_id, {NEW})"
SQLITE = (
    f"CREATE VIRTUAL TABLE words_search USING fts5({COLUMNS}, content='track_words', "
    "content_rowid='track_id', tokenize='porter unicode61 remove_diacritics 2')",
    f"CREATE TRIGGER words_search_insert AFTER INSERT ON track_words BEGIN {ADD}; END",
    f"CREATE TRIGGER words_search_delete AFTER DELETE ON track_words BEGIN {REMOVE}; END",
    f"CREATE TRIGGER words_search_update AFTER UPDATE ON track_words BEGIN {REMOVE}; {ADD}; END",
)
POSTGRESQL = (
    "CREATE INDEX ix_words_search ON track_words USING gin ("
    "(setweight(to_tsvector('english', title), 'B') || setweight(to_tsvector('english', tags), 'A')"
    " || setweight(to_tsvector('english', words), 'D')))",
)


def upgrade() -> None:
    _allow(MORE_KINDS)
    op.create_table(
        "track_words",
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_track_words_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_track_words")),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER words_search_{name}")
        op.execute("DROP TABLE words_search")
    op.drop_table("track_words")
    op.execute("DELETE FROM tag WHERE kind = 'language'")
    _allow(KINDS)


def _allow(kinds: str) -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_tag_kind"), "tag", type_="check")
        op.create_check_constraint(op.f("ck_tag_kind"), "tag", kinds)
        return
    for statement in (
        "CREATE TEMP TABLE kept_track_tag AS SELECT track_id, tag_id FROM track_tag",
        "CREATE TABLE tag_again (id INTEGER NOT NULL, kind VARCHAR(20) NOT NULL, "
        "name VARCHAR(200) NOT NULL, CONSTRAINT pk_tag PRIMARY KEY (id), "
        f"CONSTRAINT ck_tag_kind CHECK ({kinds}))",
        "INSERT INTO tag_again SELECT id, kind, name FROM tag",
        "DELETE FROM track_tag",
        "DROP TABLE tag",
        "ALTER TABLE tag_again RENAME TO tag",
        "CREATE UNIQUE INDEX uq_tag_kind_name ON tag (kind, name)",
        "INSERT INTO track_tag (track_id, tag_id) SELECT track_id, tag_id FROM kept_track_tag",
        "DROP TABLE kept_track_tag",
    ):
        op.execute(statement)
