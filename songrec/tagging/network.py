"""The tagger's layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from songrec.core.backend import keras
from songrec.core.types import Floats

layers = keras.layers

BLOCKS, KERNEL = 4, 2
MOMENTUM = 0.9
"""Of the normalisation's running figures. Keras' 0.99 would need hundreds of batches until what
is asked is normalised as what was learnt from; a small library has a dozen an epoch."""
VECTOR = "fragment"
"""The layer whose output is a segment's representation."""


def tagger(
    frames: int, bands: int, tags: int, *, filters: int, units: int, depth: int, dropout: float
) -> Any:
    """``(frames, bands)`` standardised log-mel → ``(tags,)`` probabilities.

    Four times: a frame of zeros before the first one (so that what comes out at a time has heard
    nothing later), a convolution over two frames, ReLU. Then, once and after the four, the maximum
    of every two frames, which halves the steps that the recurrent layers have to go. ``depth``
    LSTMs of ``units`` with dropout between them; the last one's last output is the segment's
    representation. A dense layer, batch normalisation and a sigmoid make tags of it.
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
    layer = layers.LSTM(units, name=VECTOR)(layer)
    # The representation itself is never dropped from: it is what is asked for.
    layer = layers.Dropout(dropout, name=f"dropout_{depth}")(layer)
    layer = layers.Dense(tags, name="tags")(layer)
    layer = layers.BatchNormalization(momentum=MOMENTUM, name="normalisation")(layer)
    return keras.Model(inputs, layers.Activation("sigmoid", name="sigmoid")(layer), name="tagger")


def with_vector(model: Any) -> Any:
    """A model of the same weights that gives the representation and the probabilities."""
    return keras.Model(model.input, [model.get_layer(VECTOR).output, model.output])


def begin_at(model: Any, shares: Floats) -> None:
    """Let a new tagger say of everything how many samples carry each tag, ``shares`` ``(tags,)``.

    The normalisation's offsets are set to their log-odds (as Lin et al. 2017 begin, too):
    otherwise every tag begins at one half, and a small library is learnt by heart before what is
    rare has been told so.
    """
    kept = np.clip(shares.astype(np.float64), 1e-3, 1 - 1e-3)
    model.get_layer("normalisation").beta.assign(np.log(kept / (1 - kept)))
