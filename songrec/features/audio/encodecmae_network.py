"""EnCodecMAE's encoder: EnCodec's convolutions, then a transformer of ResiDual layers.

The sound passes EnCodec's encoder (Défossez et al. 2022; 24 kHz, 128 channels at 75 frames a
second), a linear projection, sinusoidal positions with a learnt scale (Vaswani et al. 2017), and
layers that keep two residual streams, one normalised after every step and one never (Xie et al.,
"ResiDual", 2023); the output is the first stream plus the normalised second. Nothing is masked:
that, the decoder and its targets belong to the training.

The weights are those of the published training checkpoint, under its names. EnCodec's own part is
run by transformers, whose names differ. Width and depth are read from the weights; a head is 64
wide in all published sizes. Imports torch.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn import functional
from transformers import EncodecConfig, EncodecModel

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Floats

HEAD = 64
_LAYER = re.compile(r"visible_encoder\.encoder_layers\.(\d+)\.")
_CODEC = "wav_encoder.model."


class EncodecMaeNetwork:
    """Network with the weights of ``folder/model.safetensors``."""

    def __init__(self, folder: Path) -> None:
        path = folder / "model.safetensors"
        if not path.is_file():
            raise NotReady(
                f"EnCodecMAE is not in {folder}. Fetch it: flask models fetch encodecmae"
            )
        try:
            self._weights = load_file(path)
        except SafetensorError as error:
            raise BadInput(f"{path} cannot be read: {error}") from error
        self._path = path
        self.layers = 1 + max(
            (int(match[1]) for name in self._weights if (match := _LAYER.match(name))), default=-1
        )
        self.size = self._get("feat_projector.weight").shape[0]
        self._codec = self._encodec()

    def embed(self, samples: Floats) -> Floats:
        """Encode 24 kHz samples ``(n,)`` as 75 frames a second, ``(frames, size)``.

        ``n`` is a multiple of 320.
        """
        with torch.inference_mode():
            sound = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
            features = self._codec(sound[None, None])[0].T
            return self.transform(features).numpy()

    def transform(self, features: torch.Tensor) -> torch.Tensor:
        """Transform EnCodec's features ``(frames, 128)`` into embeddings ``(frames, size)``."""
        projected = self._linear("feat_projector", features)
        scale = self._get("positional_encoder.scale")
        plain = projected + scale * positions(len(projected), self.size)
        normalised = plain
        for number in range(self.layers):
            layer = f"visible_encoder.encoder_layers.{number}"
            attended = self._attend(f"{layer}.att_layer", normalised)
            normalised = self._norm(f"{layer}.norm1", normalised + attended)
            plain = plain + attended
            inner = functional.relu(self._linear(f"{layer}.ff_layer.0", normalised))
            thought = self._linear(f"{layer}.ff_layer.2", inner)
            normalised = self._norm(f"{layer}.norm2", normalised + thought)
            plain = plain + thought
        return normalised + self._norm("visible_encoder.final_norm", plain)

    def _attend(self, layer: str, x: torch.Tensor) -> torch.Tensor:
        frames, heads = len(x), self.size // HEAD

        def split(name: str) -> torch.Tensor:
            # Channel c belongs to head c mod heads: the heads are the last axis, not the first.
            projected = self._linear(f"{layer}.{name}", x)
            return projected.reshape(frames, HEAD, heads).permute(2, 0, 1)

        seen = functional.scaled_dot_product_attention(split("wq"), split("wk"), split("wv"))
        return self._linear(f"{layer}.wo", seen.permute(1, 2, 0).reshape(frames, self.size))

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self._get(f"{name}.weight"), self._weights.get(f"{name}.bias"))

    def _norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self._get(f"{name}.weight"), self._get(f"{name}.bias")
        return functional.layer_norm(x, (self.size,), weight, bias)

    def _get(self, name: str) -> torch.Tensor:
        if name not in self._weights:
            raise BadInput(f"{self._path} lacks {name}; it is not an EnCodecMAE over EnCodec.")
        return self._weights[name]

    def _encodec(self) -> torch.nn.Module:
        """Build EnCodec's encoder of transformers with the weights of this checkpoint."""
        first = self._get(f"{_CODEC}model.0.conv.conv.bias")
        encoder = EncodecModel(EncodecConfig(num_filters=len(first))).encoder
        renamed = {
            codec_name(name.removeprefix(_CODEC)): value
            for name, value in self._weights.items()
            if name.startswith(_CODEC)
        }
        try:
            encoder.load_state_dict(renamed)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise BadInput(f"{self._path}: has a different EnCodec: {reason}") from error
        return encoder.eval()


def codec_name(name: str) -> str:
    """Convert the name of a weight in EnCodec's own package to its name in transformers.

    >>> codec_name("model.1.block.3.conv.conv.weight_g")
    'layers.1.block.3.conv.parametrizations.weight.original0'
    """
    name = re.sub(r"^model\.", "layers.", name).replace(".conv.conv.", ".conv.")
    name = name.replace(".weight_g", ".parametrizations.weight.original0")
    return name.replace(".weight_v", ".parametrizations.weight.original1")


def positions(frames: int, size: int) -> torch.Tensor:
    """Compute sinusoidal positions ``(frames, size)``: sines in even columns, cosines in odd."""
    at = torch.arange(frames, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, size, 2, dtype=torch.float32) * (-math.log(10_000.0) / size))
    return torch.stack([torch.sin(at * rate), torch.cos(at * rate)], dim=-1).reshape(frames, size)
