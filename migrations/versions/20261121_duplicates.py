"""duplicates: where to look, what was found, what was merged

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "match_key",
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_match_key_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_match_key")),
    )
    op.create_index("ix_match_key_key", "match_key", ["key", "track_id", "duration_ms"])
    op.create_index(op.f("ix_match_key_seen_at"), "match_key", ["seen_at"])

    op.create_table(
        "duplicate",
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind in ('content', 'names', 'fingerprint', 'features')",
            name=op.f("ck_duplicate_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["track.id"],
            name=op.f("fk_duplicate_first_id_track"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["second_id"],
            ["track.id"],
            name=op.f("fk_duplicate_second_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", "kind", name=op.f("pk_duplicate")),
    )
    op.create_index("ix_duplicate_group_id", "duplicate", ["group_id"])
    op.create_index("ix_duplicate_second_id", "duplicate", ["second_id"])

    op.create_table(
        "track_merge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survivor_id", sa.Integer(), nullable=False),
        sa.Column("merged_id", sa.Integer(), nullable=False),
        sa.Column("merged_public_id", sa.String(length=16), nullable=False),
        sa.Column("merged_source_key", sa.String(length=80), nullable=False),
        sa.Column("merged_external_id", sa.String(length=100), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("artists", sa.String(length=500), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_track_merge")),
    )
    for column in (
        "survivor_id",
        "merged_id",
        "merged_public_id",
        "merged_source_key",
        "merged_external_id",
    ):
        op.create_index(op.f(f"ix_track_merge_{column}"), "track_merge", [column])


def downgrade() -> None:
    for table in ("track_merge", "duplicate", "match_key"):
        op.drop_table(table)
