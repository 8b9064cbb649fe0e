"""Publishing a run: the pointer in the database and, with pgvector, the run's vectors."""

from __future__ import annotations

from flask import current_app

from songrec.recommend.similarity.similar import audible_subspace
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs, spaces, vector_tables
from songrec.store.tables import Run


def publish(instance: Instance, public_id: str) -> Run:
    """Publish a run, new or old. The caller commits.

    With ``SONGREC_VECTORS=pgvector`` its vectors are written to the database, and those of all
    runs but the one published before are removed. Raises ``NotReady`` if
    that is impossible.
    """
    before = runs.published(instance.session)
    run = runs.publish(instance.session, public_id)
    if current_app.config.get("VECTORS") == "pgvector":
        folder = run_folders.run_folder(instance.folder, public_id)
        space = audible_subspace(spaces.load_space(folder))
        vector_tables.fill(instance.session, public_id, space.columns, space.matrix)
        retained = {public_id} | ({before.public_id} if before is not None else set())
        vector_tables.keep_only(instance.session, retained)
    return run
