"""Checkpoints shaped like MusiCNN's, with weights drawn at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from songrec.core.backend import tf
from songrec.features.audio.musicnn_network import PREFIX, SHAPES


def random_values(seed: int = 0) -> dict[str, np.ndarray]:
    """A value for every variable that the checkpoint of a network holds."""
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in SHAPES.items():
        fan_in = max(1, int(np.prod(shape[:-1])))
        value = rng.normal(0, 1 / np.sqrt(fan_in), shape)
        if name.endswith("moving_variance"):
            value = rng.uniform(0.5, 1.5, shape)
        if name.endswith("gamma"):  # some turn their maximum into a minimum
            value = rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape, p=[0.2, 0.8])
        values[name] = value.astype(np.float32)
    return values


def save(values: dict[str, np.ndarray], folder: Path) -> Path:
    """Write ``values`` as TensorFlow 1 wrote checkpoints: by the variables' own names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(values)
    tf.raw_ops.SaveV2(
        prefix=str(folder / PREFIX),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(values[name]) for name in names],
    )
    return folder
