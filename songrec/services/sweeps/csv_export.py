"""A grid's tables as CSV: a line for each cell, and a line for each combination over its seeds."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from songrec.core.files import write_text
from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.results import ABOUT, AGREEMENT, is_figure, table
from songrec.services.sweeps.specification import Cell
from songrec.services.training.algorithms import REGISTRIES

CSV, SUMMARY_CSV = "clustering_metrics.csv", "clustering_metrics_summary.csv"


def write_csv(grid: SweepFolder, folder: Path | None = None) -> tuple[Path, Path]:
    """Write both tables (see ``as_csv``) into ``folder``, the grid's own unless told otherwise."""
    cells, summary = as_csv(grid)
    folder = folder or grid.path
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / CSV, cells)
    write_text(folder / SUMMARY_CSV, summary)
    return folder / CSV, folder / SUMMARY_CSV


def as_csv(grid: SweepFolder) -> tuple[str, str]:
    """A line for each cell, and one for each configuration with ``_mean`` and ``_std`` columns.

    The standard deviation is that of a sample (n - 1), empty for a single seed.
    """
    rows = grid.rows()
    flats = [flat(row.get("metrics") or {}) for row in rows]
    names = list(dict.fromkeys(name for values in flats for name in values))
    about = (*ABOUT, "seed", "baseline", "state", "reason", "tracks", "clusters", "run_id")
    lines = [
        {
            **{name: row["cell"].get(name) for name in ("features", "seed", "baseline")},
            **_stages(Cell.from_json(row["cell"])),
            **{name: row.get(name) for name in about[6:]},
            "seconds": (row.get("seconds") or {}).get("total"),
            **values,
        }
        for row, values in zip(rows, flats, strict=True)
    ]
    found = table(grid)
    summary = []
    for one in found.configurations:
        line: dict[str, Any] = {
            "features": one.cell.features,
            **_stages(one.cell),
            "baseline": one.cell.baseline,
            "seeds": len(one.rows),
            "failed": len(one.failed),
        }
        for measure in found.measures:
            figure = one.figures.get(measure.name)
            line[f"{measure.name}_mean"] = figure.mean if figure else None
            if measure is not AGREEMENT:
                line[f"{measure.name}_std"] = figure.spread if figure else None
        summary.append(line)
    summary_names = list(summary[0]) if summary else []
    return _csv((*about, "seconds", *names), lines), _csv(summary_names, summary)


def _csv(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {name: int(value) if isinstance(value, bool) else value for name, value in row.items()}
        )
    return out.getvalue()


def _stages(cell: Cell) -> dict[str, str]:
    return {stage: str(getattr(cell, stage)) for stage in REGISTRIES}


def flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float | str]:
    """Nested metrics as ``part.name`` → figure; lists and sizes of clusters are left out."""
    found: dict[str, float | str] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            if name != "sizes":
                found.update(flat(value, f"{prefix}{name}."))
        elif is_figure(value):
            found[f"{prefix}{name}"] = value
    return found
