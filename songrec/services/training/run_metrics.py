"""The metrics of a run for lists and comparisons: label, meaning, direction, loss curves.

The web process imports this module; it must not import a heavy library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from songrec.clustering.scores import SCORES
from songrec.store.tables import Run


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of a run. ``better`` is None where neither direction is an improvement."""

    name: str
    label: str
    description: str
    better: Literal["higher", "lower"] | None
    source: Literal["metrics", "seconds", "run"] = "metrics"

    def value_of(self, run: Run) -> float | None:
        """Return the run's value, or None where it was not measured."""
        if self.source == "run":
            return float(getattr(run, self.name))
        values = run.metrics if self.source == "metrics" else run.seconds
        value = values.get("total" if self.source == "seconds" else self.name)
        return None if value is None else float(value)


LABEL_KINDS = ("genre", "subgenre", "emotion", "language")
LABEL_SCORES = (
    (
        "ari",
        "Adjusted Rand",
        "Which pairs of tracks belong together, clusters against labels: 0 is chance, 1 the same",
    ),
    ("nmi", "Mutual information", "Normalised mutual information of clusters and labels, 0 to 1"),
    (
        "purity",
        "Purity",
        "Share of tracks with the commonest label of their cluster; it grows with their number",
    ),
)

MEASURES: tuple[Measure, ...] = (
    Measure("track_count", "Tracks", "Number of tracks in the run.", None, "run"),
    Measure("cluster_count", "Clusters", "Number of clusters, without noise.", None, "run"),
    *(Measure(s.name, s.label, s.description, s.better) for s in SCORES),
    Measure("noise_share", "Ungrouped", "Share of tracks that are in no cluster (noise).", None),
    Measure(
        "name_word_share",
        "Truth of names",
        "Share of a cluster's tracks that a word of its name is true of, mean over all words.",
        "higher",
    ),
    *(
        Measure(
            f"{name}_{kind}{chance}",
            f"{label}, {kind}{' by chance' if chance else ''}",
            f"The same for random clusters of these sizes ({kind})."
            if chance
            else f"{description} ({kind}).",
            None if chance or name == "purity" else "higher",
        )
        for kind in LABEL_KINDS
        for name, label, description in LABEL_SCORES
        for chance in ("", "_random")
    ),
    Measure(
        "trustworthiness",
        "Trustworthiness",
        "Whether neighbours on the map are neighbours in the latent, from 0 to 1 "
        "(Venna & Kaski 2001).",
        "higher",
    ),
    Measure(
        "reconstruction_mse",
        "Reconstruction error",
        "Mean squared error of the restored features, in standard deviations squared.",
        "lower",
    ),
    Measure("loss", "Training loss", "The last epoch's loss on the training tracks.", "lower"),
    Measure(
        "val_loss", "Validation loss", "The last epoch's loss on the tracks held out.", "lower"
    ),
    Measure(
        "latent_dimensions", "Latent dimensions", "Number of values that describe a track.", None
    ),
    Measure(
        "dead_latent_dimensions",
        "Unused dimensions",
        "Latent dimensions that are 0 for every track.",
        "lower",
    ),
    Measure(
        "active_latent_dimensions",
        "Dimensions in use",
        "Latent dimensions that differ from track to track.",
        None,
    ),
    Measure(
        "label_leakage",
        "Label left in the latent",
        "Balanced accuracy of predicting the label that the model was given from its latent.",
        "lower",
    ),
    Measure("label_leakage_chance", "The same by chance", "One in the number of labels.", None),
    Measure(
        "label_leakage_vae",
        "The same of a plain VAE",
        "From the latent of a variational autoencoder that was not given the label.",
        None,
    ),
    Measure("total", "Seconds", "Duration of the training.", "lower", "seconds"),
)

LABEL_MEASURES = frozenset(
    f"{name}_{kind}{chance}"
    for kind in LABEL_KINDS
    for name, _, _ in LABEL_SCORES
    for chance in ("", "_random")
)
"""The measures against labels and their values by chance; pages show them as a table."""


def label_agreement(run: Run) -> list[tuple[str, list[tuple[float | None, float | None]]]]:
    """Return ``(value, value by chance)`` per measure, for each kind of label of the run."""
    table = []
    for kind in LABEL_KINDS:
        row = [
            (run.metrics.get(f"{name}_{kind}"), run.metrics.get(f"{name}_{kind}_random"))
            for name, _, _ in LABEL_SCORES
        ]
        if any(value is not None for value, _ in row):
            table.append((kind, row))
    return table


Curve = tuple[str, list[tuple[float, float]]]


def loss_curves(history: Sequence[dict[str, Any]]) -> list[tuple[str, list[Curve]]]:
    """Return the terms of a loss over the epochs, the whole loss first.

    Each is ``(term, [("training" or "held out", [(epoch, value), …]), …])``. Epochs count on
    through the phases of a training. A curve has two epochs at least.
    """
    names = list(dict.fromkeys(name for row in history for name in row))
    terms = []
    for name in names:
        if name in ("epoch", "epochs") or name.startswith("val_"):
            continue
        curves = []
        for label, key in (("training", name), ("held out", f"val_{name}")):
            points = [
                (float(epoch), float(row[key]))
                for epoch, row in enumerate(history, 1)
                if isinstance(row.get(key), int | float)
                and not isinstance(row[key], bool)
                and math.isfinite(row[key])
            ]
            if len(points) > 1:
                curves.append((label, points))
        if curves:
            terms.append((name, curves))
    return terms
