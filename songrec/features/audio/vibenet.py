"""The feature set ``vibenet``: seven musical attributes by the published VibeNet network.

Source: Jaeheon Shim, VibeNet 0.1.0 (https://github.com/jaeheonshim/vibenet, GPL-3.0-or-later): an
EfficientNet-B0 (Tan & Le 2019) distilled on the Free Music Archive with Echo Nest's values. The
network is fetched by the operator as an ONNX file and run by onnxruntime; the log-mel spectrogram
before it is computed here.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
from scipy import fft, signal

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Audio, Floats
from songrec.features.audio.chunking import at_rate
from songrec.features.audio.filterbanks import mel_filters
from songrec.features.audio.model_files import model_folder

SAMPLE_RATE, WINDOW, HOP, N_FFT, BANDS = 16_000, 640, 320, 1024, 128
FLOOR, RANGE_DB = 1e-10, 80.0
"""Least power of a band, and how far below the loudest one a band may be."""
FILE = "efficientnet_model.onnx"
ATTRIBUTES = (
    "acousticness",
    "danceability",
    "energy",
    "instrumentalness",
    "liveness",
    "speechiness",
    "positiveness",
)
"""Catalogue names of the network's outputs, in their order."""
PROBABILITIES = ("acousticness", "instrumentalness", "liveness")
"""Attributes whose output is a logit; the others are limited to 0 to 1."""
FRAMES_AT_ONCE = 4096


class VibeNet:
    """Seven attributes of an excerpt on the catalogue's scale, each from 0 to 1.

    ``models`` is the folder of model files; without it only ``names`` works.
    """

    version = 1

    def __init__(self, models: Path | None = None) -> None:
        self.models = models

    def names(self) -> tuple[str, ...]:
        """Return the names of the attributes."""
        return ATTRIBUTES

    def warm(self) -> None:
        """Load the network; ``NotReady`` if its weights or onnxruntime are not installed."""
        load(str(model_folder(self.models, "vibenet")))

    def extract(self, audio: Audio, frames: Any = None) -> Floats:
        """Estimate the attributes of ``audio``, float32 ``(7,)``; NaN for digital silence.

        ``frames`` (a shared STFT) is not used: the network has a transform of its own at 16 kHz.
        Raises ``NotReady`` as ``warm`` does.
        """
        network = load(str(model_folder(self.models, "vibenet")))
        if not np.any(audio.samples):
            return np.full(len(ATTRIBUTES), np.nan, dtype=np.float32)
        return from_outputs(network(log_mel(audio)))


def log_mel(audio: Audio) -> Floats:
    """Compute the network's input, float32 ``(128, frames)`` in decibels.

    Power of Hann windows of 640 samples at 16 kHz every 320, padded with zeros to 1,024, in mel
    bands of equal area (Slaney), at most 80 dB below the loudest value of the excerpt.
    """
    samples = at_rate(audio, SAMPLE_RATE)
    if len(samples) < WINDOW:
        samples = np.pad(samples, (0, WINDOW - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    shape = signal.get_window("hann", WINDOW).astype(np.float32)
    filters = mel_filters(SAMPLE_RATE, N_FFT, BANDS)
    mel = np.empty((BANDS, len(windows)), dtype=np.float32)
    for at in range(0, len(windows), FRAMES_AT_ONCE):
        spectrum = fft.rfft(windows[at : at + FRAMES_AT_ONCE] * shape, n=N_FFT, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        mel[:, at : at + FRAMES_AT_ONCE] = filters @ power.T
    decibels = 10.0 * np.log10(np.maximum(mel, np.float32(FLOOR)))
    loudest = decibels.max()
    return np.maximum(decibels, loudest - RANGE_DB).astype(np.float32)


def from_outputs(outputs: Floats) -> Floats:
    """Convert the network's outputs ``(7,)`` to attributes from 0 to 1, float32 ``(7,)``."""
    is_logit = np.array([name in PROBABILITIES for name in ATTRIBUTES])
    wide = outputs.astype(np.float64)
    values = np.where(is_logit, 1.0 / (1.0 + np.exp(-wide)), np.clip(wide, 0.0, 1.0))
    return values.astype(np.float32)


class VibeNetNetwork:
    """Network of the ONNX file in ``folder``, on one thread."""

    def __init__(self, folder: Path) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise NotReady(
                f"VibeNet needs {error.name}. Install it: pip install -r requirements/vibenet.txt"
            ) from error
        path = folder / FILE
        if not path.is_file():
            raise NotReady(f"VibeNet is not in {folder}. Fetch it: flask models fetch vibenet")
        options = onnxruntime.SessionOptions()
        # A worker per core analyses files: more threads would only wait for each other.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions have no common base of its own
            raise BadInput(f"{path} is not a network that onnxruntime can run.") from error
        self._input = self._session.get_inputs()[0].name

    def __call__(self, spectrogram: Floats) -> Floats:
        """Return the outputs for a spectrogram ``(128, frames)``, float32 ``(7,)``."""
        (outputs,) = self._session.run(None, {self._input: spectrogram[None]})
        if outputs.shape != (1, len(ATTRIBUTES)):
            raise BadInput(f"The network gives {outputs.shape} values instead of (1, 7).")
        row: Floats = outputs[0]
        return row


@functools.lru_cache(maxsize=1)
def load(folder: str) -> VibeNetNetwork:
    """Load the network in ``folder``, once per process."""
    return VibeNetNetwork(Path(folder))
