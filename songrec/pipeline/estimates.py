"""Attributes that nobody stated and nothing measures, predicted from the sound and marked so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES, BY_NAME
from songrec.core.errors import NotReady
from songrec.core.types import FeatureTable
from songrec.features.registry import EXTRACTORS
from songrec.pipeline.feature_sets import table
from songrec.pipeline.predict import Estimator, estimator
from songrec.prediction import folders
from songrec.store.bulk import chunks
from songrec.store.tables import AudioFile, Track

MEASURED, PREDICTED = "measured", "predicted"


def refresh(session: Session, instance: Path) -> int:
    """Let the newest predictor estimate the tracks that it has not seen; how many there were.

    An attribute is filled in where it is unknown or an estimate already. ``AudioFile.info`` says
    of each which it is, and which predictor it comes from. Flushes. Without a predictor that
    knows the features of the library's tracks nothing happens.
    """
    sets = _sets(instance)
    if sets is None:
        return 0
    try:
        sound = table(session, instance, sets)
    except NotReady:
        return 0
    found = estimator(instance, sound.names)
    if found is None:
        return 0
    files = _not_seen(session, found.id, sound)
    if not files:
        return 0
    rows = np.flatnonzero(np.isin(sound.track_ids, list(files)))
    part = FeatureTable(sound.track_ids[rows], sound.names, sound.values[rows], sound.feature_set)
    values = found.attributes(part)
    tracks = _tracks(session, part.track_ids.tolist())
    for row, track_id in enumerate(part.track_ids.tolist()):
        estimate = {name: float(column[row]) for name, column in values.items()}
        _fill_in(tracks[track_id], files[track_id], estimate, found)
    session.flush()
    return len(rows)


def _sets(instance: Path) -> list[str] | None:
    """The feature sets of the newest predictor that learned from the library's features."""
    for name in folders.ids(instance):
        columns = folders.manifest(instance, name)["columns"]
        sets = list(dict.fromkeys(column.partition(":")[0] for column in columns))
        if all(":" in column for column in columns) and all(name in EXTRACTORS for name in sets):
            return sets
    return None


def _not_seen(
    session: Session, predictor_id: str, sound: FeatureTable
) -> dict[int, list[AudioFile]]:
    files: dict[int, list[AudioFile]] = {}
    for part in chunks(sound.track_ids.tolist()):
        for file in session.scalars(select(AudioFile).where(AudioFile.track_id.in_(part))):
            if file.track_id is not None and file.info.get("predictor") != predictor_id:
                files.setdefault(file.track_id, []).append(file)
    return files


def _tracks(session: Session, track_ids: Sequence[int]) -> dict[int, Track]:
    return {
        track.id: track
        for part in chunks(list(track_ids))
        for track in session.scalars(select(Track).where(Track.id.in_(part)))
    }


def _fill_in(
    track: Track, files: list[AudioFile], estimate: Mapping[str, float], found: Estimator
) -> None:
    known: dict[str, Any] = dict(files[0].info.get("attributes", {}))
    for name, value in estimate.items():
        place: Any = track.attributes if name in ATTRIBUTE_NAMES else track
        is_estimate = known.get(name, {}).get("source") not in (None, MEASURED)
        if not np.isfinite(value) or (getattr(place, name) is not None and not is_estimate):
            continue
        if name in BY_NAME:
            value = min(max(value, BY_NAME[name].low), BY_NAME[name].high)
        setattr(place, name, value if name in BY_NAME else round(value))
        known[name] = {"value": getattr(place, name), "source": PREDICTED}
    for file in files:
        file.info = {**file.info, "attributes": known, "predictor": found.id}
