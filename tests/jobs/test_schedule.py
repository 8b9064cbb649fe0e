"""Regular work: what is due is queued, once."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from songrec.jobs import schedule
from songrec.jobs.kinds import KINDS
from songrec.store import jobs
from songrec.store.db import db, now
from songrec.store.servers import music_servers


def scans() -> list[str]:
    """Return the servers that waiting jobs scan."""
    return [
        job.parameters["server"] for job in jobs.active(db.session) if job.kind == "server-scan"
    ]


def test_servers_are_scanned_when_an_hour_is_over(app: Flask) -> None:
    """A job that waits is not queued twice; a try that failed counts."""
    server = music_servers.create(db.session, "Attic", "music.example.org", allows_private=False)
    db.session.commit()
    schedule.queue_due(db.session)
    schedule.queue_due(db.session)
    assert scans() == [server.public_id]
    server.scan = {"tried_at": now().isoformat()}
    assert schedule.due(db.session, now()) == []
    assert len(schedule.due(db.session, now() + timedelta(minutes=61))) == 1


def test_nothing_is_due_where_regular_work_is_switched_off(app: Flask) -> None:
    """SONGREC_SERVER_MINUTES=0 leaves scans to people."""
    music_servers.create(db.session, "Attic", "music.example.org", allows_private=False)
    app.config["SERVER_MINUTES"] = 0
    assert schedule.due(db.session, now()) == []


def test_servers_that_are_known_by_their_ids_alone_are_not_scanned(app: Flask) -> None:
    """Nobody's account is there to read them with."""
    server = music_servers.create(db.session, "Den", "music.example.org", allows_private=False)
    server.kind = "jellyfin"
    db.session.commit()
    assert schedule.due(db.session, now()) == []


def test_regular_kinds_exist() -> None:
    """Ended jobs of these are cleared away."""
    assert set(schedule.REGULAR_KINDS) <= KINDS.keys()
