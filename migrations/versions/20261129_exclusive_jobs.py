"""Jobs that exclude each other: of one key only one runs at a time.

Revision 0012, after 0011. Jobs that wait get the key of their kind.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEYS = {
    "library": ("ingest", "analyze", "demo", "refresh"),
    "training": ("train", "grid"),
    "predictor": ("predict",),
    "duplicates": ("duplicates",),
    "segments": ("fragments",),
    "words": ("words",),
}
INDEX = "uq_job_exclusive_key_running"


def upgrade() -> None:
    op.add_column("job", sa.Column("exclusive_key", sa.String(length=40), nullable=True))
    job = sa.table("job", sa.column("exclusive_key"), sa.column("kind"), sa.column("state"))
    for key, kinds in KEYS.items():
        waiting = sa.and_(job.c.state == "waiting", job.c.kind.in_(kinds))
        op.execute(job.update().where(waiting).values(exclusive_key=key))
    op.create_index(
        INDEX,
        "job",
        ["exclusive_key"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="job")
    op.drop_column("job", "exclusive_key")
