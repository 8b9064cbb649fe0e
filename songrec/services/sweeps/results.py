"""What a grid found, as tables: a row a cell, means and spreads over the seeds, and which is best.

Light: pages read it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

import numpy as np

from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.specification import Cell
from songrec.services.training.run_metrics import MEASURES, Measure

MOST_APART = 0.5
"""What leaves more of the songs apart is called best by nothing: the others are another task."""
AGREEMENT = Measure(
    "seed_agreement",
    "Agreement of seeds",
    "Mean adjusted Rand index between the groupings of every two seeds: 1 if the seed does not "
    "matter.",
    "higher",
)
OWN = (
    Measure(
        "silhouette_features",
        "Silhouette in the features",
        "The silhouette in the standardised features, one space for every model; of 5,000 tracks.",
        "higher",
    ),
    Measure(
        "bootstrap_agreement_same_latent",
        "Agreement of samples, same latent",
        "Mean adjusted Rand index between the groupings of five bootstrap samples of at most 4,000 "
        "tracks, in the one latent that was learnt from all tracks: the stability of the grouping "
        "alone, not of the representation (Hennig 2007).",
        "higher",
    ),
    Measure(
        "bootstrap_agreement_latent_anew",
        "Agreement of samples, latent learnt anew",
        "The same where each sample is grouped in a latent learnt from that sample alone: the "
        "stability of representation and grouping together.",
        "higher",
    ),
    Measure(
        "held_out_mse",
        "Error on songs held out",
        "Mean squared error of restoring a tenth of the songs by the model learnt from the others.",
        "lower",
    ),
)
"""What only a grid measures; see ``grid_measures``."""
SECONDS = next(measure for measure in MEASURES if measure.source == "seconds")
# What each model calls its loss is another thing: no figure to compare models by.
_EACH_ITS_OWN = frozenset({"loss", "val_loss", "dead_latent_dimensions"})
_ERRORS = frozenset({"reconstruction_mse", "held_out_mse"})
ABOUT = ("features", "representation", "clustering", "projection")


@dataclass(frozen=True)
class Figure:
    """A measure over the seeds: mean, standard deviation (None for one seed), how many."""

    mean: float
    spread: float | None
    seeds: int


@dataclass
class Configuration:
    """One combination over its seeds. ``cell`` is its first; ``failed`` are (seed, reason)."""

    cell: Cell
    rows: list[dict[str, Any]] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of its first cell."""
        return self.cell.key

    @property
    def title(self) -> str:
        """What it is made of, without the map."""
        return f"{self.cell.representation} + {self.cell.clustering}"

    @property
    def groups(self) -> bool:
        """Whether it groups the songs: two clusters or more, and most songs in one of them."""
        return all(
            row["clusters"] >= 2 and (row["metrics"].get("noise_share") or 0.0) <= MOST_APART
            for row in self.rows
        )

    @property
    def dots(self) -> dict[int, str]:
        """The small map of its first seed: SVG path data by cluster."""
        return (
            {int(label): path for label, path in self.rows[0]["dots"].items()} if self.rows else {}
        )


@dataclass(frozen=True)
class Verdict:
    """Which configuration is best by one measure, and whether that means anything.

    ``difference`` is how much better than the best baseline (on the same features) its mean is,
    None where it is the baseline; ``spread`` is the standard deviation of that difference over
    seeds, √(s₁² + s₂²), None with one seed.
    """

    measure: Measure
    best: Configuration
    baseline: Configuration | None
    difference: float | None
    spread: float | None

    @property
    def exceeds(self) -> bool | None:
        """Whether the difference exceeds the spread over seeds; None where that is unknown."""
        if self.difference is None or self.spread is None:
            return None
        return self.difference > self.spread

    @property
    def sentence(self) -> str:
        """Which is best by the measure, and whether the seeds alone could have done it."""
        said = (
            f"{self.measure.label} ({self.measure.better} is better): {self.best.title} on "
            f"{self.best.cell.features}, {_shown(self.best.figures[self.measure.name])}"
        )
        apart = self.best.figures.get("noise_share")
        if apart is not None and apart.mean > 0:
            said += f" with {apart.mean:.0%} of the songs in no cluster"
        if self.best.cell.baseline:
            return f"{said}: the baseline itself."
        if self.baseline is None or self.difference is None:
            return f"{said}; the baseline has no such figure."
        against = f"the baseline {_shown(self.baseline.figures[self.measure.name])}"
        if self.baseline.cell.features != self.best.cell.features:
            against += f" on {self.baseline.cell.features}"
        if self.measure is AGREEMENT:
            return f"{said}; {against}."
        said += f"; {against}. The difference, {_plain(self.difference, 3)}, "
        if self.spread is None:
            return f"{said}is of one seed each and may be chance: take more seeds."
        if self.exceeds:
            return f"{said}exceeds the spread over the seeds ({spread_text(self.spread)})."
        return (
            f"{said}lies within the spread over the seeds ({spread_text(self.spread)}): no better."
        )


@dataclass(frozen=True)
class Table:
    """All of a grid: configurations in the grid's order, the measures that any of them has."""

    configurations: tuple[Configuration, ...]
    measures: tuple[Measure, ...]
    verdicts: tuple[Verdict, ...]
    cells: int
    done: int
    failed: int

    def best(self, measure: str) -> str | None:
        """The key of the configuration that is best by a measure."""
        return next((v.best.key for v in self.verdicts if v.measure.name == measure), None)

    def ordered(self, by: str, *, descending: bool) -> list[Configuration]:
        """The configurations by a measure's mean, or by one of their parts; unknown ones last."""
        if by in ABOUT:
            return sorted(
                self.configurations, key=lambda c: str(getattr(c.cell, by)), reverse=descending
            )
        known = [c for c in self.configurations if by in c.figures]
        unknown = [c for c in self.configurations if by not in c.figures]
        known.sort(key=lambda c: c.figures[by].mean, reverse=descending)
        return [*known, *unknown]


def table(grid: SweepFolder) -> Table:
    """The grid as far as it has been trained."""
    rows, agreement = grid.rows(), grid.agreement()
    by_key = {row["key"]: row for row in rows}
    found: dict[tuple[str, ...], Configuration] = {}
    cells = grid.spec.cells()
    for cell in cells:
        one = found.setdefault(cell.configuration, Configuration(cell))
        row = by_key.get(cell.key)
        if row is None:
            continue
        if row["state"] == "done":
            one.rows.append(row)
        else:
            one.failed.append((cell.seed, row["reason"]))
    configurations = tuple(found.values())
    measures = _measures(rows)
    for one in configurations:
        for measure in measures:
            values = [value for row in one.rows if (value := value_of(row, measure)) is not None]
            if values:
                spread = stdev(values) if len(values) > 1 else None
                one.figures[measure.name] = Figure(fmean(values), spread, len(values))
        if one.key in agreement:
            one.figures[AGREEMENT.name] = Figure(agreement[one.key], None, len(one.rows))
    if agreement:
        measures = (*measures, AGREEMENT)
    verdicts = (_verdict(measure, configurations) for measure in measures)
    return Table(
        configurations,
        measures,
        tuple(verdict for verdict in verdicts if verdict is not None),
        cells=len(cells),
        done=sum(row["state"] == "done" for row in rows),
        failed=sum(row["state"] == "failed" for row in rows),
    )


def counts(grid: SweepFolder) -> dict[str, int]:
    """How many cells there are, are done and have failed."""
    states = [row["state"] for row in grid.rows()]
    return {
        "cells": len(grid.spec.cells()),
        **{state: states.count(state) for state in ("done", "failed")},
    }


def value_of(row: Mapping[str, Any], measure: Measure) -> float | None:
    """A cell's figure, or None where it has none."""
    if measure.source == "seconds":
        value = row["seconds"].get("total")
    else:
        value = row["metrics"].get(measure.name)
    return float(value) if is_figure(value) else None


def _measures(rows: Sequence[Mapping[str, Any]]) -> tuple[Measure, ...]:
    done = [row for row in rows if row["state"] == "done"]
    return tuple(
        measure
        for measure in (*MEASURES[:-1], *OWN, MEASURES[-1])
        if measure.source != "run"
        and measure.name not in _EACH_ITS_OWN
        and any(value_of(row, measure) is not None for row in done)
    )


def _verdict(measure: Measure, configurations: Sequence[Configuration]) -> Verdict | None:
    known = [one for one in configurations if measure.name in one.figures and one.groups]
    if measure.name in _ERRORS:  # what leaves nothing out restores everything: that is no merit
        known = [one for one in known if one.figures[measure.name].mean > 0]
    if measure.better is None or measure is SECONDS or len(known) < 2:
        return None
    sign = 1.0 if measure.better == "higher" else -1.0

    def merit(one: Configuration) -> float:
        return sign * one.figures[measure.name].mean

    best = max(known, key=merit)
    if not any(merit(one) < merit(best) for one in known):
        return None  # all alike: none is best
    baselines = [one for one in known if one.cell.baseline]
    same = [one for one in baselines if one.cell.features == best.cell.features]
    baseline = max(same or baselines, key=merit, default=None)
    difference = spread = None
    if baseline is not None and baseline is not best:
        difference = merit(best) - merit(baseline)
        spreads = [one.figures[measure.name].spread for one in (best, baseline)]
        if None not in spreads:
            spread = math.sqrt(sum(s * s for s in spreads if s is not None))
    return Verdict(measure, best, baseline, difference, spread)


def spread_text(spread: float) -> str:
    """A standard deviation with two digits that count."""
    return f"{spread:,.0f}" if spread >= 100 else _plain(spread, 2)


def _shown(figure: Figure) -> str:
    spread = f" ± {spread_text(figure.spread)}" if figure.spread is not None else ""
    mean = f"{figure.mean:,.0f}" if abs(figure.mean) >= 1000 else _plain(figure.mean, 4)
    return f"{mean}{spread}"


def _plain(value: float, digits: int) -> str:
    """So many digits that count, never with an exponent."""
    return np.format_float_positional(value, digits, unique=False, fractional=False, trim="-")


def is_figure(value: Any) -> bool:
    """Whether ``value`` is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
