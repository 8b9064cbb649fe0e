"""Tracks that an admin removed.

Revision 0022, after 0021. Runs may hold them; their ids are given to no other track.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "removed_track",
        sa.Column("track_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_removed_track")),
    )


def downgrade() -> None:
    op.drop_table("removed_track")
