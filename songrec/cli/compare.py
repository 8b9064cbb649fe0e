"""``flask compare``: compare two runs, or train and compare a grid of combinations."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import current_app

from songrec.cli import sweep_output
from songrec.cli.base import (
    json_option,
    one_line_errors,
    print_json,
    terminal_progress,
    wrong_usage,
)
from songrec.cli.runs import figure_text
from songrec.core.errors import BadInput
from songrec.core.private_files import persons_umask
from songrec.store.instance import current_instance

if TYPE_CHECKING:
    from songrec.services.sweeps.specification import SweepSpec

_several = {"multiple": True, "metavar": "NAME"}


@click.command("compare")
@click.argument("a", required=False)
@click.argument("b", required=False)
@click.option(
    "--grid",
    "grid_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="YAML file with the combinations to train: docs/model-lab.md.",
)
@click.option(
    "--features",
    multiple=True,
    metavar="SETS",
    help="Feature sets separated by commas; repeatable.",
)
@click.option("--representation", "representations", help="Repeatable.", **_several)
@click.option("--clustering", "clusterings", help="Repeatable.", **_several)
@click.option("--projection", "projections", help="Repeatable.", **_several)
@click.option("--seeds", metavar="0,1,2", help="Seeds of every combination; 0-4 is 0 to 4.")
@click.option(
    "--clusters", metavar="8,10", help="Numbers of clusters of every clustering, or auto."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME.KEY=VALUE",
    help="A parameter of an algorithm: autoencoder.epochs=5.",
)
@click.option("--quick", is_flag=True, help="Leave out the metrics that need further trainings.")
@click.option(
    "--bootstrap-refit",
    is_flag=True,
    help="Also refit the representation on each bootstrap sample: five more trainings a latent.",
)
@click.option("--keep", is_flag=True, help="Make every cell an unpublished run.")
@click.option("--retry", is_flag=True, help="Train failed cells again.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for clustering_metrics.csv; default: the grid's own.",
)
@click.option("--list", "listed", is_flag=True, help="List all grids.")
@click.option(
    "--forget",
    metavar="ID",
    multiple=True,
    help="Delete a grid's files; repeatable. Runs made by --keep stay.",
)
@json_option
@one_line_errors
def compare_command(
    a: str | None,
    b: str | None,
    grid_file: Path | None,
    features: tuple[str, ...],
    representations: tuple[str, ...],
    clusterings: tuple[str, ...],
    projections: tuple[str, ...],
    seeds: str | None,
    clusters: str | None,
    settings: tuple[str, ...],
    quick: bool,
    bootstrap_refit: bool,
    keep: bool,
    retry: bool,
    out: Path | None,
    listed: bool,
    forget: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare runs A and B; or train a grid of combinations, several seeds each, and compare those.

    The same command continues a grid that was stopped, unless the catalogue, songrec or its
    libraries have changed.
    """
    options: dict[str, Any] = {
        "features": features,
        "representation": representations,
        "clustering": clusterings,
        "projection": projections,
        "seeds": seeds,
        "clusters": clusters,
        "quick": quick,
        "bootstrap_refit": bootstrap_refit,
    }
    options = {name: value for name, value in options.items() if value}
    describes_grid = grid_file is not None or bool(options) or bool(settings)
    if listed or forget:
        if a is not None or describes_grid:
            raise click.UsageError("--list and --forget stand alone.")
        sweep_output.forget(_instance(), forget)
        if listed:
            sweep_output.list_all(_instance(), as_json=as_json)
        return
    if a is not None:
        if b is None or describes_grid:
            raise click.UsageError("Name two runs, A and B, or describe a grid; not both.")
        _compare(a, b, as_json)
        return
    if not describes_grid:
        raise click.UsageError("Name two runs, or describe a grid: --grid FILE or --clustering …")
    with wrong_usage():
        spec = _spec(grid_file, options, settings)
    _grid(spec, keep=keep, retry=retry, out=out, as_json=as_json)


def _spec(
    grid_file: Path | None, options: Mapping[str, Any], settings: tuple[str, ...]
) -> SweepSpec:
    """Parse the grid of a file, with the options in place of its values."""
    from songrec.services.sweeps.specification import SweepSpec, parse_yaml

    values: dict[str, Any] = {}
    if grid_file is not None:
        try:
            text = grid_file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise BadInput(f"{grid_file}: this is not text in UTF-8.") from None
        values = parse_yaml(text, str(grid_file)).to_json()
    values |= {
        name: list(value) if isinstance(value, tuple) else value for name, value in options.items()
    }
    spec = SweepSpec.from_mapping(values)
    return SweepSpec.from_mapping(_with_settings(spec.to_json(), settings)) if settings else spec


def _with_settings(values: dict[str, Any], settings: tuple[str, ...]) -> dict[str, Any]:
    """Set ``NAME.KEY=VALUE`` in every choice of that algorithm."""
    from songrec.services.training.algorithms import REGISTRIES

    for setting in settings:
        key, equals, value = setting.partition("=")
        name, dot, parameter = key.strip().partition(".")
        if not equals or not dot:
            raise BadInput(f"--set takes NAME.KEY=VALUE in a grid; it was given {setting!r}.")
        matched = False
        for stage in REGISTRIES:
            for at, one in enumerate(values[stage]):
                chosen, parameters = (one, {}) if isinstance(one, str) else next(iter(one.items()))
                if chosen == name:
                    values[stage][at] = {name: {**parameters, parameter: value.strip()}}
                    matched = True
        if not matched:
            raise BadInput(f"--set {key}: the grid has no {name!r}.")
    return values


def _grid(spec: SweepSpec, *, keep: bool, retry: bool, out: Path | None, as_json: bool) -> None:
    from songrec.services.sweeps import results
    from songrec.services.sweeps.runner import run_sweep

    if not as_json:
        click.echo(f"{len(spec.cells()):,} cells, the baseline's included.", err=True)
    grid = run_sweep(current_instance(), spec, terminal_progress(), keep=keep, retry=retry)
    table = results.sweep_table(grid)
    with persons_umask() if out else contextlib.nullcontext():
        paths = results.write_csv(grid, out)
    if as_json:
        print_json(sweep_output.as_json(grid, table))
        return
    sweep_output.print_table(table)
    click.echo(f"Written: {paths[0]} and {paths[1].name}.")


def _compare(a: str, b: str, as_json: bool) -> None:
    """Compare two runs: their metrics, and how many tracks moved to another cluster."""
    from songrec.services.reports.run_comparison import compare_runs

    comparison = compare_runs(current_instance(), a, b)
    if as_json:
        print_json(
            {
                "a": comparison.a.public_id,
                "b": comparison.b.public_id,
                "shared": comparison.shared,
                "only_a": comparison.only_a,
                "only_b": comparison.only_b,
                "moved": comparison.moved,
                "moved_share": comparison.moved_share,
                "adjusted_rand_index": comparison.adjusted_rand_index,
                "metrics": [
                    {
                        "name": row.measure.name,
                        "a": row.a,
                        "b": row.b,
                        "better": row.better,
                        "difference": row.difference,
                    }
                    for row in comparison.metrics
                ],
                "table": {
                    "a": [cluster.name for cluster in comparison.clusters_a],
                    "b": [cluster.name for cluster in comparison.clusters_b],
                    "tracks": comparison.table,
                },
            }
        )
        return
    click.echo(f"{'':26}{comparison.a.public_id:>24}{comparison.b.public_id:>24}")
    for row in comparison.metrics:
        click.echo(
            f"{row.measure.label:26}{figure_text(row.a, row.better == 'a'):>24}"
            f"{figure_text(row.b, row.better == 'b'):>24}"
            + (f"  not compared: {row.difference}" if row.difference else "")
        )
    index = comparison.adjusted_rand_index
    click.echo(
        f"{comparison.shared:,} tracks in both; {comparison.moved:,} "
        f"({comparison.moved_share:.1%}) changed company"
        + (f"; adjusted Rand index {index:.3f}." if index is not None else ".")
    )
    for flow in comparison.flows:
        if flow.share_of_a >= 0.05:
            click.echo(f"  {flow.a.name} → {flow.b.name}: {flow.tracks:,} ({flow.share_of_a:.0%})")


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])


COMMANDS = (compare_command,)
