"""MusiCNN, the published tagging network, rebuilt in Keras with the published weights.

Source: Jordi Pons and Xavier Serra, "musicnn: pre-trained convolutional neural networks for music
audio tagging", ISMIR late-breaking demo, 2019; the architecture is that of Pons et al., "End-to-end
learning for music audio tagging at scale", ISMIR 2018. What the papers leave open (padding, the
order of convolution, activation and normalisation, how pools are interleaved) follows from the
shapes in the checkpoint; the tests compare every layer with the published graph.

Shapes, for ``b`` patches of 187 frames (3 s) by 96 mel bands:

====================  ================  ==========================================================
layer                 output            what it is
====================  ================  ==========================================================
``input_norm``        (b, 187, 96, 1)   batch normalisation of the log-mel patch
``timbral_38``        (b, 187, 204)     7 × 38 filters (0.4 of the bands), maximum over frequency
``timbral_67``        (b, 187, 204)     7 × 67 filters (0.7 of the bands), maximum over frequency
``temporal_128``      (b, 187, 51)      128 × 1 filters, maximum over frequency; also _64 and _32
``front``             (b, 187, 561)     the five above, side by side
``middle_1``          (b, 187, 64)      1-D convolution of 7 frames
``middle_2``, ``_3``  (b, 187, 64)      the same with a residual connection each
``concatenation``     (b, 187, 753)     ``front``, ``middle_1``, ``middle_2``, ``middle_3``
``max_pool``          (b, 753)          maximum of ``concatenation`` over time
``mean_pool``         (b, 753)          mean of ``concatenation`` over time
``penultimate``       (b, 200)          dense, rectified, normalised
``tags``              (b, 50)           sigmoid: each tag's probability on its own
====================  ================  ==========================================================
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.backend import keras, tf
from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Floats

FRAMES, BANDS, TAG_COUNT = 187, 96, 50
EMBEDDING = 753
OUTPUTS: tuple[str, ...] = (
    "timbral_38",
    "timbral_67",
    "temporal_128",
    "temporal_64",
    "temporal_32",
    "front",
    "middle_1",
    "middle_2",
    "middle_3",
    "concatenation",
    "max_pool",
    "mean_pool",
    "penultimate",
    "tags",
)
PREFIX = "model"
"""A network's checkpoint: ``<folder>/model.index`` and ``model.data-00000-of-00001``."""

# Variables of the checkpoint are numbered in the order in which the layers were created.
_CONVOLUTIONS = (
    "timbral_38",
    "timbral_67",
    "temporal_128",
    "temporal_64",
    "temporal_32",
    "middle_1",
    "middle_2",
    "middle_3",
)
_NORMALISATIONS = (
    "input_norm",
    *(f"{name}_norm" for name in _CONVOLUTIONS),
    "pool_norm",
    "penultimate",
)
_DENSE = ("hidden", "tags")


def build(outputs: tuple[str, ...] = ("max_pool", "mean_pool", "tags")) -> Any:
    """Build the untrained network: ``(b, 187, 96)`` → a dict of the named ``outputs``."""
    layers, ops = keras.layers, keras.ops
    patch = keras.Input((FRAMES, BANDS), name="log_mel")
    image = ops.expand_dims(patch, -1)
    image = layers.BatchNormalization(name="input_norm")(image)

    def filters(source: Any, name: str, count: int, size: tuple[int, int], padding: str) -> Any:
        tensors = layers.Conv2D(count, size, padding=padding, activation="relu", name=name)(source)
        return layers.BatchNormalization(name=f"{name}_norm")(tensors)

    tensors: dict[str, Any] = {}
    # Padded in time only: in frequency the filter stays inside the bands, and the maximum over
    # positions makes timbre independent of pitch.
    padded = layers.ZeroPadding2D(((3, 3), (0, 0)))(image)
    for share in (0.4, 0.7):
        height = int(share * BANDS)
        name = f"timbral_{height}"
        tensors[name] = ops.max(filters(padded, name, 204, (7, height), "valid"), axis=2)
    for length in (128, 64, 32):
        name = f"temporal_{length}"
        tensors[name] = ops.max(filters(image, name, 51, (length, 1), "same"), axis=2)
    tensors["front"] = layers.Concatenate(name="front")(list(tensors.values()))

    below = tensors["front"]
    for step in (1, 2, 3):
        name = f"middle_{step}"
        padded = layers.ZeroPadding2D(((3, 3), (0, 0)))(ops.expand_dims(below, -1))
        across = filters(padded, name, 64, (7, below.shape[2]), "valid")[:, :, 0, :]
        tensors[name] = across if step == 1 else across + below
        below = tensors[name]
    dense_layers = [tensors[name] for name in ("front", "middle_1", "middle_2", "middle_3")]
    tensors["concatenation"] = layers.Concatenate(name="concatenation")(dense_layers)

    tensors["max_pool"] = ops.max(tensors["concatenation"], axis=1)
    tensors["mean_pool"] = ops.mean(tensors["concatenation"], axis=1)
    # Interleaved: maximum and mean of the first channel, of the second, and so on.
    pooled = ops.stack([tensors["max_pool"], tensors["mean_pool"]], axis=-1)
    pooled = ops.reshape(pooled, (-1, 2 * EMBEDDING))
    pooled = layers.BatchNormalization(name="pool_norm")(pooled)
    hidden = layers.Dense(200, activation="relu", name="hidden")(pooled)
    tensors["penultimate"] = layers.BatchNormalization(name="penultimate")(hidden)
    tensors["tags"] = layers.Dense(TAG_COUNT, activation="sigmoid", name="tags")(
        tensors["penultimate"]
    )
    return keras.Model(patch, {name: tensors[name] for name in outputs}, name="musicnn")


def variables() -> dict[str, tuple[str, int]]:
    """Map each variable of the checkpoint to its layer and its position in the layer."""
    places: dict[str, tuple[str, int]] = {}
    for family, names, parts in (
        ("conv2d", _CONVOLUTIONS, ("kernel", "bias")),
        (
            "batch_normalization",
            _NORMALISATIONS,
            ("gamma", "beta", "moving_mean", "moving_variance"),
        ),
        ("dense", _DENSE, ("kernel", "bias")),
    ):
        for number, layer in enumerate(names):
            scope = family if number == 0 else f"{family}_{number}"
            places |= {f"{scope}/{part}": (layer, place) for place, part in enumerate(parts)}
    return places


def load_weights(model: Any, folder: Path) -> None:
    """Load the weights of ``model`` from the checkpoint in ``folder``.

    Raises ``NotReady`` if there is no checkpoint and ``BadInput`` if it is not one of MusiCNN.
    """
    # The folder may also hold the authors' file named "checkpoint", with a path on their
    # machine, so the prefix of the files is given.
    if not (folder / f"{PREFIX}.index").is_file():
        raise NotReady(
            f"MusiCNN's weights are not in {folder}. Fetch them: flask models fetch musicnn"
        )
    try:
        reader = tf.train.load_checkpoint(str(folder / PREFIX))
        shapes = reader.get_variable_to_shape_map()
        values: dict[str, dict[int, np.ndarray]] = {}
        for name, (layer, place) in variables().items():
            if name not in shapes:
                raise BadInput(f"{folder}: {name} is missing; this is no checkpoint of MusiCNN.")
            expected = list(model.get_layer(layer).weights[place].shape)
            if list(shapes[name]) != expected:
                raise BadInput(f"{folder}: {name} is {shapes[name]}; MusiCNN's is {expected}.")
            values.setdefault(layer, {})[place] = reader.get_tensor(name)
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"{folder} cannot be read ({reason}). Fetch it again: flask models fetch musicnn"
        ) from error
    for layer, parts in values.items():
        model.get_layer(layer).set_weights([parts[place] for place in sorted(parts)])


@functools.lru_cache(maxsize=4)
def network(folder: str) -> Callable[[Floats], dict[str, Any]]:
    """Build the network with the weights in ``folder``, compiled; once per process."""
    model = build()
    load_weights(model, Path(folder))
    model.trainable = False
    shape = tf.TensorSpec((None, FRAMES, BANDS), tf.float32)
    # One graph for any number of patches; called layer by layer it takes twice the time.
    return tf.function(model, input_signature=[shape])
