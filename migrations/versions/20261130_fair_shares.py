"""Jobs know whose turn it is, uploads how far keeping them is, files who put them in the library.

Revision 0018, after 0017. Jobs that wait take turns by their account.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

REFERENCES = (("job", "listener_id", "CASCADE"), ("audio_file", "kept_by_id", "SET NULL"))


def upgrade() -> None:
    op.add_column("job", sa.Column("owner_key", sa.String(length=80), nullable=True))
    op.add_column("upload", sa.Column("keep_state", sa.String(length=12), nullable=True))
    op.add_column(
        "upload", sa.Column("derived_size", sa.Integer(), nullable=False, server_default="0")
    )
    for table, column, action in REFERENCES:
        # A statement that SQLite takes as it is, without building the table anew.
        name = f"fk_{table}_{column}_listener"
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} INTEGER "
            f"CONSTRAINT {name} REFERENCES listener (id) ON DELETE {action}"
        )
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_job_owner_key_started_at", "job", ["owner_key", "started_at"])
    op.execute(
        "UPDATE job SET owner_key = 'user:' || user_id "
        "WHERE user_id IS NOT NULL AND state IN ('waiting', 'running')"
    )
    op.execute(
        "UPDATE job SET listener_id = "
        "(SELECT max(upload.listener_id) FROM upload WHERE upload.job_id = job.id) "
        "WHERE kind IN ('upload', 'keep')"
    )
    op.execute(
        "UPDATE audio_file SET kept_by_id = (SELECT max(upload.listener_id) FROM upload "
        "WHERE upload.kept AND upload.path = audio_file.path)"
    )
    op.execute("UPDATE upload SET keep_state = 'queued' WHERE NOT kept AND expires_at IS NULL")


def downgrade() -> None:
    op.drop_index("ix_job_owner_key_started_at", table_name="job")
    for table, column, _ in REFERENCES:
        op.drop_index(f"ix_{table}_{column}", table_name=table)
        op.drop_column(table, column)
    op.drop_column("upload", "derived_size")
    op.drop_column("upload", "keep_state")
    op.drop_column("job", "owner_key")
