"""Output of ``flask compare`` for sweeps: a sweep's table, the list of all, deletion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from songrec.cli.base import print_json

if TYPE_CHECKING:
    from songrec.services.sweeps.folder import SweepFolder
    from songrec.services.sweeps.results import SweepTable


def forget(instance: Path, sweeps: tuple[str, ...]) -> None:
    """Delete the files of sweeps."""
    from songrec.services.sweeps import folder

    for sweep_id in sweeps:
        folder.forget(instance, sweep_id)
        click.echo(f"Grid {sweep_id} is deleted.", err=True)


def list_all(instance: Path, *, as_json: bool) -> None:
    """Print every sweep with its start, progress and size."""
    from songrec.services.sweeps import folder, results

    sweeps = [(one, results.counts(one)) for one in folder.all_sweeps(instance)]
    damaged = folder.unreadable(instance)
    if as_json:
        print_json(
            {
                "grids": [
                    {
                        "grid_id": one.id,
                        "created_at": one.created_at.isoformat(),
                        **counted,
                        "bytes": one.size,
                        "current": one.is_current,
                        "grid": one.spec.to_json(),
                    }
                    for one, counted in sweeps
                ],
                "unreadable": damaged,
            }
        )
        return
    for one, counted in sweeps:
        text = f"{one.id}  {one.created_at:%Y-%m-%d %H:%M}  "
        text += f"{counted['done']:,} of {counted['cells']:,} cells, {one.size / 2**20:,.1f} MiB"
        click.echo(text + ("" if one.is_current else ", of another version"))
    for sweep_id in damaged:
        click.echo(f"{sweep_id}  cannot be read: --forget {sweep_id} deletes it")
    if not sweeps and not damaged:
        click.echo("There are no grids.")


def print_table(table: SweepTable) -> None:
    """Print every combination with its metrics, and the best one by each metric."""
    for one in table.configurations:
        mark = "  (baseline)" if one.cell.baseline else ""
        map_name = f", map {one.cell.projection}" if len(_maps(table)) > 1 else ""
        click.echo(f"{one.title} on {one.cell.features}{map_name}{mark}")
        for measure in table.measures:
            figure = one.figures.get(measure.name)
            if figure is not None:
                spread = f" ± {figure.spread:.4g}" if figure.spread is not None else ""
                best = "  best" if table.best(measure.name) == one.key else ""
                click.echo(f"    {measure.label:28}{figure.mean:>12.4g}{spread}{best}")
        for seed, reason in one.failed:
            click.echo(f"    seed {seed} failed: {reason}")
    for verdict in table.verdicts:
        click.echo(verdict.sentence)


def _maps(table: SweepTable) -> set[str]:
    return {str(one.cell.projection) for one in table.configurations}


def as_json(sweep: SweepFolder, table: SweepTable) -> dict[str, Any]:
    """Return a sweep's table for ``--json``."""
    return {
        "grid_id": sweep.id,
        "grid": sweep.spec.to_json(),
        "cells": table.cells,
        "done": table.done,
        "failed": table.failed,
        "configurations": [
            {
                **one.cell.to_json(),
                "seeds": len(one.rows),
                "failed": [{"seed": seed, "reason": reason} for seed, reason in one.failed],
                "measures": {
                    name: {"mean": figure.mean, "std": figure.spread}
                    for name, figure in one.figures.items()
                },
            }
            for one in table.configurations
        ],
        "best": [
            {
                "measure": verdict.measure.name,
                "configuration": verdict.best.cell.to_json(),
                "difference_to_baseline": verdict.difference,
                "spread": verdict.spread,
                "exceeds_spread": verdict.exceeds,
            }
            for verdict in table.verdicts
        ],
    }
