"""Inputs of a model other than its feature table: spectrograms, lyrics, labels, by row.

A representation names them in its attribute ``required_inputs`` and gets them as keyword arguments
of these names in ``fit``, ``transform``, ``reconstruct`` and ``assign``. A model that takes labels
names the kind of tag in its attribute ``condition``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import AUTO, FeatureSpec
from songrec.core.types import Floats, Ints, Spectrograms
from songrec.features.lyrics.cleaning import clean
from songrec.services.features import feature_sets
from songrec.store.catalogue import lyrics, training_data
from songrec.store.instance import Instance
from songrec.store.sound import spectrograms

SPECTROGRAM_SET = "melspectrogram"
"""The feature set whose values are pictures, not vectors: the input ``spectrograms``."""


@dataclass(frozen=True)
class TrackInputs:
    """Inputs of one new track other than its features.

    ``labels`` maps a kind of tag (``"genre"``) to the track's; ``spectrogram`` is float32
    ``(bands, frames)`` in decibels.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    spectrogram: Floats | None = None


def required_inputs(model: Any) -> tuple[str, ...]:
    """Return the names of the inputs of ``model``, a representation or its class."""
    return tuple(getattr(model, "required_inputs", ()))


def hand_over_folders(model: Any, instance: Path) -> None:
    """Give a model that works with files the instance's folders."""
    if hasattr(model, "use_folders"):
        model.use_folders(scratch=instance, cache=instance / "words", models=instance / "models")


def gather(instance: Instance, model: Any, track_ids: Ints) -> dict[str, Any]:
    """Return the inputs of ``model`` for tracks of the catalogue (ascending ids).

    A model that uses files gets the instance's folders. Raises ``NotReady`` if no track has a
    required input.
    """
    hand_over_folders(model, instance.folder)
    return {name: _GATHERED[name](instance, model, track_ids) for name in required_inputs(model)}


def for_upload(model: Any, track: TrackInputs) -> dict[str, Any]:
    """Return the inputs of ``model`` for one new track; an unknown label or text is None."""
    return {name: _OF_TRACK[name](model, track) for name in required_inputs(model)}


def slice_inputs(inputs: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Return the inputs of the rows from ``start`` to before ``stop``."""
    return {
        name: _SpectrogramSlice(rows, start, stop) if name == "spectrograms" else rows[start:stop]
        for name, rows in inputs.items()
    }


def labels_of(session: Session, kind: str, track_ids: Ints) -> list[str | None]:
    """Return one tag of ``kind`` per track, None without one.

    Of several tags it is the one with the most tracks, so that there are few labels with many
    tracks each.
    """
    tags = training_data.read_tags(session, kind, track_ids)
    numbers = tags.most_common(len(track_ids)).tolist()
    return [tags.names[number] if number >= 0 else None for number in numbers]


def _labels(instance: Instance, model: Any, track_ids: Ints) -> list[str | None]:
    labels = labels_of(instance.session, model.condition, track_ids)
    if not any(labels):
        raise NotReady(f"No track has a label of the kind {model.condition!r}: choose another.")
    return labels


def _label(model: Any, track: TrackInputs) -> list[str | None]:
    return [track.labels.get(model.condition)]


def _spectrograms(instance: Instance, model: Any, track_ids: Ints) -> Spectrograms:
    key = feature_sets.most_common_settings(instance.session, SPECTROGRAM_SET)
    return spectrograms.of_tracks(instance, key, track_ids)


def _spectrogram(model: Any, track: TrackInputs) -> Spectrograms:
    if track.spectrogram is None:
        raise NotReady("The published run learnt from spectrograms, and this song has none.")
    return spectrograms.GivenSpectrograms([track.spectrogram])


def _texts(instance: Instance, model: Any, track_ids: Ints) -> list[str | None]:
    texts = lyrics.texts_of(instance.session, track_ids)
    return [clean(texts.get(track)) for track in track_ids.tolist()]


def _text(model: Any, track: TrackInputs) -> list[str | None]:
    return [clean(track.text)]


_GATHERED = {"labels": _labels, "spectrograms": _spectrograms, "texts": _texts}
_OF_TRACK = {"labels": _label, "spectrograms": _spectrogram, "texts": _text}


class _SpectrogramSlice:
    """Neighbouring rows of spectrograms."""

    def __init__(self, whole: Spectrograms, start: int, stop: int) -> None:
        self._whole = whole
        self._start = start
        self.shape = (min(stop, whole.shape[0]) - start, *whole.shape[1:])

    def read(self, rows: Ints) -> Floats:
        """Return the pictures of these rows, counted from the first of the slice."""
        return self._whole.read(np.asarray(rows) + self._start)


def check(representation: Any, clustering: Any, feature_set: FeatureSpec | None = None) -> None:
    """Raise ``BadInput`` if a representation, a clustering and features do not go together."""
    sets = () if feature_set in (None, AUTO) else feature_set.names
    sees_spectrograms = "spectrograms" in representation.required_inputs
    if sets and sees_spectrograms and SPECTROGRAM_SET not in sets:
        raise BadInput(
            f"The representation {representation.name!r} looks at spectrograms: choose --features "
            f"{SPECTROGRAM_SET}, or {SPECTROGRAM_SET} and others by commas."
        )
    if SPECTROGRAM_SET in sets and not sees_spectrograms:
        raise BadInput(
            f"The features {SPECTROGRAM_SET!r} are a picture of the sound, and the representation "
            f"{representation.name!r} takes vectors: choose --representation conv_vae, or features "
            "such as mfcc,statistical."
        )
    lacking = set(clustering.requires) - set(representation.abilities)
    if lacking:
        raise BadInput(
            f"The clustering {clustering.name!r} takes the model's own clusters, and the "
            f"representation {representation.name!r} makes none: choose --representation vade, "
            "or another clustering."
        )
