"""A small made-up space and its run folder, with neighbours planted where a test wants them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.types import Space
from songrec.store.tables import Cluster, ClusterAssignment, Publication, Run, TrackAttributes

VALUE_NAMES = ATTRIBUTE_NAMES
COLUMNS = tuple(n for n in VALUE_NAMES if n not in ("explicit", "popularity"))
_AT = [VALUE_NAMES.index(name) for name in COLUMNS]


def make_space(
    matrix: Any, *, song_keys: Any = None, labels: Any = None, values: Any = None
) -> Space:
    """A space over ``(n, d)`` points; track ids are 10, 20, 30, …"""
    matrix = np.asarray(matrix, dtype=np.float32)
    n, d = matrix.shape
    columns = COLUMNS[:d] if d <= len(COLUMNS) else tuple(f"column_{i}" for i in range(d))
    if values is None:
        values = matrix
        value_names = columns
    else:
        value_names = VALUE_NAMES
    return Space(
        run_id="planted",
        track_ids=np.arange(1, n + 1, dtype=np.int64) * 10,
        matrix=matrix,
        columns=columns,
        values=np.asarray(values, dtype=np.float32),
        value_names=value_names,
        latent=matrix[:, :2],
        labels=np.zeros(n, dtype=np.int32)
        if labels is None
        else np.asarray(labels, dtype=np.int32),
        coordinates=np.zeros((n, 2), dtype=np.float32),
        song_keys=np.arange(n, dtype=np.uint64)
        if song_keys is None
        else np.asarray(song_keys, dtype=np.uint64),
    )


def random_space(n: int, d: int = 10, seed: int = 0, clusters: int = 8) -> Space:
    """Standard normal points; every fiftieth track is a second copy of the song before it."""
    rng = np.random.default_rng(seed)
    keys = np.arange(n, dtype=np.uint64)
    keys[50::50] = keys[49:-1:50]
    return make_space(rng.normal(size=(n, d)), song_keys=keys, labels=rng.integers(0, clusters, n))


def publish_run(session: Session, instance: Path, public_id: str = "r1") -> Run:
    """Publish a run over the catalogue as it is: standardised attributes, two clusters by energy.

    The caller commits.
    """
    rows = session.query(TrackAttributes).order_by(TrackAttributes.track_id).all()
    ids = np.array([row.track_id for row in rows], dtype=np.int64)
    values = np.array(
        [[getattr(row, name) for name in VALUE_NAMES] for row in rows], dtype=np.float32
    )
    from songrec.store.tables import Track

    keys = dict(session.query(Track.id, Track.song_key).all())
    matrix = values[:, _AT]
    scale = matrix.std(axis=0)
    matrix = (matrix - matrix.mean(axis=0)) / np.where(scale == 0, 1, scale)
    labels = (values[:, VALUE_NAMES.index("energy")] < 0.5).astype(np.int32)
    folder = instance / "runs" / public_id
    folder.mkdir(parents=True)
    np.save(folder / "track_ids.npy", ids)
    np.save(
        folder / "song_keys.npy",
        np.array([keys[i] for i in ids.tolist()], dtype=np.int64).view(np.uint64),
    )
    np.save(folder / "values.npy", values)
    np.save(folder / "space.npy", matrix.astype(np.float32))
    np.save(folder / "latent.npy", matrix[:, :2].astype(np.float32))
    np.savez(
        folder / "clustering.npz",
        labels=labels,
        confidence=np.ones(len(ids), np.float32),
        centres=np.zeros((2, 2), np.float32),
    )
    np.savez(folder / "projection.npz", coordinates=matrix[:, :2].astype(np.float32))
    (folder / "manifest.json").write_text(
        json.dumps({"space": {"columns": list(COLUMNS)}, "values": {"columns": list(VALUE_NAMES)}})
    )
    run = Run(
        public_id=public_id,
        feature_set="attributes",
        representation="identity",
        clustering="kmeans",
        projection="pca",
        seed=0,
        track_count=len(ids),
        cluster_count=2,
        data_fingerprint="test",
        parameters={},
        metrics={},
        seconds={},
    )
    session.add(run)
    session.flush()
    for number, name in enumerate(("loud electric rock", "calm acoustic folk")):
        members = ids[labels == number]
        session.add(
            Cluster(
                run_id=run.id,
                number=number,
                name=name,
                size=len(members),
                profile={"median": {}, "share": {}, "typical": members[:9].tolist()},
            )
        )
    session.add_all(
        ClusterAssignment(run_id=run.id, track_id=i, label=label, confidence=1.0, x=0.0, y=0.0)
        for i, label in zip(ids.tolist(), labels.tolist(), strict=True)
    )
    publication = session.get(Publication, 1)
    if publication is None:
        session.add(Publication(id=1, run_id=run.id))
    else:
        publication.run_id = run.id
    session.flush()
    return run
