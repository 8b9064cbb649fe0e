"""The conditional variational autoencoder (Sohn, Lee & Yan 2015), conditioned on a label.

Encoder and decoder both see the label (genre, emotion or language) as a one-hot vector: what the
label determines need not be in the latent, which describes how tracks of one label differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from songrec.core.backend import keras
from songrec.core.errors import UnknownName
from songrec.core.types import FeatureTable, Floats, Ints, Progress, no_progress
from songrec.representation import training_loop as training
from songrec.representation.probing import read_accuracy
from songrec.representation.vae import VAE
from songrec.representation.variational import (
    StandardPrior,
    Variational,
    build_decoder,
    build_encoder,
    kl_weight,
)

Labels = Sequence[str | None]
UNKNOWN, OTHER = 0, 1
"""Classes of tracks without a label, and of those whose label is too rare for its own."""


@keras.saving.register_keras_serializable(package="songrec")
class OneHot(keras.layers.Layer):
    """A layer from class numbers int32 ``(batch,)`` to float32 ``(batch, classes)``."""

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(**options)
        self.classes = classes

    def call(self, inputs: Any) -> Any:
        """Encode class numbers."""
        return keras.ops.one_hot(inputs, self.classes, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "classes": self.classes}


@dataclass(kw_only=True, eq=False, repr=False)
class CVAE(Variational):
    """The VAE's layers with a label of the kind ``condition`` beside features and latent.

    ``labels`` are given row by row over the table's tracks. Unknown is a class of its own; labels
    beyond the ``max_labels`` commonest share another. Where training has seen neither, the labels
    in the shares that it has seen stand for them.
    """

    required_inputs = ("labels",)

    condition: str = "genre"
    max_labels: int = 20

    def fit(
        self,
        table: FeatureTable,
        *,
        seed: int,
        on_progress: Progress = no_progress,
        labels: Labels,
    ) -> Self:
        """Train from fresh weights, then measure how well the label is read from the latent.

        ``metrics_`` has ``label_leakage`` (balanced accuracy of reading the label from the latent,
        see ``probing``), ``label_leakage_chance`` and, of a plain VAE trained alike on the
        same table, ``label_leakage_vae``; None where fewer than two labels can be told apart.
        """
        values = np.ascontiguousarray(table.values, dtype=np.float32)
        counts = Counter(label for label in labels if label)
        ranked = sorted(counts, key=lambda label: (-counts[label], label))
        self.labels_ = ranked[: self.max_labels]
        training.seed_everything(seed)
        self._build(values.shape[1], OTHER + 1 + len(self.labels_), seed)
        learn, check = self._split(len(values), seed)
        classes = self._classes(labels).astype(np.int32)
        seen = np.bincount(classes, minlength=OTHER + 1 + len(self.labels_))
        self.shares_ = (seen / seen.sum()).tolist()
        weight = kl_weight(self.beta, self.kl_warmup_epochs)
        self.history_ = []
        self._learn(
            self.model_,
            (values[learn], classes[learn]),
            (values[check], classes[check]),
            epochs=self.epochs,
            parts=("reconstruction", "kl"),
            weights=lambda epoch: (1.0, weight(epoch)),
            seed=seed,
            on_progress=lambda share, message, details=None: on_progress(
                share / 2, message, details
            ),
        )
        latent = self.transform(table, labels=labels)
        self.metrics_ = {
            **self._final_metrics(latent),
            "label_classes": len(self.labels_),
            **self._leakage(table, latent, classes, seed, on_progress),
        }
        return self

    def transform(self, table: FeatureTable, *, labels: Labels) -> Floats:
        """Return the posterior mean given features and label, float32 ``(n, latent)``."""
        values = table.values.astype(np.float32, copy=False)
        return training.predict(self.mean_, (values, self._one_hot(labels)))

    def reconstruct(self, table: FeatureTable, *, labels: Labels) -> Floats:
        """Restore the table from latent and label, float32 ``(n, columns)``."""
        return self.decode(self.transform(table, labels=labels), labels)

    def decode(self, latent: Floats, labels: Labels | None = None) -> Floats:
        """Return the features, float32 ``(n, columns)``, of places with these labels (or none)."""
        latent = np.asarray(latent, dtype=np.float32)
        conditions = [None] * len(latent) if labels is None else labels
        return training.predict(self.decoder_, (latent, self._one_hot(conditions)))

    def generate(self, label: str | None, n: int, seed: int) -> Floats:
        """Generate ``n`` tracks of a label: float32 ``(n, columns)`` of standardised features.

        Raises ``UnknownName`` for a label that has no class of its own.
        """
        if label is not None and label not in self.labels_:
            raise UnknownName(self.condition, label, self.labels_)
        latent = np.random.default_rng(seed).normal(size=(n, self.latent))
        return self.decode(latent.astype(np.float32), [label] * n)

    def _leakage(
        self, table: FeatureTable, latent: Floats, classes: Ints, seed: int, on_progress: Progress
    ) -> dict[str, float | None]:
        plain = VAE(
            hidden=self.hidden,
            latent=self.latent,
            beta=self.beta,
            kl_warmup_epochs=self.kl_warmup_epochs,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            validation_share=self.validation_share,
        )
        conditions = [
            self.labels_[at - OTHER - 1] if at > OTHER else None for at in classes.tolist()
        ]
        accuracy = read_accuracy(latent, conditions, seed=seed)
        if accuracy is None:
            names = ("label_leakage", "label_leakage_chance", "label_leakage_vae")
            return dict.fromkeys(names)
        plain.fit(
            table,
            seed=seed,
            on_progress=lambda share, message, details=None: on_progress(
                0.5 + share / 2, f"a plain VAE to compare with, {message}"
            ),
        )
        of_plain = read_accuracy(plain.transform(table), conditions, seed=seed)
        return {
            "label_leakage": accuracy[0],
            "label_leakage_chance": accuracy[1],
            "label_leakage_vae": of_plain[0] if of_plain else None,
        }

    def _classes(self, labels: Labels) -> Ints:
        numbers = {label: at for at, label in enumerate(self.labels_, OTHER + 1)}
        return np.array(
            [numbers.get(label, OTHER) if label else UNKNOWN for label in labels], dtype=np.int64
        )

    def _one_hot(self, labels: Labels) -> Floats:
        codes = np.eye(OTHER + 1 + len(self.labels_), dtype=np.float32)
        # No training track was of this class, so its weights are noise: the average stands in.
        for unseen in [at for at in (UNKNOWN, OTHER) if not self.shares_[at]]:
            codes[unseen] = self.shares_
        return codes[self._classes(labels)]

    def _build(self, columns: int, classes: int, seed: int) -> None:
        def label_input() -> Any:
            return keras.Input((classes,), name="label")

        encoder = build_encoder(
            [keras.Input((columns,), name="features"), label_input()], self.hidden, self.latent
        )
        decoder = build_decoder(
            [keras.Input((self.latent,), name="latent"), label_input()], self.hidden, columns
        )
        features = keras.Input((columns,), name="features")
        number = keras.Input((), dtype="int32", name="class")
        label = OneHot(classes)(number)
        sample = StandardPrior(seed, name="prior")(encoder([features, label]))
        self.model_ = keras.Model([features, number], decoder([sample, label]))
        self._locate_layers()

    def _state(self) -> dict[str, Any]:
        return {"labels": self.labels_, "label_shares": self.shares_}

    def _restore(self, state: dict[str, Any]) -> None:
        self.labels_, self.shares_ = state["labels"], state["label_shares"]
