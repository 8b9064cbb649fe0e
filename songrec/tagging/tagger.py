"""Training of the tagger on segments read from disk, and its predictions."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from songrec.core.backend import keras, tf
from songrec.core.errors import BadInput, NotReady
from songrec.core.files import write_json
from songrec.core.types import Floats, Ints, Progress, no_progress
from songrec.tagging import network

BATCH = 64
"""Segments per prediction step."""
PLATEAUS = 3
"""Number of halvings of the learning rate before training stops for lack of progress."""
SCALE_SAMPLE = 2_000
"""Limit of training segments for estimating mean and scale."""


class SegmentSpectrograms(Protocol):
    """Log-mel spectrograms of segments; they stay on disk."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Segments, frames, bands."""

    def read(self, rows: Ints) -> Floats:
        """Read these rows in decibels, float32 ``(len(rows), frames, bands)``."""


@dataclass(frozen=True)
class TaggerConfig:
    """TaggerConfig of the network and parameters of its training."""

    filters: int = 128
    units: int = 256
    depth: int = 4
    dropout: float = 0.4
    learning_rate: float = 1e-3
    batch_size: int = 32
    epochs: int = 40
    patience: int = 6


class Tagger:
    """A network that predicts the tags of a segment, and an embedding of ``config.units``."""

    def __init__(self, tags: tuple[str, ...], config: TaggerConfig | None = None) -> None:
        self.tags = tags
        self.config = config or TaggerConfig()
        self.history_: list[dict[str, Any]] = []
        self.best_epoch_ = 0
        self._predict: Any = None

    def fit(
        self,
        spectrograms: SegmentSpectrograms,
        targets: Floats,
        train_rows: Ints,
        validation_rows: Ints,
        *,
        seed: int = 0,
        on_progress: Progress = no_progress,
    ) -> Self:
        """Train on some segments and keep the weights of the best epoch.

        After each epoch the binary cross-entropy of the validation segments is measured. If it has
        not fallen for a third of ``patience`` epochs the learning rate is halved; after
        ``patience`` epochs without a fall training stops.

        Parameters
        ----------
        targets
            float32 ``(segments, tags)`` of 0 and 1, a row per segment of ``spectrograms``.
        train_rows, validation_rows
            Rows of ``spectrograms``. Without validation rows the training loss decides.

        Raises
        ------
        BadInput
            Without training segments, or if the loss becomes infinite or NaN.
        """
        if not len(train_rows):
            raise BadInput("There are no segments to train the tagger on: analyse more songs.")
        config = self.config
        keras.utils.set_random_seed(seed % 2**32)
        random = np.random.default_rng(seed)
        self._fit_scale(spectrograms, train_rows, random)
        self._create_model(spectrograms, targets[train_rows])
        optimizer = keras.optimizers.Adam(config.learning_rate, global_clipnorm=1.0)
        optimizer.build(self.model_.trainable_variables)
        step = _training_step(self.model_, optimizer)
        best, weights = math.inf, self.model_.get_weights()
        for epoch in range(1, config.epochs + 1):

            def report(share: float, epoch: int = epoch) -> None:
                on_progress((epoch - 1 + share) / config.epochs, f"epoch {epoch}", None)

            order = random.permutation(train_rows)
            record = {
                "epoch": epoch,
                "loss": self._train_epoch(step, spectrograms, targets, order, report),
                "val_loss": None,
            }
            if len(validation_rows):
                _, probabilities = self.predict(spectrograms, validation_rows)
                record["val_loss"] = binary_crossentropy(targets[validation_rows], probabilities)
            if not math.isfinite(record["loss"] + (record["val_loss"] or 0.0)):
                raise BadInput(
                    f"The tagger's loss is not finite after epoch {epoch}: the learning rate of "
                    f"{config.learning_rate:g} is too high, try a tenth."
                )
            self.history_.append(record)
            criterion = record["val_loss"] if len(validation_rows) else record["loss"]
            if criterion < best:
                best, weights, self.best_epoch_ = criterion, self.model_.get_weights(), epoch
            on_progress(
                epoch / config.epochs,
                f"epoch {epoch}: cross-entropy {record['loss']:.4f}, held out {criterion:.4f}",
                {**record, "epochs": config.epochs},
            )
            stalled = epoch - self.best_epoch_
            if stalled >= config.patience:
                break
            if stalled and stalled % max(1, config.patience // PLATEAUS) == 0:
                # Too long a step oscillates around the minimum.
                optimizer.learning_rate.assign(optimizer.learning_rate / 2)
        self.model_.set_weights(weights)
        return self

    def _create_model(self, spectrograms: SegmentSpectrograms, targets: Floats) -> None:
        """Create the network; the initial biases are those of the tags' shares in ``targets``."""
        config = self.config
        _, frames, bands = spectrograms.shape
        self.model_ = network.tagger(
            frames,
            bands,
            len(self.tags),
            filters=config.filters,
            units=config.units,
            depth=config.depth,
            dropout=config.dropout,
        )
        network.initialise_bias(self.model_, targets.mean(axis=0))
        self._predict = None

    def _train_epoch(
        self,
        step: Callable[[Any, Any], Any],
        spectrograms: SegmentSpectrograms,
        targets: Floats,
        order: Ints,
        report: Callable[[float], None],
    ) -> float:
        """Train on the rows ``order`` and return the mean loss of the batches.

        Only whole batches are used, because batch normalisation takes its statistics from them; the
        remaining rows may be used in the next epoch.
        """
        batch = min(self.config.batch_size, len(order))
        steps = len(order) // batch
        total = 0.0
        for at in range(steps):
            rows = np.sort(order[at * batch : (at + 1) * batch])
            loss = step(tf.constant(self._read(spectrograms, rows)), tf.constant(targets[rows]))
            total += float(loss)
            report((at + 1) / steps)
        return total / steps

    def predict(self, spectrograms: SegmentSpectrograms, rows: Ints) -> tuple[Floats, Floats]:
        """Return embeddings float32 ``(n, units)`` and probabilities ``(n, tags)`` of segments."""
        predict = self._compiled_predict()
        embeddings = np.empty((len(rows), self.config.units), dtype=np.float32)
        probabilities = np.empty((len(rows), len(self.tags)), dtype=np.float32)
        for at, part in _parts(rows):
            # Always full batches: another shape would compile another graph.
            padded = np.concatenate([part, np.repeat(part[:1], BATCH - len(part))])
            outputs = predict(self._read(spectrograms, padded))
            for target, output in zip((embeddings, probabilities), outputs, strict=True):
                target[at : at + len(part)] = output[: len(part)]
        return embeddings, probabilities

    def save(self, folder: Path, metadata: dict[str, Any] | None = None) -> None:
        """Write ``tagger.keras`` and ``tagger.json``, which also holds ``metadata``."""
        self.model_.save(folder / "tagger.keras")
        state = {
            **(metadata or {}),
            "tags": list(self.tags),
            "size": asdict(self.config),
            "mean": self.mean_.tolist(),
            "scale": self.scale_,
            "history": self.history_,
            "best_epoch": self.best_epoch_,
        }
        write_json(folder / "tagger.json", state, indent=2)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved tagger; raises ``NotReady`` if it is missing or damaged."""
        try:
            state = json.loads((folder / "tagger.json").read_text(encoding="utf-8"))
            model = cls(tuple(state["tags"]), TaggerConfig(**state["size"]))
            model.mean_ = np.array(state["mean"], dtype=np.float32)
            model.scale_ = float(state["scale"])
            model.history_, model.best_epoch_ = state["history"], state["best_epoch"]
            model.model_ = keras.models.load_model(folder / "tagger.keras", compile=False)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotReady(
                f"The tagger {folder.name} cannot be read ({error.__class__.__name__}): train "
                "another with `flask segments train`."
            ) from None
        return model

    def _compiled_predict(self) -> Any:
        if self._predict is not None:
            return self._predict
        both = network.with_embedding(self.model_)

        @tf.function(autograph=False, reduce_retracing=True)
        def run(inputs: Any) -> Any:
            return both(inputs, training=False)

        self._predict = lambda inputs: [each.numpy() for each in run(tf.constant(inputs))]
        return self._predict

    def _fit_scale(
        self, spectrograms: SegmentSpectrograms, train_rows: Ints, random: np.random.Generator
    ) -> None:
        """Estimate the mean of each band and one scale for all from training segments."""
        rows = np.sort(random.permutation(train_rows)[:SCALE_SAMPLE])
        bands = spectrograms.shape[2]
        total, squares, cells = np.zeros(bands), 0.0, 0
        for _, part in _parts(rows):
            wide = spectrograms.read(part).astype(np.float64)
            total += wide.sum(axis=(0, 1))
            squares += float(np.square(wide).sum())
            cells += wide.shape[0] * wide.shape[1]
        self.mean_: Floats = (total / cells).astype(np.float32)
        variance = squares / (cells * bands) - float(np.square(total / cells).mean())
        # Digital silence throughout: the variance cannot be divided by.
        self.scale_ = math.sqrt(variance) if variance > 1e-6 else 1.0

    def _read(self, spectrograms: SegmentSpectrograms, rows: Ints) -> Floats:
        return (spectrograms.read(rows) - self.mean_) / np.float32(self.scale_)


def binary_crossentropy(truth: Floats, probabilities: Floats) -> float:
    """Return the mean over samples and tags in nats, probabilities clipped to 1e-7 … 1 - 1e-7."""
    wide = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-(truth * np.log(wide) + (1 - truth) * np.log1p(-wide)).mean())


def _training_step(model: Any, optimizer: Any) -> Callable[[Any, Any], Any]:
    """Return a compiled function that trains on inputs and labels and returns the loss."""

    @tf.function(autograph=False)
    def step(inputs: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                keras.losses.binary_crossentropy(labels, model(inputs, training=True))
            )
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return step


def _parts(rows: Ints) -> Iterator[tuple[int, Ints]]:
    for at in range(0, len(rows), BATCH):
        yield at, rows[at : at + BATCH]
