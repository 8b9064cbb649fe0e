"""Feature vectors on disk, filed by what they were computed from: content, parameters, version.

``<instance>/features/<set>/<version>-<digest>/<hash[:2]>/<hash>.npy``, and beside them
``columns.json``, the names of a vector's columns, and ``parameters.json``. A row of
``feature_vector`` says that the file is there; the file is written first, so a row never speaks of
what was lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.files import atomic_file, write_json
from songrec.core.types import FeatureTable, Floats
from songrec.store.bulk import chunks
from songrec.store.instance import Instance
from songrec.store.tables import AudioFile, FeatureVector, Track


@dataclass(frozen=True, slots=True)
class SetKey:
    """One feature set as it is computed now: name, version, digest of its parameters."""

    name: str
    version: int
    digest: str

    @property
    def folder(self) -> str:
        """Where its vectors lie, relative to the cache."""
        return f"{self.name}/{self.version}-{self.digest}"


def folder(instance: Path) -> Path:
    """The cache of an instance."""
    return instance / "features"


def relative_path(key: SetKey, content_hash: str) -> str:
    """Where a vector lies, relative to the cache."""
    return f"{key.folder}/{content_hash[:2]}/{content_hash}.npy"


def write(instance: Path, key: SetKey, content_hash: str, values: Floats) -> None:
    """Put a vector (or a matrix) in place whole: whoever reads sees all of it or nothing."""
    path = folder(instance) / relative_path(key, content_hash)
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.save(file, values, allow_pickle=False)


def write_columns(
    instance: Path,
    key: SetKey,
    names: Sequence[str],
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Keep the names of a set's columns, and the ``parameters`` it is made with, beside it."""
    base = folder(instance) / key.folder
    write_json(base / "columns.json", list(names))
    if parameters is not None:
        write_json(base / "parameters.json", dict(parameters))


def parameters(instance: Path, key: SetKey) -> dict[str, Any] | None:
    """What the set's vectors were made with; None where nobody wrote it down."""
    path = folder(instance) / key.folder / "parameters.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def columns(instance: Path, key: SetKey) -> tuple[str, ...]:
    """The names of a set's columns; ``NotReady`` if nothing was extracted yet."""
    path = folder(instance) / key.folder / "columns.json"
    try:
        return tuple(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotReady(
            f"No track has the features {key.name!r} with the present settings: "
            f"flask analyze DIR --features {key.name}"
        ) from None


def read(
    instance: Path, key: SetKey, content_hash: str, *, mapped: bool = False
) -> NDArray[np.float32]:
    """One content's vector (or matrix); ``mapped`` leaves it on disk. ``NotReady`` if absent."""
    path = folder(instance) / relative_path(key, content_hash)
    try:
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except FileNotFoundError:
        raise NotReady(
            f"The features {key.name!r} of {content_hash[:12]}… are not there: analyse its file "
            f"(flask analyze DIR --features {key.name})."
        ) from None
    except (ValueError, EOFError):
        raise BadInput(f"{path} is damaged: delete it and analyse its file again.") from None


def record(session: Session, key: SetKey, content_hash: str) -> None:
    """Note that a vector is in the cache; noting it twice is one note."""
    query = select(FeatureVector).where(
        FeatureVector.content_hash == content_hash,
        FeatureVector.feature_set == key.name,
        FeatureVector.version == key.version,
        FeatureVector.digest == key.digest,
    )
    if session.scalar(query) is None:
        session.add(
            FeatureVector(
                content_hash=content_hash,
                feature_set=key.name,
                version=key.version,
                digest=key.digest,
                path=relative_path(key, content_hash),
            )
        )


def forget_unrecorded(instance: Instance, content_hash: str) -> None:
    """Remove the vectors of a content that is no part of the library."""
    recorded = select(FeatureVector.id).where(FeatureVector.content_hash == content_hash)
    if instance.session.scalar(recorded.limit(1)) is None:
        for path in folder(instance.folder).glob(f"*/*/{content_hash[:2]}/{content_hash}.npy"):
            path.unlink(missing_ok=True)


def missing_sets(instance: Path, keys: Iterable[SetKey], content_hash: str) -> list[SetKey]:
    """Those of ``keys`` whose vector of that content is not on disk."""
    base = folder(instance)
    return [key for key in keys if not (base / relative_path(key, content_hash)).is_file()]


def hashes_with(session: Session, key: SetKey) -> set[str]:
    """The contents that have a vector of this set."""
    query = select(FeatureVector.content_hash).where(
        FeatureVector.feature_set == key.name,
        FeatureVector.version == key.version,
        FeatureVector.digest == key.digest,
    )
    return set(session.scalars(query))


def set_names(session: Session) -> set[str]:
    """The sets of which some content has a vector."""
    return set(session.scalars(select(FeatureVector.feature_set).distinct()))


def digests(session: Session, name: str, version: int) -> dict[str, int]:
    """How many contents have a vector of this set, by the digest of its parameters."""
    query = (
        select(FeatureVector.digest, func.count())
        .where(FeatureVector.feature_set == name, FeatureVector.version == version)
        .group_by(FeatureVector.digest)
    )
    return dict(session.execute(query).all())


def read_table(instance: Instance, keys: Sequence[SetKey], *, minimum: int = 1) -> FeatureTable:
    """The tracks that have all these sets, their vectors side by side, ascending by track id.

    Columns are called ``set:column``. A track with several files (the same sound twice) stands
    once. ``NotReady`` with fewer than ``minimum`` tracks, ``BadInput`` for a set of matrices.
    """
    names = [f"{key.name}:{column}" for key in keys for column in columns(instance.folder, key)]
    hashes = hashes_of_tracks(instance.session, keys)
    rows, ids = [], []
    base = folder(instance.folder)
    for track_id, content_hash in sorted(hashes.items()):
        parts = [
            read(instance.folder, key, content_hash)
            for key in keys
            if (base / relative_path(key, content_hash)).is_file()
        ]
        if len(parts) < len(keys):
            continue  # somebody emptied the cache: the track waits for its next analysis
        if any(part.ndim != 1 for part in parts):
            raise BadInput(
                f"{', '.join(key.name for key in keys)}: a picture of the sound is no vector; "
                "train on vectors such as mfcc,statistical."
            )
        row = np.concatenate(parts).astype(np.float32)
        if len(row) != len(names):
            raise BadInput(
                f"The features of {content_hash[:12]}… have {len(row)} columns, not {len(names)}: "
                f"delete {base} and analyse again."
            )
        rows.append(row)
        ids.append(track_id)
    if len(rows) < minimum:
        set_list = ",".join(key.name for key in keys)
        raise NotReady(
            f"{len(rows)} tracks have the features {set_list}; at least {minimum} are needed: "
            f"flask analyze DIR --features {set_list}"
        )
    values = np.stack(rows) if rows else np.empty((0, len(names)), dtype=np.float32)
    return FeatureTable(
        np.array(ids, dtype=np.int64),
        tuple(names),
        values,
        FeatureSpec(tuple(key.name for key in keys)),
    )


def hash_of_track(session: Session, track_id: int) -> str | None:
    """The content of a track's file; None for a track without audio."""
    return session.scalar(
        select(AudioFile.content_hash)
        .where(AudioFile.track_id == track_id, AudioFile.content_hash.is_not(None))
        .order_by(AudioFile.state, AudioFile.id)
    )


def hashes_of_tracks(session: Session, keys: Sequence[SetKey]) -> dict[int, str]:
    """The tracks whose files have all these sets, each with its first file's content."""
    hashes = [hashes_with(session, key) for key in keys]
    complete = set.intersection(*hashes) if hashes else set()
    hash_of_track: dict[int, str] = {}
    query = select(AudioFile.track_id, AudioFile.content_hash).join(
        Track, Track.id == AudioFile.track_id
    )
    for part in chunks(sorted(complete)):
        for track_id, content_hash in session.execute(
            query.where(AudioFile.content_hash.in_(part)).order_by(AudioFile.id)
        ):
            hash_of_track.setdefault(track_id, content_hash)
    return hash_of_track
