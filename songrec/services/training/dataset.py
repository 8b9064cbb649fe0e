"""The feature table that a run is trained on: attributes, audio feature sets or several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import ATTRIBUTES_ONLY, FeatureSpec
from songrec.core.registry import Entry
from songrec.core.types import FeatureTable, Ints
from songrec.features.attribute_table import COVERAGE, AttributeSelection, attributes_table
from songrec.features.genre import Genre
from songrec.features.registry import ATTRIBUTES, EXTRACTORS, categorical_columns
from songrec.services.features import feature_sets, run_settings
from songrec.services.training.model_inputs import SPECTROGRAM_SET
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue import training_data
from songrec.store.catalogue.training_data import TrainingData
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache, imported_features, spectrograms

AUDIO_COVERAGE = 0.5
"""A feature is left out where fewer analysed tracks have it (the pitch of unpitched music)."""
MIN_TRACKS = 10
CATALOGUE_LOUDNESS, MEASURED_LOUDNESS = "catalogue", "measured"
"""Scales of loudness: a catalogue's own decibels, and LUFS measured from the sound."""
DEFAULT_SHARE = 0.5
"""Share of the catalogue's tracks with an audio feature set from which it is a default."""


@dataclass(frozen=True)
class TrainingDataset:
    """The tracks that have every feature set, their raw columns, and the columns left out.

    ``described`` names the attributes that enough tracks have to describe clusters by,
    ``settings`` holds the extraction settings of each audio feature set (``run_settings.record``),
    ``loudness_scale`` is that of the loudness in ``data`` (``_on_one_loudness_scale``), ``notes``
    are sentences about values that were left out.
    """

    data: TrainingData
    table: FeatureTable
    choice: AttributeSelection
    described: tuple[str, ...]
    has_audio: bool
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    loudness_scale: str = CATALOGUE_LOUDNESS
    notes: tuple[str, ...] = ()


def default_features_for(session: Session, representation: Entry) -> FeatureSpec:
    """Return the feature set that ``representation`` is trained on by default.

    The first of its suited sets that half of the catalogue's tracks have, else the last. Thousands
    of tracks are not left out of a run because a few others have been analysed.
    """
    *preferred, last = representation.suited_features
    tracks = catalogue.track_count(session)
    for name in preferred:
        if name == ATTRIBUTES:
            return ATTRIBUTES_ONLY
        key = feature_sets.most_common_settings(session, name)
        analysed = len(feature_cache.hashes_of_tracks(session, [key]))
        if analysed >= max(MIN_TRACKS, DEFAULT_SHARE * tracks):
            return FeatureSpec((name,))
    return FeatureSpec((last,))


def build_dataset(
    instance: Instance, feature_set: FeatureSpec, data: TrainingData
) -> TrainingDataset:
    """Build the table of ``feature_set`` over the tracks in ``data`` that have all of its sets.

    Columns are named ``set:column``; attributes alone keep their own names. Spectrograms limit the
    tracks and add no columns, because a model reads them itself. Raises ``NotReady`` where too few
    tracks have been analysed and ``BadInput`` where no column is left.
    """
    imported = [entry.name for entry in EXTRACTORS if entry.is_imported]
    labels = [e.name for e in EXTRACTORS if not e.from_audio and not e.is_imported]
    audio = feature_set.without(ATTRIBUTES, SPECTROGRAM_SET, *labels, *imported)
    if SPECTROGRAM_SET in feature_set:
        key = feature_sets.most_common_settings(instance.session, SPECTROGRAM_SET)
        with_spectrogram = spectrograms.tracks(instance, key, minimum=MIN_TRACKS)
        data = _only(data, np.fromiter(with_spectrogram, dtype=np.int64))
    sound = None
    if len(audio):
        sound = feature_sets.table(instance, audio, minimum=MIN_TRACKS)
        data = _only(data, sound.track_ids)
    others = {name: _imported(instance.session, name) for name in feature_set if name in imported}
    for part in others.values():
        data = _only(data, part.track_ids)
    data, scale, notes = _on_one_loudness_scale(data)
    described = described_attributes(data)
    if feature_set == ATTRIBUTES_ONLY:
        table, choice = attributes_table(data.track_ids, data.values, ATTRIBUTE_NAMES)
        return TrainingDataset(
            data, table, choice, described, has_audio=False, loudness_scale=scale, notes=notes
        )
    parts, left_out = [], {}
    for name in feature_set:
        sparse: dict[str, Any] = {}
        if name == ATTRIBUTES:
            part, choice = attributes_table(data.track_ids, data.values, ATTRIBUTE_NAMES)
            part, sparse = _prefixed(name, part), choice.left_out
        elif name in labels:
            part = _prefixed(name, _genres(instance.session, data.track_ids))
        elif name in imported:
            part, sparse = _without_sparse_columns(others[name], data.track_ids)
        else:
            continue
        parts.append(part)
        left_out |= sparse
    if sound is not None:
        part, sparse = _without_sparse_columns(sound, data.track_ids)
        parts.append(part)
        left_out |= sparse
    table = _side_by_side(parts, data.track_ids, feature_set)
    if not table.names and SPECTROGRAM_SET not in feature_set:
        raise BadInput(f"The features {feature_set} leave no column to train on.")
    extracted = [*audio, *([SPECTROGRAM_SET] if SPECTROGRAM_SET in feature_set else [])]
    return TrainingDataset(
        data,
        table,
        AttributeSelection(table.names, left_out),
        described,
        has_audio=len(audio) > 0 or len(others) > 0,
        settings=run_settings.record(instance, extracted),
        loudness_scale=scale,
        notes=notes,
    )


def _side_by_side(
    parts: Sequence[FeatureTable], track_ids: Ints, feature_set: FeatureSpec
) -> FeatureTable:
    """Join tables over the same tracks by columns."""
    values = [np.empty((len(track_ids), 0), np.float32), *(part.values for part in parts)]
    names = tuple(column for part in parts for column in part.names)
    return FeatureTable(track_ids, names, np.concatenate(values, axis=1), feature_set)


def described_attributes(data: TrainingData) -> tuple[str, ...]:
    """Return the attributes that nearly all tracks have."""
    if not len(data.track_ids):
        return ()
    shares = 1.0 - np.isnan(data.values).mean(axis=0)
    return tuple(
        name for name, share in zip(ATTRIBUTE_NAMES, shares, strict=True) if share >= COVERAGE
    )


def _on_one_loudness_scale(data: TrainingData) -> tuple[TrainingData, str, tuple[str, ...]]:
    """Return data with the loudness on a single scale, the scale's name, and a note.

    A catalogue's loudness and the measured one are different quantities, so in a library with both
    only the more frequent one is used; the loudness of the other tracks counts as unknown.
    """
    column = ATTRIBUTE_NAMES.index("loudness")
    has_value = ~np.isnan(data.values[:, column])
    measured, stated = has_value & data.measured, has_value & ~data.measured
    scale = MEASURED_LOUDNESS if measured.sum() > stated.sum() else CATALOGUE_LOUDNESS
    other = stated if scale == MEASURED_LOUDNESS else measured
    if not other.any():
        return data, scale, ()
    values = data.values.copy()
    values[other, column] = np.nan
    which = "stated by the catalogue" if scale == MEASURED_LOUDNESS else "measured from the sound"
    note = (
        f"The loudness of {other.sum():,} tracks was left out: it was {which}, that of most others "
        "was not, and the two are not on one scale."
    )
    return replace(data, values=values), scale, (note,)


def sound_of(table: FeatureTable) -> FeatureTable:
    """Return the columns of a table that come from audio or labels rather than attributes."""
    columns = [i for i, name in enumerate(table.names) if name.partition(":")[0] != ATTRIBUTES]
    return table.select(columns)


def _only(data: TrainingData, track_ids: Ints) -> TrainingData:
    rows = np.flatnonzero(np.isin(data.track_ids, track_ids))
    return TrainingData(**{field.name: getattr(data, field.name)[rows] for field in fields(data)})


def _prefixed(name: str, table: FeatureTable) -> FeatureTable:
    columns = tuple(f"{name}:{column}" for column in table.names)
    return replace(table, names=columns)


def _genres(session: Session, track_ids: Ints) -> FeatureTable:
    tags = training_data.read_tags(session, "genre", track_ids)
    first: list[str | None] = [None] * len(track_ids)
    for row, tag in zip(tags.rows.tolist(), tags.tags.tolist(), strict=True):
        first[row] = first[row] or tags.names[tag]
    if not any(first):
        raise NotReady("No track has a genre: the feature set 'genre' needs labels.")
    return Genre().table(track_ids, first)


def _imported(session: Session, name: str) -> FeatureTable:
    columns: tuple[str, ...] = EXTRACTORS.entry(name).load()().names()
    return imported_features.read_table(session, name, columns, minimum=MIN_TRACKS)


def _without_sparse_columns(
    table: FeatureTable, ids: Ints
) -> tuple[FeatureTable, dict[str, float]]:
    """Select rows by track id and drop sparse columns; also returns the shares of those."""
    table = table.take(np.isin(table.track_ids, ids))
    shares = 1.0 - np.isnan(table.values).mean(axis=0)
    categorical = categorical_columns()
    dense = [
        column
        for column, name in enumerate(table.names)
        if shares[column] >= AUDIO_COVERAGE and name not in categorical
    ]
    left_out = {
        name: round(float(share), 4)
        for name, share in zip(table.names, shares, strict=True)
        if share < AUDIO_COVERAGE
    }
    return table.select(dense), left_out
