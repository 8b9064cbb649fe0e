"""The feature sets of the published networks: ``musicnn`` and its maxima, and their tags.

The sound is resampled to 16 kHz, turned into a log-mel spectrogram of 96 bands and cut into
patches of 187 frames (3 s). Every patch gives an embedding and a probability for each of 50 tags;
``musicnn_network`` describes the layers and names the papers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from songrec.core.blas import single_threaded_blas
from songrec.core.errors import UnknownName
from songrec.core.types import Audio, Floats, Ints
from songrec.features.audio.chunking import at_rate
from songrec.features.audio.filterbanks import mel_filters
from songrec.features.audio.model_files import model_folder
from songrec.features.audio.musicnn_tags import TAGS

SAMPLE_RATE, N_FFT, HOP, BANDS, PATCH = 16_000, 512, 256, 96, 187
FRAMES_AT_ONCE = 4096


@dataclass(frozen=True)
class ForwardPass:
    """Outputs of a network for ``p`` patches.

    ``times_s`` ``(p,)`` is where each patch begins in the file in seconds, ``max_pool`` and
    ``mean_pool`` float32 ``(p, 753)`` its pooled activations, ``tags`` float32 ``(p, 50)`` the
    probabilities of its tags.
    """

    times_s: Floats
    max_pool: Floats
    mean_pool: Floats
    tags: Floats


@dataclass(frozen=True)
class TagPredictions:
    """Predictions of one network over ``p`` patches.

    ``times_s`` float32 ``(p,)`` is where each patch begins in the file in seconds, ``length_s`` the
    length of a patch, ``probabilities`` float32 ``(p, 50)`` those of ``tags``, ``embeddings``
    float32 ``(p, 753)`` the pooled activations.
    """

    tags: tuple[str, ...]
    times_s: Floats
    length_s: float
    probabilities: Floats
    embeddings: Floats

    @property
    def mean(self) -> Floats:
        """Mean probability of each tag over the patches, ``(50,)``."""
        return self.probabilities.mean(axis=0)

    @property
    def embedding(self) -> Floats:
        """Mean embedding over the patches, ``(753,)``."""
        return self.embeddings.mean(axis=0)

    def top(self, n: int = 10) -> list[tuple[str, float]]:
        """Return the ``n`` likeliest tags with their mean probability, likeliest first."""
        order = np.argsort(-self.mean, kind="stable")[:n]
        return [(self.tags[at], float(self.mean[at])) for at in order]


class MusiCNNTags:
    """Mean probability of each of the network's 50 tags over the excerpt.

    Parameters
    ----------
    model
        ``MSD_musicnn`` or ``MTT_musicnn``.
    overlap_s
        Seconds that a patch shares with the next one (0 as published).
    models
        Folder of model files; without it only ``names`` works.
    """

    version = 1

    def __init__(
        self, model: str = "MSD_musicnn", overlap_s: float = 0.0, models: Path | None = None
    ) -> None:
        self.model = model
        self.overlap_s = overlap_s
        self.models = models

    def names(self) -> tuple[str, ...]:
        """Return the tags of the network."""
        return TAGS[self.model]

    def extract(self, audio: Audio, frames: Any = None) -> Floats:
        """Return the values of ``audio``, float32 ``(len(names()),)``.

        ``frames`` (a shared STFT) is not used: the network has a transform of its own at 16 kHz.
        """
        return self.from_pass(self.forward(audio))

    @property
    def pass_key(self) -> tuple[Any, ...]:
        """A key that is equal for feature sets that share one forward pass."""
        return str(self.folder()), self.overlap_s

    def warm(self) -> None:
        """Load the network; ``NotReady`` if its weights are not installed.

        Called before the time limit of the first file starts.
        """
        from songrec.features.audio.musicnn_network import network

        network(str(self.folder()))

    def forward(self, audio: Audio) -> ForwardPass:
        """Run the network once; ``NotReady`` if its weights are not installed."""
        from songrec.features.audio.musicnn_network import network

        spectrogram, starts = place_patches(log_mel(audio), self.overlap_s)
        starts = self.choose_patches(starts)
        times = (audio.start_s + starts * HOP / SAMPLE_RATE).astype(np.float32)
        with single_threaded_blas():
            outputs = network(str(self.folder())).run(spectrogram, starts)
        return ForwardPass(times, **outputs)

    def choose_patches(self, starts: Ints) -> Ints:
        """Return the patches that the network sees: all of them."""
        return starts

    def from_pass(self, outputs: ForwardPass) -> Floats:
        """Return the values from the outputs of a forward pass, float32 ``(50,)``."""
        return outputs.tags.mean(axis=0)

    def folder(self) -> Path:
        """Return the folder of the network's weights; ``UnknownName`` for an unknown network."""
        if self.model not in TAGS:
            raise UnknownName("MusiCNN model", self.model, TAGS)
        return model_folder(self.models, "musicnn") / self.model


class InstrumentTags(MusiCNNTags):
    """Mean probabilities of MagnaTagATune's 50 tags: instruments, voices and how they sound.

    The network of the Million Song Dataset, which is compared by, knows few instruments. This one
    is a second forward pass, so it sees at most ``MAX_PATCHES`` patches, evenly spaced.
    """

    MAX_PATCHES = 4

    def __init__(self, overlap_s: float = 0.0, models: Path | None = None) -> None:
        super().__init__("MTT_musicnn", overlap_s, models)

    @property
    def pass_key(self) -> tuple[Any, ...]:
        """A key of its own: a set of the same network over all patches sees more."""
        return *super().pass_key, self.MAX_PATCHES

    def choose_patches(self, starts: Ints) -> Ints:
        """Return at most ``MAX_PATCHES`` patches, evenly spaced."""
        if len(starts) <= self.MAX_PATCHES:
            return starts
        return starts[np.linspace(0, len(starts) - 1, self.MAX_PATCHES).round().astype(np.int64)]


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
        """Return a name per channel, after its layer: ``timbral_38_000``, …"""
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

    def from_pass(self, outputs: ForwardPass) -> Floats:
        """Return the embedding from the outputs of a forward pass, float32 ``(753,)``."""
        return self._pooled(outputs).mean(axis=0)

    def tag(self, audio: Audio) -> TagPredictions:
        """Return embeddings and tag probabilities over time, from one forward pass.

        Raises ``NotReady`` if the weights are not installed.
        """
        outputs = self.forward(audio)
        return TagPredictions(
            tags=TAGS[self.model],
            times_s=outputs.times_s,
            length_s=PATCH * HOP / SAMPLE_RATE,
            probabilities=outputs.tags,
            embeddings=self._pooled(outputs),
        )

    def _pooled(self, outputs: ForwardPass) -> Floats:
        return outputs.max_pool if self.pooling == "max" else outputs.mean_pool


class MusiCNNMax(MusiCNN):
    """The embedding with the maximum of each patch's frames, from the same pass as the mean.

    The network's own layers read both. Alone it finds less than the mean, beside it more: what
    sounds once in three seconds counts as much as what sounds throughout.
    """

    def __init__(
        self, model: str = "MSD_musicnn", overlap_s: float = 0.0, models: Path | None = None
    ) -> None:
        super().__init__(model, overlap_s, "max", models)


def log_mel(audio: Audio) -> Floats:
    """Compute the networks' input ``log10(10000 · mel + 1)``, float32 ``(frames, 96)``.

    The power spectrogram is of Hann windows of 512 samples at 16 kHz every 256, mirrored at both
    ends as the networks were trained.
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


def place_patches(spectrogram: Floats, overlap_s: float) -> tuple[Floats, Ints]:
    """Place patches of 187 frames; returns the spectrogram and their first frames ``(p,)``.

    Frames at the end that do not fill a patch are left out, as published; audio that is shorter
    than one patch is repeated until it fills one, as in the training of the networks.
    """
    if len(spectrogram) < PATCH:
        spectrogram = np.tile(spectrogram, (-(-PATCH // len(spectrogram)), 1))[:PATCH]
    step = max(1, PATCH - round(overlap_s * SAMPLE_RATE / HOP))
    return spectrogram, np.arange(0, len(spectrogram) - PATCH + 1, step)
