"""Files whose tags were read and that wait for their analysis have a state of their own.

Revision 0027, after 0026. Their songs can be played and found; they take part in no training yet.
"""

import re

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BEFORE = "state in ('analysed', 'rejected', 'missing')"
AFTER = "state in ('listed', 'analysed', 'rejected', 'missing')"


def upgrade() -> None:
    _allow(AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM audio_file WHERE state = 'listed'")
    _allow(BEFORE)


def _allow(states: str) -> None:
    name = op.f("ck_audio_file_state")
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(name, "audio_file", type_="check")
        op.create_check_constraint(name, "audio_file", states)
        return
    # SQLite cannot change a CHECK constraint: the table, which no other refers to, is made anew
    # by its own statement, so that everything else about it stays as it is.
    master = "SELECT sql FROM sqlite_master WHERE tbl_name = 'audio_file' AND sql IS NOT NULL AND "
    connection = op.get_bind()
    create = connection.exec_driver_sql(f"{master} type = 'table'").scalar_one()
    indexes = connection.exec_driver_sql(f"{master} type = 'index'").scalars().all()
    before = BEFORE if states == AFTER else AFTER
    again = re.sub(r'^CREATE TABLE "?audio_file"?', "CREATE TABLE audio_file_again", create)
    for statement in (
        again.replace(before, states),
        "INSERT INTO audio_file_again SELECT * FROM audio_file",
        "DROP TABLE audio_file",
        "ALTER TABLE audio_file_again RENAME TO audio_file",
        *indexes,
    ):
        connection.exec_driver_sql(statement)
