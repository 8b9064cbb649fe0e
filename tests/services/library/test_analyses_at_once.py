"""Several processes that write the same rows at once: each meets what the others inserted."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.features.extraction import make_extractors
from songrec.features.settings import AudioSettings
from songrec.services.library import executors
from songrec.services.library.analysis_report import AnalyzeReport, AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder
from songrec.services.library.worker_process import Outcome, Task, request_of, try_to_analyse
from songrec.store import db as store_db
from songrec.store.db import db, is_transient, write_with_retries
from songrec.store.instance import Instance
from songrec.store.sound import audio_files
from songrec.store.tables import Artist, Tag, Track
from tests.audio_files.sounds import chords, write_wav

SETTINGS = AudioSettings(seconds=2.0)


def analyse_in_process(task: Task) -> Outcome:
    extractors = make_extractors(task.sets, AudioSettings(**task.settings))
    request = request_of(task)
    return Outcome(**try_to_analyse(request, extractors))


@pytest.fixture
def on_postgresql(server_url: str, tmp_path: Path) -> Iterator[Flask]:
    application = create_app(
        {"INSTANCE": tmp_path / "pg", "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    )
    with application.app_context():
        upgrade()
        yield application
        db.session.remove()
        db.engine.dispose()


def analyse_twice_at_once(app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two analyses of one folder, which end with each file at the same moment."""
    side_by_side = Barrier(2)

    def analyse_side_by_side(task: Task) -> Outcome:
        outcome = analyse_in_process(task)
        with contextlib.suppress(BrokenBarrierError):  # the other has ended
            side_by_side.wait(timeout=30)
        return outcome

    monkeypatch.setattr(executors, "analyse_here", analyse_side_by_side)
    for number in range(6):
        write_wav(folder / "jazz" / f"Band {number % 2} - Song {number}.wav", chords(1.5, number))
    request = AnalyzeRequest(folder, workers=1, settings=SETTINGS)

    def run(_: int) -> AnalyzeReport:
        with app.app_context():
            try:
                return analyze_folder(Instance(app.config["INSTANCE"], db.session), request)
            finally:
                side_by_side.abort()

    with ThreadPoolExecutor(2) as pool:
        for report in pool.map(run, range(2)):
            assert (report.found, report.rejected) == (6, [])
    session = db.session
    assert audio_files.counts(session) == {"listed": 0, "analysed": 6, "rejected": 0, "missing": 0}
    for table, count in ((Track, 6), (Artist, 2), (Tag, 1)):
        assert session.scalar(select(func.count()).select_from(table)) == count


def test_two_analyses_of_one_folder(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse_twice_at_once(app, tmp_path / "m", monkeypatch)


@pytest.mark.postgresql
def test_two_analyses_of_one_folder_on_postgresql(
    on_postgresql: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse_twice_at_once(on_postgresql, tmp_path / "m", monkeypatch)


class TestWriteWithRetries:
    """Another attempt where another process came first, none where a statement is wrong."""

    def test_a_row_that_came_first_is_read_by_the_next_attempt(
        self, app: Flask, session: Session
    ) -> None:
        attempts = []

        def write() -> int:
            tag = session.scalar(select(Tag).where(Tag.name == "jazz"))
            if not attempts:
                with app.app_context():
                    db.session.add(Tag(kind="genre", name="jazz"))
                    db.session.commit()
            attempts.append(tag)
            if tag is None:
                tag = Tag(kind="genre", name="jazz")
                session.add(tag)
                session.flush()
            return tag.id

        tag_id = write_with_retries(session, write)
        assert [one is None for one in attempts] == [True, False]
        assert session.scalars(select(Tag.id)).all() == [tag_id]

    def test_a_conflict_that_stays_is_raised(self, session: Session) -> None:
        attempts = []

        def write() -> None:
            attempts.append(1)
            session.add_all([Tag(kind="genre", name="jazz"), Tag(kind="genre", name="jazz")])

        with pytest.raises(IntegrityError):
            write_with_retries(session, write)
        assert len(attempts) == store_db.ATTEMPTS
        assert session.scalars(select(Tag)).all() == []

    @pytest.mark.sqlite
    def test_a_busy_database_is_waited_for_until_the_caller_gives_up(
        self, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store_db, "_RETRY_S", 0.0)
        session.execute(text("PRAGMA busy_timeout=10"))
        waits: list[str] = []

        def wait(message: str) -> None:
            waits.append(message)
            if len(waits) == 2:
                other.rollback()

        with contextlib.closing(sqlite3.connect(app.config["INSTANCE"] / "songrec.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            write_with_retries(session, lambda: session.add(Tag(kind="genre", name="jazz")), wait)
        assert len(waits) == 2
        assert "busy" in waits[0]
        assert session.scalar(select(func.count()).select_from(Tag)) == 1

    def test_a_wrong_statement_is_not_tried_again(self, session: Session) -> None:
        attempts: list[int] = []

        def write() -> Any:
            attempts.append(1)
            return session.execute(text("SELECT * FROM nowhere"))

        with pytest.raises((OperationalError, ProgrammingError)) as raised:
            write_with_retries(session, write)
        assert len(attempts) == 1
        assert not is_transient(raised.value)  # type: ignore[arg-type]
