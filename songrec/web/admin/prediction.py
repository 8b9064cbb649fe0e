"""The report on the predictor of musical attributes: every model against the ensemble."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from flask import abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from songrec.jobs import queue
from songrec.services.prediction.predictor_report import (
    DEFAULT_TRIALS,
    GROUPS,
    LESS_IS_BETTER,
    MEASURES,
    TARGETS,
    PredictorReport,
    ScoreRow,
    load_report,
    model_label,
    predictor_ids,
)
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.sound import audio_files
from songrec.store.tables import Job
from songrec.web.admin import blueprint
from songrec.web.admin.queueing import queue_once, show_queued
from songrec.web.downloads import download

MAX_TRIALS = 1000
WIDTH, LEFT, RIGHT, TOP, LINE = 580, 188, 56, 12, 26
TICKS = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """One model in a chart: positions of its dot and its interval, and the figures as text."""

    label: str
    y: float
    x: float
    start: float | None
    end: float | None
    value: str
    interval: str
    is_ensemble: bool
    is_best: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One measure of one target: a dot and a 95% interval per model. Lengths are SVG units."""

    name: str
    measure: str
    better: str
    marks: list[Mark]
    ticks: list[tuple[float, str]]
    height: int
    summary: str
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = 0


@blueprint.get("/prediction")
def prediction() -> ResponseReturnValue:
    """Show how well attributes are predicted from audio: the ensemble and every base model."""
    return _page(str(DEFAULT_TRIALS))


@blueprint.post("/prediction")
def train_predictor() -> ResponseReturnValue:
    """Queue the training of a predictor on the catalogue's analysed songs."""
    text = request.form.get("trials", "").strip()[:20]
    if not (text.isascii() and text.isdecimal() and int(text) <= MAX_TRIALS):
        error = f"Give a whole number from 0 to {MAX_TRIALS:,}."
        return _page(text, error), 400
    waiting = _waiting()
    return show_queued(waiting) if waiting else queue_once("predict", {"trials": int(text)})


def _waiting() -> Job | None:
    """Return the training that waits or runs, if any; a second one would learn the same."""
    return next((job for job in jobs.active(db.session) if job.kind == "predict"), None)


def _page(trials: str, error: str | None = None) -> str:
    report = _report()
    rows = report.rows if report else []
    by_target = {
        target: [chart(list(models)) for _, models in groupby(own, key=lambda row: row.measure)]
        for target, own in groupby(rows, key=lambda row: row.target)
    }
    return render_template(
        "admin/prediction.html",
        predictors=predictor_ids(_instance()),
        manifest=report.manifest if report else None,
        groups=[
            (g, [(TARGETS[t], by_target[t]) for t in g.targets if t in by_target]) for g in GROUPS
        ],
        means=report.ensemble_means if report else {},
        combiners=report.combiners if report else [],
        measures=MEASURES,
        trials=trials,
        max_trials=MAX_TRIALS,
        error=error,
        audible=audio_files.audible_count(db.session),
        job=_waiting(),
        worker=queue.worker_runs(current_instance()),
    )


@blueprint.get("/prediction/report.csv")
def prediction_csv() -> ResponseReturnValue:
    """Send the report's figures as CSV."""
    report = _report()
    if report is None:
        abort(404)
    return download(report.to_csv(), "text/csv", f"prediction-{report.manifest['id']}.csv")


def chart(rows: list[ScoreRow]) -> Chart:
    """Draw one measure of one target; ``rows`` are its models, at least one."""
    low, high = _axis(rows)

    def at(value: float) -> float:
        return round(LEFT + (value - low) / (high - low) * (WIDTH - RIGHT - LEFT), 1)

    marks = [
        Mark(
            model_label(row.model),
            TOP + LINE * number + LINE / 2,
            at(row.value),
            None if row.low is None else at(max(row.low, low)),
            None if row.high is None else at(min(row.high, high)),
            f"{row.value:.3f}".replace("-", "−"),
            "" if row.low is None else f"{row.low:.3f} to {row.high:.3f}".replace("-", "−"),
            row.model == "ensemble",
            row.is_best,
        )
        for number, row in enumerate(rows)
    ]
    bottom = TOP + LINE * len(rows)
    values = [low + (high - low) * step / TICKS for step in range(TICKS + 1)]
    best = next(mark for mark in marks if mark.is_best)
    measure = MEASURES[rows[0].measure]
    return Chart(
        rows[0].measure,
        measure,
        "lower is better" if rows[0].measure in LESS_IS_BETTER else "higher is better",
        marks,
        [(at(value), f"{value:.2f}".replace("-", "−")) for value in values],
        bottom + 24,
        f"{measure} on held-out songs. Best: {best.label}, {best.value}.",
        bottom=bottom,
    )


def _axis(rows: list[ScoreRow]) -> tuple[float, float]:
    """Return the axis: from 0 (or the lowest value below) to the highest; whiskers are cut off."""
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    # One hopeless model would squeeze the others into a corner: R² has no lower end.
    low = max(min(0.0, *ends), min(-0.5, *(row.value for row in rows)))
    high = max(*ends, low + 0.05)
    return low, high


def _report() -> PredictorReport | None:
    """Return the report named in the URL, else the newest; None if nothing is trained."""
    requested = request.args.get("predictor")
    predictors = predictor_ids(_instance())
    if requested and requested not in predictors:
        abort(404)
    return load_report(_instance(), requested) if predictors else None


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])
