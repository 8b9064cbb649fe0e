"""The measures of a run as lists and comparisons show them: label, meaning, direction. Light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from songrec.clustering.scores import SCORES
from songrec.store.tables import Run


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a run. ``better`` is None where neither direction is an improvement."""

    name: str
    label: str
    description: str
    better: Literal["higher", "lower"] | None
    source: Literal["metrics", "seconds", "run"] = "metrics"

    def of(self, run: Run) -> float | None:
        """The run's figure, or None where it has none."""
        if self.source == "run":
            return float(getattr(run, self.name))
        values = run.metrics if self.source == "metrics" else run.seconds
        value = values.get("total" if self.source == "seconds" else self.name)
        return None if value is None else float(value)


LABEL_KINDS = ("genre", "subgenre", "emotion", "language")
AGAINST_LABELS = (
    (
        "ari",
        "Adjusted Rand",
        "Which pairs of tracks belong together, clusters against labels: 0 is chance, 1 the same",
    ),
    ("nmi", "Mutual information", "What clusters tell of labels and labels of clusters, 0 to 1"),
    (
        "purity",
        "Purity",
        "The share of tracks with the commonest label of their cluster; more clusters, more of it",
    ),
)

MEASURES: tuple[Measure, ...] = (
    Measure("track_count", "Tracks", "How many tracks the run knows.", None, "run"),
    Measure("cluster_count", "Clusters", "How many clusters it found.", None, "run"),
    *(Measure(s.name, s.label, s.description, s.better) for s in SCORES),
    Measure("noise_share", "Songs apart", "The share of tracks that are in no cluster.", None),
    *(
        Measure(
            f"{name}_{kind}{chance}",
            f"{label}, {kind}{' by chance' if chance else ''}",
            f"The same for clusters of these sizes drawn blindly ({kind})."
            if chance
            else f"{description} ({kind}).",
            None if chance or name == "purity" else "higher",
        )
        for kind in LABEL_KINDS
        for name, label, description in AGAINST_LABELS
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
    Measure("loss", "Training loss", "The last epoch's loss on tracks it learnt from.", "lower"),
    Measure(
        "val_loss", "Validation loss", "The last epoch's loss on the tracks held out.", "lower"
    ),
    Measure("latent_dimensions", "Latent dimensions", "Numbers that describe a track.", None),
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
        "Balanced accuracy of reading the label that the model was told from its latent.",
        "lower",
    ),
    Measure("label_leakage_chance", "The same by chance", "One in the number of labels.", None),
    Measure(
        "label_leakage_vae",
        "The same of a plain VAE",
        "Read from the latent of a variational autoencoder that was not told the label.",
        None,
    ),
    Measure("total", "Seconds", "How long the training took.", "lower", "seconds"),
)

AGAINST = frozenset(
    f"{name}_{kind}{chance}"
    for kind in LABEL_KINDS
    for name, _, _ in AGAINST_LABELS
    for chance in ("", "_random")
)
"""The measures against labels and their values by chance: pages show them as a table."""


def label_agreement(run: Run) -> list[tuple[str, list[tuple[float | None, float | None]]]]:
    """Per kind of label that the run's tracks have: ``(value, value by chance)`` a measure."""
    found = []
    for kind in LABEL_KINDS:
        row = [
            (run.metrics.get(f"{name}_{kind}"), run.metrics.get(f"{name}_{kind}_random"))
            for name, _, _ in AGAINST_LABELS
        ]
        if any(value is not None for value, _ in row):
            found.append((kind, row))
    return found
