"""The queue and the rate limits on PostgreSQL: claims skip rows that another worker has locked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade

from songrec import create_app
from songrec.store import jobs
from songrec.store.db import db
from songrec.web import ratelimit
from tests.postgresql import server_url  # noqa: F401 - a fixture

pytestmark = pytest.mark.postgresql


@pytest.fixture
def app(server_url: str, tmp_path: Path) -> Iterator[Flask]:  # noqa: F811
    application = create_app(
        {"INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    )
    with application.app_context():
        upgrade()
        yield application
        db.session.remove()
        db.engine.dispose()


def test_several_workers_share_the_jobs(app: Flask) -> None:
    created = [jobs.create(db.session, "train", {}).id for _ in range(40)]
    upload = jobs.create(db.session, "upload", {}, priority=10).id
    db.session.commit()

    def work(worker: str) -> list[int]:
        with app.app_context():
            ids = []
            while (job_id := jobs.claim(db.session, worker)) is not None:
                db.session.commit()
                ids.append(job_id)
            return ids

    first = jobs.claim(db.session, "first")
    # The claim is not committed yet: others must neither wait for it nor get the same job.
    with ThreadPoolExecutor(4) as workers:
        claims = list(workers.map(work, "abcd"))
    db.session.commit()
    assert first == upload
    assert sorted(job_id for ids in claims for job_id in ids) == created


def test_tries_are_counted_in_the_database(app: Flask) -> None:
    counters = ratelimit.DatabaseCounters(ratelimit.URI)
    assert [counters.incr("key", 300) for _ in range(3)] == [1, 2, 3]
    assert ratelimit.DatabaseCounters(ratelimit.URI).get("key") == 3
    counters.clear("key")
    assert counters.get("key") == 0
    assert not (app.config["INSTANCE"] / "limits.db").exists()
