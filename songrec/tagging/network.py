"""The layers of the tagger."""

from __future__ import annotations

from typing import Any

import numpy as np

from songrec.core.backend import keras
from songrec.core.types import Floats

layers = keras.layers

BLOCKS, KERNEL = 4, 2
MOMENTUM = 0.9
"""Momentum of the batch normalisation's running statistics. With Keras' default of 0.99 they would
need hundreds of batches to follow the training data; a small library has a dozen per epoch."""
EMBEDDING = "fragment"
"""Name of the layer whose output is the embedding of a segment. Saved models hold the name."""


def tagger(
    frames: int, bands: int, tags: int, *, filters: int, units: int, depth: int, dropout: float
) -> Any:
    """Build the network: standardised log-mel ``(frames, bands)`` → probabilities ``(tags,)``.

    Four times: a frame of zeros before the first one (which makes the convolution causal), a
    convolution over two frames, ReLU. Then one max pooling over two frames, which halves the steps
    of the recurrent layers. ``depth`` LSTMs of ``units`` with dropout between them; the last output
    of the last LSTM is the embedding of the segment. A dense layer, batch normalisation and a
    sigmoid turn it into probabilities.
    """
    inputs = keras.Input((frames, bands), name="picture")
    layer = inputs
    for block in range(1, BLOCKS + 1):
        layer = layers.ZeroPadding1D((KERNEL - 1, 0), name=f"padding_{block}")(layer)
        layer = layers.Conv1D(filters, KERNEL, activation="relu", name=f"convolution_{block}")(
            layer
        )
    layer = layers.MaxPooling1D(2, name="pooling")(layer)
    for number in range(1, depth):
        layer = layers.LSTM(units, return_sequences=True, name=f"lstm_{number}")(layer)
        layer = layers.Dropout(dropout, name=f"dropout_{number}")(layer)
    layer = layers.LSTM(units, name=EMBEDDING)(layer)
    # Dropout comes after the embedding, so that the embedding itself is complete.
    layer = layers.Dropout(dropout, name=f"dropout_{depth}")(layer)
    layer = layers.Dense(tags, name="tags")(layer)
    layer = layers.BatchNormalization(momentum=MOMENTUM, name="normalisation")(layer)
    return keras.Model(inputs, layers.Activation("sigmoid", name="sigmoid")(layer), name="tagger")


def with_embedding(model: Any) -> Any:
    """Return a model with the same weights and two outputs: the embedding, the probabilities."""
    return keras.Model(model.input, [model.get_layer(EMBEDDING).output, model.output])


def initialise_bias(model: Any, shares: Floats) -> None:
    """Let an untrained tagger predict the frequency of each tag, ``shares`` ``(tags,)``.

    Sets the offsets of the normalisation to the log-odds of the shares (as in Lin et al. 2017,
    "Focal Loss for Dense Object Detection"). Starting from one half, a small library is memorised
    before the network has learnt that most tags are rare.
    """
    clipped = np.clip(shares.astype(np.float64), 1e-3, 1 - 1e-3)
    model.get_layer("normalisation").beta.assign(np.log(clipped / (1 - clipped)))
