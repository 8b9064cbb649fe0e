"""Plays in songrec are history, too: a switch of each listener, and the latest plays by an index.

Revision 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "listener",
        sa.Column("keeps_history", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.create_index("ix_listen_listener_id_played_at", "listen", ["listener_id", "played_at"])


def downgrade() -> None:
    op.drop_index("ix_listen_listener_id_played_at", table_name="listen")
    op.drop_column("listener", "keeps_history")
