"""Music servers, passwords of apps, and mixes.

Revision 0029, after 0028.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "music_server",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("allows_private", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("software", sa.String(length=60), server_default="", nullable=False),
        sa.Column("version", sa.String(length=60), server_default="", nullable=False),
        sa.Column("scan", sa.JSON(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_music_server")),
        sa.UniqueConstraint("name", name=op.f("uq_music_server_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_music_server_public_id")),
    )
    op.create_table(
        "app_password",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("secret", sa.String(length=400), nullable=False),
        sa.Column("api_key_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_client", sa.String(length=100), server_default="", nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_app_password_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_password")),
        sa.UniqueConstraint("api_key_hash", name=op.f("uq_app_password_api_key_hash")),
    )
    with op.batch_alter_table("app_password", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_password_user_id"), ["user_id"], unique=False)

    op.create_table(
        "mix",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("comment", sa.String(length=500), server_default="", nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("size", sa.Integer(), server_default="30", nullable=False),
        sa.Column("schedule", sa.String(length=100), server_default="", nullable=False),
        sa.Column("time_zone", sa.String(length=60), server_default="UTC", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('because', 'new', 'daily', 'rediscover', 'mood', 'path', 'radio')",
            name=op.f("ck_mix_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_mix_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mix")),
        sa.UniqueConstraint("public_id", name=op.f("uq_mix_public_id")),
    )
    with op.batch_alter_table("mix", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mix_next_at"), ["next_at"], unique=False)
        batch_op.create_index(
            "uq_mix_listener_id_kind_number", ["listener_id", "kind", "number"], unique=True
        )

    op.create_table(
        "server_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("server_id", sa.Integer(), nullable=False),
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.String(length=1000), nullable=False),
        sa.Column("secret_kind", sa.String(length=10), nullable=False),
        sa.Column("sends_likes", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sends_mixes", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("learns_removals", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sync", sa.JSON(), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "secret_kind in ('password', 'api_key')", name=op.f("ck_server_account_secret_kind")
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_server_account_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["server_id"],
            ["music_server.id"],
            name=op.f("fk_server_account_server_id_music_server"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_account")),
    )
    with op.batch_alter_table("server_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_server_account_listener_id"), ["listener_id"], unique=False
        )
        batch_op.create_index(
            "uq_server_account_server_id_listener_id", ["server_id", "listener_id"], unique=True
        )

    op.create_table(
        "mix_track",
        sa.Column("mix_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["mix_id"], ["mix.id"], name=op.f("fk_mix_track_mix_id_mix"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["track.id"], name=op.f("fk_mix_track_track_id_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mix_id", "track_id", name=op.f("pk_mix_track")),
    )
    with op.batch_alter_table("mix_track", schema=None) as batch_op:
        batch_op.create_index("ix_mix_track_track_id", ["track_id"], unique=False)

    op.create_table(
        "server_playlist",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.String(length=200), nullable=False),
        sa.Column("mix_id", sa.Integer(), nullable=True),
        sa.Column("playlist_id", sa.Integer(), nullable=True),
        sa.Column("is_own", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("written", sa.JSON(), nullable=False),
        sa.Column("changed", sa.String(length=60), server_default="", nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["server_account.id"],
            name=op.f("fk_server_playlist_account_id_server_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["mix_id"], ["mix.id"], name=op.f("fk_server_playlist_mix_id_mix"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["playlist_id"],
            ["playlist.id"],
            name=op.f("fk_server_playlist_playlist_id_playlist"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_playlist")),
    )
    with op.batch_alter_table("server_playlist", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_server_playlist_mix_id"), ["mix_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_server_playlist_playlist_id"), ["playlist_id"], unique=False
        )
        batch_op.create_index(
            "uq_server_playlist_account_id_remote_id", ["account_id", "remote_id"], unique=True
        )

    op.create_table(
        "server_track",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("server_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.String(length=200), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=True),
        sa.Column("remote_album_id", sa.String(length=200), nullable=False),
        sa.Column("remote_artist_id", sa.String(length=200), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("artists", sa.String(length=500), nullable=False),
        sa.Column("album", sa.String(length=500), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("suffix", sa.String(length=20), nullable=False),
        sa.Column("musicbrainz_id", sa.String(length=36), nullable=True),
        sa.Column("isrc", sa.String(length=20), nullable=True),
        sa.Column("scan_mark", sa.String(length=32), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["server_id"],
            ["music_server.id"],
            name=op.f("fk_server_track_server_id_music_server"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_server_track_track_id_track"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_track")),
    )
    with op.batch_alter_table("server_track", schema=None) as batch_op:
        batch_op.create_index(
            "ix_server_track_server_id_remote_album_id",
            ["server_id", "remote_album_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_server_track_server_id_remote_artist_id",
            ["server_id", "remote_artist_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_server_track_track_id"), ["track_id"], unique=False)
        batch_op.create_index(
            "uq_server_track_server_id_remote_id", ["server_id", "remote_id"], unique=True
        )

    op.create_table(
        "server_opinion",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("server_track_id", sa.Integer(), nullable=False),
        sa.Column("starred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("play_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("played_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["server_account.id"],
            name=op.f("fk_server_opinion_account_id_server_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["server_track_id"],
            ["server_track.id"],
            name=op.f("fk_server_opinion_server_track_id_server_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "server_track_id", name=op.f("pk_server_opinion")),
    )
    with op.batch_alter_table("server_opinion", schema=None) as batch_op:
        batch_op.create_index(
            "ix_server_opinion_server_track_id", ["server_track_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("server_opinion", schema=None) as batch_op:
        batch_op.drop_index("ix_server_opinion_server_track_id")

    op.drop_table("server_opinion")
    with op.batch_alter_table("server_track", schema=None) as batch_op:
        batch_op.drop_index("uq_server_track_server_id_remote_id")
        batch_op.drop_index(batch_op.f("ix_server_track_track_id"))
        batch_op.drop_index("ix_server_track_server_id_remote_artist_id")
        batch_op.drop_index("ix_server_track_server_id_remote_album_id")

    op.drop_table("server_track")
    with op.batch_alter_table("server_playlist", schema=None) as batch_op:
        batch_op.drop_index("uq_server_playlist_account_id_remote_id")
        batch_op.drop_index(batch_op.f("ix_server_playlist_playlist_id"))
        batch_op.drop_index(batch_op.f("ix_server_playlist_mix_id"))

    op.drop_table("server_playlist")
    with op.batch_alter_table("mix_track", schema=None) as batch_op:
        batch_op.drop_index("ix_mix_track_track_id")

    op.drop_table("mix_track")
    with op.batch_alter_table("server_account", schema=None) as batch_op:
        batch_op.drop_index("uq_server_account_server_id_listener_id")
        batch_op.drop_index(batch_op.f("ix_server_account_listener_id"))

    op.drop_table("server_account")
    with op.batch_alter_table("mix", schema=None) as batch_op:
        batch_op.drop_index("uq_mix_listener_id_kind_number")
        batch_op.drop_index(batch_op.f("ix_mix_next_at"))

    op.drop_table("mix")
    with op.batch_alter_table("app_password", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_password_user_id"))

    op.drop_table("app_password")
    op.drop_table("music_server")
