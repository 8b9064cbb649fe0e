"""Inputs that a model takes beside its feature table: spectrograms, lyrics, labels, row by row.

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
from songrec.core.types import Floats, Ints, Spectrograms
from songrec.features.lyrics.cleaning import clean
from songrec.services.features import feature_sets
from songrec.store.catalogue import lyrics, training_data
from songrec.store.sound import spectrograms

PICTURES = "melspectrogram"
"""The feature set that is no vector, and what ``spectrograms`` are read from."""


@dataclass(frozen=True)
class Song:
    """What is known of one song that no run has seen, beside its features.

    ``labels`` maps a kind of tag (``"genre"``) to the song's; ``spectrogram`` is float32
    ``(bands, frames)`` in decibels.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    spectrogram: Floats | None = None


def of(model: Any) -> tuple[str, ...]:
    """What ``model``, a representation or its class, needs beside its table."""
    return tuple(getattr(model, "required_inputs", ()))


def gather(session: Session, instance: Path, model: Any, track_ids: Ints) -> dict[str, Any]:
    """What ``model`` needs of the tracks (ascending ids), from the store.

    Raises ``NotReady`` where no track has any of it.
    """
    return {name: _GATHERED[name](session, instance, model, track_ids) for name in of(model)}


def of_song(model: Any, song: Song) -> dict[str, Any]:
    """The same of one song; a label or text that is unknown is None."""
    return {name: _OF_SONG[name](model, song) for name in of(model)}


def part(needed: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """What is needed of the rows from ``start`` to ``stop``."""
    return {
        name: _Part(whole, start, stop) if name == "spectrograms" else whole[start:stop]
        for name, whole in needed.items()
    }


def labels_of(session: Session, kind: str, track_ids: Ints) -> list[str | None]:
    """One tag of ``kind`` a track, None where it has none.

    Of several the one that most tracks have, so that few labels hold many tracks each.
    """
    tags = training_data.read_tags(session, kind, track_ids)
    found: list[str | None] = [None] * len(track_ids)
    counts = np.bincount(tags.tags, minlength=len(tags.names))
    # Rarest first, so that the commonest has the last word; equal ones in order of their number.
    for at in np.lexsort((-tags.tags, counts[tags.tags])).tolist():
        found[tags.rows[at]] = tags.names[tags.tags[at]]
    return found


def _labels(session: Session, instance: Path, model: Any, track_ids: Ints) -> list[str | None]:
    labels = labels_of(session, model.condition, track_ids)
    if not any(labels):
        raise NotReady(f"No track has a label of the kind {model.condition!r}: choose another.")
    return labels


def _label(model: Any, song: Song) -> list[str | None]:
    return [song.labels.get(model.condition)]


def _spectrograms(session: Session, instance: Path, model: Any, track_ids: Ints) -> Spectrograms:
    key = feature_sets.commonest(session, PICTURES)
    return spectrograms.of_tracks(session, instance, key, track_ids)


def _spectrogram(model: Any, song: Song) -> Spectrograms:
    if song.spectrogram is None:
        raise NotReady(
            "The published run learnt from spectrograms, and there is none of this song."
        )
    return spectrograms.GivenSpectrograms([song.spectrogram])


def remember_texts(model: Any, instance: Path) -> None:
    """Let a model that embeds texts keep their vectors in the instance, and read what is there."""
    if hasattr(model, "remember_texts"):
        model.remember_texts(instance / "words")


def _texts(session: Session, instance: Path, model: Any, track_ids: Ints) -> list[str | None]:
    remember_texts(model, instance)
    found = lyrics.texts_of(session, track_ids)
    return [clean(found.get(track)) for track in track_ids.tolist()]


def _text(model: Any, song: Song) -> list[str | None]:
    return [clean(song.text)]


_GATHERED = {"labels": _labels, "spectrograms": _spectrograms, "texts": _texts}
_OF_SONG = {"labels": _label, "spectrograms": _spectrogram, "texts": _text}


class _Part:
    """Some neighbouring rows of spectrograms."""

    def __init__(self, whole: Spectrograms, start: int, stop: int) -> None:
        self._whole = whole
        self._start = start
        self.shape = (min(stop, whole.shape[0]) - start, *whole.shape[1:])

    def read(self, rows: Ints) -> Floats:
        """The pictures of these rows, counted from the part's first."""
        return self._whole.read(np.asarray(rows) + self._start)


def check(representation: Any, clustering: Any, feature_set: str = "") -> None:
    """Whether registry entries and features go together; ``BadInput`` says why they do not."""
    sets = [name.strip() for name in feature_set.split(",") if name.strip()]
    sees = "spectrograms" in representation.required_inputs
    if sets and sees and PICTURES not in sets:
        raise BadInput(
            f"The representation {representation.name!r} looks at spectrograms: choose --features "
            f"{PICTURES}, or {PICTURES} and others by commas."
        )
    if PICTURES in sets and not sees:
        raise BadInput(
            f"The features {PICTURES!r} are a picture of the sound, and the representation "
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
