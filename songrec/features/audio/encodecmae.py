"""The feature set ``encodecmae``: the embedding of the masked autoencoder over EnCodec.

Source: Leonardo Pepino, Pablo Riera and Luciana Ferrer, "EnCodecMAE: Leveraging neural codecs for
universal audio representation learning", 2023 (arXiv 2309.07391). ``encodecmae_network`` runs the
published base network.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.errors import NotReady
from songrec.core.types import Audio, Floats
from songrec.features.audio.chunking import at_rate, chunks
from songrec.features.audio.model_files import model_folder

SAMPLE_RATE = 24_000
CHUNK_S = 4.0
"""Length of the training examples; longer audio is split into equal chunks of at most this."""
HOP = 320
"""Samples a frame of EnCodec: 75 frames a second."""
SHORTEST = 8 * HOP
SIZE = 768


class EncodecMae:
    """Embedding of 768 dimensions: the output of the encoder, averaged over time.

    ``models`` is the folder of model files, which ``extract`` needs.
    """

    version = 1

    def __init__(self, models: Path | None = None) -> None:
        self.models = models

    def names(self) -> tuple[str, ...]:
        """Return ``encodecmae_000`` to ``encodecmae_767``; single units have no meaning."""
        return tuple(f"encodecmae_{unit:03d}" for unit in range(SIZE))

    def extract(self, audio: Audio, frames: Any = None) -> Floats:
        """Compute the embedding of ``audio``, float32 ``(768,)``; ``frames`` is unused.

        Raises ``NotReady`` if torch, transformers or the weights are absent and ``BadInput`` if the
        weights are those of another network.
        """
        network = load(str(model_folder(self.models, "encodecmae")))
        total, count = np.zeros(network.size), 0
        for part in chunks(at_rate(audio, SAMPLE_RATE), round(CHUNK_S * SAMPLE_RATE), SHORTEST):
            # Whole frames only: a partial one would have to be masked.
            embeddings = network.embed(part[: len(part) // HOP * HOP])
            total += embeddings.sum(axis=0, dtype=np.float64)
            count += len(embeddings)
        return (total / count).astype(np.float32)


@functools.lru_cache(maxsize=1)
def load(folder: str) -> Any:
    """Load the network in ``folder``, once per process."""
    try:
        from songrec.features.audio.encodecmae_network import EncodecMaeNetwork
    except ImportError as error:
        raise NotReady(
            f"EnCodecMAE needs {error.name}. Install it: pip install -r requirements/embeddings.txt"
        ) from error
    return EncodecMaeNetwork(Path(folder))
