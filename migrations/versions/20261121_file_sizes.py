"""Sizes and moments of sound files need 64 bits, which only SQLite gives an INTEGER.

Revision 0007, after 0006. On PostgreSQL no file could be written down before: a modification time
in nanoseconds is out of an INTEGER's range.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = ("size", "modified_ns")


def upgrade() -> None:
    """Widen the two columns."""
    _change(sa.Integer(), sa.BigInteger())


def downgrade() -> None:
    """Narrow them again; fails where a value does not fit."""
    _change(sa.BigInteger(), sa.Integer())


def _change(old: sa.types.TypeEngine, new: sa.types.TypeEngine) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for column in COLUMNS:
        op.alter_column("audio_file", column, existing_type=old, type_=new, existing_nullable=False)
