"""What stands for a segment: the tagger's vector, or what needs no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from songrec.core.types import Audio, Floats
from songrec.services.segments.encoder_selection import Choice, choose
from songrec.services.segments.tagger_dataset import CachedWindows, Cutting
from songrec.store.models import published_weights, taggers
from songrec.tagging.cutting import Windows, cut

PATCH_S = 3.0
"""What MusiCNN hears at a time."""


@dataclass(frozen=True)
class Cuts:
    """Windows of one sound: where each begins in its file (s), vectors, tag probabilities."""

    starts: Floats
    vectors: Floats
    tags: Floats | None = None


class Maker(Protocol):
    """Something that cuts a sound and says what stands for each window.

    ``name`` is what pages and manifests call it: ``tagger``, ``musicnn`` or ``mfcc``.
    """

    name: str
    tags: tuple[str, ...]
    cutting: Cutting

    def of(self, path: Path, content_hash: str) -> Cuts:
        """The windows of one file; ``BadInput`` or ``OSError`` where it cannot be read."""


def maker(instance: Path, cutting: Cutting | None = None, by: str = "best") -> tuple[Maker, Choice]:
    """What ``encoder_selection.choose`` says, and what it says about it.

    A tagger cuts as it learnt to; ``cutting`` is for the others, and says how much of a song is
    cut in any case.
    """
    cutting, choice = cutting or Cutting(), choose(instance, by)
    return _made(instance, choice.name, choice.tagger, cutting), choice


def maker_of(instance: Path, told: Mapping[str, Any]) -> Maker:
    """What made the index with the manifest ``told``; ``NotReady`` where that is gone."""
    name = str(told["made_by"])
    found = None
    if name == "tagger":
        found = taggers.folder(instance) / str(told["tagger"])
    else:
        choose(instance, name)  # raises where its weights are gone
    return _made(instance, name, found, Cutting(**told["cutting"]))


def _made(instance: Path, name: str, tagger: Path | None, cutting: Cutting) -> Maker:
    if name == "tagger" and tagger is not None:
        return ByTagger(instance, tagger, cutting.seconds)
    return ByMusiCNN(instance, cutting) if name == "musicnn" else ByMfcc(cutting)


class ByTagger:
    """The tagger's vector of 256 (or as many units as it has), and its tags."""

    name = "tagger"

    def __init__(self, instance: Path, folder: Path, seconds: float | None) -> None:
        from songrec.tagging.tagger import Tagger

        told = taggers.told(folder)
        self.id = folder.name
        self.instance = instance
        self.cutting = Cutting(**{**told["cutting"], "seconds": seconds})
        self.model = Tagger.load(folder)
        self.tags = self.model.tags

    def of(self, path: Path, content_hash: str) -> Cuts:
        """Windows of one file, through the cache of spectrograms."""
        from songrec.services.segments.tagger_dataset import Song, of_file

        start_s, frames = of_file(self.instance, self.cutting, path, content_hash)
        song = Song(0, path, path.parent, content_hash, start_s, frames)
        windows = self.cutting.windows([song])
        pictures = CachedWindows(self.instance, self.cutting, [content_hash], windows)
        vectors, tags = self.model.ask(pictures, np.arange(len(windows)))
        return Cuts(self.cutting.starts([song], windows), vectors, tags)


class ByMusiCNN:
    """MusiCNN's embedding: of each window the mean over the patches of 3 s that lie within."""

    name = "musicnn"

    def __init__(self, instance: Path, cutting: Cutting) -> None:
        from songrec.features.audio.musicnn import SAMPLE_RATE, MusiCNN

        self.cutting = cutting
        self.rate = SAMPLE_RATE
        self.model = MusiCNN(
            overlap_s=max(0.0, PATCH_S - cutting.step),
            models=published_weights.models_folder(instance),
        )
        self.tags = tags_of_network(self.model)

    def of(self, path: Path, content_hash: str) -> Cuts:
        """Windows of one file, decoded anew."""
        from songrec.audio_files.decoding import decode

        audio = decode(path, sample_rate=self.rate, seconds=self.cutting.seconds).audio
        heard = self.model.tag(audio)
        starts = _starts(audio, self.cutting)
        inside = _inside(heard.times_s, heard.length_s, starts, self.cutting.n_seconds)
        return Cuts(
            starts,
            np.stack([heard.embeddings[rows].mean(axis=0) for rows in inside]),
            np.stack([heard.probabilities[rows].mean(axis=0) for rows in inside]),
        )


class ByMfcc:
    """Statistics of mel-frequency cepstral coefficients of each window; it tells no tags."""

    name = "mfcc"
    tags: tuple[str, ...] = ()

    def __init__(self, cutting: Cutting) -> None:
        from songrec.features.audio.mfcc import Mfcc

        self.cutting = cutting
        self.model = Mfcc()

    def of(self, path: Path, content_hash: str) -> Cuts:
        """Windows of one file, decoded anew."""
        from songrec.audio_files.decoding import decode

        cutting = self.cutting
        audio = decode(path, sample_rate=cutting.rate, seconds=cutting.seconds).audio
        starts = _starts(audio, cutting)
        length = round(cutting.n_seconds * cutting.rate)
        vectors = []
        for start in starts:
            at = round((float(start) - audio.start_s) * cutting.rate)
            part = Audio(
                audio.samples[at : at + length], cutting.rate, float(start), audio.duration_s
            )
            vectors.append(np.nan_to_num(self.model.extract(part)))
        return Cuts(starts, np.stack(vectors).astype(np.float32))


def standardised(vectors: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Mean and deviation of each column over all windows of all songs, float32 ``(d,)``."""
    count, total, squares = 0, 0.0, 0.0
    for part in vectors:
        wide: Any = part.astype(np.float64)
        count += len(wide)
        total = total + wide.sum(axis=0)
        squares = squares + (wide**2).sum(axis=0)
    mean = np.asarray(total) / max(count, 1)
    spread = np.sqrt(np.maximum(np.asarray(squares) / max(count, 1) - mean**2, 0))
    spread = np.where(spread > 1e-6 * np.maximum(np.abs(mean), 1), spread, 1)
    return mean.astype(np.float32), spread.astype(np.float32)


def tags_of_network(model: Any) -> tuple[str, ...]:
    """The tags of a MusiCNN network."""
    from songrec.features.audio.musicnn_tags import TAGS

    return TAGS[model.model]


def _starts(audio: Audio, cutting: Cutting) -> Floats:
    """Where the windows of a sound begin in its file, in seconds."""
    frames = len(audio.samples)
    windows: Windows = cut(
        [frames],
        round(cutting.n_seconds * audio.sample_rate),
        cutting.step * audio.sample_rate,
    )
    return (audio.start_s + windows.first / audio.sample_rate).astype(np.float32)


def _inside(times: Floats, length: float, starts: Floats, seconds: float) -> list[np.ndarray]:
    """The patches within each window; the one nearest to its middle where none is."""
    found = []
    for start in starts:
        # Patches begin at whole frames of their own: a little over the edge is still within.
        rows = np.flatnonzero((times >= start - 0.05) & (times + length <= start + seconds + 0.05))
        if not len(rows):
            rows = np.array([np.abs(times + length / 2 - start - seconds / 2).argmin()])
        found.append(rows)
    return found
