"""Encoders: from a sound file to segments, each with a vector and, if known, tag probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from songrec.core.types import Audio, Floats
from songrec.services.segments.encoder_selection import EncoderChoice, choose
from songrec.services.segments.tagger_dataset import (
    CachedSegments,
    SegmentSettings,
    SongSpectrogram,
    cache_spectrogram,
)
from songrec.store.models import published_weights, taggers
from songrec.tagging.segmentation import split

PATCH_S = 3.0
"""Seconds of MusiCNN's input."""
SLACK_S = 0.05
"""A patch that reaches over the edge of a segment by less still lies within it: patches begin at
whole frames of their own."""


@dataclass(frozen=True)
class EncodedSegments:
    """The segments of one file: where each begins (s), vectors ``(w, d)``, tags ``(w, t)``."""

    starts: Floats
    vectors: Floats
    tags: Floats | None = None


class SegmentEncoder(Protocol):
    """An encoder of segments; pages and manifests call it by ``name``.

    ``in_children`` says that it needs no TensorFlow, so that each core may have a process with it.
    """

    name: str
    in_children: bool
    tags: tuple[str, ...]
    settings: SegmentSettings

    def encode(self, path: Path, content_hash: str) -> EncodedSegments:
        """Encode the segments of one file; ``BadInput`` or ``OSError`` if it cannot be read."""


def select_encoder(
    instance: Path, settings: SegmentSettings | None = None, by: str = "best"
) -> tuple[SegmentEncoder, EncoderChoice]:
    """Load the encoder that ``encoder_selection.choose`` selects.

    A tagger cuts segments as it was trained to; of ``settings`` it only uses ``seconds``.
    """
    settings, choice = settings or SegmentSettings(), choose(instance, by)
    return load_encoder(instance, choice.name, settings, choice.tagger), choice


def encoder_for_index(instance: Path, manifest: Mapping[str, Any]) -> SegmentEncoder:
    """Load the encoder of an existing index; ``NotReady`` if it no longer exists."""
    name = str(manifest["made_by"])
    tagger = None
    if name == "tagger":
        tagger = taggers.folder(instance) / str(manifest["tagger"])
    else:
        choose(instance, name)  # raises if its weights are gone
    return load_encoder(instance, name, SegmentSettings(**manifest["cutting"]), tagger)


def load_encoder(
    instance: Path, name: str, settings: SegmentSettings, tagger: Path | None = None
) -> SegmentEncoder:
    """Load the encoder ``name``; ``tagger`` is the folder of the tagger of that encoder."""
    if name == "tagger" and tagger is not None:
        return TaggerEncoder(instance, tagger, settings.seconds)
    return MusiCNNEncoder(instance, settings) if name == "musicnn" else MfccEncoder(settings)


class TaggerEncoder:
    """The embedding and the tags of a trained tagger."""

    name = "tagger"
    in_children = False

    def __init__(self, instance: Path, folder: Path, seconds: float | None) -> None:
        from songrec.tagging.tagger import Tagger

        manifest = taggers.read_document(folder)
        self.id = folder.name
        self.instance = instance
        self.settings = SegmentSettings(**{**manifest["cutting"], "seconds": seconds})
        self.model = Tagger.load(folder)
        self.tags = self.model.tags

    def encode(self, path: Path, content_hash: str) -> EncodedSegments:
        """Encode one file through the cache of spectrograms."""
        start_s, frames = cache_spectrogram(self.instance, self.settings, path, content_hash)
        song = SongSpectrogram(0, path, path.parent, content_hash, start_s, frames)
        segments = self.settings.segments([song])
        spectrograms = CachedSegments(self.instance, self.settings, [content_hash], segments)
        vectors, tags = self.model.predict(spectrograms, np.arange(len(segments)))
        return EncodedSegments(self.settings.starts([song], segments), vectors, tags)


class MusiCNNEncoder:
    """MusiCNN's embedding: the mean over the patches of 3 s that lie within the segment."""

    name = "musicnn"
    in_children = True

    def __init__(self, instance: Path, settings: SegmentSettings) -> None:
        from songrec.features.audio.musicnn import SAMPLE_RATE, MusiCNN

        self.settings = settings
        self.rate = SAMPLE_RATE
        self.model = MusiCNN(
            overlap_s=max(0.0, PATCH_S - settings.step),
            models=published_weights.models_folder(instance),
        )
        self.tags = network_tags(self.model)

    def encode(self, path: Path, content_hash: str) -> EncodedSegments:
        """Decode and encode one file."""
        from songrec.audio_files.isolated import decode

        audio = decode(path, sample_rate=self.rate, seconds=self.settings.seconds).audio
        patches = self.model.tag(audio)
        starts = _starts(audio, self.settings)
        inside = _patches_inside(patches.times_s, patches.length_s, starts, self.settings.n_seconds)
        return EncodedSegments(
            starts,
            np.stack([patches.embeddings[rows].mean(axis=0) for rows in inside]),
            np.stack([patches.probabilities[rows].mean(axis=0) for rows in inside]),
        )


class MfccEncoder:
    """Statistics of mel-frequency cepstral coefficients; it knows no tags."""

    name = "mfcc"
    in_children = True
    tags: tuple[str, ...] = ()

    def __init__(self, settings: SegmentSettings) -> None:
        from songrec.features.audio.mfcc import Mfcc

        self.settings = settings
        self.model = Mfcc()

    def encode(self, path: Path, content_hash: str) -> EncodedSegments:
        """Decode and encode one file."""
        from songrec.audio_files.isolated import decode

        settings = self.settings
        audio = decode(path, sample_rate=settings.rate, seconds=settings.seconds).audio
        starts = _starts(audio, settings)
        length = round(settings.n_seconds * settings.rate)
        vectors = []
        for start in starts.tolist():
            first = round((start - audio.start_s) * settings.rate)
            samples = audio.samples[first : first + length]
            segment = Audio(samples, settings.rate, start, audio.duration_s)
            vectors.append(np.nan_to_num(self.model.extract(segment)))
        return EncodedSegments(starts, np.stack(vectors).astype(np.float32))


def network_tags(model: Any) -> tuple[str, ...]:
    """Return the tags of a MusiCNN network."""
    from songrec.features.audio.musicnn_tags import TAGS

    return TAGS[model.model]


def _starts(audio: Audio, settings: SegmentSettings) -> Floats:
    """Return where the segments of ``audio`` begin in its file, in seconds."""
    segments = split(
        [len(audio.samples)],
        round(settings.n_seconds * audio.sample_rate),
        settings.step * audio.sample_rate,
    )
    return (audio.start_s + segments.first / audio.sample_rate).astype(np.float32)


def _patches_inside(
    times: Floats, length: float, starts: Floats, seconds: float
) -> list[np.ndarray]:
    """Return the patches within each segment; if there are none, the one nearest to its middle."""
    inside = []
    for start in starts:
        rows = np.flatnonzero(
            (times >= start - SLACK_S) & (times + length <= start + seconds + SLACK_S)
        )
        if not len(rows):
            rows = np.array([np.abs(times + length / 2 - start - seconds / 2).argmin()])
        inside.append(rows)
    return inside
