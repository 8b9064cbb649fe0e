"""Training data of the predictor: a table, or the songs of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable, Floats
from songrec.prediction import tables
from songrec.prediction.targets import TARGETS, tempo_bins
from songrec.services.features import feature_sets
from songrec.store.instance import Instance
from songrec.store.tables import AudioFile, Track, TrackAttributes

FEATURE_SETS = feature_sets.DEFAULT_SETS
"""Default feature sets of a predictor trained on the catalogue."""


@dataclass(frozen=True)
class Sample:
    """Tracks with features and known attributes.

    ``targets`` maps names of ``prediction.TARGETS`` to float32 ``(n,)``, NaN where unknown.
    ``groups`` ``(n,)`` is equal for tracks of the same song, or None if unknown.
    """

    table: FeatureTable
    targets: Mapping[str, Floats]
    source: str
    groups: NDArray[Any] | None = None


def read_file(path: Path) -> Sample:
    """Read a table of features and attributes; ``BadInput`` if it is not usable."""
    table, targets = tables.read(path)
    return Sample(table, targets, path.name)


def read_catalogue(instance: Instance, spec: FeatureSpec = FEATURE_SETS) -> Sample:
    """Read the analysed tracks of the catalogue with their stated attributes.

    An attribute counts if it belongs to the track and was not estimated from its sound, or to a
    track of the same artist and title without audio. Raises ``NotReady`` if no track has both
    features and attributes.
    """
    table = feature_sets.table(instance, spec)
    sample = _stated(instance.session, table)
    if not any((~np.isnan(column)).any() for column in sample.targets.values()):
        raise NotReady(
            "No track has both audio features and stated attributes: analyse the sound of songs "
            "that the catalogue knows (flask analyze DIR), or train on a table of features and "
            "attributes (flask predict train FILE)."
        )
    return sample


def _stated(session: Session, table: FeatureTable) -> Sample:
    """Select the tracks of the table that have stated attributes."""
    names = {name: target.attribute for name, target in TARGETS.items()}
    columns = [
        getattr(Track if attribute in ("key", "mode") else TrackAttributes, attribute)
        for attribute in names.values()
    ]
    own = {
        int(row[0]): row
        for row in session.execute(
            select(Track.id, Track.song_key, *columns)
            .outerjoin(TrackAttributes, TrackAttributes.track_id == Track.id)
            .where(Track.source_key.like("audio:%"))
        )
    }
    own_songs = {int(row[1]) for row in own.values()}
    elsewhere: dict[int, list[Any]] = {}
    others = session.execute(
        select(Track.song_key, *columns)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id)
        .where(Track.source_key.not_like("audio:%"))
        .order_by(Track.id)
        .execution_options(yield_per=20_000)
    )
    for song, *values in others:
        if song in own_songs:
            elsewhere.setdefault(int(song), values)
    estimated = {
        track_id: set((info or {}).get("attributes", {}))
        for track_id, info in session.execute(
            select(AudioFile.track_id, AudioFile.info).where(
                AudioFile.track_id.is_not(None), AudioFile.content_hash.is_not(None)
            )
        )
    }
    values = np.full((len(table.track_ids), len(names)), np.nan)
    songs = np.zeros(len(table.track_ids), dtype=np.int64)
    for position, track_id in enumerate(int(number) for number in table.track_ids):
        row = own.get(track_id)
        if row is None:
            continue
        songs[position] = row[1]
        stated = elsewhere.get(int(row[1]), [None] * len(names))
        for column, attribute in enumerate(names.values()):
            value = stated[column]
            if value is None and attribute not in estimated.get(track_id, set()):
                value = row[2 + column]
            values[position, column] = np.nan if value is None else value
    at = list(names).index("tempo_bin")
    values[:, at] = tempo_bins(values[:, at])
    has_any = ~np.isnan(values).all(axis=1)
    targets = {
        name: TARGETS[name].check(values[has_any, column]) for column, name in enumerate(names)
    }
    return Sample(table.take(has_any), targets, "catalogue", songs[has_any])
