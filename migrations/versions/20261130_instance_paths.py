"""Paths in the instance folder are stored relative to it, so that an instance can be moved.

Revision 0020, after 0019.
"""

import re
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from flask import current_app

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_FILE = sa.table("audio_file", *(sa.column(name) for name in ("id", "root", "path")))
_UPLOAD = sa.table("upload", *(sa.column(name) for name in ("id", "path")))
_KEPT = re.compile(r"/(library/[0-9a-f]{32}(?:/.+)?)\Z", re.DOTALL)
"""A kept upload in whichever folder the instance lay when its row was written."""


def upgrade() -> None:
    instance = Path(current_app.config["INSTANCE"])
    bases = (f"{instance}/", f"{instance.resolve()}/")

    def relative(path: str) -> str:
        for base in bases:
            if path.startswith(base):
                return path.removeprefix(base)
        kept = _KEPT.search(path)
        if kept is not None and (instance / kept[1]).exists():
            return kept[1]
        return path

    _convert(relative)


def downgrade() -> None:
    instance = Path(current_app.config["INSTANCE"]).resolve()
    _convert(lambda path: str(instance / path))


def _convert(convert: Callable[[str], str]) -> None:
    connection = op.get_bind()
    for table, names in ((_FILE, ("root", "path")), (_UPLOAD, ("path",))):
        rows = connection.execute(sa.select(table)).all()
        changed = []
        for row in rows:
            values = {name: convert(getattr(row, name)) for name in names}
            if any(values[name] != getattr(row, name) for name in names):
                changed.append({"row_id": row.id, **values})
        if changed:
            update = (
                sa.update(table)
                .where(table.c.id == sa.bindparam("row_id"))
                .values({name: sa.bindparam(name) for name in names})
            )
            connection.execute(update, changed)
