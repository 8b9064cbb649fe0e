"""The feature set ``mert``: the embedding of the self-supervised transformer MERT-v1-95M.

Source: Yizhi Li et al., "MERT: Acoustic Music Understanding Model with Large-Scale Self-Supervised
Training", ICLR 2024. The published 95M network is a HuBERT with 24 kHz input, seven convolutions
(75 frames a second) and twelve transformer layers of 768 units; transformers' own HuBERT runs its
weights, so that no code from the hub is executed.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Audio, Floats
from songrec.features.audio.chunking import at_rate, chunks
from songrec.features.audio.model_files import model_folder

SAMPLE_RATE = 24_000
CHUNK_S = 5.0
"""Length of MERT's training examples; longer audio is split into equal chunks of at most this."""
SHORTEST = 800
"""Samples: below, no frame comes out of the convolutions."""
SIZE = 768
FILES = ("config.json", "preprocessor_config.json", "model.safetensors")


class Mert:
    """Embedding of 768 dimensions: activations of the transformer, averaged over time.

    ``layer`` selects the activations: 0 is the input of the transformer, 1 to 12 are its layers,
    -1 is the mean of these twelve. ``models`` is the folder of model files, which ``extract``
    needs.
    """

    version = 1

    def __init__(self, layer: int = -1, models: Path | None = None) -> None:
        self.layer = layer
        self.models = models

    def names(self) -> tuple[str, ...]:
        """Return ``mert_000`` to ``mert_767``; single units have no meaning."""
        return tuple(f"mert_{unit:03d}" for unit in range(SIZE))

    def extract(self, audio: Audio, frames: Any = None) -> Floats:
        """Compute the embedding of ``audio``, float32 ``(768,)``; ``frames`` is unused.

        Raises ``NotReady`` if torch, transformers or the weights are absent, ``BadInput`` if the
        weights are those of another network or lack the layer.
        """
        folder = model_folder(self.models, "mert")
        network = load(str(folder))
        if not -1 <= self.layer <= network.layers:
            raise BadInput(f"{folder} has layers 0 to {network.layers}, not {self.layer}.")
        total, count = np.zeros(network.size), 0
        for part in chunks(at_rate(audio, SAMPLE_RATE), round(CHUNK_S * SAMPLE_RATE), SHORTEST):
            states = network.states(part)
            chosen = states[1:].mean(axis=0) if self.layer == -1 else states[self.layer]
            total += chosen.sum(axis=0, dtype=np.float64)
            count += len(chosen)
        return (total / count).astype(np.float32)


class MertNetwork:
    """Network loaded from ``folder`` (``FILES``)."""

    def __init__(self, folder: Path) -> None:
        try:
            import torch
            from transformers import HubertConfig, HubertModel
        except ImportError as error:
            raise NotReady(
                f"MERT needs {error.name}. Install it: pip install -r requirements/embeddings.txt"
            ) from error
        if not all((folder / name).is_file() for name in FILES):
            raise NotReady(f"MERT is not in {folder}. Fetch it: flask models fetch mert")
        document = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        for variant in ("feature_extractor_cqt", "deepnorm"):
            if document.get(variant):
                raise BadInput(f"{folder}: {variant} is a variant of MERT that is not supported.")
        # The config names a class of the hub; only HuBERT's own parameters are used.
        parameters = {k: v for k, v in document.items() if k not in ("auto_map", "architectures")}
        config = HubertConfig(**{**parameters, "model_type": "hubert"})
        self._torch = torch
        self._model, report = HubertModel.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
            attn_implementation="eager",
        )
        absent = sorted(set(report["missing_keys"]) - {"masked_spec_embed"})
        if absent:
            raise BadInput(f"{folder}: the weights lack {absent[0]}; they are not MERT's.")
        self._model.eval()
        self._normalise = _normalises(folder)
        self.layers = int(config.num_hidden_layers)
        self.size = int(config.hidden_size)

    def states(self, samples: Floats) -> Floats:
        """Compute all layers' activations at 75 frames a second, ``(1 + layers, frames, size)``."""
        torch = self._torch
        if self._normalise:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        with torch.inference_mode():
            outputs = self._model(
                torch.from_numpy(np.ascontiguousarray(samples, np.float32))[None],
                output_hidden_states=True,
            )
        return torch.cat(outputs.hidden_states).numpy()


@functools.lru_cache(maxsize=1)
def load(folder: str) -> MertNetwork:
    """Load the network in ``folder``, once per process."""
    return MertNetwork(Path(folder))


def _normalises(folder: Path) -> bool:
    """Return whether the published preprocessing scales inputs to mean 0 and variance 1."""
    document = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    return bool(document.get("do_normalize", True))
