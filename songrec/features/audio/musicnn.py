"""The feature sets ``musicnn`` and ``musicnn_tags``: what the published MusiCNN networks hear.

The sound is resampled to 16 kHz, turned into a log-mel spectrogram of 96 bands and cut into
patches of 187 frames (3 s). Every patch gives an embedding and a probability for each of 50 tags;
``musicnn_network`` describes the layers and names the papers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from songrec.core.config import instance_path
from songrec.core.errors import UnknownName
from songrec.core.types import Audio, Floats
from songrec.features.audio.chunking import at_rate
from songrec.features.audio.filterbanks import mel_filters
from songrec.features.audio.musicnn_tags import TAGS

SAMPLE_RATE, N_FFT, HOP, BANDS, PATCH = 16_000, 512, 256, 96, 187
PATCHES_AT_ONCE = 2
"""Bounds memory (50 MiB a patch in the timbral filters); more at once are no faster."""
FRAMES_AT_ONCE = 4096


@dataclass(frozen=True)
class Heard:
    """One pass of a network over ``p`` patches: where each begins in the file (s), its pooled
    activations float32 ``(p, 753)`` and the probabilities of its tags ``(p, 50)``.
    """

    times_s: Floats
    max_pool: Floats
    mean_pool: Floats
    tags: Floats


@dataclass(frozen=True)
class Tagging:
    """What one network heard, patch by patch.

    ``times_s`` float32 ``(p,)`` is where each patch begins in the file, ``length_s`` how long a
    patch is, ``probabilities`` float32 ``(p, 50)`` those of ``tags`` in each,
    ``embeddings`` float32 ``(p, 753)`` the pooled activations of each.
    """

    tags: tuple[str, ...]
    times_s: Floats
    length_s: float
    probabilities: Floats
    embeddings: Floats

    @property
    def mean(self) -> Floats:
        """Each tag's probability over the whole recording: the mean over its patches."""
        return self.probabilities.mean(axis=0)

    @property
    def embedding(self) -> Floats:
        """The embedding of the whole recording ``(753,)``: the mean over its patches."""
        return self.embeddings.mean(axis=0)

    def top(self, n: int = 10) -> list[tuple[str, float]]:
        """The ``n`` likeliest tags with their mean probability, likeliest first."""
        order = np.argsort(-self.mean, kind="stable")[:n]
        return [(self.tags[at], float(self.mean[at])) for at in order]


class MusiCNNTags:
    """How likely each of the network's 50 tags is: its mean probability over the excerpt.

    ``model`` is ``MSD_musicnn`` or ``MTT_musicnn``. ``overlap_s`` is how much of a patch the next
    one shares (0: none, as published). ``models`` is the folder of model files, by default the
    instance's.
    """

    version = 1

    def __init__(
        self, model: str = "MSD_musicnn", overlap_s: float = 0.0, models: Path | None = None
    ) -> None:
        self.model = model
        self.overlap_s = overlap_s
        self.models = models

    def names(self) -> tuple[str, ...]:
        """The network's tags."""
        return TAGS[self.model]

    def extract(self, audio: Audio, frames: Any = None) -> Floats:
        """The set's values of ``audio``. ``frames`` (a shared STFT) is not used: the network was
        trained on a transform of its own at 16 kHz.
        """
        return self.of(self.listen(audio))

    @property
    def same_pass(self) -> tuple[Any, ...]:
        """Equal for feature sets that one pass through the network serves."""
        return str(self.folder()), self.overlap_s

    def warm(self) -> None:
        """Load the network, which takes seconds; raises ``NotReady`` where the weights are absent.

        Whoever limits the time that a file may take calls it before the first.
        """
        from songrec.features.audio.musicnn_network import network

        network(str(self.folder()))

    def listen(self, audio: Audio) -> Heard:
        """One pass through the network.

        Raises ``NotReady`` where the weights are absent (the message says how to get them).
        """
        from songrec.features.audio.musicnn_network import network

        run = network(str(self.folder()))
        patches, starts = cut(log_mel(audio), self.overlap_s)
        times = (audio.start_s + starts * HOP / SAMPLE_RATE).astype(np.float32)
        return Heard(times, **_in_batches(run, patches))

    def of(self, heard: Heard) -> Floats:
        """The set's values out of what was heard: float32 ``(50,)``."""
        return heard.tags.mean(axis=0)

    def folder(self) -> Path:
        """Where the weights of this network lie; ``UnknownName`` where there is no such network."""
        if self.model not in TAGS:
            raise UnknownName("MusiCNN model", self.model, TAGS)
        return (self.models or instance_path() / "models") / "musicnn" / self.model


class MusiCNN(MusiCNNTags):
    """Embedding of 753 dimensions: the activations that the network's tags are derived from.

    ``pooling`` says what is kept of a patch's 187 frames of layer ``concatenation`` (front-end 561
    + mid-end 3 × 64): their ``mean``, by which excerpts of the same recording are told best, or
    their ``max``; over patches the mean is taken. The other parameters are those of the tags.
    """

    def __init__(
        self,
        model: str = "MSD_musicnn",
        overlap_s: float = 0.0,
        pooling: Literal["max", "mean"] = "mean",
        models: Path | None = None,
    ) -> None:
        super().__init__(model, overlap_s, models)
        self.pooling = pooling

    def names(self) -> tuple[str, ...]:
        """One name a channel, by the layer it belongs to: ``timbral_38_000``, …"""
        widths = {
            "timbral_38": 204,
            "timbral_67": 204,
            "temporal_128": 51,
            "temporal_64": 51,
            "temporal_32": 51,
            "middle_1": 64,
            "middle_2": 64,
            "middle_3": 64,
        }
        return tuple(f"{layer}_{at:03d}" for layer, width in widths.items() for at in range(width))

    def of(self, heard: Heard) -> Floats:
        """The embedding out of what was heard: float32 ``(753,)``."""
        return self._pooled(heard).mean(axis=0)

    def tag(self, audio: Audio) -> Tagging:
        """Embeddings and tag probabilities over time, in one pass through the network.

        Raises ``NotReady`` where the weights are absent (the message says how to get them).
        """
        heard = self.listen(audio)
        return Tagging(
            tags=TAGS[self.model],
            times_s=heard.times_s,
            length_s=PATCH * HOP / SAMPLE_RATE,
            probabilities=heard.tags,
            embeddings=self._pooled(heard),
        )

    def _pooled(self, heard: Heard) -> Floats:
        return heard.max_pool if self.pooling == "max" else heard.mean_pool


def log_mel(audio: Audio) -> Floats:
    """The networks' input: ``log10(10000 · mel + 1)`` of the power spectrogram, ``(frames, 96)``.

    Windows of 512 samples at 16 kHz every 256, mirrored at both ends as the networks were trained.
    """
    samples = at_rate(audio, SAMPLE_RATE)
    # A sound shorter than a window cannot be mirrored; silence follows it instead.
    if len(samples) < N_FFT:
        samples = np.pad(samples, (0, N_FFT - len(samples)))
    padded = np.pad(samples, N_FFT // 2, mode="reflect").astype(np.float32, copy=False)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    # As librosa.feature.melspectrogram, which would bring 200 MiB of libraries into each worker.
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)
    bands = mel_filters(SAMPLE_RATE, N_FFT, BANDS).T
    mel = np.empty((len(frames), BANDS), dtype=np.float32)
    for at in range(0, len(frames), FRAMES_AT_ONCE):
        spectrum = np.fft.rfft(frames[at : at + FRAMES_AT_ONCE] * window, axis=1)
        mel[at : at + FRAMES_AT_ONCE] = (spectrum.real**2 + spectrum.imag**2) @ bands
    return np.log10(10_000 * mel + 1)


def cut(spectrogram: Floats, overlap_s: float) -> tuple[Floats, np.ndarray]:
    """Patches ``(p, 187, 96)`` of a spectrogram and the frame at which each begins ``(p,)``.

    What remains at the end and fills no patch is left out, as published; a sound that is shorter
    than one patch is repeated until it fills one, as in the networks' training.
    """
    if len(spectrogram) < PATCH:
        spectrogram = np.tile(spectrogram, (-(-PATCH // len(spectrogram)), 1))[:PATCH]
    step = max(1, PATCH - round(overlap_s * SAMPLE_RATE / HOP))
    windows = np.lib.stride_tricks.sliding_window_view(spectrogram, PATCH, axis=0)[::step]
    starts = np.arange(len(windows)) * step
    return np.ascontiguousarray(windows.transpose(0, 2, 1)), starts


def _in_batches(run: Callable[[Floats], dict[str, Any]], patches: Floats) -> dict[str, Floats]:
    parts = [
        {name: np.asarray(value) for name, value in run(patches[at : at + PATCHES_AT_ONCE]).items()}
        for at in range(0, len(patches), PATCHES_AT_ONCE)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
