"""Queries of training runs, publication, and insertion of a finished run's rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady, UnknownName
from songrec.core.types import Clustering, Floats, Ints
from songrec.store.bulk import insert_many
from songrec.store.db import now
from songrec.store.runs import run_folders
from songrec.store.tables import Cluster, ClusterAssignment, Publication, Run, Track

ROWS_PER_INSERT = 50_000
NAME_LENGTH = 100


@dataclass(frozen=True)
class ClusterProfile:
    """The name, size and profile of a cluster, before it becomes a row."""

    number: int
    name: str
    size: int
    profile: dict[str, Any]


def published(session: Session) -> Run | None:
    """Return the published run, or None before the first one."""
    return session.scalars(
        select(Run).join(Publication, Publication.run_id == Run.id)
    ).one_or_none()


def published_or_error(session: Session) -> Run:
    """Return the published run; ``NotReady`` if none is published."""
    run = published(session)
    if run is None:
        raise NotReady("No run is published yet: train one first (flask train).")
    return run


def latest(session: Session) -> Run | None:
    """Return the newest run, published or not."""
    return session.scalars(select(Run).order_by(Run.id.desc()).limit(1)).first()


def all_runs(session: Session) -> list[Run]:
    """Return every run, newest first."""
    return list(session.scalars(select(Run).order_by(Run.id.desc())))


def find(session: Session, public_id: str) -> Run:
    """Return the run with that id; ``UnknownName`` with the nearest otherwise."""
    run = session.scalars(select(Run).where(Run.public_id == public_id)).one_or_none()
    if run is None:
        raise UnknownName("run", public_id, session.scalars(select(Run.public_id)))
    return run


def publish(session: Session, public_id: str) -> Run:
    """Publish that run, new or old; publishing the published one changes nothing."""
    run = find(session, public_id)
    pointer = session.get(Publication, 1)
    if pointer is None:
        session.add(Publication(id=1, run_id=run.id))
    elif pointer.run_id != run.id:
        pointer.run_id = run.id
        pointer.published_at = now()
    session.flush()
    return run


def rename(session: Session, public_id: str, name: str) -> Run:
    """Give a run a name; an empty one removes it."""
    run = find(session, public_id)
    run.name = clean_name(name)
    session.flush()
    return run


def clean_name(name: str) -> str | None:
    """Return a name in one line of at most ``NAME_LENGTH`` characters; None if nothing is left."""
    printable = "".join(one if one.isprintable() else " " for one in name)
    return " ".join(printable.split())[:NAME_LENGTH].strip() or None


def unpublish(session: Session) -> None:
    """Leave no run published, as before the first training. The caller commits."""
    session.execute(delete(Publication))


def clusters_of(session: Session, run: Run) -> list[Cluster]:
    """Return the run's clusters by number, noise (-1) last."""
    clusters = session.scalars(select(Cluster).where(Cluster.run_id == run.id)).all()
    return sorted(clusters, key=lambda cluster: (cluster.number < 0, cluster.number))


def manifest(instance: Path, run: Run) -> dict[str, Any]:
    """Read the run's manifest.json."""
    return run_folders.read_json(instance, run.public_id, "manifest.json")


def history(instance: Path, run: Run) -> list[dict[str, Any]]:
    """Read the losses per epoch: ``[{"epoch", "loss", "val_loss"}, …]``, empty for baselines."""
    return run_folders.read_json(instance, run.public_id, "history.json")


def insert_run(
    session: Session,
    run: Run,
    clusters: Iterable[ClusterProfile],
    track_ids: Ints,
    clustering: Clustering,
    coordinates: Floats,
) -> Run:
    """Insert the run, its clusters and the assignments of tracks; flushed, not committed."""
    session.add(run)
    session.flush()
    session.add_all(
        Cluster(
            run_id=run.id,
            number=cluster.number,
            name=cluster.name,
            size=cluster.size,
            profile=cluster.profile,
        )
        for cluster in clusters
    )
    session.flush()
    derive_assignments(session, run, track_ids, clustering, coordinates)
    return run


def derive_assignments(
    session: Session, run: Run, track_ids: Ints, clustering: Clustering, coordinates: Floats
) -> None:
    """Derive the rows of ``cluster_assignment`` from a run's arrays.

    Lists of songs filter and sort by these rows; nothing else writes labels or coordinates.
    """
    # Leave out tracks that were deleted since training began.
    is_present = _are_present(session, track_ids)
    connection = session.connection()
    for start in range(0, len(track_ids), ROWS_PER_INSERT):
        rows = np.arange(start, min(start + ROWS_PER_INSERT, len(track_ids)))
        rows = rows[is_present[rows]]
        if not len(rows):
            continue
        columns = (
            track_ids[rows].tolist(),
            clustering.labels[rows].tolist(),
            clustering.confidence[rows].tolist(),
            coordinates[rows, 0].tolist(),
            coordinates[rows, 1].tolist(),
        )
        # Plain tuples are fastest, and SQLite blocks other writers meanwhile.
        insert_many(
            connection,
            ClusterAssignment.__table__,
            ("run_id", "track_id", "label", "confidence", "x", "y"),
            [(run.id, *row) for row in zip(*columns, strict=True)],
        )


def _are_present(session: Session, track_ids: Ints) -> np.ndarray:
    query = select(Track.id).order_by(Track.id).execution_options(yield_per=ROWS_PER_INSERT)
    existing = np.fromiter(session.scalars(query), dtype=np.int64)
    return np.isin(track_ids, existing, assume_unique=True)
