"""What apps report and keep, and when playlists changed.

Revision 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "album_opinion",
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("album_id", sa.Integer(), nullable=False),
        sa.Column("starred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["album_id"],
            ["album.id"],
            name=op.f("fk_album_opinion_album_id_album"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_album_opinion_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("listener_id", "album_id", name=op.f("pk_album_opinion")),
    )
    with op.batch_alter_table("album_opinion", schema=None) as batch_op:
        batch_op.create_index("ix_album_opinion_album_id", ["album_id"], unique=False)

    op.create_table(
        "artist_opinion",
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("artist_id", sa.Integer(), nullable=False),
        sa.Column("starred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["artist_id"],
            ["artist.id"],
            name=op.f("fk_artist_opinion_artist_id_artist"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_artist_opinion_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("listener_id", "artist_id", name=op.f("pk_artist_opinion")),
    )
    with op.batch_alter_table("artist_opinion", schema=None) as batch_op:
        batch_op.create_index("ix_artist_opinion_artist_id", ["artist_id"], unique=False)

    op.create_table(
        "play_queue",
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("tracks", sa.JSON(), nullable=False),
        sa.Column("current", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "position_ms",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default="0",
            nullable=False,
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=100), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_play_queue_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("listener_id", name=op.f("pk_play_queue")),
    )
    op.create_table(
        "bookmark",
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column(
            "position_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("comment", sa.String(length=500), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_bookmark_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["track.id"], name=op.f("fk_bookmark_track_id_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("listener_id", "track_id", name=op.f("pk_bookmark")),
    )
    with op.batch_alter_table("bookmark", schema=None) as batch_op:
        batch_op.create_index("ix_bookmark_track_id", ["track_id"], unique=False)

    op.create_table(
        "playback",
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("client", sa.String(length=100), nullable=False),
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column(
            "position_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("reports_position", sa.Boolean(), nullable=False),
        sa.Column("is_counted", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('starting', 'playing', 'paused', 'stopped')", name=op.f("ck_playback_state")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["app_password.id"],
            name=op.f("fk_playback_device_id_app_password"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_playback_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["track.id"], name=op.f("fk_playback_track_id_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", "client", name=op.f("pk_playback")),
    )
    with op.batch_alter_table("playback", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_playback_listener_id"), ["listener_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_playback_track_id"), ["track_id"], unique=False)

    op.create_table(
        "track_rating",
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("made_reaction", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rating between 1 and 5", name=op.f("ck_track_rating_rating")),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_track_rating_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_track_rating_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("listener_id", "track_id", name=op.f("pk_track_rating")),
    )
    with op.batch_alter_table("track_rating", schema=None) as batch_op:
        batch_op.create_index("ix_track_rating_track_id", ["track_id"], unique=False)

    op.add_column("playlist", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("playlist", "changed_at")

    with op.batch_alter_table("track_rating", schema=None) as batch_op:
        batch_op.drop_index("ix_track_rating_track_id")

    op.drop_table("track_rating")
    with op.batch_alter_table("playback", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_playback_track_id"))
        batch_op.drop_index(batch_op.f("ix_playback_listener_id"))

    op.drop_table("playback")
    with op.batch_alter_table("bookmark", schema=None) as batch_op:
        batch_op.drop_index("ix_bookmark_track_id")

    op.drop_table("bookmark")
    op.drop_table("play_queue")
    with op.batch_alter_table("artist_opinion", schema=None) as batch_op:
        batch_op.drop_index("ix_artist_opinion_artist_id")

    op.drop_table("artist_opinion")
    with op.batch_alter_table("album_opinion", schema=None) as batch_op:
        batch_op.drop_index("ix_album_opinion_album_id")

    op.drop_table("album_opinion")
