"""Estimates of attributes that are neither stated nor measured, marked as estimates.

A trained predictor takes precedence over VibeNet, and VibeNet over MusiCNN's tags
(``prediction.from_tags``): each estimates what those before it do not. Measured and stated values
are never replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES, BY_NAME
from songrec.core.errors import NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable, Floats
from songrec.features.registry import EXTRACTORS
from songrec.prediction import folders, from_tags
from songrec.services.features.feature_sets import TAGS, VIBENET, key_of, table
from songrec.store.bulk import chunks
from songrec.store.instance import Instance
from songrec.store.tables import AudioFile, Track

if TYPE_CHECKING:
    from songrec.services.prediction.attribute_prediction import Estimator

MEASURED, PREDICTED, FROM_VIBENET, FROM_TAGS = "measured", "predicted", "vibenet", "musicnn"
"""Sources of attributes in ``AudioFile.info["attributes"]``."""
ESTIMATES = (FROM_TAGS, FROM_VIBENET, PREDICTED)
"""Sources of estimates; each replaces those before it."""


class AttributeEstimator(Protocol):
    """Source of estimates: a trained predictor, VibeNet or tags."""

    id: str

    def attributes(self, table: FeatureTable) -> dict[str, Floats]:
        """Estimate attributes (and ``key``, ``mode``), float32 ``(n,)`` each, NaN where unknown."""


class TagEstimator:
    """Estimator from MusiCNN's tag probabilities (``musicnn_tags``)."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._tags = [name.removeprefix(f"{TAGS}:") for name in columns]
        network = hashlib.blake2b("\n".join(self._tags).encode(), digest_size=4).hexdigest()
        self.id = f"{TAGS}:{from_tags.VERSION}-{network}"

    def attributes(self, table: FeatureTable) -> dict[str, Floats]:
        """Estimate attributes; see ``prediction.from_tags``."""
        return from_tags.attributes(self._tags, table.values)


class VibeNetEstimator:
    """Estimator from the feature set ``vibenet``, whose columns are attributes."""

    def __init__(self) -> None:
        self.id = f"{VIBENET}:{key_of(VIBENET).version}"

    def attributes(self, table: FeatureTable) -> dict[str, Floats]:
        """Return the columns of the table by attribute."""
        names = (name.removeprefix(f"{VIBENET}:") for name in table.names)
        return dict(zip(names, table.values.T, strict=True))


def load_estimator(instance: Path, columns: Sequence[str]) -> Estimator | None:
    """Load the newest predictor that ``columns`` suffice for; None without one.

    Without one its libraries, which take seconds, are not imported.
    """
    if folders.newest(instance, columns) is None:
        return None
    from songrec.services.prediction import attribute_prediction

    return attribute_prediction.load_estimator(instance, columns)


def refresh(instance: Instance) -> int:
    """Estimate unknown attributes of tracks not yet estimated; return their number.

    Unknown values and estimates of a source that is as good at most (``ESTIMATES``) are replaced.
    ``AudioFile.info`` holds the source of each attribute and the id of the estimator. Flushes.
    """
    estimated: set[int] = set()
    sets = _sets(instance.folder)
    if sets is not None:
        sound = _table(instance, sets)
        predictor = None if sound is None else load_estimator(instance.folder, sound.names)
        if sound is not None and predictor is not None:
            estimated |= _estimate(instance.session, sound, predictor, PREDICTED, "predictor")
    sound = _table(instance, FeatureSpec((VIBENET,)))
    if sound is not None:
        estimated |= _estimate(instance.session, sound, VibeNetEstimator(), FROM_VIBENET, VIBENET)
    sound = _table(instance, FeatureSpec((TAGS,)))
    if sound is not None:
        estimated |= _estimate(
            instance.session, sound, TagEstimator(sound.names), FROM_TAGS, "tags"
        )
    instance.session.flush()
    return len(estimated)


def clamp_to_range(name: str, value: float) -> float:
    """Clamp an estimate to the range of the attribute; key and mode become whole numbers."""
    if name in BY_NAME:
        return min(max(value, BY_NAME[name].low), BY_NAME[name].high)
    return round(value)


def _table(instance: Instance, sets: FeatureSpec) -> FeatureTable | None:
    try:
        return table(instance, sets)
    except NotReady:
        return None


def _sets(instance: Path) -> FeatureSpec | None:
    """Return the feature sets of the newest predictor trained on features of the library."""
    for name in folders.ids(instance):
        columns = folders.manifest(instance, name)["columns"]
        sets = FeatureSpec(tuple(dict.fromkeys(column.partition(":")[0] for column in columns)))
        if all(":" in column for column in columns) and all(name in EXTRACTORS for name in sets):
            return sets
    return None


def _estimate(
    session: Session, sound: FeatureTable, estimator: AttributeEstimator, source: str, mark: str
) -> set[int]:
    """Estimate the tracks whose files lack the estimator's id under ``mark``; return their ids."""
    files = _not_seen(session, estimator.id, mark, sound)
    if not files:
        return set()
    rows = np.flatnonzero(np.isin(sound.track_ids, list(files)))
    part = sound.take(rows)
    values = estimator.attributes(part)
    tracks = _tracks(session, part.track_ids.tolist())
    for row, track_id in enumerate(part.track_ids.tolist()):
        estimate = {name: float(column[row]) for name, column in values.items()}
        attributes = _fill_in(tracks[track_id], files[track_id][0], estimate, source)
        for file in files[track_id]:
            file.info = {**file.info, "attributes": attributes, mark: estimator.id}
    return set(files)


def _not_seen(
    session: Session, estimator_id: str, mark: str, sound: FeatureTable
) -> dict[int, list[AudioFile]]:
    files: dict[int, list[AudioFile]] = {}
    for part in chunks(sound.track_ids.tolist()):
        for file in session.scalars(select(AudioFile).where(AudioFile.track_id.in_(part))):
            if file.track_id is not None and file.info.get(mark) != estimator_id:
                files.setdefault(file.track_id, []).append(file)
    return files


def _tracks(session: Session, track_ids: Sequence[int]) -> dict[int, Track]:
    return {
        track.id: track
        for part in chunks(list(track_ids))
        for track in session.scalars(select(Track).where(Track.id.in_(part)))
    }


def _fill_in(
    track: Track, file: AudioFile, estimate: Mapping[str, float], source: str
) -> dict[str, Any]:
    """Set the replaceable attributes; return the known attributes with their sources."""
    attributes: dict[str, Any] = dict(file.info.get("attributes", {}))
    replaceable = ESTIMATES[: ESTIMATES.index(source) + 1]
    for name, value in estimate.items():
        record: Any = track.attributes if name in ATTRIBUTE_NAMES else track
        is_estimate = attributes.get(name, {}).get("source") in replaceable
        if not np.isfinite(value) or (getattr(record, name) is not None and not is_estimate):
            continue
        setattr(record, name, clamp_to_range(name, value))
        attributes[name] = {"value": getattr(record, name), "source": source}
    return attributes
