"""Examples of what a run's model does: reconstructions, latent walks, generated tracks, audio.

Heavy: the run's model is loaded; only jobs and commands import it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from songrec.core import numba_cache
from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable, Floats, Ints
from songrec.features.scaling import Scaler
from songrec.features.settings import DEFAULTS
from songrec.representation import REPRESENTATIONS
from songrec.services.training import dataset, model_inputs
from songrec.store.catalogue import training_data
from songrec.store.instance import Instance
from songrec.store.runs import run_folders
from songrec.store.tables import Run

EXAMPLES = 4
STEPS = 7
"""Number of positions along a dimension of the latent, from its 5th to its 95th percentile."""
WALKED_DIMENSIONS = 6
"""Number of dimensions that are walked along, those that vary most."""
GENERATED_TRACKS = 500
"""Number of tracks that are generated per label; their mean is shown."""
GENERATED_LABELS = 6
GRIFFIN_LIM_ROUNDS = 32


@dataclass(frozen=True)
class ModelExamples:
    """A run's model with its training data, as far as that still exists.

    ``table`` holds the standardised features of the run's tracks that still have them, ``rows``
    their rows in the run's arrays, and ``inputs`` the model's further inputs for them.
    """

    model: Any
    table: FeatureTable
    rows: Ints
    latent: Floats
    labels: Ints
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Reconstruction:
    """A track before and after the model: features ``(f,)`` or ``(bands, frames)`` in dB."""

    track_id: int
    before: Floats
    after: Floats

    @property
    def is_spectrogram(self) -> bool:
        """Whether the track is represented by a spectrogram."""
        return self.before.ndim == 2


@dataclass(frozen=True)
class LatentWalk:
    """Decoder outputs along one dimension of the latent, with the others at their median.

    ``places`` ``(STEPS,)`` are values of the dimension; ``decoded`` is ``(STEPS, f)``, or
    spectrograms ``(STEPS, bands, frames)``.
    """

    dimension: int
    places: Floats
    decoded: Floats


@dataclass(frozen=True)
class GeneratedTracks:
    """Means ``(f,)`` of a label's tracks and of tracks that the model generated for it."""

    label: str
    tracks: int
    mean: Floats
    generated_mean: Floats


def load(instance: Instance, run: Run) -> ModelExamples:
    """Load a run's model and the present features of its tracks.

    Raises ``NotReady`` if the run's files or the features that it was trained on are missing.
    """
    folder = run_folders.run_folder(instance.folder, run.public_id)
    track_ids, labels = run_folders.read_labels(instance.folder, run.public_id)
    latent = run_folders.read_array(instance.folder, run.public_id, "latent.npy")
    scaler = Scaler.load(folder / "scaler.npz")
    data = training_data.read(instance.session)
    raw = dataset.build_dataset(instance, FeatureSpec.parse(run.feature_set), data).table
    missing = [name for name in scaler.columns if name not in raw.names]
    if missing:
        raise NotReady(
            f"Run {run.public_id} was trained on {missing[0]!r}, which the catalogue no longer has."
        )
    _, rows, run_rows = np.intersect1d(
        raw.track_ids, track_ids, assume_unique=True, return_indices=True
    )
    if not len(rows):
        raise NotReady(f"The catalogue has no track of run {run.public_id} any more.")
    columns = [raw.names.index(name) for name in scaler.columns]
    table = scaler.transform(raw.take(rows).select(columns))
    model = REPRESENTATIONS.entry(run.representation).load().load(folder)
    inputs = model_inputs.gather(instance, model, table.track_ids)
    return ModelExamples(model, table, run_rows.astype(np.int64), latent, labels, inputs)


def typical_rows(examples: ModelExamples, count: int = EXAMPLES) -> Ints:
    """Return a row of the table for each of the largest clusters: the track nearest its mean."""
    labels = examples.labels[examples.rows]
    clusters, sizes = np.unique(labels[labels >= 0], return_counts=True)
    chosen = []
    for label in clusters[np.argsort(-sizes, kind="stable")][:count]:
        members = np.flatnonzero(labels == label)
        latent = np.asarray(examples.latent[examples.rows[members]])
        distances = np.linalg.norm(latent - latent.mean(axis=0), axis=1)
        chosen.append(int(members[distances.argmin()]))
    return np.array(chosen, dtype=np.int64)


def reconstructions(examples: ModelExamples, rows: Ints) -> list[Reconstruction]:
    """Reconstruct rows of the table; empty for a model without ``reconstruct``."""
    if not hasattr(examples.model, "reconstruct"):
        return []
    results = []
    for row in rows.tolist():
        table = examples.table.take(np.array([row]))
        inputs = model_inputs.slice_inputs(examples.inputs, row, row + 1)
        after = np.asarray(examples.model.reconstruct(table, **inputs))[0]
        if after.ndim == 2:
            before = inputs["spectrograms"].read(np.zeros(1, dtype=np.int64))[0]
        else:
            before = table.values[0]
        results.append(Reconstruction(int(table.track_ids[0]), before, after))
    return results


def latent_walks(examples: ModelExamples, count: int = WALKED_DIMENSIONS) -> list[LatentWalk]:
    """Walk along the latent's most varied dimensions; empty for a model without ``decode``."""
    decode = getattr(examples.model, "decode", None)
    if decode is None:
        return []
    latent = np.asarray(examples.latent, dtype=np.float32)
    middle = np.median(latent, axis=0)
    low, high = np.quantile(latent, [0.05, 0.95], axis=0)
    results = []
    for dimension in np.argsort(low - high, kind="stable")[:count].tolist():
        if high[dimension] <= low[dimension]:
            break  # the other dimensions are constant
        places = np.linspace(low[dimension], high[dimension], STEPS, dtype=np.float32)
        path = np.repeat(middle[None, :].astype(np.float32), STEPS, axis=0)
        path[:, dimension] = places
        decoded = _decoded(examples, path)
        if decoded is None:
            return []
        results.append(LatentWalk(dimension, places, decoded))
    return results


def generated_tracks(
    examples: ModelExamples, seed: int = 0, count: int = GENERATED_LABELS
) -> list[GeneratedTracks]:
    """Generate tracks of the commonest labels; empty for a model without ``generate``."""
    generate = getattr(examples.model, "generate", None)
    if generate is None:
        return []
    conditions = np.array([label or "" for label in examples.inputs["labels"]])
    results = []
    for label in examples.model.labels_[:count]:
        members = np.flatnonzero(conditions == label)
        if len(members):
            mean = examples.table.values[members].mean(axis=0)
            generated = np.asarray(generate(label, GENERATED_TRACKS, seed))
            results.append(GeneratedTracks(label, len(members), mean, generated.mean(axis=0)))
    return results


def _decoded(examples: ModelExamples, path: Floats) -> Floats | None:
    """Decode positions in the latent, for the commonest label if the model takes labels."""
    if "labels" not in examples.inputs:
        return np.asarray(examples.model.decode(path))
    labels = [label for label in examples.inputs["labels"] if label is not None]
    if not labels:
        return None
    commonest = max(sorted(set(labels)), key=labels.count)
    return np.asarray(examples.model.decode(path, labels=[commonest] * len(path)))


def to_audio(
    decibels: Floats,
    *,
    sample_rate: int = DEFAULTS.sample_rate,
    n_fft: int = DEFAULTS.n_fft,
    hop_length: int = DEFAULTS.hop_length,
    seed: int = 0,
) -> Floats:
    """Convert a mel spectrogram to audio.

    The phases are estimated, so it sounds hollow even where the spectrogram is right. The peak is
    scaled to -1 dB.

    Parameters
    ----------
    decibels
        Float ``(bands, frames)``.

    Returns
    -------
    samples
        Float32, full scale ±1.

    Raises
    ------
    BadInput
        For any other shape.

    References
    ----------
    Griffin & Lim, "Signal estimation from modified short-time Fourier transform", 1984, in the
    fast version of Perraudin et al. 2013 (librosa).
    """
    if decibels.ndim != 2 or decibels.shape[1] < 2:
        raise BadInput(f"A spectrogram has bands and frames; this has shape {decibels.shape}.")
    numba_cache.claim()
    import librosa

    from songrec.features.audio.filterbanks import mel_filters

    power = librosa.db_to_power(np.asarray(decibels, dtype=np.float32))
    filters = mel_filters(sample_rate, n_fft, len(power))
    magnitudes = np.sqrt(np.maximum(librosa.util.nnls(filters, power), 0.0))
    # librosa 1.0, which Python 3.12 and later get, calls it otherwise.
    is_renamed = "rng" in inspect.signature(librosa.griffinlim).parameters
    seed_parameter = "rng" if is_renamed else "random_state"
    samples = librosa.griffinlim(
        magnitudes,
        n_iter=GRIFFIN_LIM_ROUNDS,
        hop_length=hop_length,
        n_fft=n_fft,
        **{seed_parameter: seed},
    )
    peak = float(np.abs(samples).max(initial=0.0))
    return (samples * (0.891 / peak if peak > 0 else 1.0)).astype(np.float32)


def to_wav(samples: Floats, sample_rate: int = DEFAULTS.sample_rate) -> bytes:
    """Encode samples as a WAV file, 16 bits, mono."""
    import io
    import wave

    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()
