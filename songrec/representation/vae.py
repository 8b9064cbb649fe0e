"""The variational autoencoder on feature vectors (Kingma & Welling 2014).

Its objective is the evidence lower bound: reconstruction plus ``beta`` times the divergence of
the posterior from N(0, 1); ``beta`` other than 1 is Higgins et al. 2017 ("beta-VAE"). With a
decoder of variance 1, ``beta`` is also the variance that the decoder grants the features: of
standardised features a linear model would keep the directions whose variance is above ``beta``
(Lucas et al. 2019, "Don't Blame the ELBO!").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from songrec.core.backend import keras
from songrec.core.types import FeatureTable, Floats, Progress, no_progress
from songrec.representation import training_loop as training
from songrec.representation.variational import (
    StandardPrior,
    Variational,
    build_decoder,
    build_encoder,
    kl_weight,
)


@dataclass(kw_only=True, eq=False, repr=False)
class VAE(Variational):
    """Dense relu layers ``hidden`` to a Gaussian posterior, mirrored back to a linear output.

    The latent is the posterior mean. The weight of the divergence grows in ``kl_warmup_epochs``.
    """

    def fit(self, table: FeatureTable, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Train from fresh weights.

        Reports ``{"epoch", "loss", "val_loss", "reconstruction", "kl", …}`` after every epoch.
        """
        values = np.ascontiguousarray(table.values, dtype=np.float32)
        training.seed_everything(seed)
        self._build(values.shape[1], seed)
        learn, check = self._split(len(values), seed)
        weight = kl_weight(self.beta, self.kl_warmup_epochs)
        self.history_ = []
        self._learn(
            self.model_,
            (values[learn],),
            (values[check],),
            epochs=self.epochs,
            parts=("reconstruction", "kl"),
            weights=lambda epoch: (1.0, weight(epoch)),
            seed=seed,
            on_progress=on_progress,
        )
        self.metrics_ = self._final_metrics(self.transform(table))
        return self

    def transform(self, table: FeatureTable) -> Floats:
        """Return the posterior mean, float32 ``(n, latent)``."""
        return training.predict(self.mean_, table.values.astype(np.float32, copy=False))

    def reconstruct(self, table: FeatureTable) -> Floats:
        """Restore the table from its latent, float32 ``(n, columns)``."""
        return self.decode(self.transform(table))

    def _build(self, columns: int, seed: int) -> None:
        inputs = keras.Input((columns,), name="features")
        encoder = build_encoder(
            [keras.Input((columns,), name="features")], self.hidden, self.latent
        )
        decoder = build_decoder([keras.Input((self.latent,), name="latent")], self.hidden, columns)
        sample = StandardPrior(seed, name="prior")(encoder(inputs))
        self.model_ = keras.Model(inputs, decoder(sample))
        self._locate_layers()
