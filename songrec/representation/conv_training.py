"""The training loop of the models that learn from spectrograms, read from disk batch by batch.

The loss is a sum of named parts with one value per row, so that the history shows each of them.
Everything random (order, posterior noise, which modality is dropped) is drawn with numpy from one
seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from songrec.core.backend import keras, tf
from songrec.core.errors import BadInput
from songrec.core.types import Floats, Ints

ops = keras.ops

Batch = tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class EpochParts:
    """Means over the rows of one epoch, in nats.

    ``loss`` is the weighted sum that was minimised, ``parts`` are its terms before weighting.
    ``validation_loss`` is that of the rows held out, decoded from the posterior's mean and under
    the last epoch's weights; None where none are held out.
    """

    number: int
    loss: float
    parts: dict[str, float]
    validation_loss: float | None


def half_squared_error(target: Any, output: Any) -> Any:
    """Return ½ Σ (target − output)² per row: −log N(target; output, 1) less a constant, in nats."""
    axes = tuple(range(1, len(target.shape)))
    return 0.5 * ops.sum(ops.square(target - output), axis=axes)


def train(
    variables: list[Any],
    parts_of: Callable[..., dict[str, Any]],
    read: Callable[[Ints, np.random.Generator | None], Batch],
    *,
    weights: Callable[[int], dict[str, float]],
    learn: Ints,
    check: Ints,
    latent: int,
    learning_rate: float,
    epochs: int,
    batch_size: int,
    seed: int,
    on_step: Callable[[float], None] = lambda share: None,
) -> Iterator[EpochParts]:
    """Minimise the weighted sum of the parts; yields after every epoch.

    Parameters
    ----------
    variables
        The trainable variables.
    parts_of
        ``parts_of(batch, noise, counts)`` returns a tensor ``(rows,)`` for each name of
        ``weights``; ``counts`` is 0 for the rows that fill up the last batch.
    read
        ``read(rows, rng)`` reads a batch; ``rng`` is None for held-out rows.
    weights
        ``weights(epoch)``, from 1, maps the names of the parts to their weights.
    learn, check
        Rows to learn from, and rows held out.
    latent
        Dimensions of the posterior noise.
    learning_rate, epochs, batch_size, seed
        Of Adam and the batches.
    on_step
        Called after each batch with the share of all that is done; may raise to stop.

    Raises
    ------
    BadInput
        When the loss is no longer finite.
    """
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(variables)
    batch_size = min(batch_size, len(learn))
    names = tuple(weights(1))
    random = np.random.default_rng(seed)

    def sums_of(batch: Any, noise: Any, counts: Any) -> Any:
        parts = parts_of(batch, noise, counts)
        return ops.stack([ops.sum(parts[name] * counts) for name in names])

    @tf.function(autograph=False, reduce_retracing=True)
    def step(batch: Any, noise: Any, counts: Any, weighing: Any) -> Any:
        with tf.GradientTape() as tape:
            sums = sums_of(batch, noise, counts)
            loss = ops.sum(sums * weighing) / ops.sum(counts)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return sums

    measure = tf.function(sums_of, autograph=False, reduce_retracing=True)

    def batches(rows: Ints, generator: np.random.Generator | None) -> Iterator[tuple[Any, ...]]:
        for first in range(0, len(rows), batch_size):
            part = rows[first : first + batch_size]
            counts = np.zeros(batch_size, dtype=np.float32)
            counts[: len(part)] = 1.0
            noise = np.zeros((batch_size, latent), dtype=np.float32)
            if generator is not None:
                noise = generator.standard_normal(noise.shape, dtype=np.float32)
            filled = np.concatenate([part, np.repeat(part[:1], batch_size - len(part))])
            yield (
                tuple(map(tf.constant, read(filled, generator))),
                tf.constant(noise),
                tf.constant(counts),
            )

    steps, done = epochs * -(-len(learn) // batch_size), 0
    last = np.array([weights(epochs)[name] for name in names])
    for number in range(1, epochs + 1):
        counted = np.array([weights(number)[name] for name in names])
        weighing = tf.constant(counted, tf.float32)
        sums = np.zeros(len(names))
        for batch in batches(learn[random.permutation(len(learn))], random):
            sums += step(*batch, weighing).numpy()
            done += 1
            on_step(done / steps)
        held_out = np.zeros(len(names))
        for batch in batches(check, None):
            held_out += measure(*batch).numpy()
        means = sums / len(learn)
        loss = float(means @ counted)
        validation = float(held_out @ last) / len(check) if len(check) else None
        if not math.isfinite(loss + (validation or 0.0)):
            raise BadInput(
                f"The loss is no longer a number after epoch {number}: the learning rate of "
                f"{learning_rate:g} is too high for these sounds, try a tenth."
            )
        yield EpochParts(number, loss, dict(zip(names, means.tolist(), strict=True)), validation)
