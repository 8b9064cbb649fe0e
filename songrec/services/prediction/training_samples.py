"""What a predictor of musical attributes learns from: a table, or the catalogue's own songs."""

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
"""What a predictor learns from in the catalogue unless told otherwise."""


@dataclass(frozen=True)
class Sample:
    """Tracks with features and known attributes.

    ``targets`` maps names of ``prediction.TARGETS`` to float32 ``(n,)``, NaN where unknown.
    ``together`` ``(n,)`` is equal for tracks of the same song, or None where nothing is known.
    """

    table: FeatureTable
    targets: Mapping[str, Floats]
    source: str
    together: NDArray[Any] | None = None


def read_file(path: Path) -> Sample:
    """A table of features and attributes as a sample. Raises ``BadInput``."""
    table, targets = tables.read(path)
    return Sample(table, targets, path.name)


def read_catalogue(instance: Instance, spec: FeatureSpec = FEATURE_SETS) -> Sample:
    """The catalogue's analysed tracks whose attributes somebody else has stated.

    An attribute counts when it stands on the track itself and was not estimated from its sound,
    or on a track of the same artist and title that has no audio. Raises ``NotReady`` where no
    track has both.
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
    """The stated attributes of the table's tracks; tracks without any are left out."""
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
    analysed_songs = {int(row[1]) for row in own.values()}
    elsewhere: dict[int, list[Any]] = {}
    others = session.execute(
        select(Track.song_key, *columns)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id)
        .where(Track.source_key.not_like("audio:%"))
        .order_by(Track.id)
        .execution_options(yield_per=20_000)
    )
    for song, *values in others:
        if song in analysed_songs:
            elsewhere.setdefault(int(song), values)
    estimated = {
        track_id: set((info or {}).get("attributes", {}))
        for track_id, info in session.execute(
            select(AudioFile.track_id, AudioFile.info).where(AudioFile.track_id.is_not(None))
        )
    }
    matrix = np.full((len(table.track_ids), len(names)), np.nan)
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
            matrix[position, column] = np.nan if value is None else value
    at = list(names).index("tempo_bin")
    matrix[:, at] = tempo_bins(matrix[:, at])
    has_values = ~np.isnan(matrix).all(axis=1)
    targets = {
        name: TARGETS[name].check(matrix[has_values, column]) for column, name in enumerate(names)
    }
    return Sample(table.take(has_values), targets, "catalogue", songs[has_values])
