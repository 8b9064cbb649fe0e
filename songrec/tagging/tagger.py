"""Training the tagger on windows that are read from disk, and asking it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from songrec.core.backend import keras, tf
from songrec.core.errors import BadInput, NotReady
from songrec.core.files import write_json
from songrec.core.types import Floats, Ints, Progress, no_progress
from songrec.tagging import network

ASKED_AT_ONCE = 64
PLATEAUS = 3
"""How often the learning rate is halved, at most, before patience has an end."""
SCALED_BY = 2_000
"""So many training windows at most tell mean and scale."""


class Pictures(Protocol):
    """Windows of log-mel spectrograms; they stay on disk."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Windows, frames, bands."""

    def read(self, rows: Ints) -> Floats:
        """Decibels of these windows, float32 ``(len(rows), frames, bands)``."""


@dataclass(frozen=True)
class Size:
    """How large the network is, and how it learns. The defaults are the published ones."""

    filters: int = 128
    units: int = 256
    depth: int = 4
    dropout: float = 0.4
    learning_rate: float = 1e-3
    batch_size: int = 32
    epochs: int = 40
    patience: int = 6


class Tagger:
    """Tags of a few seconds of sound, and a vector of ``size.units`` that they follow from."""

    def __init__(self, tags: tuple[str, ...], size: Size | None = None) -> None:
        self.tags = tags
        self.size = size or Size()
        self.history_: list[dict[str, Any]] = []
        self.best_epoch_ = 0
        self._run: Any = None

    def fit(
        self,
        pictures: Pictures,
        targets: Floats,
        learn: Ints,
        check: Ints,
        *,
        seed: int = 0,
        on_progress: Progress = no_progress,
    ) -> Self:
        """Learn from the windows ``learn``; ``targets`` float32 ``(windows, tags)`` are 0 or 1.

        After each epoch the binary cross-entropy of the windows ``check`` is measured. Where it has
        not fallen for a third of ``patience`` the learning rate is halved; after ``patience``
        epochs without a fall it stops. The best epoch's weights are kept.
        Raises ``BadInput`` without windows to learn from or where the loss is no number.
        """
        if not len(learn):
            raise BadInput("There are no windows to train the tagger on: analyse more songs.")
        size = self.size
        _, frames, bands = pictures.shape
        keras.utils.set_random_seed(seed % 2**32)
        random = np.random.default_rng(seed)
        self._scale(pictures, learn, random)
        self.model_ = network.tagger(
            frames,
            bands,
            len(self.tags),
            filters=size.filters,
            units=size.units,
            depth=size.depth,
            dropout=size.dropout,
        )
        network.begin_at(self.model_, targets[learn].mean(axis=0))
        self._run = None
        optimizer = keras.optimizers.Adam(size.learning_rate, global_clipnorm=1.0)
        optimizer.build(self.model_.trainable_variables)
        batch = min(size.batch_size, len(learn))
        model = self.model_

        @tf.function(autograph=False)
        def step(inputs: Any, wanted: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(
                    keras.losses.binary_crossentropy(wanted, model(inputs, training=True))
                )
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        steps = len(learn) // batch
        best, weights = math.inf, model.get_weights()
        for epoch in range(1, size.epochs + 1):
            # Whole batches alone: batch normalisation takes its statistics from them. What is
            # left over this time is drawn the next.
            order = random.permutation(learn)[: steps * batch]
            total = 0.0
            for at in range(steps):
                rows = np.sort(order[at * batch : (at + 1) * batch])
                loss = step(tf.constant(self._read(pictures, rows)), tf.constant(targets[rows]))
                total += float(loss)
                on_progress((epoch - 1 + (at + 1) / steps) / size.epochs, f"epoch {epoch}", None)
            told = {"epoch": epoch, "loss": total / steps, "val_loss": None}
            if len(check):
                told["val_loss"] = binary_crossentropy(targets[check], self.ask(pictures, check)[1])
            if not math.isfinite(told["loss"] + (told["val_loss"] or 0.0)):
                raise BadInput(
                    f"The tagger's loss is no longer a number after epoch {epoch}: the learning "
                    f"rate of {size.learning_rate:g} is too high, try a tenth."
                )
            self.history_.append(told)
            measured = told["val_loss"] if len(check) else told["loss"]
            if measured < best:
                best, weights, self.best_epoch_ = measured, model.get_weights(), epoch
            on_progress(
                epoch / size.epochs,
                f"epoch {epoch}: cross-entropy {told['loss']:.4f}, held out {measured:.4f}",
                {**told, "epochs": size.epochs},
            )
            waited = epoch - self.best_epoch_
            if waited >= size.patience:
                break
            if waited and waited % max(1, size.patience // PLATEAUS) == 0:
                # A step that is too long goes back and forth over what is being looked for.
                optimizer.learning_rate.assign(optimizer.learning_rate / 2)
        model.set_weights(weights)
        return self

    def ask(self, pictures: Pictures, rows: Ints) -> tuple[Floats, Floats]:
        """Representations float32 ``(n, units)`` and probabilities ``(n, tags)`` of windows."""
        run = self._asking()
        vectors = np.empty((len(rows), self.size.units), dtype=np.float32)
        told = np.empty((len(rows), len(self.tags)), dtype=np.float32)
        for at, part in _parts(rows):
            # Always as many: another shape would be another graph.
            filled = np.concatenate([part, np.repeat(part[:1], ASKED_AT_ONCE - len(part))])
            vector, probability = (each[: len(part)] for each in run(self._read(pictures, filled)))
            vectors[at : at + len(part)], told[at : at + len(part)] = vector, probability
        return vectors, told

    def save(self, folder: Path, told: dict[str, Any] | None = None) -> None:
        """Write ``tagger.keras`` and ``tagger.json``; ``told`` is kept beside the parameters."""
        self.model_.save(folder / "tagger.keras")
        state = {
            **(told or {}),
            "tags": list(self.tags),
            "size": asdict(self.size),
            "mean": self.mean_.tolist(),
            "scale": self.scale_,
            "history": self.history_,
            "best_epoch": self.best_epoch_,
        }
        write_json(folder / "tagger.json", state, indent=2)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; ``NotReady`` where it cannot be read."""
        try:
            state = json.loads((folder / "tagger.json").read_text(encoding="utf-8"))
            model = cls(tuple(state["tags"]), Size(**state["size"]))
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

    def _asking(self) -> Any:
        if self._run is not None:
            return self._run
        both = network.with_vector(self.model_)

        @tf.function(autograph=False, reduce_retracing=True)
        def run(inputs: Any) -> Any:
            return both(inputs, training=False)

        self._run = lambda inputs: [each.numpy() for each in run(tf.constant(inputs))]
        return self._run

    def _scale(self, pictures: Pictures, learn: Ints, random: np.random.Generator) -> None:
        """Mean of each band and one scale for all, from training windows alone."""
        rows = np.sort(random.permutation(learn)[:SCALED_BY])
        bands = pictures.shape[2]
        total, squares, cells = np.zeros(bands), 0.0, 0
        for _, part in _parts(rows):
            wide = pictures.read(part).astype(np.float64)
            total += wide.sum(axis=(0, 1))
            squares += float(np.square(wide).sum())
            cells += wide.shape[0] * wide.shape[1]
        self.mean_: Floats = (total / cells).astype(np.float32)
        variance = squares / (cells * bands) - float(np.square(total / cells).mean())
        # Digital silence throughout: nothing to divide by.
        self.scale_ = math.sqrt(variance) if variance > 1e-6 else 1.0

    def _read(self, pictures: Pictures, rows: Ints) -> Floats:
        return (pictures.read(rows) - self.mean_) / np.float32(self.scale_)


def binary_crossentropy(truth: Floats, probabilities: Floats) -> float:
    """Mean over all samples and tags, in nats; probabilities are kept 1e-7 away from 0 and 1."""
    wide = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-(truth * np.log(wide) + (1 - truth) * np.log1p(-wide)).mean())


def _parts(rows: Ints) -> Iterator[tuple[int, Ints]]:
    for at in range(0, len(rows), ASKED_AT_ONCE):
        yield at, rows[at : at + ASKED_AT_ONCE]
