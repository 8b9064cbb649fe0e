"""Divergences, sampling layers and the training that the variational autoencoders share.

Losses are negative log-likelihoods and divergences in nats, one number per row and part. The
decoder is a Gaussian of variance 1 (in standardised units), its constant left out: the
reconstruction part is half the squared error, summed over the columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.backend import keras
from songrec.core.errors import BadInput
from songrec.core.types import Floats, Progress
from songrec.representation import training_loop as training
from songrec.representation.keras_model import KerasModel

ops = keras.ops
SMALLEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE = -10.0, 10.0
ACTIVE_VARIANCE = 0.01
"""A latent dimension whose posterior mean varies less over the tracks is not used
(Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders")."""


def half_squared_error(target: Any, output: Any) -> Any:
    """Return the negative log-likelihood of ``target`` under a Gaussian around ``output``.

    ``(batch, columns)`` to ``(batch,)``, in nats; its variance is 1, and the constant half log 2 pi
    of each column is left out.
    """
    return 0.5 * ops.sum(ops.square(target - output), axis=-1)


def divergence_from_standard(mean: Any, log_variance: Any) -> Any:
    """Return KL(N(mean, variance) || N(0, 1)), ``(batch, l)`` to ``(batch,)``, in nats.

    Kingma & Welling 2014, appendix B: half the sum of mean² + variance - log variance - 1.
    """
    return 0.5 * ops.sum(
        ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0,
        axis=-1,
    )


class Sampler(keras.layers.Layer):
    """A layer that draws from N(mean, variance) with noise of its own seeded generator."""

    def __init__(self, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.seed = seed
        self.noise = keras.random.SeedGenerator(seed)

    def draw(self, mean: Any, log_variance: Any) -> Any:
        """Draw one sample per row, by the reparameterisation trick."""
        noise = keras.random.normal(ops.shape(mean), seed=self.noise)
        return mean + ops.exp(0.5 * log_variance) * noise

    def compute_output_shape(self, shapes: Any) -> Any:
        """Return the shape of the mean."""
        return shapes[0]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="songrec")
class StandardPrior(Sampler):
    """A layer that samples the latent and adds KL(posterior || N(0, 1)) as a loss per row."""

    def call(self, inputs: Any) -> Any:
        """Map ``[mean, log_variance]``, each ``(batch, l)``, to a sample."""
        mean, log_variance = inputs
        self.add_loss(divergence_from_standard(mean, log_variance))
        return self.draw(mean, log_variance)


@keras.saving.register_keras_serializable(package="songrec")
class Bounded(keras.layers.Layer):
    """A layer that clips a log variance to where its exponential is finite."""

    def call(self, inputs: Any) -> Any:
        """Clip ``inputs`` at both ends."""
        return ops.clip(inputs, SMALLEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)


def build_encoder(inputs: Sequence[Any], hidden: Sequence[int], latent: int) -> Any:
    """Build dense relu layers from the concatenated inputs to mean and log variance."""
    layer = inputs[0] if len(inputs) == 1 else keras.layers.Concatenate()(list(inputs))
    for units in hidden:
        layer = keras.layers.Dense(units, activation="relu")(layer)
    mean = keras.layers.Dense(latent, name="mean")(layer)
    log_variance = Bounded(name="log_variance")(keras.layers.Dense(latent)(layer))
    return keras.Model(_one_or_all(inputs), [mean, log_variance], name="encoder")


def build_decoder(inputs: Sequence[Any], hidden: Sequence[int], columns: int) -> Any:
    """Build the mirrored layers of the encoder, with a linear output of ``columns``."""
    layer = inputs[0] if len(inputs) == 1 else keras.layers.Concatenate()(list(inputs))
    for units in reversed(hidden):
        layer = keras.layers.Dense(units, activation="relu")(layer)
    output = keras.layers.Dense(columns, name="output")(layer)
    return keras.Model(_one_or_all(inputs), output, name="decoder")


def _one_or_all(inputs: Sequence[Any]) -> Any:
    return inputs[0] if len(inputs) == 1 else list(inputs)


@dataclass(kw_only=True, eq=False, repr=False)
class Variational(KerasModel):
    """Base class of the variational models on feature vectors: parameters, training and files.

    ``hidden`` are the dense layers' units, mirrored in the decoder, ``beta`` is the divergence's
    weight, which grows from 0 in the first ``kl_warmup_epochs``. A subclass builds ``model_``,
    whose layers ``encoder`` and ``decoder`` are models.
    """

    hidden: tuple[int, ...] = (64, 32)
    latent: int = 6
    beta: float = 0.3
    kl_warmup_epochs: int = 5

    def _learn(
        self,
        model: Any,
        inputs: tuple[Any, ...],
        held_out: tuple[Any, ...],
        *,
        epochs: int,
        parts: tuple[str, ...],
        weights: Callable[[int], tuple[float, ...]],
        seed: int,
        on_progress: Progress,
        phase: str | None = None,
        learning_rate: Callable[[int], float] | None = None,
    ) -> None:
        """Train ``model`` for ``epochs`` and append to ``history_``, numbering on from there.

        ``learning_rate(epoch)`` counts from 1; without it the rate is the model's throughout.
        Reports shares from 0 to 1 and, after every epoch, its losses with their ``parts``.
        Raises ``BadInput`` when a loss is no longer finite.
        """
        before = len(self.history_)
        name = f"{phase}, epoch" if phase else "epoch"

        def on_steps(epoch: int, share: float) -> None:
            if share < 1:
                on_progress((epoch - 1 + share) / epochs, f"{name} {epoch} of {epochs}")

        for epoch in training.train(
            model,
            inputs,
            optimizer=keras.optimizers.Adam(self.learning_rate),
            epochs=epochs,
            batch_size=self.batch_size,
            seed=seed,
            validation=held_out,
            row_loss=half_squared_error,
            part_weights=weights,
            learning_rate=learning_rate,
            on_steps=on_steps,
        ):
            losses: dict[str, Any] = {
                "epoch": before + epoch.number,
                "loss": epoch.loss,
                "val_loss": epoch.validation_loss,
                **dict(zip(parts, epoch.parts, strict=True)),
                **{f"val_{p}": v for p, v in zip(parts, epoch.validation_parts, strict=False)},
                "kl_weight": weights(epoch.number)[1],
            }
            if phase:
                losses["phase"] = phase
            if not math.isfinite(epoch.loss + (epoch.validation_loss or 0.0)):
                raise BadInput(
                    f"The loss is no longer a number after epoch {losses['epoch']}: the learning "
                    f"rate of {self.learning_rate:g} is too high for these features, try a tenth."
                )
            self.history_.append(losses)
            on_progress(
                epoch.number / epochs,
                f"{name} {epoch.number} of {epochs}, loss {epoch.loss:.4f}",
                losses,
            )

    def _split(self, rows: int, seed: int) -> tuple[Any, Any]:
        return training.hold_out(rows, self.validation_share, seed)

    def _final_metrics(self, latent: Floats) -> dict[str, Any]:
        """Return the losses of the last epoch, and how much of the latent is in use."""
        last = self.history_[-1]
        losses = {
            name: last[name]
            for name in last
            if name not in ("epoch", "phase", "kl_weight") and not name.startswith("val_")
        }
        return {
            **losses,
            "val_loss": last["val_loss"],
            "latent_dimensions": int(latent.shape[1]),
            "active_latent_dimensions": int((latent.var(axis=0) > ACTIVE_VARIANCE).sum()),
        }

    def decode(self, latent: Floats) -> Floats:
        """Return the features, float32 ``(n, columns)``, of places ``(n, l)`` of the latent."""
        return training.predict(self.decoder_, np.asarray(latent, dtype=np.float32))

    def _save_layers(self, folder: Path) -> None:
        self.model_.save(folder / "model.keras")

    def _load_layers(self, folder: Path) -> None:
        self.model_ = keras.models.load_model(folder / "model.keras", compile=False)
        self._locate_layers()

    def _locate_layers(self) -> None:
        self.encoder_ = self.model_.get_layer("encoder")
        self.decoder_ = self.model_.get_layer("decoder")
        self.mean_ = keras.Model(self.encoder_.inputs, self.encoder_.get_layer("mean").output)


def kl_weight(beta: float, epochs: int) -> Callable[[int], float]:
    """Return the weight of the divergence by epoch (from 1): it rises to ``beta`` in ``epochs``.

    With a small weight at first the latent is not emptied before the decoder has learnt to use it.

    References
    ----------
    Bowman et al., "Generating sentences from a continuous space", CoNLL 2016; Sønderby et al.,
    "Ladder variational autoencoders", NeurIPS 2016.
    """
    return lambda epoch: beta * min(1.0, epoch / (epochs + 1))
