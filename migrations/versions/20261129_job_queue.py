"""The job table as the queue, and rate limits in the database.

Revision 0008, after 0007. Jobs that wait are taken up by the next worker as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("job") as job:
        job.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        job.add_column(sa.Column("worker", sa.String(length=40), nullable=True))
        job.drop_index("ix_job_state_created_at")
        job.create_index("ix_job_state_priority", ["state", "priority"])
    op.execute(
        "UPDATE job SET priority = 10 "
        "WHERE state = 'waiting' AND kind IN ('upload', 'keep', 'sleeve')"
    )
    op.create_table(
        "rate_limit",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limit")),
    )


def downgrade() -> None:
    op.drop_table("rate_limit")
    with op.batch_alter_table("job") as job:
        job.drop_index("ix_job_state_priority")
        job.create_index("ix_job_state_created_at", ["state", "created_at"])
        job.drop_column("worker")
        job.drop_column("priority")
