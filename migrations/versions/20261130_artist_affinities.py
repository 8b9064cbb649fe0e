"""Listening counts of others and similar artists; accounts may let likes and plays teach.

Revision 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "affinity_source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('counts', 'similar')", name=op.f("ck_affinity_source_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affinity_source")),
        sa.UniqueConstraint("name", name=op.f("uq_affinity_source_name")),
    )
    op.create_table(
        "named_artist",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("musicbrainz_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_artist")),
        sa.UniqueConstraint("key", name=op.f("uq_named_artist_key")),
    )
    op.create_table(
        "artist_affinity",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("group_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("artist_id", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["affinity_source.id"],
            name=op.f("fk_artist_affinity_source_id_affinity_source"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["artist_id"],
            ["named_artist.id"],
            name=op.f("fk_artist_affinity_artist_id_named_artist"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "source_id", "group_number", "artist_id", name=op.f("pk_artist_affinity")
        ),
    )
    op.create_index("ix_artist_affinity_artist_id", "artist_affinity", ["artist_id"])
    op.add_column(
        "user",
        sa.Column("shares_listening", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("user", "shares_listening")
    op.drop_table("artist_affinity")
    op.drop_table("named_artist")
    op.drop_table("affinity_source")
