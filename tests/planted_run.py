"""A catalogue with planted clusters and a published run over it, made in moments and in bulk.

For pages that need a run but no training: tracks, attributes, genres, the run's folder as
``docs/architecture.md`` lists it, its rows, and the pointer that publishes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from songrec.core.artist_credits import Credit
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.files import atomic_folder, write_json
from songrec.core.sorting import sort_key
from songrec.core.types import Clustering, Floats, Ints
from songrec.store.catalogue.artists import CreditWriter
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Run, Tag, Track, TrackAttributes, TrackTag

GENRES = ("folk", "rap", "dance", "metal", "jazz", "soul", "classical", "country")
EMOTIONS = ("joy", "sadness", "anger", "calm")
NAMES = (
    "calm acoustic folk",
    "loud fast rap",
    "bright dance pop",
    "heavy metal",
    "late night jazz",
    "warm soul",
    "quiet classical",
    "story-telling country",
)


@dataclass(frozen=True)
class Planted:
    """What was planted: ids ascending, labels, coordinates and attribute values by row."""

    run: Run
    track_ids: Ints
    labels: NDArray[np.int32]
    coordinates: Floats
    values: Floats


def plant(
    session: Session, instance: Path, n: int = 240, clusters: int = 4, seed: int = 7
) -> Planted:
    """``n`` tracks in ``clusters`` clusters that lie apart, larger ones first; published.

    Flushed, not committed. Titles are "Song 1" … "Song n"; a cluster's songs share genre,
    emotion and a range of attributes.
    """
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.choice(clusters, n, p=_shares(clusters))).astype(np.int32)
    labels = labels[rng.permutation(n)]
    labels[: min(n, clusters)] = np.arange(clusters)[: min(n, clusters)]
    angle = 2 * np.pi * labels / clusters
    middles = np.column_stack([np.cos(angle), np.sin(angle)]) * 6
    coordinates = (middles + rng.normal(0, 1.3, (n, 2))).astype(np.float32)
    values = _values(rng, labels, clusters)
    ids = _tracks(session, labels, values)
    run = publish(session, instance, ids, labels, coordinates, values)
    return Planted(run, ids, labels, coordinates, values)


def come_from_sound(session: Session) -> None:
    """Make the planted tracks a library of sound files: their loudness counts as measured."""
    key = func.replace(Track.source_key, "planted:", "audio:")
    session.execute(update(Track).values(source_key=key))


def publish(
    session: Session,
    instance: Path,
    track_ids: Ints,
    labels: NDArray[np.int32],
    coordinates: Floats,
    values: Floats,
) -> Run:
    """Write a run's folder and rows over tracks that are there, and publish it."""
    number = (session.scalar(select(func.max(Run.id))) or 0) + 1
    run = Run(
        public_id=f"planted-{number}-{np.abs(coordinates).sum():.0f}",
        feature_set="attributes",
        representation="identity",
        clustering="kmeans",
        projection="pca",
        seed=7,
        track_count=len(track_ids),
        cluster_count=len(np.unique(labels)),
        data_fingerprint="planted",
        parameters={},
        metrics={},
        seconds={},
    )
    spread = np.nanstd(values, axis=0)
    spread[spread == 0] = 1
    space = np.nan_to_num((values - np.nanmean(values, axis=0)) / spread).astype(np.float32)
    keys = session.scalars(select(Track.song_key).order_by(Track.id)).all()
    with atomic_folder(run_folders.run_folder(instance, run.public_id)) as folder:
        columns = list(ATTRIBUTE_NAMES)
        write_json(
            folder / "manifest.json",
            {"space": {"columns": columns}, "values": {"columns": columns}},
        )
        write_json(folder / "history.json", [])
        np.save(folder / "track_ids.npy", track_ids)
        np.save(folder / "song_keys.npy", np.array(keys, dtype=np.int64).astype(np.uint64))
        np.save(folder / "values.npy", values)
        np.save(folder / "space.npy", space)
        np.save(folder / "latent.npy", space)
        confidence = np.ones(len(labels), dtype=np.float32)
        np.savez(folder / "clustering.npz", labels=labels, confidence=confidence)
        np.savez(folder / "projection.npz", coordinates=coordinates)
    runs.insert_run(
        session,
        run,
        _clusters(track_ids, labels, values, coordinates),
        track_ids,
        Clustering(labels, confidence),
        coordinates,
    )
    runs.publish(session, run.public_id)
    return run


def _shares(clusters: int) -> NDArray[np.float64]:
    shares = np.arange(clusters, 0, -1) + clusters / 2
    return shares / shares.sum()


def _values(rng: np.random.Generator, labels: NDArray[np.int32], clusters: int) -> Floats:
    middles = rng.uniform(0.1, 0.9, (clusters, len(ATTRIBUTE_NAMES)))
    shares = np.clip(middles[labels] + rng.normal(0, 0.08, (len(labels), 12)), 0, 1)
    at = ATTRIBUTE_NAMES.index
    values = shares.copy()
    values[:, at("tempo")] = 70 + 110 * shares[:, at("tempo")]
    values[:, at("loudness")] = -24 + 22 * shares[:, at("loudness")]
    values[:, at("popularity")] = np.round(100 * shares[:, at("popularity")])
    values[:, at("explicit")] = shares[:, at("explicit")] > 0.7
    return values.astype(np.float32)


def _tracks(session: Session, labels: NDArray[np.int32], values: Floats) -> Ints:
    first = (session.scalar(select(func.max(Track.id))) or 0) + 1
    ids = np.arange(first, first + len(labels), dtype=np.int64)
    session.execute(
        insert(Track),
        [
            {
                "id": track_id,
                "public_id": f"p{track_id:09d}",
                "source_key": f"planted:{track_id}",
                "source": "planted",
                "fingerprint": str(track_id),
                "song_key": track_id,
                "title": f"Song {track_id}",
                "artists": f"Artist {track_id % 50}",
                "sort_title": sort_key(f"Song {track_id}"),
                "sort_artists": sort_key(f"Artist {track_id % 50}"),
            }
            for track_id in ids.tolist()
        ],
    )
    if session.get_bind().dialect.name == "postgresql":
        # Given ids leave the sequence where it was.
        session.execute(
            text("SELECT setval(pg_get_serial_sequence('track', 'id'), :last)"),
            {"last": int(ids[-1])},
        )
    session.execute(
        insert(TrackAttributes),
        [
            {"track_id": track_id, **dict(zip(ATTRIBUTE_NAMES, row, strict=True))}
            for track_id, row in zip(ids.tolist(), values.astype(float).tolist(), strict=True)
        ],
    )
    writer = CreditWriter(session)
    credits = [(track_id, [Credit(f"Artist {track_id % 50}")]) for track_id in ids.tolist()]
    writer.meet_artists((credit, False) for _, some in credits for credit in some)
    writer.write(credits, fresh=True)
    for kind, names in (("genre", GENRES), ("emotion", EMOTIONS)):
        tags = [Tag(kind=kind, name=name) for name in names]
        session.add_all(tags)
        session.flush()
        session.execute(
            insert(TrackTag),
            [
                {"track_id": track_id, "tag_id": tags[label % len(names)].id}
                for track_id, label in zip(ids.tolist(), labels.tolist(), strict=True)
            ],
        )
    return ids


def _clusters(
    ids: Ints, labels: NDArray[np.int32], values: Floats, coordinates: Floats
) -> list[runs.ClusterProfile]:
    found = []
    for number in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == number)
        middle = coordinates[rows].mean(axis=0)
        typical = rows[np.argsort(((coordinates[rows] - middle) ** 2).sum(axis=1))[:10]]
        median = np.nanmedian(values[rows], axis=0)
        share = (values < median).mean(axis=0)
        name = NAMES[number] if 0 <= number < len(NAMES) else f"cluster {number}"
        found.append(
            runs.ClusterProfile(
                number,
                "unclustered" if number < 0 else name,
                len(rows),
                {
                    "median": dict(zip(ATTRIBUTE_NAMES, median.tolist(), strict=True)),
                    "share": dict(zip(ATTRIBUTE_NAMES, share.tolist(), strict=True)),
                    "typical": ids[typical].tolist(),
                    "genres": [],
                    "emotions": [],
                },
            )
        )
    return found
