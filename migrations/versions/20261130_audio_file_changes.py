"""An index by which it is known that files of the library changed.

Revision 0032, after 0031.
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("audio_file", schema=None) as batch_op:
        batch_op.create_index("ix_audio_file_updated_at", ["updated_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("audio_file", schema=None) as batch_op:
        batch_op.drop_index("ix_audio_file_updated_at")
