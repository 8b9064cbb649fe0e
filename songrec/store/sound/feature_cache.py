"""Cache of feature vectors on disk, by content hash, parameters and version.

``<instance>/features/<set>/<version>-<digest>/<hash[:2]>/<hash>.npy``; in the same folder
``columns.json``, the names of the columns, and ``parameters.json``. A row of ``feature_vector``
records a file. The file is written first, so that no row refers to a missing file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from songrec.core.array_files import map_array
from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.files import atomic_file, write_json
from songrec.core.types import FeatureTable, Floats
from songrec.store.bulk import chunks
from songrec.store.instance import Instance
from songrec.store.tables import AudioFile, FeatureVector, Track


@dataclass(frozen=True, slots=True)
class SetKey:
    """Name, version and parameter digest of a feature set."""

    name: str
    version: int
    digest: str

    @property
    def folder(self) -> str:
        """Folder of its vectors, relative to the cache."""
        return f"{self.name}/{self.version}-{self.digest}"


def folder(instance: Path) -> Path:
    """Return the feature cache of an instance."""
    return instance / "features"


def relative_path(key: SetKey, content_hash: str) -> str:
    """Return the path of a vector, relative to the cache."""
    return f"{key.folder}/{content_hash[:2]}/{content_hash}.npy"


def write(instance: Path, key: SetKey, content_hash: str, values: Floats) -> None:
    """Write a vector (or a matrix) atomically."""
    path = folder(instance) / relative_path(key, content_hash)
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.save(file, values, allow_pickle=False)


def write_columns(
    instance: Path,
    key: SetKey,
    names: Sequence[str],
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Write the column names and ``parameters`` of a set."""
    base = folder(instance) / key.folder
    write_json(base / "columns.json", list(names))
    if parameters is not None:
        write_json(base / "parameters.json", dict(parameters))


def parameters(instance: Path, key: SetKey) -> dict[str, Any] | None:
    """Read the parameters that the set was extracted with; None if not recorded."""
    path = folder(instance) / key.folder / "parameters.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def columns(instance: Path, key: SetKey) -> tuple[str, ...]:
    """Read the column names of a set; ``NotReady`` if nothing has been extracted yet."""
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
    """Read the vector (or matrix) of one content; ``NotReady`` if absent.

    ``mapped`` memory-maps the file.
    """
    path = folder(instance) / relative_path(key, content_hash)
    try:
        return map_array(path) if mapped else np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise NotReady(
            f"The features {key.name!r} of {content_hash[:12]}… are missing: analyse its file "
            f"(flask analyze DIR --features {key.name})."
        ) from None
    except (ValueError, EOFError):
        raise BadInput(f"{path} is damaged: delete it and analyse its file again.") from None


def record(session: Session, key: SetKey, content_hash: str) -> None:
    """Record that a vector is in the cache; does nothing if recorded already."""
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
    """Delete the vectors of a content that is not in the library."""
    recorded = select(FeatureVector.id).where(FeatureVector.content_hash == content_hash)
    if instance.session.scalar(recorded.limit(1)) is None:
        for path in files(instance.folder, content_hash):
            path.unlink(missing_ok=True)


def files(instance: Path, content_hash: str) -> list[Path]:
    """Return the cached vectors of a content, of all sets."""
    return list(folder(instance).glob(f"*/*/{content_hash[:2]}/{content_hash}.npy"))


def forget_others(instance: Instance, keys: Iterable[SetKey], content_hash: str) -> None:
    """Delete the vectors of a content except those of ``keys``. Flushes."""
    valid_paths = {relative_path(key, content_hash) for key in keys}
    base = folder(instance.folder)
    instance.session.execute(
        delete(FeatureVector).where(
            FeatureVector.content_hash == content_hash, FeatureVector.path.not_in(valid_paths)
        )
    )
    for path in files(instance.folder, content_hash):
        if str(path.relative_to(base)) not in valid_paths:
            path.unlink(missing_ok=True)


def missing_sets(instance: Path, keys: Iterable[SetKey], content_hash: str) -> list[SetKey]:
    """Return the ``keys`` without a vector of this content on disk."""
    base = folder(instance)
    return [key for key in keys if not (base / relative_path(key, content_hash)).is_file()]


def hashes_with(session: Session, key: SetKey) -> set[str]:
    """Return the hashes of contents with a recorded vector of this set."""
    query = select(FeatureVector.content_hash).where(
        FeatureVector.feature_set == key.name,
        FeatureVector.version == key.version,
        FeatureVector.digest == key.digest,
    )
    return set(session.scalars(query))


def set_names(session: Session) -> set[str]:
    """Return the names of the sets with recorded vectors."""
    return set(session.scalars(select(FeatureVector.feature_set).distinct()))


def digests(session: Session, name: str, version: int) -> dict[str, int]:
    """Count the vectors of a set by the digest of its parameters."""
    query = (
        select(FeatureVector.digest, func.count())
        .where(FeatureVector.feature_set == name, FeatureVector.version == version)
        .group_by(FeatureVector.digest)
    )
    return dict(session.execute(query).all())


def read_table(instance: Instance, keys: Sequence[SetKey], *, minimum: int = 1) -> FeatureTable:
    """Read the tracks that have all these sets as one table, ascending by track id.

    Columns are named ``set:column``. A track with several files (identical content) occurs once.
    ``NotReady`` with fewer than ``minimum`` tracks, ``BadInput`` for a set of matrices.
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
            continue  # deleted from the cache; left out until the next analysis
        if any(part.ndim != 1 for part in parts):
            raise BadInput(
                f"{', '.join(key.name for key in keys)}: spectrograms cannot be used as vectors; "
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
        sets = ",".join(key.name for key in keys)
        raise NotReady(
            f"{len(rows)} tracks have the features {sets}; at least {minimum} are needed: "
            f"flask analyze DIR --features {sets}"
        )
    values = np.stack(rows) if rows else np.empty((0, len(names)), dtype=np.float32)
    return FeatureTable(
        np.array(ids, dtype=np.int64),
        tuple(names),
        values,
        FeatureSpec(tuple(key.name for key in keys)),
    )


def hash_of_track(session: Session, track_id: int) -> str | None:
    """Return the content hash of a track's file; None without audio."""
    return session.scalar(
        select(AudioFile.content_hash)
        .where(AudioFile.track_id == track_id, AudioFile.content_hash.is_not(None))
        .order_by(AudioFile.state, AudioFile.id)
    )


def hashes_of_tracks(session: Session, keys: Sequence[SetKey]) -> dict[int, str]:
    """Return the content hash of the first file of each track that has all these sets."""
    hashes = [hashes_with(session, key) for key in keys]
    complete = set.intersection(*hashes) if hashes else set()
    hashes: dict[int, str] = {}
    query = select(AudioFile.track_id, AudioFile.content_hash).join(
        Track, Track.id == AudioFile.track_id
    )
    for part in chunks(sorted(complete)):
        for track_id, content_hash in session.execute(
            query.where(AudioFile.content_hash.in_(part)).order_by(AudioFile.id)
        ):
            hashes.setdefault(track_id, content_hash)
    return hashes
