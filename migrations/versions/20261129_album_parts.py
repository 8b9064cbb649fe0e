"""Tracks that are parts of an album file: where they begin and end in it.

Revision 0014, after 0013. A file may have several rows, one for each part.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("audio_file") as file:
        file.add_column(sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
        file.add_column(sa.Column("start_s", sa.Double(), nullable=True))
        file.add_column(sa.Column("end_s", sa.Double(), nullable=True))
        file.drop_constraint("uq_audio_file_path", type_="unique")
        file.create_index("uq_audio_file_path_part", ["path", "part"], unique=True)


def downgrade() -> None:
    op.execute("DELETE FROM audio_file WHERE part > 0")
    with op.batch_alter_table("audio_file") as file:
        file.drop_index("uq_audio_file_path_part")
        file.create_unique_constraint("uq_audio_file_path", ["path"])
        file.drop_column("end_s")
        file.drop_column("start_s")
        file.drop_column("part")
