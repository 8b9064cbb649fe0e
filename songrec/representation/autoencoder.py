"""The autoencoder: dense layers down to a narrow latent and back (Hinton & Salakhutdinov 2006)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from songrec.core.backend import keras
from songrec.core.errors import BadInput
from songrec.core.types import FeatureTable, Floats, Progress, no_progress
from songrec.representation import pca_initialization
from songrec.representation import training_loop as training
from songrec.representation.keras_model import KerasModel
from songrec.representation.metric import Metric

HOLD_OUT_SEED = 0
"""The same tracks are held out whatever the seed: seeds and starts are judged by the same ones."""
METRIC_ROWS = 100_000
"""About as many tracks, at least, are enough for the metric of the latent."""


@dataclass(kw_only=True, eq=False, repr=False)
class Autoencoder(KerasModel):
    """Dense relu layers ``hidden``, a relu layer ``latent``, mirrored back to a linear output.

    Trained with Adam on the mean squared error of imputed, standardised features, the step falling
    to 0 along a cosine. ``n_init`` trainings differ in the order of the tracks and in their first
    weights; the one with the least error on the tracks held out is kept. With ``init="pca"`` all
    begin as principal components, which the network then bends (``pca_initialization``); with
    ``"random"`` they begin anywhere, and each seed ends in a latent of its own.

    How far a unit of the middle layer stretches is arbitrary: the next layer undoes it. The latent
    is therefore that layer in the units of the features (``metric``).
    """

    hidden: tuple[int, ...] = (12,)
    latent: int = 6
    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 2e-3
    init: str = "pca"
    n_init: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.metric_: Metric | None = None

    def fit(self, table: FeatureTable, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Train ``n_init`` times from fresh weights and keep the best.

        Reports ``{"epoch", "epochs", "loss", "val_loss"}`` after every epoch of the first training;
        ``val_loss`` is None with too few tracks to hold one out. Raises ``BadInput`` when the loss
        is no longer finite.
        """
        values = np.ascontiguousarray(table.values, dtype=np.float32)
        learn, check = training.hold_out(len(values), self.validation_share, HOLD_OUT_SEED)
        seeds = np.random.SeedSequence(seed).generate_state(self.n_init)
        model = self._network(values.shape[1])
        optimizer = keras.optimizers.Adam(self.learning_rate)
        loop = training.compile_loop(model, optimizer, min(self.batch_size, len(learn)))
        self._use(model)
        best: tuple[float, list[dict[str, Any]], list[Floats]] | None = None
        errors = []
        for number, start_seed in enumerate(seeds.tolist(), 1):
            training.restart(model, optimizer, self._first_weights(values, start_seed))
            losses = training.train(
                model,
                values[learn],
                optimizer=optimizer,
                epochs=self.epochs,
                batch_size=self.batch_size,
                seed=start_seed,
                validation=values[check],
                learning_rate=self._rate,
                loop=loop,
                on_steps=self._on_steps(number, on_progress),
            )
            history = self._history(losses, number, on_progress)
            last = history[-1]
            error = last["loss"] if last["val_loss"] is None else last["val_loss"]
            errors.append(error)
            if best is None or error < best[0]:
                best = error, history, self.model_.get_weights()
        assert best is not None
        _, self.history_, weights = best
        self.model_.set_weights(weights)
        some = values[:: max(1, len(values) // METRIC_ROWS)]
        middle = training.predict(self.encoder_, some)
        self.metric_ = Metric.fit(middle, training.predict(self.model_, some))
        self.metrics_ = {
            "loss": self.history_[-1]["loss"],
            "val_loss": self.history_[-1]["val_loss"],
            "worst_start_loss": max(errors),
            "latent_dimensions": self.latent,
            # A relu unit that is never active is 0 for every track.
            "dead_latent_dimensions": int((~(middle > 0).any(axis=0)).sum()),
        }
        return self

    def _first_weights(self, values: Floats, seed: int) -> list[Floats]:
        if self.init == "pca":
            return pca_initialization.weights(values, (*self.hidden, self.latent), seed)
        training.seed_everything(seed)
        return self._network(values.shape[1]).get_weights()

    def _on_steps(self, number: int, on_progress: Progress) -> Callable[[int, float], None]:
        """Return a callback that reports the steps of start ``number`` (from 1)."""

        def report(epoch: int, share: float) -> None:
            if share < 1:
                done = (number - 1) * self.epochs + epoch - 1 + share
                on_progress(done / (self.n_init * self.epochs), self._where(number, epoch))

        return report

    def _history(
        self, epochs: Iterator[training.Epoch], number: int, on_progress: Progress
    ) -> list[dict[str, Any]]:
        """Train through all epochs of start ``number`` (from 1) and return their losses."""
        history: list[dict[str, Any]] = []
        for epoch in epochs:
            losses = {
                "epoch": epoch.number,
                "loss": epoch.loss,
                "val_loss": epoch.validation_loss,
            }
            # Weights may diverge in an epoch's last steps: the held-out tracks then show it first.
            if not math.isfinite(epoch.loss + (epoch.validation_loss or 0.0)):
                raise BadInput(
                    f"The loss is no longer a number after epoch {epoch.number}: the learning "
                    f"rate of {self.learning_rate:g} is too high for these features, try a tenth."
                )
            history.append(losses)
            on_progress(
                ((number - 1) * self.epochs + epoch.number) / (self.n_init * self.epochs),
                f"{self._where(number, epoch.number)}, loss {epoch.loss:.4f}",
                {**losses, "epochs": self.epochs} if number == 1 else None,
            )
        return history

    def _where(self, number: int, epoch: int) -> str:
        which = f"training {number} of {self.n_init}, " if self.n_init > 1 else ""
        return f"{which}epoch {epoch} of {self.epochs}"

    def _rate(self, epoch: int) -> float:
        """Return Adam's step in an epoch, from 1: half a cosine (Loshchilov & Hutter 2017)."""
        return self.learning_rate * (1 + math.cos(math.pi * (epoch - 1) / self.epochs)) / 2

    def transform(self, table: FeatureTable) -> Floats:
        """Return the latent, float32 ``(n, latent)``."""
        middle = training.predict(self.encoder_, table.values)
        return middle if self.metric_ is None else self.metric_.transform(middle)

    def reconstruct(self, table: FeatureTable) -> Floats:
        """Restore the table from its latent, float32 ``(n, columns)``."""
        return training.predict(self.model_, table.values)

    def _state(self) -> dict[str, Any]:
        return {} if self.metric_ is None else {"metric": self.metric_.to_json()}

    def _restore(self, state: dict[str, Any]) -> None:
        # Runs of earlier versions have the middle layer itself for their latent.
        self.metric_ = Metric.from_json(state["metric"]) if "metric" in state else None

    def _save_layers(self, folder: Path) -> None:
        self.model_.save(folder / "model.keras")

    def _load_layers(self, folder: Path) -> None:
        self._use(keras.models.load_model(folder / "model.keras", compile=False))

    def _network(self, columns: int) -> Any:
        dense = keras.layers.Dense
        inputs = keras.Input((columns,), name="features")
        layer = inputs
        for units in self.hidden:
            layer = dense(units, activation="relu")(layer)
        layer = dense(self.latent, activation="relu", name="latent")(layer)
        for units in reversed(self.hidden):
            layer = dense(units, activation="relu")(layer)
        return keras.Model(inputs, dense(columns, name="output")(layer))

    def _use(self, model: Any) -> None:
        self.model_ = model
        self.encoder_ = keras.Model(model.inputs, model.get_layer("latent").output, name="encoder")
