"""The same request is queued once: of one key a single job waits or runs.

Revision 0015, after 0014. Jobs from before have no key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INDEX = "uq_job_request_key_active"


def upgrade() -> None:
    op.add_column("job", sa.Column("request_key", sa.String(length=64), nullable=True))
    op.create_index(
        INDEX,
        "job",
        ["request_key"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'running')"),
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="job")
    op.drop_column("job", "request_key")
