"""Similar songs searched by PostgreSQL with pgvector: the answers of the memory map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.recommend.similarity.similar import audible_subspace, similar_tracks
from songrec.recommend.top_k import nearest_rows
from songrec.services.training.publication import publish
from songrec.store.instance import Instance
from songrec.store.runs import spaces, vector_tables
from tests.planted_run import Planted
from tests.planted_run import publish as plant_run

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True, scope="session"),
]


@pytest.fixture
def app_config() -> dict[str, Any]:
    return {"VECTORS": "pgvector"}


@pytest.fixture
def has_pgvector(app: Flask, session: Session) -> None:
    available = "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"
    if not session.scalar(text(available)):
        pytest.skip("this server has no pgvector")


def test_both_searches_answer_alike(
    app: Flask, session: Session, planted: Planted, has_pgvector: None
) -> None:
    instance = Instance(app.config["INSTANCE"], session)
    from_files = spaces.load_space(instance.folder / "runs" / planted.run.public_id)
    publish(instance, planted.run.public_id)
    session.commit()
    in_database = spaces.published_space(instance)
    assert in_database.neighbours is not None
    assert in_database.neighbours.columns == audible_subspace(in_database).columns
    for track_id in in_database.track_ids[::7].tolist():
        assert similar_tracks(in_database, track_id, 12) == similar_tracks(from_files, track_id, 12)


def test_ties_and_rounding_leave_no_row_out(
    app: Flask, session: Session, planted: Planted, has_pgvector: None
) -> None:
    instance = Instance(app.config["INSTANCE"], session)
    space = spaces.load_space(instance.folder / "runs" / planted.run.public_id)
    # Far from the origin, on a coarse grid: float32 rounds, and most distances have many ties.
    matrix = np.round(np.asarray(space.matrix) * 2).astype(np.float32) + np.float32(3000)
    vector_tables.fill(session, "grid", space.columns, matrix)
    table = vector_tables.open_table(session, "grid")
    assert table is not None
    point = matrix[5]
    exact = np.sqrt(((matrix.astype(np.float64) - point) ** 2).sum(axis=1))
    for count in (1, 10, 60, len(matrix), len(matrix) + 5):
        rows = table.nearest(point, count, 1e-12)
        last = np.sort(exact)[min(count, len(matrix)) - 1]
        assert set(rows.tolist()) == set(np.flatnonzero(exact <= last + 1e-9).tolist())
        assert set(rows.tolist()) <= set(table.nearest(point, count, 1e-6).tolist())
    assert set(nearest_rows(space, 5, 4).tolist()) >= {5}


def test_tables_of_the_published_run_and_the_one_before_are_kept(
    app: Flask, session: Session, planted: Planted, has_pgvector: None
) -> None:
    instance = Instance(app.config["INSTANCE"], session)
    vector_tables.fill(session, "older", ("x",), np.zeros((3, 1), dtype=np.float32))
    arrays = planted.track_ids, planted.labels, planted.coordinates, planted.values
    second = plant_run(session, instance.folder, *arrays)
    for run in (planted.run, second, planted.run):
        publish(instance, run.public_id)
    names = session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = :schema"),
        {"schema": vector_tables.SCHEMA},
    )
    assert set(names) == {planted.run.public_id, second.public_id}


def test_without_a_table_files_are_searched_and_the_log_says_so(
    app: Flask, session: Session, planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    space = spaces.published_space(Instance(app.config["INSTANCE"], session))
    assert space.neighbours is None
    assert f"`flask publish {planted.run.public_id}`" in caplog.text


def test_a_server_without_pgvector_is_one_line(
    app: Flask, session: Session, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    if session.scalar(text("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")):
        # A database may have it while this role may not create it.
        session.execute(text("CREATE ROLE reader"))
        session.execute(text("SET LOCAL ROLE reader"))
    with pytest.raises(NotReady, match="CREATE EXTENSION vector"):
        vector_tables.fill(session, "run", ("x",), np.zeros((1, 1), dtype=np.float32))
    session.rollback()
