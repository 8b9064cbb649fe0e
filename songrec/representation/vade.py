"""VaDE: a variational autoencoder whose prior is a Gaussian mixture, so that it learns clusters.

Jiang, Zheng, Tan, Tang & Zhou 2017, "Variational Deep Embedding: An Unsupervised and Generative
Approach to Clustering", IJCAI. Three steps: an autoencoder is trained first, a mixture is
fitted to its latent, then encoder, decoder and mixture are trained together on the evidence
lower bound with that mixture as prior. The last of them takes smaller steps, which decay: with
the pretraining's steps clusters that overlap fall together before encoder and mixture agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from songrec.core.backend import keras
from songrec.core.numerics import distinct_rows
from songrec.core.types import Clustering, FeatureTable, Floats, Progress, no_progress, part_of
from songrec.representation import training_loop as training
from songrec.representation.mixture import MixturePrior, first_mixture
from songrec.representation.variational import (
    StandardPrior,
    Variational,
    build_decoder,
    build_encoder,
    kl_weight,
)

PRETRAINING_SHARE = 0.1
"""Of ``beta`` while pretraining: a standard normal prior would push the clusters together."""


@dataclass(kw_only=True, eq=False, repr=False)
class VaDE(Variational):
    """Layers as in the VAE, with ``n_clusters`` Gaussians of diagonal covariance as the prior.

    The latent is the posterior mean; ``assign`` gives the clusters with q(c|x) as probabilities.
    ``pretraining_epochs`` come before ``epochs``; in the first ``kl_warmup_epochs`` of those the
    weight of the divergence grows. ``learning_rate`` is Adam's step while pretraining,
    ``joint_learning_rate`` that of the first epoch after it, and every further epoch has
    ``learning_rate_decay`` times the rate of the one before (in the paper's experiments every
    tenth has 0.9 times).
    """

    n_clusters: int = 10
    beta: float = 0.1
    kl_warmup_epochs: int = 0
    pretraining_epochs: int = 20
    joint_learning_rate: float = 1e-4
    learning_rate_decay: float = 0.95

    def fit(self, table: FeatureTable, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Pretrain, fit the mixture, train together; with few distinct tracks fewer clusters.

        Reports ``{"epoch", "loss", "val_loss", "reconstruction", "kl", "kl_clusters", "phase"}``
        after every epoch; the divergence of the clusters is 0 while pretraining.
        """
        values = np.ascontiguousarray(table.values, dtype=np.float32)
        training.seed_everything(seed)
        learn, check = self._split(len(values), seed)
        self._build(values.shape[1], distinct_rows(values[learn], self.n_clusters), seed)
        self.history_ = []
        pretraining = self.pretraining_epochs / (self.pretraining_epochs + self.epochs)
        parts = (values[learn],), (values[check],)

        if self.pretraining_epochs:
            self._learn(
                keras.Model(self.model_.inputs, self.plain_),
                *parts,
                epochs=self.pretraining_epochs,
                parts=("reconstruction", "kl"),
                weights=lambda epoch: (1.0, PRETRAINING_SHARE * self.beta),
                seed=seed,
                on_progress=part_of(on_progress, 0.0, pretraining),
                phase="pretraining",
            )
        mean, log_variance = self._posterior(values[learn])
        self.prior_.begin(*first_mixture(mean, np.exp(log_variance), self.prior_.clusters, seed))
        weight = kl_weight(self.beta, self.kl_warmup_epochs)
        self._learn(
            self.model_,
            *parts,
            epochs=self.epochs,
            parts=("reconstruction", "kl", "kl_clusters"),
            weights=lambda epoch: (1.0, weight(epoch), weight(epoch)),
            seed=seed + 1,
            on_progress=part_of(on_progress, pretraining, 1.0),
            phase="mixture",
            learning_rate=lambda epoch: (
                self.joint_learning_rate * self.learning_rate_decay ** (epoch - 1)
            ),
        )
        clustering = self.assign(table)
        self.metrics_ = {
            **self._final_metrics(self.transform(table)),
            "mixture_components": self.prior_.clusters,
            "mixture_components_used": len(np.unique(clustering.labels)),
        }
        return self

    def transform(self, table: FeatureTable) -> Floats:
        """Return the posterior mean, float32 ``(n, latent)``."""
        return training.predict(self.mean_, table.values.astype(np.float32, copy=False))

    def reconstruct(self, table: FeatureTable) -> Floats:
        """Restore the table from its latent, float32 ``(n, columns)``."""
        return self.decode(self.transform(table))

    def assign(self, table: FeatureTable) -> Clustering:
        """Return the mixture's clusters: ``probabilities`` are q(c|x), confidence their maximum.

        ``centres`` are the components' means in the latent, also of those without tracks.
        """
        probabilities = self.prior_.responsibilities(*self._posterior(table.values))
        return Clustering(
            labels=probabilities.argmax(axis=1).astype(np.int32),
            confidence=probabilities.max(axis=1),
            centres=np.asarray(self.prior_.means, dtype=np.float32),
            probabilities=probabilities,
        )

    def _posterior(self, values: Floats) -> tuple[Floats, Floats]:
        values = values.astype(np.float32, copy=False)
        return training.predict(self.mean_, values), training.predict(self.log_variance_, values)

    def _build(self, columns: int, clusters: int, seed: int) -> None:
        inputs = keras.Input((columns,), name="features")
        encoder = build_encoder(
            [keras.Input((columns,), name="features")], self.hidden, self.latent
        )
        decoder = build_decoder([keras.Input((self.latent,), name="latent")], self.hidden, columns)
        posterior = encoder(inputs)
        self.model_ = keras.Model(
            inputs, decoder(MixturePrior(clusters, seed, name="prior")(posterior))
        )
        self.plain_ = decoder(StandardPrior(seed)(posterior))
        self._locate_layers()

    def _locate_layers(self) -> None:
        super()._locate_layers()
        self.prior_ = self.model_.get_layer("prior")
        self.log_variance_ = keras.Model(
            self.encoder_.inputs, self.encoder_.get_layer("log_variance").output
        )
