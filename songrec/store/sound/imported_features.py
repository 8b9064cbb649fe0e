"""Feature sets extracted by another program, by track."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable, Floats
from songrec.store.bulk import chunks
from songrec.store.db import insert, now
from songrec.store.tables import ImportedFeatures

_TABLE = ImportedFeatures.__table__
AT_ONCE = 2_000


def encode(values: Floats) -> str:
    """Encode float values for storage."""
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode("ascii")


def decode(text: str) -> Floats:
    """Decode stored values to float32."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float32)


def write(
    session: Session, name: str, values: Mapping[int, str], *, source: str, marks: Mapping[int, str]
) -> None:
    """Store the encoded values of a feature set by track id, replacing earlier ones."""
    moment = now()
    rows = [
        {
            "track_id": track_id,
            "feature_set": name,
            "values": encoded,
            "source": source,
            "mark": marks[track_id],
            "imported_at": moment,
        }
        for track_id, encoded in values.items()
    ]
    if not rows:
        return
    statement = insert(session, _TABLE)
    changed = {
        column: statement.excluded[column] for column in ("values", "source", "mark", "imported_at")
    }
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=["track_id", "feature_set"], set_=changed),
        rows,
    )


def marks(session: Session, name: str, track_ids: Collection[int]) -> dict[int, str]:
    """Return the stored mark of the analysis by track, for tracks with the set."""
    by_track: dict[int, str] = {}
    for part in chunks(list(track_ids)):
        query = select(ImportedFeatures.track_id, ImportedFeatures.mark).where(
            ImportedFeatures.feature_set == name, ImportedFeatures.track_id.in_(part)
        )
        by_track.update(session.execute(query).all())  # type: ignore[arg-type]
    return by_track


def track_count(session: Session, name: str) -> int:
    """Return the number of tracks with the set."""
    query = select(func.count()).where(ImportedFeatures.feature_set == name)
    return session.scalar(query) or 0


def read_table(
    session: Session, name: str, columns: Sequence[str], *, minimum: int = 1
) -> FeatureTable:
    """Return the tracks that have the set as a table, ascending by track id.

    Columns are named ``set:column``. ``NotReady`` with fewer than ``minimum`` tracks.
    """
    query = (
        select(ImportedFeatures.track_id, ImportedFeatures.values)
        .where(ImportedFeatures.feature_set == name)
        .order_by(ImportedFeatures.track_id)
        .execution_options(yield_per=AT_ONCE)
    )
    ids: list[int] = []
    rows: list[Floats] = []
    for track_id, encoded in session.execute(query):
        values = decode(encoded)
        if len(values) == len(columns):
            ids.append(track_id)
            rows.append(values)
    if len(ids) < minimum:
        raise NotReady(
            f"{len(ids)} tracks have the features {name}; at least {minimum} are needed: "
            "flask servers import-audiomuse URL"
        )
    return FeatureTable(
        np.array(ids, dtype=np.int64),
        tuple(f"{name}:{column}" for column in columns),
        np.stack(rows) if rows else np.empty((0, len(columns)), dtype=np.float32),
        FeatureSpec((name,)),
    )
