"""``statistical``: statistics of spectrum, dynamics, rhythm, harmony and pitch."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from songrec.core.types import Audio, Floats
from songrec.features.audio import key, loudness, pitch, rhythm, spectral, tempo, tonal
from songrec.features.audio.stft import Frames, StftParameters
from songrec.features.audio.summary import summarise, summary_names

DESCRIPTORS: tuple[str, ...] = (
    *spectral.SHAPE,
    *spectral.CONTRAST,
    *spectral.LEVEL,
    "harmonic_percussive_db",
    *tonal.CHROMA,
    "f0",
    *pitch.HARMONIC,
    "onset_strength",
    "beat_strength",
    "attack_time",
    "note_temporal_centroid",
)
"""Columns of the seven statistics, over frames, beats (``beat_strength``) or notes."""

SINGLE: tuple[str, ...] = (
    "voiced_share",
    "tuning",
    "harmonic_percussive_ratio",
    "temporal_centroid",
    "onset_rate",
    "beat_regularity",
    "key_strength",
    "tempo",
    "key",
    "mode",
    "loudness",
)
"""Values of the whole excerpt."""

MEASURED: tuple[str, ...] = ("tempo", "key", "mode", "loudness")
_LIMIT_DB = 80.0


class Statistical(StftParameters):
    """Seven statistics of 36 descriptors and 11 values of the whole excerpt: 263 columns.

    docs/features.md has the units. Undefined values are NaN: f0 without pitch, tempo without beats,
    key without tones, everything but the levels in silence.
    """

    version = 1

    def names(self) -> tuple[str, ...]:
        """Return ``spectral_centroid_mean``, …, then the values of the whole excerpt."""
        return (*summary_names(DESCRIPTORS), *SINGLE)

    def extract(self, audio: Audio, frames: Frames | None = None) -> Floats:
        """Compute the vector of ``audio``, float32 ``(len(names()),)``."""
        frames = self.frames_of(audio, frames)
        if frames.silent:
            return self._silence()
        single: dict[str, float] = {}
        columns = [
            *_summaries(spectral.shape(frames), spectral.contrast(frames), spectral.level(frames)),
            *self._parts(frames, single),
            *self._tones(frames, single),
            *self._time(frames, single),
        ]
        single["loudness"] = loudness.integrated_loudness(frames.samples, frames.sample_rate)
        rest = np.array([single[name] for name in SINGLE], dtype=np.float32)
        return np.concatenate([*columns, rest])

    def _silence(self) -> Floats:
        vector = np.full(len(self.names()), np.nan, dtype=np.float32)
        for column, name in enumerate(self.names()):
            if name.startswith(spectral.LEVEL) or name == "onset_rate":
                vector[column] = 0.0
        return vector

    def _parts(self, frames: Frames, single: dict[str, float]) -> list[Floats]:
        harmonic, percussive = spectral.harmonic_percussive(frames)
        single["harmonic_percussive_ratio"] = float(_ratio_db(harmonic.sum(), percussive.sum()))
        audible = harmonic + percussive > 0
        return _summaries(np.where(audible, _ratio_db(harmonic, percussive), np.nan))

    def _tones(self, frames: Frames, single: dict[str, float]) -> list[Floats]:
        single["tuning"] = tonal.tuning(frames)
        f0 = pitch.fundamental(frames)
        single["voiced_share"] = float(np.isfinite(f0).mean())
        estimate = key.find_key(key.pitch_classes(frames))
        single["key"] = float(estimate.key) if estimate else math.nan
        single["mode"] = float(estimate.mode) if estimate else math.nan
        single["key_strength"] = estimate.strength if estimate else math.nan
        chroma = tonal.chroma(frames, single["tuning"])
        return _summaries(chroma, f0, pitch.harmonics(frames, f0))

    def _time(self, frames: Frames, single: dict[str, float]) -> list[Floats]:
        envelope = rhythm.onset_envelope(frames)
        begins = rhythm.onsets(envelope, frames.rate)
        seconds = len(frames.samples) / frames.sample_rate
        single["onset_rate"] = len(begins) / seconds
        single["tempo"] = tempo.find_tempo(tempo.rhythm_envelope(frames), frames.rate)
        beats = rhythm.beats(envelope, frames.rate, single["tempo"])
        gaps = np.diff(beats)
        single["beat_regularity"] = (
            float(1.0 - gaps.std() / gaps.mean()) if len(gaps) > 1 else math.nan
        )
        single["temporal_centroid"] = _centroid(frames)
        strength = envelope[beats] / max(float(envelope.mean()), 1e-9)
        return _summaries(envelope, strength, rhythm.notes(frames, begins))


def _summaries(*descriptors: np.ndarray) -> list[Floats]:
    return [summarise(values).reshape(-1) for values in descriptors]


def _centroid(frames: Frames) -> float:
    """Return the centre of the energy in seconds, computed a second of samples at a time."""
    energy = moment = 0.0
    for start in range(0, len(frames.samples), frames.sample_rate):
        part = frames.samples[start : start + frames.sample_rate].astype(np.float64) ** 2
        energy += float(part.sum())
        moment += float(part @ np.arange(start, start + len(part)))
    return moment / energy / frames.sample_rate


def _ratio_db(harmonic: np.ndarray, percussive: np.ndarray) -> np.ndarray:
    """Return the ratio in decibels, limited to ±80."""
    tiny = np.finfo(np.float32).tiny
    ratio = np.log10(np.maximum(harmonic, tiny)) - np.log10(np.maximum(percussive, tiny))
    return np.clip(10.0 * ratio, -_LIMIT_DB, _LIMIT_DB)


def measured(vector: Floats, names: tuple[str, ...] | None = None) -> Mapping[str, float | None]:
    """Return tempo (BPM), key (0-11), mode (1 major, 0 minor) and loudness (LUFS) of a vector.

    None where the value is NaN. ``names`` are the columns of the ``statistical`` vector, by default
    those of this version.
    """
    names = names or Statistical().names()
    values = {name: float(vector[names.index(name)]) for name in MEASURED}
    return {name: None if math.isnan(value) else value for name, value in values.items()}
