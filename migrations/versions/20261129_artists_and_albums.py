"""Artists and albums as tables; genres and emotions as tags only.

Revision 0009, after 0008. Credits are parsed from the joined artist lines by the one parser of
``songrec.core.artist_credits``, with the catalogue's own names as evidence. A line that was joined
from a list is indistinguishable from a name with commas here: importing the catalogue again gives
the list back.

The columns ``album``, ``genre`` and ``emotion`` of ``track`` go. Full-text search indexes the view
``track_text`` instead of them, and every name of a joined genre or emotion becomes a tag.
"""

import re

import sqlalchemy as sa
from alembic import op

from songrec.core.artist_credits import (
    ArtistField,
    Credit,
    Evidence,
    artist_key,
    collect_evidence,
    parse_credits,
)
from songrec.core.songs import album_public_id, public_id, song_key
from songrec.core.sorting import sort_key

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BATCH = 20_000
CUT_NUMBER = re.compile(r"(?<![\w-])(\d{1,3}), (?=\d{3}\b)")
COLUMNS = "title, artists, album, genre"
VIEW = (
    "CREATE VIEW track_text AS SELECT track.id AS id, track.title AS title, "
    "track.artists AS artists, album.title AS album, "
    "(SELECT group_concat(name, ' ') FROM (SELECT tag.name AS name FROM track_tag "
    "JOIN tag ON tag.id = track_tag.tag_id WHERE track_tag.track_id = track.id "
    "AND tag.kind = 'genre' ORDER BY tag.id)) AS genre "
    "FROM track LEFT JOIN album ON album.id = track.album_id"
)
SEARCH = (
    "CREATE VIRTUAL TABLE track_search USING fts5({columns}, content='{content}', "
    "content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
)


def _trigger(name: str, event: str, row: str, *, add: bool, genre: bool = False) -> str:
    what = "rowid" if add else "track_search, rowid"
    command = "" if add else "'delete', "
    when = f"WHEN (SELECT kind FROM tag WHERE id = {row.split('.')[0]}.tag_id) = 'genre' "
    return (
        f"CREATE TRIGGER {name} {event} {when if genre else ''}BEGIN "
        f"INSERT INTO track_search({what}, {COLUMNS}) SELECT {command}id, {COLUMNS} "
        f"FROM track_text WHERE id = {row}; END"
    )


NAMED = "UPDATE OF title, artists, album_id ON track"
TRIGGERS = (
    _trigger("track_search_insert", "AFTER INSERT ON track", "new.id", add=True),
    _trigger("track_search_delete", "BEFORE DELETE ON track", "old.id", add=False),
    _trigger("track_search_forget", f"BEFORE {NAMED}", "old.id", add=False),
    _trigger("track_search_update", f"AFTER {NAMED}", "new.id", add=True),
    _trigger(
        "track_search_untagged", "BEFORE INSERT ON track_tag", "new.track_id", add=False, genre=True
    ),
    _trigger(
        "track_search_tagged", "AFTER INSERT ON track_tag", "new.track_id", add=True, genre=True
    ),
    _trigger(
        "track_search_tag_goes",
        "BEFORE DELETE ON track_tag",
        "old.track_id",
        add=False,
        genre=True,
    ),
    _trigger(
        "track_search_tag_gone", "AFTER DELETE ON track_tag", "old.track_id", add=True, genre=True
    ),
)
TRIGGER_NAMES = tuple(trigger.split()[2] for trigger in TRIGGERS)
OLD_TRIGGERS = ("track_search_insert", "track_search_delete", "track_search_update")
OLD_NEW = ", ".join(f"new.{name}" for name in COLUMNS.split(", "))
OLD_OLD = ", ".join(f"old.{name}" for name in COLUMNS.split(", "))
OLD_REMOVE = (
    f"INSERT INTO track_search(track_search, rowid, {COLUMNS}) VALUES ('delete', old.id, {OLD_OLD})"
)
OLD_ADD = f"INSERT INTO track_search(rowid, {COLUMNS}) VALUES (new.id, {OLD_NEW})"
OLD_SEARCH = (
    SEARCH.format(columns=COLUMNS, content="track"),
    f"CREATE TRIGGER track_search_insert AFTER INSERT ON track BEGIN {OLD_ADD}; END",
    f"CREATE TRIGGER track_search_delete AFTER DELETE ON track BEGIN {OLD_REMOVE}; END",
    f"CREATE TRIGGER track_search_update AFTER UPDATE OF {COLUMNS} ON track "
    f"BEGIN {OLD_REMOVE}; {OLD_ADD}; END",
    "INSERT INTO track_search(track_search) VALUES ('rebuild')",
)
OLD_INDEX = (
    "CREATE INDEX ix_track_search ON track USING gin (to_tsvector('simple', title || ' ' || "
    "artists || ' ' || coalesce(album, '') || ' ' || coalesce(genre, '')))"
)
INDEXES = (
    "CREATE INDEX ix_track_search ON track USING gin "
    "(to_tsvector('simple', title || ' ' || artists))",
    "CREATE INDEX ix_album_search ON album USING gin (to_tsvector('simple', title))",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "artist",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("musicbrainz_id", sa.String(length=36), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artist")),
        sa.UniqueConstraint("key", name=op.f("uq_artist_key")),
        sa.UniqueConstraint("musicbrainz_id", name=op.f("uq_artist_musicbrainz_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_artist_public_id")),
    )
    op.create_table(
        "album",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("artist_id", sa.Integer(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["artist_id"],
            ["artist.id"],
            name=op.f("fk_album_artist_id_artist"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_album")),
        sa.UniqueConstraint("public_id", name=op.f("uq_album_public_id")),
    )
    op.create_table(
        "track_artist",
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("artist_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("joiner", sa.String(length=40), nullable=False),
        sa.Column("credited_as", sa.String(length=500), nullable=True),
        sa.CheckConstraint("role in ('main', 'featured')", name=op.f("ck_track_artist_role")),
        sa.ForeignKeyConstraint(
            ["artist_id"],
            ["artist.id"],
            name=op.f("fk_track_artist_artist_id_artist"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_track_artist_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("track_id", "position", name=op.f("pk_track_artist")),
    )
    if sqlite:
        for name in OLD_TRIGGERS:
            op.execute(f"DROP TRIGGER {name}")
        op.execute("DROP TABLE track_search")
        op.execute(
            "ALTER TABLE track ADD COLUMN album_id INTEGER CONSTRAINT fk_track_album_id_album "
            "REFERENCES album (id) ON DELETE SET NULL"
        )
    else:
        op.execute("DROP INDEX ix_track_search")
        op.add_column("track", sa.Column("album_id", sa.Integer(), nullable=True))
        op.create_foreign_key(
            op.f("fk_track_album_id_album"),
            "track",
            "album",
            ["album_id"],
            ["id"],
            ondelete="SET NULL",
        )
    _fill()
    _tag_joined_names()
    op.create_index("ix_track_artist_artist_id_track_id", "track_artist", ["artist_id", "track_id"])
    op.create_index(op.f("ix_album_artist_id"), "album", ["artist_id"])
    op.create_index(op.f("ix_track_album_id"), "track", ["album_id"])
    # Keys were digests of names taken apart by another rule; they are made again when needed.
    op.execute("DELETE FROM match_key")
    for column in ("album", "genre", "emotion"):
        op.execute(f"ALTER TABLE track DROP COLUMN {column}")
    if sqlite:
        for statement in (VIEW, SEARCH.format(columns=COLUMNS, content="track_text"), *TRIGGERS):
            op.execute(statement)
        op.execute("INSERT INTO track_search(track_search) VALUES ('rebuild')")
    else:
        for statement in INDEXES:
            op.execute(statement)


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        for name in TRIGGER_NAMES:
            op.execute(f"DROP TRIGGER {name}")
        op.execute("DROP TABLE track_search")
        op.execute("DROP VIEW track_text")
    else:
        op.execute("DROP INDEX ix_track_search")
        op.execute("DROP INDEX ix_album_search")
    for column, length in (("album", 500), ("genre", 200), ("emotion", 100)):
        op.execute(f"ALTER TABLE track ADD COLUMN {column} VARCHAR({length})")
    op.execute(
        "UPDATE track SET album = (SELECT title FROM album WHERE album.id = track.album_id) "
        "WHERE album_id IS NOT NULL"
    )
    joined = "group_concat(name, ', ')" if sqlite else "string_agg(name, ', ')"
    for kind, length in (("genre", 200), ("emotion", 100)):
        op.execute(
            f"UPDATE track SET {kind} = (SELECT substr({joined}, 1, {length}) FROM "
            "(SELECT tag.name AS name FROM track_tag JOIN tag ON tag.id = track_tag.tag_id WHERE "
            f"track_tag.track_id = track.id AND tag.kind = '{kind}' ORDER BY tag.id) AS names)"
        )
    op.drop_index(op.f("ix_track_album_id"), "track")
    if not sqlite:
        op.drop_constraint(op.f("fk_track_album_id_album"), "track", type_="foreignkey")
    op.execute("ALTER TABLE track DROP COLUMN album_id")
    op.drop_table("track_artist")
    op.drop_table("album")
    op.drop_table("artist")
    op.execute("DELETE FROM match_key")
    for statement in OLD_SEARCH if sqlite else (OLD_INDEX,):
        op.execute(statement)


def _fill() -> None:
    """Parse every artist line; write artists, albums and credits batch by batch."""
    connection = op.get_bind()
    _mend_thousands(connection)
    evidence = _evidence(connection)
    artists, albums = _Artists(connection), _Albums(connection)
    _fill_merged(connection, evidence, artists, albums)
    last = 0
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT id, artists, album, year FROM track WHERE id > :last ORDER BY id LIMIT :n"
            ),
            {"last": last, "n": BATCH},
        ).all()
        if not rows:
            return
        last = rows[-1].id
        credits, on_albums = [], []
        for track_id, line, album, year in rows:
            mine = _credit_rows(parse_credits(line, evidence), artists)
            credits += [{"track_id": track_id, **row} for row in mine]
            if album:
                album_id = albums.id_of(album, artists.first(mine), year)
                on_albums.append({"row_id": track_id, "album_id": album_id})
        artists.write()
        albums.write()
        if credits:
            connection.execute(
                sa.text(
                    "INSERT INTO track_artist "
                    "(track_id, position, artist_id, role, joiner, credited_as) VALUES "
                    "(:track_id, :position, :artist_id, :role, :joiner, :credited_as)"
                ),
                credits,
            )
        if on_albums:
            connection.execute(
                sa.text("UPDATE track SET album_id = :album_id WHERE id = :row_id"), on_albums
            )


def _mend_thousands(connection: sa.Connection) -> None:
    """Close numbers that imports cut in two ("10, 000 Maniacs"), where the whole name is known.

    Such a name was read as a list of two.
    """
    lines = connection.execute(sa.text("SELECT DISTINCT artists FROM track")).scalars().all()
    known = {artist_key(line) for line in lines}
    for line in lines:
        mended = CUT_NUMBER.sub(r"\1,", line)
        if mended == line or artist_key(mended) not in known:
            continue
        rows = connection.execute(
            sa.text("SELECT id, title FROM track WHERE artists = :line"), {"line": line}
        )
        for row_id, title in rows.all():
            connection.execute(
                sa.text(
                    "UPDATE track SET artists = :artists, sort_artists = :sort, song_key = :key "
                    "WHERE id = :id"
                ),
                {
                    "artists": mended,
                    "sort": sort_key(mended),
                    "key": song_key(mended, title),
                    "id": row_id,
                },
            )


def _credit_rows(credits: list[Credit], artists: "_Artists") -> list[dict[str, object]]:
    rows = []
    for position, credit in enumerate(credits):
        artist_id, name = artists.id_of(credit.name)
        rows.append(
            {
                "position": position,
                "artist_id": artist_id,
                "role": credit.role,
                "joiner": credit.joiner[:40],
                "credited_as": None if credit.name == name else credit.name,
            }
        )
    return rows


def _fill_merged(
    connection: sa.Connection, evidence: Evidence, artists: "_Artists", albums: "_Albums"
) -> None:
    """Give merged tracks, which are kept as JSON until they come back, their credits and albums."""
    table = sa.table("track_merge", sa.column("id", sa.Integer), sa.column("before", sa.JSON))
    for merge_id, before in connection.execute(sa.select(table.c.id, table.c.before)).all():
        track = before["track"]
        mine = _credit_rows(parse_credits(track["artists"], evidence), artists)
        by, year = artists.first(mine), track["year"]
        album = track.pop("album", None)
        track["album_id"] = albums.id_of(album, by, year) if album else None
        before["aside"]["track_artist"] = mine
        filled = before["filled"].pop("album", None)
        if filled is not None:
            before["filled"]["album_id"] = [None, albums.id_of(filled[1], by, year)]
        for gone in ("genre", "emotion"):
            track.pop(gone, None)
            before["filled"].pop(gone, None)
        connection.execute(sa.update(table).where(table.c.id == merge_id).values(before=before))
    artists.write()
    albums.write()


def _evidence(connection: sa.Connection) -> Evidence:
    rows = connection.execute(sa.text("SELECT artists FROM track WHERE artists <> ''"))
    return collect_evidence(ArtistField.from_text(row[0]) for row in rows.yield_per(BATCH))


class _Artists:
    """Ids for names; rows that are not written yet are kept."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._known: dict[str, tuple[int, str]] = {}
        self._keys: dict[int, str] = {}
        self._new: list[dict[str, object]] = []

    def id_of(self, name: str) -> tuple[int, str]:
        key = artist_key(name)
        if key not in self._known:
            row_id = len(self._known) + 1
            self._known[key] = row_id, name
            self._keys[row_id] = key
            public = public_id(f"artist:{key}")
            self._new.append({"id": row_id, "public_id": public, "key": key, "name": name})
        return self._known[key]

    def first(self, rows: list[dict[str, object]]) -> tuple[int, str] | None:
        """The id and key of the first credited artist."""
        return (rows[0]["artist_id"], self._keys[rows[0]["artist_id"]]) if rows else None

    def write(self) -> None:
        if self._new:
            false = sa.false().compile(dialect=self._connection.dialect)
            self._connection.execute(
                sa.text(
                    "INSERT INTO artist (id, public_id, key, name, confirmed) "
                    f"VALUES (:id, :public_id, :key, :name, {false})"
                ),
                self._new,
            )
            if self._connection.dialect.name == "postgresql":
                _continue_ids(self._connection, "artist")
            self._new.clear()


class _Albums:
    """Ids for albums; rows that are not written yet are kept."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._known: dict[str, int] = {}
        self._new: list[dict[str, object]] = []

    def id_of(self, title: str, by: tuple[int, str] | None, year: int | None) -> int:
        public = album_public_id(title, by[1] if by else "")
        if public not in self._known:
            self._known[public] = len(self._known) + 1
            self._new.append(
                {
                    "id": self._known[public],
                    "public_id": public,
                    "title": title,
                    "artist_id": by[0] if by else None,
                    "year": year,
                }
            )
        return self._known[public]

    def write(self) -> None:
        if self._new:
            self._connection.execute(
                sa.text(
                    "INSERT INTO album (id, public_id, title, artist_id, year) "
                    "VALUES (:id, :public_id, :title, :artist_id, :year)"
                ),
                self._new,
            )
            if self._connection.dialect.name == "postgresql":
                _continue_ids(self._connection, "album")
            self._new.clear()


def _continue_ids(connection: sa.Connection, table: str) -> None:
    connection.execute(sa.text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))


def _tag_joined_names() -> None:
    """Tag tracks with what only their joined columns name."""
    connection = op.get_bind()
    for kind in ("genre", "emotion"):
        known = dict(
            connection.execute(
                sa.text("SELECT name, id FROM tag WHERE kind = :kind"), {"kind": kind}
            ).all()
        )
        untagged = connection.execute(
            sa.text(
                f"SELECT id, {kind} FROM track WHERE {kind} IS NOT NULL AND NOT EXISTS "
                "(SELECT 1 FROM track_tag JOIN tag ON tag.id = track_tag.tag_id "
                "WHERE track_tag.track_id = track.id AND tag.kind = :kind)"
            ),
            {"kind": kind},
        ).all()
        pairs = []
        for track_id, joined in untagged:
            for name in dict.fromkeys(part.strip().lower() for part in joined.split(", ")):
                if not name:
                    continue
                if name not in known:
                    connection.execute(
                        sa.text("INSERT INTO tag (kind, name) VALUES (:kind, :name)"),
                        {"kind": kind, "name": name},
                    )
                    known[name] = connection.execute(
                        sa.text("SELECT id FROM tag WHERE kind = :kind AND name = :name"),
                        {"kind": kind, "name": name},
                    ).scalar_one()
                pairs.append({"track_id": track_id, "tag_id": known[name]})
        if pairs:
            connection.execute(
                sa.text("INSERT INTO track_tag (track_id, tag_id) VALUES (:track_id, :tag_id)"),
                pairs,
            )
