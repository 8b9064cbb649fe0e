"""The results of a sweep as tables: rows of cells, statistics over the seeds, best configurations.

Pages import this module, so it imports no heavy library.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from songrec.core.csv_output import CsvDictWriter
from songrec.core.files import write_text
from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.specification import Cell
from songrec.services.training.algorithms import REGISTRIES
from songrec.services.training.run_metrics import MEASURES, Measure

MAX_NOISE_SHARE = 0.5
"""A configuration with a larger share of noise is never called best: it solves another task."""
MIN_PLAIN = 1e-6
"""Smaller standard deviations are written with an exponent."""
AGREEMENT = Measure(
    "seed_agreement",
    "Agreement of seeds",
    "Mean adjusted Rand index between the clusterings of every two seeds: 1 if the seed does not "
    "matter.",
    "higher",
)
SWEEP_MEASURES = (
    Measure(
        "silhouette_features",
        "Silhouette in the features",
        "The silhouette in the standardised features, one space for every model; of 5,000 tracks.",
        "higher",
    ),
    Measure(
        "bootstrap_agreement_same_latent",
        "Agreement of samples, same latent",
        "Mean adjusted Rand index between the clusterings of five bootstrap samples of at most "
        "4,000 tracks, in the latent that was trained on all tracks: the stability of the "
        "clustering alone, not of the representation (Hennig 2007).",
        "higher",
    ),
    Measure(
        "bootstrap_agreement_latent_anew",
        "Agreement of samples, latent retrained",
        "The same with a latent trained on each sample alone: the stability of representation and "
        "clustering together.",
        "higher",
    ),
    Measure(
        "held_out_mse",
        "Error on songs held out",
        "Mean squared reconstruction error on a tenth of the songs, by a model of the others.",
        "lower",
    ),
)
"""Measures that only a sweep computes; see ``cell_metrics``."""
SECONDS = next(measure for measure in MEASURES if measure.source == "seconds")
# Models have different losses, so these do not compare models.
_NOT_COMPARABLE = frozenset({"loss", "val_loss", "dead_latent_dimensions"})
_ERRORS = frozenset({"reconstruction_mse", "held_out_mse"})
CSV, SUMMARY_CSV = "clustering_metrics.csv", "clustering_metrics_summary.csv"
PARTS = ("features", "representation", "clustering", "projection")


@dataclass(frozen=True)
class SeedStatistics:
    """A measure over the seeds: mean, standard deviation (None for one seed), number of seeds."""

    mean: float
    spread: float | None
    seeds: int


@dataclass
class Configuration:
    """A combination over its seeds; ``cell`` is its first, ``failed`` are (seed, reason)."""

    cell: Cell
    rows: list[dict[str, Any]] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    figures: dict[str, SeedStatistics] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of its first cell."""
        return self.cell.key

    @property
    def title(self) -> str:
        """Representation and clustering, without the map."""
        return f"{self.cell.representation} + {self.cell.clustering}"

    @property
    def groups(self) -> bool:
        """Whether it has two clusters or more and most songs are in one of them."""
        return all(
            row["clusters"] >= 2 and (row["metrics"].get("noise_share") or 0.0) <= MAX_NOISE_SHARE
            for row in self.rows
        )

    @property
    def dots(self) -> dict[int, str]:
        """The thumbnail map of its first seed: SVG path data by cluster."""
        return (
            {int(label): path for label, path in self.rows[0]["dots"].items()} if self.rows else {}
        )


@dataclass(frozen=True)
class Verdict:
    """The best configuration by one measure, compared with the baseline.

    ``difference`` is the mean's improvement on the best baseline (on the same features), None for
    the baseline itself; ``spread`` is the standard deviation of that difference over seeds,
    √(s₁² + s₂²), None with one seed.
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
        """The best configuration, and whether the difference exceeds that between seeds."""
        text = (
            f"{self.measure.label} ({self.measure.better} is better): {self.best.title} on "
            f"{self.best.cell.features}, {_format_mean(self.best.figures[self.measure.name])}"
        )
        apart = self.best.figures.get("noise_share")
        if apart is not None and apart.mean > 0:
            text += f" with {apart.mean:.0%} of the songs in no cluster"
        if self.best.cell.baseline:
            return f"{text}: the baseline itself."
        if self.baseline is None or self.difference is None:
            return f"{text}; the baseline has no such figure."
        against = f"the baseline {_format_mean(self.baseline.figures[self.measure.name])}"
        if self.baseline.cell.features != self.best.cell.features:
            against += f" on {self.baseline.cell.features}"
        if self.measure is AGREEMENT:
            return f"{text}; {against}."
        text += f"; {against}. The difference, {_plain(self.difference, 3)}, "
        if self.spread is None:
            return f"{text}is of one seed each and may be chance: take more seeds."
        if self.exceeds:
            return f"{text}exceeds the spread over the seeds ({spread_text(self.spread)})."
        return (
            f"{text}lies within the spread over the seeds ({spread_text(self.spread)}): no better."
        )


@dataclass(frozen=True)
class SweepTable:
    """A whole sweep: configurations in its order, and the measures that any of them has."""

    configurations: tuple[Configuration, ...]
    measures: tuple[Measure, ...]
    verdicts: tuple[Verdict, ...]
    cells: int
    done: int
    failed: int

    def best(self, measure: str) -> str | None:
        """Return the key of the best configuration by a measure."""
        return next((v.best.key for v in self.verdicts if v.measure.name == measure), None)

    def ordered(self, by: str, *, descending: bool) -> list[Configuration]:
        """Sort the configurations by a measure's mean or one of ``PARTS``; missing values last."""
        if by in PARTS:
            return sorted(
                self.configurations, key=lambda c: str(getattr(c.cell, by)), reverse=descending
            )
        measured = [c for c in self.configurations if by in c.figures]
        others = [c for c in self.configurations if by not in c.figures]
        measured.sort(key=lambda c: c.figures[by].mean, reverse=descending)
        return [*measured, *others]


def sweep_table(sweep: SweepFolder) -> SweepTable:
    """Build the table of a sweep from the cells that are trained so far."""
    rows, agreement = sweep.rows(), sweep.agreement()
    by_key = {row["key"]: row for row in rows}
    by_configuration: dict[tuple[str, ...], Configuration] = {}
    cells = sweep.spec.cells()
    for cell in cells:
        one = by_configuration.setdefault(cell.configuration, Configuration(cell))
        row = by_key.get(cell.key)
        if row is None:
            continue
        if row["state"] == "done":
            one.rows.append(row)
        else:
            one.failed.append((cell.seed, row["reason"]))
    configurations = tuple(by_configuration.values())
    measures = _measures(rows)
    for one in configurations:
        for measure in measures:
            values = [value for row in one.rows if (value := value_of(row, measure)) is not None]
            if values:
                spread = stdev(values) if len(values) > 1 else None
                one.figures[measure.name] = SeedStatistics(fmean(values), spread, len(values))
        if one.key in agreement:
            one.figures[AGREEMENT.name] = SeedStatistics(agreement[one.key], None, len(one.rows))
    if agreement:
        measures = (*measures, AGREEMENT)
    verdicts = (_verdict(measure, configurations) for measure in measures)
    return SweepTable(
        configurations,
        measures,
        tuple(verdict for verdict in verdicts if verdict is not None),
        cells=len(cells),
        done=sum(row["state"] == "done" for row in rows),
        failed=sum(row["state"] == "failed" for row in rows),
    )


def counts(sweep: SweepFolder) -> dict[str, int]:
    """Count all, finished and failed cells."""
    states = [row["state"] for row in sweep.rows()]
    return {
        "cells": len(sweep.spec.cells()),
        **{state: states.count(state) for state in ("done", "failed")},
    }


def value_of(row: Mapping[str, Any], measure: Measure) -> float | None:
    """Return a cell's value of a measure, or None where it was not measured."""
    if measure.source == "seconds":
        value = row["seconds"].get("total")
    else:
        value = row["metrics"].get(measure.name)
    return float(value) if is_finite_number(value) else None


def _measures(rows: Sequence[Mapping[str, Any]]) -> tuple[Measure, ...]:
    done = [row for row in rows if row["state"] == "done"]
    return tuple(
        measure
        for measure in (*MEASURES[:-1], *SWEEP_MEASURES, MEASURES[-1])
        if measure.source != "run"
        and measure.name not in _NOT_COMPARABLE
        and any(value_of(row, measure) is not None for row in done)
    )


def _verdict(measure: Measure, configurations: Sequence[Configuration]) -> Verdict | None:
    candidates = [one for one in configurations if measure.name in one.figures and one.groups]
    if measure.name in _ERRORS:  # a latent that equals its input has no error, which is no merit
        candidates = [one for one in candidates if one.figures[measure.name].mean > 0]
    if measure.better is None or measure is SECONDS or len(candidates) < 2:
        return None
    sign = 1.0 if measure.better == "higher" else -1.0

    def merit(one: Configuration) -> float:
        return sign * one.figures[measure.name].mean

    best = max(candidates, key=merit)
    if not any(merit(one) < merit(best) for one in candidates):
        return None  # all are equal
    baselines = [one for one in candidates if one.cell.baseline]
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
    """Format a standard deviation with two significant digits."""
    if 0 < spread < MIN_PLAIN:
        return f"{spread:.1e}"
    return f"{spread:,.0f}" if spread >= 100 else _plain(spread, 2)


def _format_mean(figure: SeedStatistics) -> str:
    spread = f" ± {spread_text(figure.spread)}" if figure.spread is not None else ""
    mean = f"{figure.mean:,.0f}" if abs(figure.mean) >= 1000 else _plain(figure.mean, 4)
    return f"{mean}{spread}"


def _plain(value: float, digits: int) -> str:
    """Format with ``digits`` significant digits and without an exponent."""
    return np.format_float_positional(value, digits, unique=False, fractional=False, trim="-")


def is_finite_number(value: Any) -> bool:
    """Return whether ``value`` is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def write_csv(sweep: SweepFolder, folder: Path | None = None) -> tuple[Path, Path]:
    """Write both tables of ``as_csv`` into ``folder`` (default: the sweep's own)."""
    cells, summary = as_csv(sweep)
    folder = folder or sweep.path
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / CSV, cells)
    write_text(folder / SUMMARY_CSV, summary)
    return folder / CSV, folder / SUMMARY_CSV


def as_csv(sweep: SweepFolder) -> tuple[str, str]:
    """Return a CSV table of the cells, and one of configurations (``…_mean``, ``…_std``).

    The standard deviation is that of a sample (n - 1), empty for a single seed.
    """
    rows = sweep.rows()
    flat_rows = [flatten(row.get("metrics") or {}) for row in rows]
    names = list(dict.fromkeys(name for values in flat_rows for name in values))
    about = (*PARTS, "seed", "baseline", "state", "reason", "tracks", "clusters", "run_id")
    lines = [
        {
            **{name: row["cell"].get(name) for name in ("features", "seed", "baseline")},
            **_stages(Cell.from_json(row["cell"])),
            **{name: row.get(name) for name in about[6:]},
            "seconds": (row.get("seconds") or {}).get("total"),
            **values,
        }
        for row, values in zip(rows, flat_rows, strict=True)
    ]
    table = sweep_table(sweep)
    summary = []
    for one in table.configurations:
        line: dict[str, Any] = {
            "features": str(one.cell.features),
            **_stages(one.cell),
            "baseline": one.cell.baseline,
            "seeds": len(one.rows),
            "failed": len(one.failed),
        }
        for measure in table.measures:
            figure = one.figures.get(measure.name)
            line[f"{measure.name}_mean"] = figure.mean if figure else None
            if measure is not AGREEMENT:
                line[f"{measure.name}_std"] = figure.spread if figure else None
        summary.append(line)
    summary_names = list(summary[0]) if summary else []
    return _csv((*about, "seconds", *names), lines), _csv(summary_names, summary)


def _csv(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = CsvDictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {name: int(value) if isinstance(value, bool) else value for name, value in row.items()}
        )
    return out.getvalue()


def _stages(cell: Cell) -> dict[str, str]:
    return {stage: str(getattr(cell, stage)) for stage in REGISTRIES}


def flatten(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float | str]:
    """Return nested metrics as ``{"part.name": value}`` without lists and cluster sizes."""
    flat: dict[str, float | str] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            if name != "sizes":
                flat.update(flatten(value, f"{prefix}{name}."))
        elif is_finite_number(value):
            flat[f"{prefix}{name}"] = value
    return flat
