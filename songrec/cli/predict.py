"""``flask predict``: train, evaluate and report on the predictor of musical attributes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from songrec.cli.base import json_option, one_line_errors, print_json, terminal_progress
from songrec.cli.runs import _instance
from songrec.core.errors import BadInput
from songrec.core.feature_spec import FeatureSpec
from songrec.core.private_files import persons_umask
from songrec.services.prediction.predictor_report import (
    DEFAULT_TRIALS,
    MEASURES,
    groups,
    load_report,
    model_label,
)
from songrec.store.db import db
from songrec.store.instance import current_instance

if TYPE_CHECKING:
    from songrec.services.prediction.training_samples import Sample

_file = click.argument(
    "file", required=False, type=click.Path(dir_okay=False, path_type=Path, exists=True)
)
_trials = click.option(
    "--trials",
    type=click.IntRange(0, 10_000),
    default=DEFAULT_TRIALS,
    show_default=True,
    help="Parameter sets tried per base model and ensemble; 0: the defaults.",
)
_seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of splits, searches and models.",
)
_features = click.option(
    "--features",
    default="mfcc,statistical",
    show_default=True,
    help="Feature sets of analysed tracks, separated by commas; ignored with FILE.",
)


@click.group("predict")
def predict_group() -> None:
    """Predict musical attributes from audio features."""


@predict_group.command("train")
@_file
@_trials
@_seed
@_features
@json_option
@one_line_errors
def train_command(file: Path | None, trials: int, seed: int, features: str, as_json: bool) -> None:
    """Train on FILE (features and attributes), or on tracks of the catalogue."""
    from songrec.services.prediction import attribute_estimates, attribute_prediction

    sample = _sample(file, features)
    predictor_id, predictor = attribute_prediction.train(
        _instance(), sample, trials=trials, seed=seed, on_progress=terminal_progress()
    )
    estimated = attribute_estimates.refresh(current_instance())
    db.session.commit()
    scores = {name: score["ensemble"] for name, score in predictor.scores_.items()}
    result = {"groups": groups(scores), "targets": scores}
    if as_json:
        print_json({"predictor": predictor_id, **result, "notes": predictor.notes_})
        return
    click.echo(
        f"Predictor {predictor_id}: {len(predictor.rows_.digests):,} tracks, "
        f"{int(predictor.rows_.held_out.sum()):,} of them held out."
    )
    _print_scores(result)
    for note in predictor.notes_:
        click.echo(note)
    if estimated:
        click.echo(f"{estimated:,} analysed tracks have new estimates.")


@predict_group.command("evaluate")
@_file
@_trials
@_seed
@_features
@click.option(
    "--splits",
    type=click.IntRange(1, 100),
    help="Train on this many splits and print means and deviations; saves no predictor.",
)
@json_option
@one_line_errors
def evaluate_command(
    file: Path | None, trials: int, seed: int, features: str, splits: int | None, as_json: bool
) -> None:
    """Score the predictor on tracks of FILE (or of the catalogue) that it was not trained on.

    Without a predictor for these features, one is trained on four fifths, with --trials and
    --seed, and scored on the rest.
    """
    from songrec.services.prediction import attribute_prediction

    sample = _sample(file, features)
    if splits is not None:
        result = attribute_prediction.evaluate_splits(
            sample,
            splits=splits,
            trials=trials,
            seed=seed,
            instance=_instance(),
            on_progress=terminal_progress(),
        )
    else:
        result = attribute_prediction.evaluate(
            _instance(), sample, trials=trials, seed=seed, on_progress=terminal_progress()
        )
    if as_json:
        print_json(result)
        return
    _print_scores(result)
    if "predictor" in result:
        rows = result["rows"]
        click.echo(
            f"{rows['held_out']:,} held-out and {rows['new']:,} new tracks of {rows['total']:,}; "
            + (
                f"predictor {result['predictor']}."
                if result["predictor"]
                else "trained for this evaluation only; to save one: flask predict train."
            )
        )


@predict_group.command("report")
@click.argument("predictor", required=False)
@click.option(
    "--csv",
    "csv_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the metrics to this file, too.",
)
@json_option
@one_line_errors
def report_command(predictor: str | None, csv_path: Path | None, as_json: bool) -> None:
    """Compare each base model with the ensemble on held-out tracks."""
    from dataclasses import asdict

    report = load_report(_instance(), predictor)
    rows, manifest = report.rows, report.manifest
    if csv_path is not None:
        try:
            with persons_umask():
                csv_path.write_text(report.to_csv(), encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{csv_path} cannot be written: {error.strerror}.") from None
    if as_json:
        print_json(
            {
                "predictor": manifest["id"],
                "rows": [asdict(row) for row in rows],
                "combiners": [asdict(row) for row in report.combiners],
            }
        )
        return
    click.echo(
        f"Predictor {manifest['id']}, {manifest['held_out']:,} held-out tracks, 95% intervals"
    )
    last = None
    for row in rows:
        if (row.target, row.measure) != last:
            click.echo(f"\n{row.target}: {MEASURES[row.measure]}")
        last = row.target, row.measure
        interval = "" if row.low is None else f"  {row.low:6.3f} to {row.high:6.3f}"
        mark = "*" if row.is_best else " "
        click.echo(f"{mark} {model_label(row.model):30}{row.value:7.3f}{interval}")
    click.echo()
    for combiner in report.combiners:
        click.echo(combiner.text)


def _sample(file: Path | None, features: str) -> Sample:
    from songrec.services.prediction import training_samples

    if file is not None:
        return training_samples.read_file(file)
    spec = FeatureSpec.parse(features)
    return training_samples.read_catalogue(current_instance(), spec)


def _print_scores(result: dict[str, Any]) -> None:
    for part in ("groups", "targets"):
        for name, score in result[part].items():
            figures = "  ".join(
                f"{label} {score[measure]:.3f}"
                + (f" ± {score[measure + '_std']:.3f}" if f"{measure}_std" in score else "")
                for measure, label in MEASURES.items()
                if score.get(measure) is not None
            )
            click.echo(f"{name if part == 'groups' else '  ' + name:20} {figures}")


COMMANDS = (predict_group,)
