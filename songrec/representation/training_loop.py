"""Training a Keras model an order of magnitude faster than ``model.fit`` for small models.

A small model's ``fit`` spends its time on dispatch, not on arithmetic: every batch crosses from
Python into TensorFlow. Here one XLA-compiled function runs many batches in a ``tf.while_loop``,
gathering each from the shuffled order on the device. The losses are those ``fit`` reports: the
mean over the batches as they were seen, each weighted by its rows.

A loss may have several parts. The first compares input and output (``row_loss``); the others are
what the model's layers give to ``add_loss``, in the order of the layers. Unlike what Keras expects
of ``add_loss`` they are one number per row, ``(batch,)``, so that rows that only fill up a batch
can be left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from songrec.core.backend import keras, tf
from songrec.core.types import Floats, Ints

# A call into the compiled loop should come back this often, so that cancelling works.
SECONDS_PER_CALL = 0.5
FIRST_CALL_STEPS = 500
EVALUATION_ROWS = 65_536


RowLoss = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Epoch:
    """Losses of one epoch; ``validation_loss`` is None where nothing was held out.

    ``parts`` are the mean losses before they are weighted and added, the first of them
    ``row_loss``'s; so are ``validation_parts``, empty where nothing was held out.
    """

    number: int
    loss: float
    validation_loss: float | None
    parts: tuple[float, ...] = ()
    validation_parts: tuple[float, ...] = ()


def squared_error(target: Any, output: Any) -> Any:
    """Return the mean squared error of each row: what ``loss="mse"`` averages over a batch."""
    return tf.reduce_mean(tf.square(output - target), axis=-1)


def train(
    model: Any,
    values: Floats | Sequence[Any],
    *,
    optimizer: Any,
    epochs: int,
    batch_size: int,
    seed: int,
    validation: Floats | Sequence[Any] | None = None,
    row_loss: RowLoss = squared_error,
    part_weights: Callable[[int], Sequence[float]] = lambda epoch: (1.0,),
    learning_rate: Callable[[int], float] | None = None,
    loop: Any = None,
    on_steps: Callable[[int, float], None] = lambda epoch, share: None,
) -> Iterator[Epoch]:
    """Train ``model`` to reproduce ``values`` float32 ``(n, d)``; yields after every epoch.

    A model of several inputs takes several arrays of ``n`` rows; it reproduces the first.
    ``row_loss(target, output)`` gives one loss per row. ``part_weights(epoch)`` gives the weight of
    each part in what is minimised during an epoch (counted from 1), one more than the model's
    layers ``add_loss``: a weight that grows is a warm-up. The losses that are yielded always have
    the last epoch's weights, so that epochs can be compared. ``learning_rate(epoch)`` sets the
    optimizer's rate for an epoch; without it that stays as it is.
    ``loop`` is a former training's of the same model and optimizer (``compile_loop``), so that
    compiling, which takes seconds, is done once.
    ``on_steps(epoch, share)`` is called at least about every half second with the share of the
    epoch done, and may raise to stop.
    The last batch, when short, is filled up with rows of weight 0, so its gradient is the mean
    over its own rows, as in ``fit``. (A layer that computes statistics over the batch would see
    the filling.) Deterministic given ``seed`` and the model's initial weights; a layer that draws
    noise needs a ``keras.random.SeedGenerator`` of its own.
    """
    inputs = _several(values)
    rows = len(inputs[0])
    batch_size = min(batch_size, rows)
    batches = -(-rows // batch_size)
    final = np.asarray(part_weights(epochs), dtype=np.float64)
    run = loop or compile_loop(model, optimizer, batch_size, row_loss, len(final))
    random = np.random.default_rng(seed)
    weights = np.zeros(batches * batch_size, dtype=np.float32)
    weights[:rows] = 1.0
    device_values = tuple(tf.constant(array) for array in inputs)
    device_weights = tf.constant(weights)
    order = np.zeros(batches * batch_size, dtype=np.int32)
    steps_per_call = FIRST_CALL_STEPS
    compiled = False
    for number in range(1, epochs + 1):
        if learning_rate is not None:
            optimizer.learning_rate = learning_rate(number)
        order[:rows] = random.permutation(rows)
        device_order = tf.constant(order)
        now = tf.constant(np.asarray(part_weights(number), dtype=np.float32))
        totals, first = np.zeros(len(final)), 0
        while first < batches:
            last = min(batches, first + steps_per_call)
            started = time.perf_counter()
            totals += run(
                device_values,
                device_order,
                device_weights,
                now,
                tf.constant(first, tf.int32),
                tf.constant(last, tf.int32),
            ).numpy()
            took = time.perf_counter() - started
            if compiled:  # the first call's time is the compiler's
                steps_per_call = max(1, int((last - first) * SECONDS_PER_CALL / max(took, 1e-6)))
            compiled, first = True, last
            on_steps(number, first / batches)
        parts = totals / rows
        held_out, held_parts = None, ()
        if validation is not None and len(_several(validation)[0]):
            held_parts = evaluate_parts(model, validation, row_loss)
            held_out = float(final @ held_parts)
        yield Epoch(number, float(final @ parts), held_out, tuple(parts.tolist()), held_parts)


def evaluate(
    model: Any, values: Floats | Sequence[Any], row_loss: RowLoss = squared_error
) -> float:
    """Return the mean of ``row_loss`` over all rows, in slices so that memory stays flat."""
    return evaluate_parts(model, values, row_loss)[0]


def evaluate_parts(
    model: Any, values: Floats | Sequence[Any], row_loss: RowLoss = squared_error
) -> tuple[float, ...]:
    """Return the mean of every part of the loss over all rows; in slices, to bound the memory."""
    inputs = _several(values)
    rows = len(inputs[0])
    totals: Any = 0.0
    for start in range(0, rows, EVALUATION_ROWS):
        part = tuple(tf.constant(array[start : start + EVALUATION_ROWS]) for array in inputs)
        sums = [tf.reduce_sum(loss) for loss in losses_of(model, part, row_loss, training=False)]
        totals = totals + np.array([float(each) for each in sums])
    return tuple((totals / rows).tolist())


def losses_of(model: Any, inputs: Sequence[Any], row_loss: RowLoss, *, training: bool) -> list[Any]:
    """Return the parts of a batch's loss, each ``(batch,)``: ``row_loss``, then ``add_loss``."""
    output = model(inputs[0] if len(inputs) == 1 else list(inputs), training=training)
    return [row_loss(inputs[0], output), *model.losses]


def predict(model: Any, values: Floats | Sequence[Any]) -> Floats:
    """Return the model's output for every row, float32; in slices, to bound the memory."""
    inputs = _several(values)
    parts = []
    for start in range(0, len(inputs[0]), EVALUATION_ROWS):
        part = [tf.constant(array[start : start + EVALUATION_ROWS]) for array in inputs]
        parts.append(model(part[0] if len(part) == 1 else part, training=False).numpy())
    if not parts:
        return np.empty((0, *model.output_shape[1:]), dtype=np.float32)
    return np.concatenate(parts).astype(np.float32, copy=False)


def hold_out(rows: int, share: float, seed: int) -> tuple[Ints, Ints]:
    """Draw the row numbers to train on and to validate on; at least one to train on."""
    order = np.random.default_rng(seed).permutation(rows)
    held = min(int(rows * share), rows - 1)
    return np.sort(order[held:]), np.sort(order[:held])


def _several(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def compile_loop(
    model: Any,
    optimizer: Any,
    batch_size: int,
    row_loss: RowLoss = squared_error,
    parts: int = 1,
) -> Any:
    """Return the compiled loop over batches, which is compiled when it is first called.

    ``batch_size`` is at most the number of rows, ``parts`` the number of the loss's parts.
    """
    variables = model.trainable_variables
    # Its slots have to exist before the loop is traced: a loop cannot create variables.
    optimizer.build(variables)

    @tf.function(jit_compile=True, autograph=False)
    def run(values: Any, order: Any, weights: Any, part_weights: Any, first: Any, last: Any) -> Any:
        def step(batch: Any, total: Any) -> tuple[Any, Any]:
            start = batch * batch_size
            at = tf.slice(order, [start], [batch_size])
            rows = [tf.gather(array, at) for array in values]
            weight = tf.slice(weights, [start], [batch_size])
            with tf.GradientTape() as tape:
                losses = tf.stack(losses_of(model, rows, row_loss, training=True))
                summed = tf.linalg.matvec(losses, weight)
                loss = tf.reduce_sum(summed * part_weights) / tf.reduce_sum(weight)
            optimizer.apply(tape.gradient(loss, variables), variables)
            return batch + 1, total + summed

        return tf.while_loop(
            lambda batch, total: batch < last, step, (first, tf.zeros(parts, tf.float32))
        )[1]

    return run


def restart(model: Any, optimizer: Any, weights: Sequence[Floats]) -> None:
    """Give a model first weights, and its optimizer the state that it begins with."""
    model.set_weights(list(weights))
    for variable in optimizer.variables:
        if variable is not optimizer.learning_rate and "learning_rate" not in variable.path:
            variable.assign(np.zeros(variable.shape, dtype=variable.dtype))


def seed_everything(seed: int) -> None:
    """Make the initial weights repeatable: Python's, numpy's and TensorFlow's global seeds."""
    keras.utils.set_random_seed(seed % 2**32)
