"""``flask train``, ``flask runs`` and ``flask publish``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask import current_app

from songrec.cli.base import (
    json_option,
    one_line_errors,
    print_json,
    terminal_progress,
    wrong_usage,
)
from songrec.core.errors import BadInput
from songrec.services.training.algorithms import (
    CLUSTERINGS,
    PROJECTIONS,
    REGISTRIES,
    REPRESENTATIONS,
    clusters_by_model,
)
from songrec.services.training.request import TrainRequest
from songrec.services.training.run_names import run_name
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.tables import Run


def _settings_help() -> str:
    lines = ["\b", "KEY is one of these, or STAGE.KEY where two stages have it:"]
    for stage, registry in REGISTRIES.items():
        for entry in registry:
            lines.extend(
                f"  {stage} {entry.name}: {p.name} = {p.text()} ({p.expectation()})"
                for p in entry.parameters
            )
    return "\n".join(lines)


@click.command("train", epilog=_settings_help())
@click.option(
    "--representation",
    default=REPRESENTATIONS.names()[0],
    show_default=True,
    help=f"One of {', '.join(REPRESENTATIONS.names())}.",
)
@click.option(
    "--clustering",
    default=CLUSTERINGS.names()[0],
    show_default=True,
    help=f"One of {', '.join(CLUSTERINGS.names())}.",
)
@click.option(
    "--projection",
    default=PROJECTIONS.names()[0],
    show_default=True,
    help=f"One of {', '.join(PROJECTIONS.names())}.",
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="PROJECTION",
    help="A further projection for the map page; repeatable. --set NAME.KEY=VALUE sets a parameter "
    "of it.",
)
@click.option(
    "--features",
    default="auto",
    show_default=True,
    help="Feature sets separated by commas: attributes, or of the audio (mfcc,statistical); auto "
    "selects those that suit the representation.",
)
@click.option(
    "--clusters",
    help="Number of clusters, by default 10 or fewer in a small library; short for "
    "--set n_clusters=N.",
)
@click.option("--epochs", help="Number of epochs; short for --set representation.epochs=N.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random: the same data, parameters and seed give the same run.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any parameter.")
@click.option("--name", default="", help="A name for people; by default the run's models and day.")
@click.option("--no-publish", is_flag=True, help="Leave the published run as it is.")
@json_option
@one_line_errors
def train_command(
    representation: str,
    clustering: str,
    projection: str,
    maps: tuple[str, ...],
    features: str,
    clusters: str | None,
    epochs: str | None,
    seed: int,
    settings: tuple[str, ...],
    name: str,
    no_publish: bool,
    as_json: bool,
) -> None:
    """Train a run on the catalogue: clusters, a map and a space to recommend from."""
    chosen = {
        "representation": representation,
        "clustering": clustering,
        "projection": projection,
    }
    # A model that clusters by itself has the number of clusters.
    own = clustering in CLUSTERINGS and clusters_by_model(clustering)
    of_clusters = "representation.n_clusters" if own else "clustering.n_clusters"
    shorthand = [
        f"{key}={value}"
        for key, value in ((of_clusters, clusters), ("representation.epochs", epochs))
        if value is not None
    ]
    from songrec.core.feature_spec import ATTRIBUTES_ONLY, AUTO
    from songrec.services.features.feature_sets import parse_features
    from songrec.services.training.train import train
    from songrec.store.runs.runs import clean_name

    with wrong_usage():
        parameters = parse_settings(chosen, (*shorthand, *settings), maps)
        request = TrainRequest(
            feature_set=parse_features(features, allow_auto=True),
            seed=seed,
            parameters={stage: parameters.pop(stage) for stage in REGISTRIES},
            publish=not no_publish,
            maps=maps,
            map_parameters=parameters,
            name=clean_name(name) or "",
            **chosen,
        )
        request.validated_parameters()
    if request.feature_set == AUTO:
        request = request.with_resolved_features(db.session)
        if request.feature_set != ATTRIBUTES_ONLY:
            click.echo(f"Learning from {request.feature_set}: --features names others.", err=True)
    run = train(current_instance(), request, terminal_progress())
    db.session.commit()
    if as_json:
        print_json({"run_id": run.public_id, "metrics": run.metrics, "seconds": run.seconds})
        return
    click.echo(f"Run {run.public_id}: {run.track_count:,} tracks in {run.cluster_count} clusters.")
    _print_clusters(run)
    _print_measures(run)
    click.echo(f"Not published: flask publish {run.public_id}" if no_publish else "Published.")


def parse_settings(
    chosen: dict[str, str], settings: tuple[str, ...], maps: tuple[str, ...] = ()
) -> dict[str, dict[str, str]]:
    """``KEY=VALUE`` texts as parameters per stage; ``KEY`` may be ``stage.name``.

    ``chosen`` maps each stage to its algorithm; further ``maps`` have parameters by their own
    names, as if each were a stage. Raises ``BadInput`` for a text without ``=``, a
    name that no chosen algorithm has, and one that several have.
    """
    entries = {stage: REGISTRIES[stage].entry(name) for stage, name in chosen.items()}
    main_projection = chosen.get("projection")
    entries |= {name: PROJECTIONS.entry(name) for name in maps if name != main_projection}
    parameters: dict[str, dict[str, str]] = {owner: {} for owner in entries}
    for setting in settings:
        key, equals, value = setting.partition("=")
        stage, dot, name = key.strip().rpartition(".")
        if not equals:
            raise BadInput(f"--set takes KEY=VALUE; it was given {setting!r}.")
        if dot and stage not in entries:
            raise BadInput(f"--set {key}: {stage!r} is none of {', '.join(entries)}.")
        owners = (
            [stage] if dot else [s for s, entry in entries.items() if entry.has_parameter(name)]
        )
        if len(owners) > 1:
            raise BadInput(f"--set {key}: say which, {' or '.join(f'{s}.{name}' for s in owners)}.")
        if not owners:
            available = sorted(f"{s}.{p.name}" for s, e in entries.items() for p in e.parameters)
            raise BadInput(f"--set {key}: no such parameter. Known: {', '.join(available)}.")
        parameter = entries[owners[0]].parameter(name)
        parameters[owners[0]][parameter.name] = value.strip()
    return parameters


@click.command("runs")
@json_option
@one_line_errors
def runs_command(as_json: bool) -> None:
    """List the training runs, newest first; the published one is marked."""
    from songrec.store.runs import runs

    shown = runs.published(db.session)
    rows = [_as_row(run, shown) for run in runs.all_runs(db.session)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("No runs yet: flask train")
    for row in rows:
        mark = "*" if row["published"] else " "
        silhouette = row["metrics"].get("silhouette")
        click.echo(
            f"{mark} {row['run_id']}  {row['tracks']:>9,} tracks  {row['clusters']:>3} clusters  "
            f"{row['name']}" + (f"  silhouette {silhouette:.3f}" if silhouette is not None else "")
        )


@click.command("publish")
@click.argument("run")
@json_option
@one_line_errors
def publish_command(run: str, as_json: bool) -> None:
    """Publish RUN on every page; an older run may be published again."""
    from songrec.services.training.publication import publish
    from songrec.store import security_log
    from songrec.store.instance import current_instance
    from songrec.store.runs import runs

    # A run without its files must not be published: pages would have no data.
    runs.manifest(_instance(), runs.find(db.session, run))
    published = publish(current_instance(), run)
    detail = f"run {published.public_id}, by command"
    security_log.record(db.session, "run-published", detail=detail)
    db.session.commit()
    if as_json:
        print_json({"run_id": published.public_id, "published": True})
    else:
        click.echo(f"Published {published.public_id}.")


def figure_text(value: float | None, better: bool) -> str:
    """Format a measure; the better one of two is ticked."""
    if value is None:
        return "–"
    shown = f"{value:,.0f}" if value == int(value) else f"{value:.4g}"
    return f"{shown} ✓" if better else f"{shown}  "


def _as_row(run: Run, shown: Run | None) -> dict[str, Any]:
    return {
        "run_id": run.public_id,
        "name": run_name(run),
        "published": shown is not None and run.id == shown.id,
        "created_at": run.created_at.isoformat(),
        "tracks": run.track_count,
        "clusters": run.cluster_count,
        "features": run.feature_set,
        "representation": run.representation,
        "clustering": run.clustering,
        "projection": run.projection,
        "seed": run.seed,
        "parameters": run.parameters,
        "metrics": run.metrics,
        "seconds": run.seconds,
    }


def _print_measures(run: Run) -> None:
    from songrec.services.training.run_metrics import MEASURES
    from songrec.store.runs import runs

    for measure in MEASURES:
        value = measure.value_of(run)
        if measure.source != "run" and value is not None:
            click.echo(f"  {measure.label:24}{figure_text(value, False).rstrip():>12}")
    for note in runs.manifest(_instance(), run)["notes"]:
        click.echo(f"  Note: {note}")


def _print_clusters(run: Run) -> None:
    from songrec.store.runs import runs

    for cluster in runs.clusters_of(db.session, run):
        click.echo(f"  {cluster.number:>3}  {cluster.size:>9,}  {cluster.name}")


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])


COMMANDS = (train_command, runs_command, publish_command)
