"""A job whose worker was killed is started again; ``attempts`` counts its workers.

Revision 0017, after 0016. Jobs from before count from zero.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("job", "attempts")
