"""Feature sets of songs that another program extracted.

Revision 0033, after 0032.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imported_features",
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("feature_set", sa.String(length=40), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("mark", sa.String(length=32), server_default="", nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_imported_features_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("track_id", "feature_set", name=op.f("pk_imported_features")),
    )
    op.create_index("ix_imported_features_feature_set", "imported_features", ["feature_set"])


def downgrade() -> None:
    op.drop_table("imported_features")
