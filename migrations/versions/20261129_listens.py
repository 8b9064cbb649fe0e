"""Play history, more of what a missing song of a list is known by, keys of stream addresses.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listen",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("played_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("ms_played", sa.Integer(), nullable=True),
        sa.Column("is_skip", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("artists", sa.String(length=500), nullable=False),
        sa.Column("album", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_listen_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["track.id"], name=op.f("fk_listen_track_id_track"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listen")),
    )
    op.create_index(op.f("ix_listen_track_id"), "listen", ["track_id"])
    op.create_index("uq_listen_listener_id_key", "listen", ["listener_id", "key"], unique=True)
    with op.batch_alter_table("pending_like") as table:
        table.add_column(sa.Column("playlist_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("ids", sa.JSON(), nullable=True))
        table.add_column(
            sa.Column("path", sa.String(length=1000), nullable=False, server_default="")
        )
        table.create_foreign_key(
            op.f("fk_pending_like_playlist_id_playlist"),
            "playlist",
            ["playlist_id"],
            ["id"],
            ondelete="CASCADE",
        )
        table.create_index(op.f("ix_pending_like_playlist_id"), ["playlist_id"])
    op.add_column("playlist", sa.Column("stream_salt", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("playlist", "stream_salt")
    with op.batch_alter_table("pending_like") as table:
        table.drop_index(op.f("ix_pending_like_playlist_id"))
        table.drop_constraint(op.f("fk_pending_like_playlist_id_playlist"), type_="foreignkey")
        for name in ("playlist_id", "ids", "path"):
            table.drop_column(name)
    op.drop_table("listen")
