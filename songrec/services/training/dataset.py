"""What a run learns from: attributes, feature sets of the sound, or several of them together."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.core.registry import Entry
from songrec.core.types import FeatureTable, Ints
from songrec.features.attribute_table import COVERAGE, AttributeSelection, attributes_table
from songrec.features.genre import Genre
from songrec.features.registry import EXTRACTORS
from songrec.services.features import feature_sets, run_settings
from songrec.services.training.model_inputs import SPECTROGRAM_SET
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue import training_data
from songrec.store.catalogue.training_data import TrainingData
from songrec.store.sound import feature_cache, spectrograms

ATTRIBUTES = "attributes"
AUTO = "auto"
"""What suits the representation: see ``suited``."""
KNOWN = (ATTRIBUTES, *EXTRACTORS.names())
AUDIO_COVERAGE = 0.5
"""A feature that fewer analysed tracks have (the pitch of music without any) is left out."""
FEWEST = 10
SUITED_SHARE = 0.5
"""A set of the sound is chosen by itself where so many of the catalogue's tracks have it."""
# A pitch class is a name, not an amount: 11 is next to 0. The chroma columns carry the harmony.
_NO_AMOUNT = frozenset({"statistical:key"})


@dataclass(frozen=True)
class Chosen:
    """The tracks that have every set, their raw columns, and what was left out of them.

    ``described`` names the attributes known well enough to speak of clusters by, ``settings`` says
    how each set of the sound was extracted (``run_settings.record``).
    """

    data: TrainingData
    table: FeatureTable
    choice: AttributeSelection
    described: tuple[str, ...]
    has_audio: bool
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


def parse(text: str) -> tuple[str, ...]:
    """``"mfcc, statistical"`` as names of feature sets; ``UnknownName`` for one that is none."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names or ("",):
        if name not in KNOWN:
            raise UnknownName("feature set", name, KNOWN)
    return names


def suited(session: Session, representation: Entry) -> str:
    """What ``representation`` learns from unless told otherwise.

    The first of the sets that suit it which half of the catalogue's tracks have, or else the last:
    nobody's thousands of songs are left out of a run because a few have been analysed.
    """
    *wanted, last = representation.suited_features
    tracks = catalogue.track_count(session)
    for name in wanted:
        if name == ATTRIBUTES:
            return name
        key = feature_sets.most_common_settings(session, name)
        heard = len(feature_cache.hashes_of_tracks(session, [key]))
        if heard >= max(FEWEST, SUITED_SHARE * tracks):
            return name
    return last


def choose(session: Session, instance: Path, feature_set: str, data: TrainingData) -> Chosen:
    """The table of ``feature_set`` (see ``parse``) over the tracks in ``data`` that have it all.

    Columns are called ``set:column``, but an attribute alone goes by its own name. Raises
    ``NotReady`` where too few tracks have been analysed and ``BadInput`` where nothing is left.
    Spectrograms narrow the tracks down and give no columns: a model reads them by itself.
    """
    names = parse(feature_set)
    audio = [
        name
        for name in names
        if name not in (ATTRIBUTES, SPECTROGRAM_SET, *feature_sets.FROM_LABELS)
    ]
    if SPECTROGRAM_SET in names:
        key = feature_sets.most_common_settings(session, SPECTROGRAM_SET)
        seen = spectrograms.tracks(session, instance, key, minimum=FEWEST)
        data = _only(data, np.fromiter(seen, dtype=np.int64))
    sound = None
    if audio:
        sound = feature_sets.table(session, instance, audio, minimum=FEWEST)
        data = _only(data, sound.track_ids)
    described = described_attributes(data)
    if names == (ATTRIBUTES,):
        table, choice = attributes_table(data.track_ids, data.values, ATTRIBUTE_NAMES)
        return Chosen(data, table, choice, described, has_audio=False)
    parts, left_out = [], {}
    for name in names:
        if name == ATTRIBUTES:
            part, choice = attributes_table(data.track_ids, data.values, ATTRIBUTE_NAMES)
            left_out |= choice.left_out
            parts.append(_prefixed(name, part))
        elif name in feature_sets.FROM_LABELS:
            parts.append(_prefixed(name, _genres(session, data.track_ids)))
    if sound is not None:
        known, too_few = _known_enough(sound, data.track_ids)
        left_out |= too_few
        parts.append(known)
    table = FeatureTable(
        data.track_ids,
        tuple(column for part in parts for column in part.names),
        np.concatenate(
            [np.empty((len(data.track_ids), 0), np.float32)] + [part.values for part in parts],
            axis=1,
        ),
        feature_set,
    )
    if not table.names and SPECTROGRAM_SET not in names:
        raise BadInput(f"The features {feature_set} leave no column to learn from.")
    heard = [*audio, *([SPECTROGRAM_SET] if SPECTROGRAM_SET in names else [])]
    return Chosen(
        data,
        table,
        AttributeSelection(table.names, left_out),
        described,
        has_audio=bool(audio),
        settings=run_settings.record(session, instance, heard),
    )


def described_attributes(data: TrainingData) -> tuple[str, ...]:
    """The attributes that nearly all of the tracks have."""
    if not len(data.track_ids):
        return ()
    shares = 1.0 - np.isnan(data.values).mean(axis=0)
    return tuple(
        name for name, share in zip(ATTRIBUTE_NAMES, shares, strict=True) if share >= COVERAGE
    )


def sound_of(table: FeatureTable) -> FeatureTable:
    """Those columns of a table that come from sound or from labels, not from attributes."""
    at = [i for i, name in enumerate(table.names) if name.partition(":")[0] != ATTRIBUTES]
    names = tuple(table.names[i] for i in at)
    return FeatureTable(table.track_ids, names, table.values[:, at], table.feature_set)


def _only(data: TrainingData, track_ids: Ints) -> TrainingData:
    rows = np.flatnonzero(np.isin(data.track_ids, track_ids))
    return TrainingData(**{field.name: getattr(data, field.name)[rows] for field in fields(data)})


def _prefixed(name: str, table: FeatureTable) -> FeatureTable:
    columns = tuple(f"{name}:{column}" for column in table.names)
    return FeatureTable(table.track_ids, columns, table.values, name)


def _genres(session: Session, track_ids: Ints) -> FeatureTable:
    tags = training_data.read_tags(session, "genre", track_ids)
    first: list[str | None] = [None] * len(track_ids)
    for row, tag in zip(tags.rows.tolist(), tags.tags.tolist(), strict=True):
        first[row] = first[row] or tags.names[tag]
    if not any(first):
        raise NotReady("No track has a genre: the feature set 'genre' needs labels.")
    return Genre().table(track_ids, first)


def _known_enough(table: FeatureTable, ids: Ints) -> tuple[FeatureTable, dict[str, float]]:
    values = table.values[np.isin(table.track_ids, ids)]
    shares = 1.0 - np.isnan(values).mean(axis=0)
    kept = [
        at
        for at, name in enumerate(table.names)
        if shares[at] >= AUDIO_COVERAGE and name not in _NO_AMOUNT
    ]
    left_out = {
        name: round(float(share), 4)
        for name, share in zip(table.names, shares, strict=True)
        if share < AUDIO_COVERAGE
    }
    names = tuple(table.names[at] for at in kept)
    return FeatureTable(ids, names, values[:, kept], table.feature_set), left_out
