"""Links that share playlists, and songs in order of their year.

Revision 0028, after 0027.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("playlist", sa.Column("share_salt", sa.String(length=32), nullable=True))
    op.create_index("ix_track_year_id", "track", ["year", "id"])


def downgrade() -> None:
    op.drop_index("ix_track_year_id", "track")
    op.drop_column("playlist", "share_salt")
