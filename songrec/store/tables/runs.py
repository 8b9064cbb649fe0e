"""Training runs, the clusters each found, where each put every track, and which one is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import Base, UtcDateTime, now


class Run(Base):
    """One finished training run; its arrays are in ``<instance>/runs/<public_id>/``.

    Immutable but for its ``name``; without one it is called by ``training.run_names``.

    ``parameters``, ``metrics`` and ``seconds`` repeat the manifest so that lists need no file.
    """

    __tablename__ = "run"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    feature_set: Mapped[str] = mapped_column(String(100))
    representation: Mapped[str] = mapped_column(String(50))
    clustering: Mapped[str] = mapped_column(String(50))
    projection: Mapped[str] = mapped_column(String(50))
    seed: Mapped[int]
    track_count: Mapped[int]
    cluster_count: Mapped[int]
    data_fingerprint: Mapped[str] = mapped_column(String(64))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    seconds: Mapped[dict[str, Any]] = mapped_column(JSON)


class Cluster(Base):
    """A cluster of one run.

    ``number`` goes by size from 0, or continues the cluster of an older run; -1 is noise.
    ``profile``: ``{"median": {attribute: value}, "share": {attribute: 0..1}, "typical": [ids]}``
    where ``share`` is the part of the catalogue below the cluster's median and ``typical`` are
    the ids of typical tracks, the first to show first. ``words`` of newer runs: ``[[word of the
    name, share of the members that it is true of], …]``.
    """

    __tablename__ = "cluster"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)

    __table_args__ = (Index("uq_cluster_run_id_number", "run_id", "number", unique=True),)


class ClusterAssignment(Base):
    """The cluster number, its confidence and the place on the map of one track in one run.

    Derived from the run's arrays, which are the truth, by ``store.runs.runs.derive_assignments``.
    """

    __tablename__ = "cluster_assignment"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    label: Mapped[int]
    confidence: Mapped[float]
    x: Mapped[float]
    y: Mapped[float]

    __table_args__ = (
        Index("ix_cluster_assignment_typical", "run_id", "label", "confidence", "track_id"),
        Index("ix_cluster_assignment_track_id", "track_id"),
    )


class Publication(Base):
    """A single row that points at the run every page shows: publishing is changing the pointer."""

    __tablename__ = "publication"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)
