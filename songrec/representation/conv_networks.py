"""The layers of the convolutional models: from a spectrogram to a Gaussian, and back."""

from __future__ import annotations

import math
from typing import Any

from songrec.core.backend import keras

layers = keras.layers

HALVINGS = 3
"""Convolutions of stride 2 on the way in, and as many transposed ones on the way out."""


def sound_encoder(bands: int, frames: int, filters: int, units: int, latent: int) -> Any:
    """Build ``(bands, frames, 1)`` → ``2 · latent``: mean and log-variance side by side.

    The convolutions' output is pooled over time by its mean and its maximum: an excerpt that begins
    a little later is the same music.
    """
    inputs = keras.Input((bands, frames, 1), name="picture")
    layer = inputs
    for depth in range(HALVINGS):
        layer = layers.Conv2D(filters * 2**depth, 3, strides=2, padding="same", activation="relu")(
            layer
        )
    whole = (1, layer.shape[2])
    over_time = [layers.AveragePooling2D(whole)(layer), layers.MaxPooling2D(whole)(layer)]
    layer = layers.Flatten()(layers.Concatenate()(over_time))
    layer = layers.Dense(units, activation="relu")(layer)
    return keras.Model(inputs, gaussian(layer, latent), name="sound_encoder")


def sound_decoder(bands: int, frames: int, filters: int, units: int, latent: int) -> Any:
    """Build ``latent`` → ``(bands, frames, 1)``, the mean of a Gaussian per cell."""
    step = 2**HALVINGS
    small = math.ceil(bands / step), math.ceil(frames / step)
    deepest = filters * 2 ** (HALVINGS - 1)
    inputs = keras.Input((latent,), name="latent")
    layer = layers.Dense(units, activation="relu")(inputs)
    layer = layers.Dense(small[0] * small[1] * deepest, activation="relu")(layer)
    layer = layers.Reshape((*small, deepest))(layer)
    for depth in reversed(range(HALVINGS - 1)):
        layer = layers.Conv2DTranspose(
            filters * 2**depth, 3, strides=2, padding="same", activation="relu"
        )(layer)
    layer = layers.Conv2DTranspose(1, 3, strides=2, padding="same")(layer)
    # A size that is not a multiple of 8 comes out a little too large.
    surplus = ((0, small[0] * step - bands), (0, small[1] * step - frames))
    return keras.Model(inputs, layers.Cropping2D(surplus)(layer), name="sound_decoder")


def vector_encoder(size: int, units: int, latent: int, name: str) -> Any:
    """Build ``size`` → ``2 · latent``: mean and log-variance of a vector's Gaussian."""
    inputs = keras.Input((size,), name="vector")
    layer = layers.Dense(units, activation="relu")(inputs)
    return keras.Model(inputs, gaussian(layer, latent), name=name)


def vector_decoder(size: int, units: int, latent: int, name: str) -> Any:
    """Build ``latent`` → ``size``."""
    inputs = keras.Input((latent,), name="latent")
    layer = layers.Dense(units, activation="relu")(inputs)
    return keras.Model(inputs, layers.Dense(size)(layer), name=name)


def gaussian(layer: Any, latent: int) -> Any:
    """Append mean and log-variance; the log-variance begins near 0, as in the prior."""
    mean = layers.Dense(latent)(layer)
    small = keras.initializers.RandomNormal(stddev=1e-3)
    log_variance = layers.Dense(latent, kernel_initializer=small)(layer)
    return layers.Concatenate()([mean, log_variance])


def join_networks(networks: dict[str, Any]) -> Any:
    """Return one model that holds several as layers of their names, to be saved as one file."""
    inputs = [keras.Input(network.input_shape[1:]) for network in networks.values()]
    outputs = [network(i) for network, i in zip(networks.values(), inputs, strict=True)]
    return keras.Model(inputs, outputs, name="networks")


def split_networks(model: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the networks that ``join_networks`` put into one."""
    return {name: model.get_layer(name) for name in names}
