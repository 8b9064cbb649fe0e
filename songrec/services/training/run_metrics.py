"""The metrics of a run for lists and comparisons: label, meaning, direction, loss curves.

The web process imports this module; it must not import a heavy library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from songrec.clustering.scores import SCORES
from songrec.recommend.registry import METHODS
from songrec.store.tables import Run

Scope = Literal["any", "songs", "model", "latent", "features", "loss"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of a run.

    ``better`` is None if neither direction is an improvement. ``scope`` is what two runs must have
    in common for their values to be comparable (``run_comparison.difference``): nothing, the songs,
    the model, the latent, the features of the same songs, or model, loss and features.
    """

    name: str
    label: str
    description: str
    better: Literal["higher", "lower"] | None
    source: Literal["metrics", "seconds", "run"] = "metrics"
    scope: Scope = "any"

    def value_of(self, run: Run) -> float | None:
        """Return the run's value; None if it was not measured."""
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
    *(Measure(s.name, s.label, s.description, s.better, scope="latent") for s in SCORES),
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
        scope="latent",
    ),
    Measure(
        "p_at_10_of_10",
        "Right of ten songs, ten likes",
        "Of a playlist that was held out, ten songs are liked; share of the first ten "
        "recommendations that are on it.",
        "higher",
        scope="songs",
    ),
    Measure(
        "p_at_10_of_1",
        "Right of ten songs, one like",
        "The same with one song liked.",
        "higher",
        scope="songs",
    ),
    Measure(
        "discovery_p_at_10",
        "Right of ten songs by new artists",
        "The same with ten songs liked, where only songs by other artists are recommended.",
        "higher",
        scope="songs",
    ),
    Measure(
        "reconstruction_mse",
        "Reconstruction error",
        "Mean squared error of the restored features, in standard deviations squared.",
        "lower",
        scope="features",
    ),
    Measure(
        "loss",
        "Training loss",
        "The last epoch's loss on the training tracks.",
        "lower",
        scope="loss",
    ),
    Measure(
        "val_loss",
        "Validation loss",
        "The last epoch's loss on the tracks held out.",
        "lower",
        scope="loss",
    ),
    Measure(
        "worst_start_loss",
        "Validation loss, worst start",
        "The same of the worst of the trainings, of which the best was kept.",
        None,
    ),
    Measure(
        "latent_dimensions", "Latent dimensions", "Number of values that describe a track.", None
    ),
    Measure(
        "dead_latent_dimensions",
        "Unused dimensions",
        "Latent dimensions that are 0 for every track.",
        "lower",
        scope="model",
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
        scope="loss",
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


METHOD_MEASURES = (
    ("p_at_10_of_1", "1 like", "One song of a playlist is liked."),
    ("p_at_10_of_10", "10 likes", "Ten songs of a playlist are liked."),
    (
        "discovery_p_at_10",
        "10 likes, new artists",
        "Ten songs are liked, and songs by their artists are not recommended.",
    ),
)
"""The measures of recommendation methods: name, label, description."""


@dataclass(frozen=True, slots=True)
class MeasuredMethod:
    """A recommendation method's measures, each ``[value, low, high]`` or None where unknown."""

    label: str
    is_best: bool
    values: tuple[list[float] | None, ...]


def measured_methods(recommendation: dict[str, Any]) -> list[MeasuredMethod]:
    """Return the methods that a training measured, best first.

    ``recommendation`` is the part of that name of a run's manifest. A method that no longer exists
    has its name as its label.
    """
    methods: dict[str, dict[str, list[float] | None]] = recommendation.get("methods", {})
    rows = [
        MeasuredMethod(
            METHODS.entry(name).label if name in METHODS else name,
            name == recommendation.get("best"),
            tuple(of.get(measure) for measure, _, _ in METHOD_MEASURES),
        )
        for name, of in methods.items()
    ]
    several = [name for name, _, _ in METHOD_MEASURES].index("p_at_10_of_10")

    def order(row: MeasuredMethod) -> tuple[bool, float]:
        value = row.values[several]
        return row.is_best, value[0] if value else 0.0

    return sorted(rows, key=order, reverse=True)
