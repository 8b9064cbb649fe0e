"""Names of runs, and merges that were made together.

Revision 0026, after 0025. Runs without a name are called by their models, clusters and day.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("name", sa.String(length=100), nullable=True))
    op.add_column("track_merge", sa.Column("batch", sa.String(length=16), nullable=True))
    op.create_index("ix_track_merge_batch", "track_merge", ["batch"])


def downgrade() -> None:
    op.drop_index("ix_track_merge_batch", table_name="track_merge")
    op.drop_column("track_merge", "batch")
    op.drop_column("run", "name")
