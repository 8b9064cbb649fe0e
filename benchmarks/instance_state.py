"""Contents of an instance on SQLite, and what in it is half-written."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

CONTENTS = {
    "tracks": "SELECT source_key, title, artists, year, duration_ms FROM track ORDER BY source_key",
    "attributes": """
        SELECT source_key, energy, tempo, loudness, acousticness
        FROM track_attributes JOIN track ON track.id = track_id ORDER BY source_key
        """,
    "credits": """
        SELECT source_key, position, role, artist.name
        FROM track_artist JOIN track ON track.id = track_id JOIN artist ON artist.id = artist_id
        ORDER BY source_key, position
        """,
    "files": "SELECT path, content_hash, state, duration_s FROM audio_file ORDER BY path, part",
    "vectors": """
        SELECT content_hash, feature_set, version, digest FROM feature_vector
        ORDER BY content_hash, feature_set, version, digest
        """,
    "likes": "SELECT track_id, value FROM reaction ORDER BY listener_id, track_id",
    "published": "SELECT label, x, y FROM cluster_assignment JOIN publication "
    "ON publication.run_id = cluster_assignment.run_id ORDER BY track_id",
}
"""Queries of what operations change, in an order that two instances share."""


def contents(instance: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read what the instance holds: the rows of each query in ``CONTENTS``."""
    with _database(instance) as database:
        return {name: database.execute(query).fetchall() for name, query in CONTENTS.items()}


def digest(rows: list[tuple[Any, ...]]) -> str:
    """Return a short hash of rows."""
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def damages(instance: Path) -> list[str]:
    """Describe everything in the instance that is half-written; empty if it is whole."""
    return [*_database_damages(instance), *_file_damages(instance)]


def _database_damages(instance: Path) -> Iterator[str]:
    with _database(instance) as database:
        for (line,) in database.execute("PRAGMA integrity_check"):
            if line != "ok":
                yield f"database: {line}"
        for row in database.execute("PRAGMA foreign_key_check"):
            yield f"database: a row of {row[0]} refers to one of {row[2]} that is missing"
        for name, query in {
            "tracks without attributes": "SELECT count(*) FROM track LEFT JOIN track_attributes "
            "ON track_id = track.id WHERE track_id IS NULL",
            "tracks without an artist": "SELECT count(*) FROM track WHERE artists <> '' AND id NOT "
            "IN (SELECT track_id FROM track_artist)",
            "songs of a run without a place": "SELECT count(*) FROM run WHERE track_count <> "
            "(SELECT count(*) FROM cluster_assignment WHERE run_id = run.id)",
            "jobs that seem to run": "SELECT count(*) FROM job WHERE state = 'running' "
            "AND finished_at IS NOT NULL",
        }.items():
            (count,) = database.execute(query).fetchone()
            if count:
                yield f"database: {count} {name}"
        try:
            database.execute(
                "INSERT INTO track_search(track_search, rank) VALUES ('integrity-check', 1)"
            )
        except sqlite3.DatabaseError as error:
            yield f"database: the index of the search does not fit its tracks ({error})"
        finally:
            database.rollback()


def _file_damages(instance: Path) -> Iterator[str]:
    with _database(instance) as database:
        runs = [name for (name,) in database.execute("SELECT public_id FROM run")]
        vectors = [path for (path,) in database.execute("SELECT path FROM feature_vector")]
    for name in runs:
        folder = instance / "runs" / name
        if not (folder / "manifest.json").is_file():
            yield f"run {name} has no manifest"
        for path in folder.iterdir() if folder.is_dir() else ():
            yield from _unreadable(path)
    for name in vectors:
        path = instance / "features" / name
        if not path.is_file():
            yield f"the vector {name} is missing"
        else:
            yield from _unreadable(path)


def _unreadable(path: Path) -> Iterator[str]:
    try:
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".npy":
            np.load(path, allow_pickle=False)
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                for name in arrays.files:
                    arrays[name]
    except (ValueError, OSError, EOFError) as error:
        yield f"{path} cannot be read: {error}"


def _database(instance: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(instance / "songrec.db", timeout=30))
