"""The autoencoder: dense layers down to a narrow latent and back (Hinton & Salakhutdinov 2006)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from songrec.core.backend import keras
from songrec.core.errors import BadInput
from songrec.core.types import FeatureTable, Floats, Progress, no_progress
from songrec.representation import training_loop as training
from songrec.representation.keras_model import KerasModel


@dataclass(kw_only=True, eq=False, repr=False)
class Autoencoder(KerasModel):
    """Dense relu layers ``hidden``, a relu layer ``latent``, mirrored back to a linear output.

    Trained with Adam on the mean squared error of imputed, standardised features.
    """

    hidden: tuple[int, ...] = (12,)
    latent: int = 6
    epochs: int = 20
    batch_size: int = 32

    def fit(self, table: FeatureTable, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Train from fresh weights.

        Reports ``{"epoch", "epochs", "loss", "val_loss"}`` after every epoch; ``val_loss`` is
        None with too few tracks to hold one out. Raises ``BadInput`` when the loss is no longer
        finite.
        """
        values = np.ascontiguousarray(table.values, dtype=np.float32)
        training.seed_everything(seed)
        self._build(values.shape[1])
        learn, check = training.hold_out(len(values), self.validation_share, seed)
        held_out = values[check]
        values = values[learn]
        self.history_ = []

        def on_steps(epoch: int, share: float) -> None:
            if share < 1:
                on_progress((epoch - 1 + share) / self.epochs, f"epoch {epoch} of {self.epochs}")

        for epoch in training.train(
            self.model_,
            values,
            optimizer=keras.optimizers.Adam(self.learning_rate),
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=seed,
            validation=held_out,
            on_steps=on_steps,
        ):
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
            self.history_.append(losses)
            on_progress(
                epoch.number / self.epochs,
                f"epoch {epoch.number} of {self.epochs}, loss {epoch.loss:.4f}",
                {**losses, "epochs": self.epochs},
            )
        latent = training.predict(self.encoder_, values)
        self.metrics_ = {
            "loss": self.history_[-1]["loss"],
            "val_loss": self.history_[-1]["val_loss"],
            "latent_dimensions": self.latent,
            # A relu unit that is never active is 0 for every track.
            "dead_latent_dimensions": int((~(latent > 0).any(axis=0)).sum()),
        }
        return self

    def transform(self, table: FeatureTable) -> Floats:
        """Return the latent, float32 ``(n, latent)``."""
        return training.predict(self.encoder_, table.values)

    def reconstruct(self, table: FeatureTable) -> Floats:
        """Restore the table from its latent, float32 ``(n, columns)``."""
        return training.predict(self.model_, table.values)

    def _save_layers(self, folder: Path) -> None:
        self.model_.save(folder / "model.keras")

    def _load_layers(self, folder: Path) -> None:
        self.model_ = keras.models.load_model(folder / "model.keras", compile=False)
        self._locate_encoder()

    def _build(self, columns: int) -> None:
        dense = keras.layers.Dense
        inputs = keras.Input((columns,), name="features")
        layer = inputs
        for units in self.hidden:
            layer = dense(units, activation="relu")(layer)
        layer = dense(self.latent, activation="relu", name="latent")(layer)
        for units in reversed(self.hidden):
            layer = dense(units, activation="relu")(layer)
        self.model_ = keras.Model(inputs, dense(columns, name="output")(layer))
        self._locate_encoder()

    def _locate_encoder(self) -> None:
        self.encoder_ = keras.Model(
            self.model_.inputs, self.model_.get_layer("latent").output, name="encoder"
        )
