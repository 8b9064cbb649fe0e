"""What a run's model does, shown on examples: tracks restored, the latent walked along, sound.

Heavy: the run's model is loaded; jobs and commands call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable, Floats, Ints
from songrec.features.scaling import Scaler
from songrec.features.settings import DEFAULTS
from songrec.representation import REPRESENTATIONS
from songrec.services.training import dataset, model_inputs
from songrec.store.catalogue import training_data
from songrec.store.runs import run_folders
from songrec.store.tables import Run

EXAMPLES = 4
STEPS = 7
"""Places along a dimension of the latent, from its 5th to its 95th percentile."""
WALKED = 6
"""So many dimensions are walked along, those that vary most."""
MADE_UP = 500
"""So many tracks of a label are made up; their mean is shown."""
LABELS_MADE_UP = 6
GRIFFIN_LIM_ROUNDS = 32


@dataclass(frozen=True)
class Subject:
    """A run's model with what it learnt from, as far as that is still there.

    ``table`` holds the run's standardised features of the tracks that still have them, ``rows``
    where those are in the run's arrays, ``needed`` what the model needs beside the table.
    """

    model: Any
    table: FeatureTable
    rows: Ints
    latent: Floats
    labels: Ints
    needed: Mapping[str, Any]


@dataclass(frozen=True)
class Restored:
    """One track before and after: features ``(f,)``, or spectrograms ``(bands, frames)`` in dB."""

    track_id: int
    before: Floats
    after: Floats

    @property
    def is_picture(self) -> bool:
        """Whether it is a spectrogram."""
        return self.before.ndim == 2


@dataclass(frozen=True)
class Walk:
    """One dimension of the latent walked along, all others at their median.

    ``places`` ``(STEPS,)``; ``decoded`` is what the decoder makes of each: ``(STEPS, f)``, or
    spectrograms ``(STEPS, bands, frames)``.
    """

    dimension: int
    places: Floats
    decoded: Floats


@dataclass(frozen=True)
class MadeUp:
    """The mean of the tracks of a label, and of tracks that the model made up of it: ``(f,)``."""

    label: str
    tracks: int
    known: Floats
    made: Floats


def load(session: Session, instance: Path, run: Run) -> Subject:
    """The run's model and its features as they are now.

    Raises ``NotReady`` where the run's files or the features that it learnt from are gone.
    """
    folder = run_folders.run_folder(instance, run.public_id)
    track_ids, labels = run_folders.read_labels(instance, run.public_id)
    latent = run_folders.read_array(instance, run.public_id, "latent.npy")
    scaler = Scaler.load(folder / "scaler.npz")
    data = training_data.read(session)
    raw = dataset.build_dataset(session, instance, FeatureSpec.parse(run.feature_set), data).table
    lacking = [name for name in scaler.columns if name not in raw.names]
    if lacking:
        raise NotReady(
            f"Run {run.public_id} learnt from {lacking[0]!r}, which the catalogue no longer has."
        )
    _, here, there = np.intersect1d(
        raw.track_ids, track_ids, assume_unique=True, return_indices=True
    )
    if not len(here):
        raise NotReady(f"None of the tracks of run {run.public_id} is left.")
    columns = [raw.names.index(name) for name in scaler.columns]
    table = scaler.transform(raw.take(here).select(columns))
    model = REPRESENTATIONS.entry(run.representation).load().load(folder)
    needed = model_inputs.gather(session, instance, model, table.track_ids)
    return Subject(model, table, there.astype(np.int64), latent, labels, needed)


def typical(subject: Subject, count: int = EXAMPLES) -> Ints:
    """Rows of the table: of each of the largest clusters the track nearest its mean."""
    labels = subject.labels[subject.rows]
    found, sizes = np.unique(labels[labels >= 0], return_counts=True)
    chosen = []
    for label in found[np.argsort(-sizes, kind="stable")][:count]:
        own = np.flatnonzero(labels == label)
        latent = np.asarray(subject.latent[subject.rows[own]])
        away = np.linalg.norm(latent - latent.mean(axis=0), axis=1)
        chosen.append(int(own[away.argmin()]))
    return np.array(chosen, dtype=np.int64)


def restored(subject: Subject, rows: Ints) -> list[Restored]:
    """These rows of the table before and after the model; nothing if it cannot reconstruct."""
    if not hasattr(subject.model, "reconstruct"):
        return []
    found = []
    for row in rows.tolist():
        table = subject.table.take(np.array([row]))
        needed = model_inputs.slice_inputs(subject.needed, row, row + 1)
        after = np.asarray(subject.model.reconstruct(table, **needed))[0]
        if after.ndim == 2:
            before = needed["spectrograms"].read(np.zeros(1, dtype=np.int64))[0]
        else:
            before = table.values[0]
        found.append(Restored(int(table.track_ids[0]), before, after))
    return found


def walks(subject: Subject, most: int = WALKED) -> list[Walk]:
    """The latent's most varied dimensions walked along; nothing if the model cannot decode."""
    decode = getattr(subject.model, "decode", None)
    if decode is None:
        return []
    latent = np.asarray(subject.latent, dtype=np.float32)
    middle = np.median(latent, axis=0)
    low, high = np.quantile(latent, [0.05, 0.95], axis=0)
    found = []
    for dimension in np.argsort(low - high, kind="stable")[:most].tolist():
        if high[dimension] <= low[dimension]:
            break  # the rest is the same for every track
        places = np.linspace(low[dimension], high[dimension], STEPS, dtype=np.float32)
        path = np.repeat(middle[None, :].astype(np.float32), STEPS, axis=0)
        path[:, dimension] = places
        decoded = _decoded(subject, path)
        if decoded is None:
            return []
        found.append(Walk(dimension, places, decoded))
    return found


def made_up(subject: Subject, seed: int = 0, most: int = LABELS_MADE_UP) -> list[MadeUp]:
    """What the model makes up of its commonest labels; nothing of one that has no labels."""
    generate = getattr(subject.model, "generate", None)
    if generate is None:
        return []
    given = np.array([label or "" for label in subject.needed["labels"]])
    found = []
    for label in subject.model.labels_[:most]:
        own = np.flatnonzero(given == label)
        if len(own):
            known = subject.table.values[own].mean(axis=0)
            made = np.asarray(generate(label, MADE_UP, seed)).mean(axis=0)
            found.append(MadeUp(label, len(own), known, made))
    return found


def _decoded(subject: Subject, path: Floats) -> Floats | None:
    """What the decoder makes of places in the latent.

    A model with a condition is asked for its commonest label.
    """
    if "labels" not in subject.needed:
        return np.asarray(subject.model.decode(path))
    known = [label for label in subject.needed["labels"] if label is not None]
    if not known:
        return None
    commonest = max(sorted(set(known)), key=known.count)
    return np.asarray(subject.model.decode(path, labels=[commonest] * len(path)))


def sound(
    decibels: Floats,
    *,
    sample_rate: int = DEFAULTS.sample_rate,
    n_fft: int = DEFAULTS.n_fft,
    hop_length: int = DEFAULTS.hop_length,
    seed: int = 0,
) -> Floats:
    """A mel spectrogram in decibels ``(bands, frames)`` as samples, float32, full scale ±1.

    Griffin & Lim 1984 (fast version of Perraudin et al. 2013) by librosa: the phases are made up,
    so it sounds hollow even where the picture is right. Peaks are brought to -1 dB. Raises
    ``BadInput`` for something else than a picture.
    """
    if decibels.ndim != 2 or decibels.shape[1] < 2:
        raise BadInput(f"A spectrogram has bands and frames; this has shape {decibels.shape}.")
    import librosa

    from songrec.features.audio.filterbanks import mel_filters

    power = librosa.db_to_power(np.asarray(decibels, dtype=np.float32))
    filters = mel_filters(sample_rate, n_fft, len(power))
    magnitudes = np.sqrt(np.maximum(librosa.util.nnls(filters, power), 0.0))
    samples = librosa.griffinlim(
        magnitudes,
        n_iter=GRIFFIN_LIM_ROUNDS,
        hop_length=hop_length,
        n_fft=n_fft,
        random_state=seed,
    )
    peak = float(np.abs(samples).max(initial=0.0))
    return (samples * (0.891 / peak if peak > 0 else 1.0)).astype(np.float32)


def wav(samples: Floats, sample_rate: int = DEFAULTS.sample_rate) -> bytes:
    """Samples as a WAV file, 16 bits, one channel."""
    import io
    import wave

    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()
