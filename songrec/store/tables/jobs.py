"""Long work: the rows of this table are the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import Base, UtcDateTime, now

STATES = ("waiting", "running", "done", "failed", "cancelled")


class Job(Base):
    """One piece of long work: its parameters, its progress and its result.

    Waiting jobs of a higher ``priority`` go first, and among equals those of the person
    (``owner_key``) for whom the fewest started lately. ``worker`` names the worker that runs the
    job. A job that a listener requested (``listener_id``) is deleted with the listener.
    Of the jobs with one ``exclusive_key`` a single one runs at a time. Of those with one
    ``request_key`` a single one waits or runs: the same request twice is one job. ``attempts``
    counts how often a worker started it and did not give it back.
    """

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    kind: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    progress: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(String(500), default="")
    error: Mapped[str | None] = mapped_column(Text)
    log: Mapped[str] = mapped_column(Text, default="")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    priority: Mapped[int] = mapped_column(default=0, server_default="0")
    exclusive_key: Mapped[str | None] = mapped_column(String(40))
    request_key: Mapped[str | None] = mapped_column(String(64))
    worker: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    owner_key: Mapped[str | None] = mapped_column(String(80))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    listener_id: Mapped[int | None] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint(
            "state in ('waiting', 'running', 'done', 'failed', 'cancelled')", name="state"
        ),
        Index("ix_job_state_priority", "state", "priority"),
        Index("ix_job_owner_key_started_at", "owner_key", "started_at"),
        Index(
            "uq_job_exclusive_key_running",
            "exclusive_key",
            unique=True,
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index(
            "uq_job_request_key_active",
            "request_key",
            unique=True,
            sqlite_where=text("state IN ('waiting', 'running')"),
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
    )


class Worker(Base):
    """A worker on one of several hosts, and when it last reported by the database's clock."""

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    host: Mapped[str] = mapped_column(String(120))
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
