"""Everything an instance folder may hold, and what of it belongs in a backup."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """Whether something in the instance folder can be replaced."""

    DATA = "data"
    """Exists nowhere else, or takes hours to make: part of every backup."""
    DERIVED = "derived"
    """Can be made again from the rest and from the music: part of a backup on request."""
    TRANSIENT = "transient"
    """Belongs to running processes, expires, or must not lie beside the rest: in no backup."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file or folder directly in the instance folder.

    ``holds`` is a noun phrase; ``made_by`` the way to make it again, for derived ones.
    """

    name: str
    kind: Kind
    holds: str
    made_by: str = ""


SECRET_KEY = "secret_key"  # noqa: S105 - the name of a file
ENCRYPTION_KEY = "encryption_key"
FEATURES = "features"
LIBRARY = "library"
RUNS = "runs"

CONTENTS: tuple[Content, ...] = (
    Content(SECRET_KEY, Kind.DATA, "the key that signs cookies"),
    Content(RUNS, Kind.DATA, "training runs"),
    Content(LIBRARY, Kind.DATA, "uploaded songs that were kept"),
    Content("predictor", Kind.DATA, "predictors of musical attributes"),
    Content("taggers", Kind.DATA, "taggers"),
    Content("sleeves", Kind.DATA, "covers and waveforms"),
    Content("grids", Kind.DATA, "results of sweeps"),
    Content("uploads", Kind.DATA, "uploaded catalogues that wait for their import"),
    Content("rejects", Kind.DATA, "rejected rows of imports, with reasons"),
    Content("imports", Kind.DATA, "reports of imports"),
    Content("duplicates.json", Kind.DATA, "the report of the last search for duplicates"),
    Content(
        FEATURES,
        Kind.DERIVED,
        "feature vectors of analysed files",
        "flask analyze DIR, once for each folder of music",
    ),
    Content(
        "sounds", Kind.DERIVED, "matrices for comparing songs without a run", "flask sound-spaces"
    ),
    Content("fragments", Kind.DERIVED, "the index of segments", "flask segments tag"),
    Content("words", Kind.DERIVED, "vectors of lyrics and tags", "flask words"),
    Content(
        "models",
        Kind.DERIVED,
        "weights of published networks",
        "flask models fetch NAME (flask models status lists them)",
    ),
    Content("clips", Kind.DERIVED, "the demo music", "flask first-run --audio demo"),
    Content("reports", Kind.DERIVED, "reports of runs", "“Make report” on a run's page"),
    Content(
        "studies",
        Kind.DERIVED,
        "trials of searches for hyperparameters",
        "flask predict train, which searches again",
    ),
    Content("tastes", Kind.DERIVED, "taste priors and track factors", "the next training"),
    Content("parts", Kind.DERIVED, "tracks cut from album files", "playing them"),
    Content("transcoded", Kind.TRANSIENT, "songs converted for browsers that lack their format"),
    Content("songs", Kind.TRANSIENT, "uploaded songs that expire after an hour"),
    Content(
        ENCRYPTION_KEY,
        Kind.TRANSIENT,
        "the key that passwords of servers and of apps are encrypted with",
    ),
    Content("limits.db", Kind.TRANSIENT, "counters of attempts"),
    Content("workers", Kind.TRANSIENT, "locks of running workers"),
    Content("cache", Kind.TRANSIENT, "compiled code, typefaces"),
)
DATABASE = "songrec.db"
DUMP = "database.dump"
MANIFEST = "backup.json"
RESTORING = ".restoring.partial"
"""Folder in the instance folder that a backup is unpacked into."""

BY_NAME = {content.name: content for content in CONTENTS}


def is_own(name: str) -> bool:
    """Return whether songrec made what has this name in the instance folder."""
    stem = name
    for suffix in ("-wal", "-shm", "-journal"):
        stem = stem.removesuffix(suffix)
    return stem in BY_NAME or stem in (DATABASE, RESTORING)


def existing(instance: Path, kind: Kind) -> list[Content]:
    """Return the contents of one kind that the instance has; empty folders do not count."""
    return [
        content
        for content in CONTENTS
        if content.kind == kind and _is_filled(instance / content.name)
    ]


def unknown(instance: Path, database: Path | None) -> list[str]:
    """Return the names in the instance folder that songrec does not know, in order.

    ``database`` is the SQLite file, which may have a name of its own.
    """
    return sorted(
        path.name
        for path in instance.iterdir()
        if not is_own(path.name.replace(database.name, DATABASE) if database else path.name)
        and path.name != "lost+found"
        and not path.name.startswith(".")
        and _is_filled(path)
    )


def _is_filled(path: Path) -> bool:
    if path.is_dir():
        return next(path.iterdir(), None) is not None
    return path.exists()
