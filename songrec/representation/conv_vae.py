"""A variational autoencoder of convolutions over log-mel spectrograms.

Sources: Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014 (the bound and its
reparameterised gradient); Higgins et al., "β-VAE", ICLR 2017 (β); Sønderby et al., "Ladder
Variational Autoencoders", NeurIPS 2016 (KL warm-up).

With x the standardised picture, x̂ the decoder's mean, N(x̂, 1) its likelihood a cell, a row's loss
in nats is  ½ Σ (x − x̂)²  +  β · KL(N(μ, σ²) ‖ N(0, 1)),  constants left out; β grows from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from songrec.core.backend import keras
from songrec.core.errors import BadInput
from songrec.core.types import FeatureTable, Floats, Ints, Progress, Spectrograms, no_progress
from songrec.representation import conv_networks as networks
from songrec.representation import conv_training as training
from songrec.representation.conv_pooling import PooledPictures, pooled_parts, resized
from songrec.representation.keras_model import KerasModel
from songrec.representation.training_loop import hold_out, seed_everything
from songrec.representation.variational import (
    ACTIVE_VARIANCE,
    LARGEST_LOG_VARIANCE,
    SMALLEST_LOG_VARIANCE,
    divergence_from_standard,
    kl_weight,
)

ops = keras.ops
POOLING_SHARE = 0.1
MEASURED = 1_000
"""Tracks that the metrics at the end of a training are measured on, at most."""


@dataclass(kw_only=True, eq=False, repr=False)
class ConvVAE(KerasModel):
    """Three convolutions of stride 2, pooled over time, a dense layer, ``latent`` Gaussians.

    It learns from spectrograms pooled to ``bands`` × ``frames`` cells, which are read from disk
    batch by batch, and restores them by transposed convolutions. The latent is the posterior's
    mean. The table's columns are not used: it may have none.
    """

    required_inputs = ("spectrograms",)
    NETWORKS = ("sound_encoder", "sound_decoder")

    latent: int = 16
    bands: int = 64
    frames: int = 128
    filters: int = 16
    units: int = 128
    beta: float = 1.0
    kl_warmup_epochs: int = 5
    batch_size: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        self._scratch: Path | None = None

    def use_folders(self, *, scratch: Path, cache: Path, models: Path) -> None:
        """Take the folders for temporary files, for cached vectors and of downloaded models."""
        self._scratch = scratch

    def fit(
        self,
        table: FeatureTable,
        *,
        seed: int,
        on_progress: Progress = no_progress,
        spectrograms: Spectrograms,
    ) -> Self:
        """Train from fresh weights on the spectrograms of the table's tracks.

        Reports ``{"epoch", "epochs", "loss", "val_loss", "reconstruction", "kl"}`` after every
        epoch, in nats per track; ``val_loss`` is None with too few tracks to hold one out.
        """
        self._check_rows(table, spectrograms)
        seed_everything(seed)
        pictures = self._pool(spectrograms, on_progress)
        try:
            self._build()
            learn, check = hold_out(len(pictures), self.validation_share, seed)
            self._train(
                lambda rows, random: (pictures.read(rows),), learn, check, seed, on_progress
            )
            self._measure(pictures, learn, check)
        finally:
            pictures.close()
        return self

    def transform(self, table: FeatureTable, *, spectrograms: Spectrograms) -> Floats:
        """Return the posterior's mean of each track, float32 ``(n, latent)``."""
        self._check_rows(table, spectrograms)
        return self._joined(mean for mean, _ in self._encoded(spectrograms))

    def reconstruct(self, table: FeatureTable, *, spectrograms: Spectrograms) -> Floats:
        """Restore the spectrograms from their latent, in decibels, ``(n, bands, frames)`` as read.

        All are in memory at once: call it for slices of many tracks.
        """
        latent = self.transform(table, spectrograms=spectrograms)
        _, bands, frames = spectrograms.shape
        return resized(self.decode(latent), bands, frames)

    def decode(self, latent: Floats) -> Floats:
        """Return the spectrograms of places of the latent, float32 ``(n, bands, frames)`` in dB.

        The size is the model's own, ``self.bands`` × ``self.frames``.
        """
        decoder = self.networks_["sound_decoder"]
        decoded = decoder(np.asarray(latent, dtype=np.float32), training=False)
        pictures = ops.convert_to_numpy(decoded)[..., 0]
        return np.asarray(pictures * self.scale_ + self.mean_, dtype=np.float32)

    def _save_layers(self, folder: Path) -> None:
        """Write ``model.keras``, and ``model.npz`` with the standardisation of the pictures."""
        networks.join_networks(self.networks_).save(folder / "model.keras")
        np.savez(folder / "model.npz", **self._arrays())

    def _load_layers(self, folder: Path) -> None:
        with np.load(folder / "model.npz", allow_pickle=False) as arrays:
            self._take_arrays(dict(arrays))
        whole = keras.models.load_model(folder / "model.keras", compile=False)
        self.networks_ = networks.split_networks(whole, self.NETWORKS)

    def _arrays(self) -> dict[str, Any]:
        return {"mean": self.mean_, "scale": self.scale_, "size": np.array(self.size_)}

    def _take_arrays(self, arrays: dict[str, Any]) -> None:
        self.mean_, self.scale_ = arrays["mean"], float(arrays["scale"])
        self.size_ = tuple(arrays["size"].tolist())

    def _build(self) -> None:
        size = (self.bands, self.frames, self.filters, self.units, self.latent)
        self.networks_ = {
            "sound_encoder": networks.sound_encoder(*size),
            "sound_decoder": networks.sound_decoder(*size),
        }

    def _pool(self, spectrograms: Spectrograms, on_progress: Progress) -> PooledPictures:
        pictures = PooledPictures(
            spectrograms,
            self.bands,
            self.frames,
            lambda share: on_progress(POOLING_SHARE * share, "reading spectrograms"),
            self._scratch,
        )
        self.mean_, self.scale_, self.size_ = pictures.mean, pictures.scale, pictures.size
        return pictures

    def _train(self, read: Any, learn: Ints, check: Ints, seed: int, on_progress: Progress) -> None:
        """Run the epochs over the batches of ``read``; the loss is the sum of ``_parts``."""
        self.history_ = []
        rest = 1.0 - POOLING_SHARE

        def on_step(share: float) -> None:
            number = min(len(self.history_) + 1, self.epochs)
            if share < 1:
                on_progress(POOLING_SHARE + rest * share, f"epoch {number} of {self.epochs}")

        for epoch in training.train(
            [v for network in self.networks_.values() for v in network.trainable_variables],
            self._parts,
            read,
            learn=learn,
            check=check,
            latent=self.latent,
            learning_rate=self.learning_rate,
            epochs=self.epochs,
            weights=self._weights,
            batch_size=self.batch_size,
            seed=seed,
            on_step=on_step,
        ):
            losses = {
                "epoch": epoch.number,
                "loss": epoch.loss,
                "val_loss": epoch.validation_loss,
                **epoch.parts,
                "kl_weight": self._weights(epoch.number)["kl"],
            }
            self.history_.append(losses)
            on_progress(
                POOLING_SHARE + rest * epoch.number / self.epochs,
                f"epoch {epoch.number} of {self.epochs}, loss {epoch.loss:.1f}",
                {**losses, "epochs": self.epochs},
            )

    def _weights(self, epoch: int) -> dict[str, float]:
        """Return the weight of each part of the loss in an epoch."""
        return {"reconstruction": 1.0, "kl": kl_weight(self.beta, self.kl_warmup_epochs)(epoch)}

    def _parts(self, batch: Any, noise: Any, counts: Any) -> dict[str, Any]:
        (pictures,) = batch
        mean, log_variance = self._posterior("sound_encoder", pictures)
        latent = mean + ops.exp(0.5 * log_variance) * noise
        restored = self.networks_["sound_decoder"](latent, training=True)
        return {
            "reconstruction": training.half_squared_error(pictures, restored),
            "kl": divergence_from_standard(mean, log_variance),
        }

    def _posterior(self, encoder: str, inputs: Any) -> tuple[Any, Any]:
        """Return mean and log-variance, the latter clipped to where its exponential is finite."""
        mean, log_variance = ops.split(self.networks_[encoder](inputs), 2, axis=-1)
        return mean, ops.clip(log_variance, SMALLEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)

    def _encoded(self, spectrograms: Spectrograms) -> Iterator[tuple[Floats, Floats]]:
        """Yield mean and log-variance of slices of the tracks, from the sound alone."""
        if spectrograms.shape[1] != self.size_[0]:
            raise BadInput(
                f"The spectrograms have {spectrograms.shape[1]} bands, those of the training had "
                f"{self.size_[0]}: analyse with the same settings."
            )
        for _, part in pooled_parts(spectrograms, self.size_[1], self.bands, self.frames):
            pictures = ((part - self.mean_) / self.scale_)[..., None]
            mean, log_variance = self._posterior("sound_encoder", pictures)
            yield ops.convert_to_numpy(mean), ops.convert_to_numpy(log_variance)

    def _joined(self, parts: Iterator[Floats]) -> Floats:
        return np.concatenate([np.empty((0, self.latent), np.float32), *parts]).astype(np.float32)

    def _measure(self, pictures: PooledPictures, learn: Ints, check: Ints) -> None:
        """Set ``metrics_``: the last losses and the error per cell of held-out rows."""
        seen = learn[:MEASURED]
        held_out = check[:MEASURED] if len(check) else seen
        squared_error = self._over(pictures, held_out)[1]
        spread = self._over(pictures, seen)[0].var(axis=0) if len(seen) > 1 else None
        last = self.history_[-1]
        self.metrics_ = {
            **{name: value for name, value in last.items() if name not in ("epoch", "kl_weight")},
            "reconstruction_mse": squared_error,
            "latent_dimensions": self.latent,
            "spectrogram_bands": self.size_[0],
            "spectrogram_frames": self.size_[1],
            "pooled_bands": self.bands,
            "pooled_frames": self.frames,
        }
        if spread is not None:
            # A dimension whose mean never moves is not used (Burda et al. 2016).
            self.metrics_["active_latent_dimensions"] = int((spread > ACTIVE_VARIANCE).sum())

    def _over(self, pictures: PooledPictures, rows: Ints) -> tuple[Floats, float]:
        """Return the posterior's means of rows, and the mean squared error of their pictures."""
        squares, means = 0.0, []
        for first in range(0, len(rows), self.batch_size):
            part = pictures.read(rows[first : first + self.batch_size])
            mean, _ = self._posterior("sound_encoder", part)
            restored = self.networks_["sound_decoder"](mean, training=False)
            squares += float(np.square(ops.convert_to_numpy(restored) - part).sum())
            means.append(ops.convert_to_numpy(mean))
        return np.concatenate(means), squares / (len(rows) * self.bands * self.frames)

    @staticmethod
    def _check_rows(table: FeatureTable, spectrograms: Spectrograms) -> None:
        if spectrograms.shape[0] != len(table.track_ids):
            raise ValueError(
                f"{spectrograms.shape[0]} spectrograms for {len(table.track_ids)} tracks"
            )
