"""Functions of the kinds of jobs. Heavy: imported only in a job's own process, never by the web."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy.orm import Session

from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import Progress, part_of
from songrec.jobs.files import rejects_path, report_folder, uploaded_file
from songrec.store.instance import current_instance
from songrec.store.tables import Job, Upload

if TYPE_CHECKING:
    from songrec.services.library.analysis_report import AnalyzeReport


def ingest(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Read a catalogue file into the database.

    Parameters: ``path``; ``source``, the file's own name; ``catalogue``, the ``source`` of
    ``ingest_file`` if a person named it; ``dialect``, ``scale``, ``columns`` and ``trust_ids`` of
    ``ingest_file``. The result is the ingest report with the path of the rejected rows.
    """
    from songrec.services.library.after_import import import_catalogue

    rejects = rejects_path(current_app.config["INSTANCE"], job.public_id)
    rejects.parent.mkdir(parents=True, exist_ok=True)
    report = import_catalogue(
        current_instance(),
        uploaded_file(current_app.config["INSTANCE"], job.parameters["path"]),
        dialect=job.parameters.get("dialect"),
        source=job.parameters.get("catalogue"),
        scale=job.parameters.get("scale", "auto"),
        columns=job.parameters.get("columns"),
        trust_ids=job.parameters.get("trust_ids", False),
        file_name=job.parameters.get("source"),
        rejects_path=rejects,
        on_progress=on_progress,
    )
    return report.to_json()


def refresh(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Update data derived from new tracks; ``newest_before`` as for ``refresh_derived``."""
    from songrec.jobs import segment_tasks
    from songrec.services.library.after_import import refresh_derived

    before = int(job.parameters["newest_before"])
    derived = refresh_derived(current_instance(), before, on_progress)
    following = segment_tasks.queue_refresh(current_instance())
    return {"alike": derived.alike, "segments": following and {"job_id": following.public_id}}


def words(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Prepare new and changed lyrics and tags for the search; no parameters."""
    from songrec.services.similarity.word_search import prepare_lyrics

    return prepare_lyrics(current_instance(), on_progress).to_json()


def train(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Train a run from the fields of ``services.training.request.TrainRequest``."""
    from songrec.services.training.request import TrainRequest
    from songrec.services.training.train import train as train_run

    run = train_run(
        current_instance(),
        TrainRequest.from_json(job.parameters),
        on_progress,
    )
    return {
        "run_id": run.public_id,
        "metrics": run.metrics,
        "seconds": run.seconds,
        "published": bool(job.parameters.get("publish", True)),
    }


def grid(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Train the missing cells of a grid.

    Parameters: ``grid``, a mapping for ``SweepSpec.from_mapping``; ``keep`` stores its cells as
    runs, ``retry`` repeats failed ones.
    """
    from songrec.services.sweeps import results
    from songrec.services.sweeps.runner import run_sweep
    from songrec.services.sweeps.specification import SweepSpec

    parameters = job.parameters
    done = run_sweep(
        current_instance(),
        SweepSpec.from_mapping(parameters["grid"]),
        on_progress,
        keep=bool(parameters.get("keep")),
        retry=bool(parameters.get("retry")),
    )
    table = results.sweep_table(done)
    return {"grid_id": done.id, "cells": table.cells, "done": table.done, "failed": table.failed}


def report(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Write the report of the run ``run_id`` with its pictures and sounds into the instance."""
    from songrec.services.reports import html_report as reports
    from songrec.store.runs import runs

    instance = current_app.config["INSTANCE"]
    run = runs.find(session, job.parameters["run_id"])
    report = reports.make_report(current_instance(), run, on_progress)
    reports.write_report(report, report_folder(instance, run.public_id))
    return {"run_id": run.public_id, "files": sorted(["report.html", *report.files])}


def analyze(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Analyse a folder of sound files.

    Parameters: ``folder``; ``features``, names of feature sets; optionally ``seconds`` and
    ``where`` of the excerpt, and ``set``, a list of values of the command's ``--set``. The result
    is the report with at most a thousand of its rejects and notes; the library page has all.
    """
    from dataclasses import replace

    from songrec.core.config import dask_scheduler
    from songrec.services.features.feature_sets import settings_from
    from songrec.services.library.analysis_report import AnalyzeRequest
    from songrec.services.library.analyze_folder import analyze_folder

    parameters = job.parameters
    excerpt = {name: parameters[name] for name in ("seconds", "where") if name in parameters}
    request = AnalyzeRequest(
        Path(parameters["folder"]),
        FeatureSpec(tuple(parameters["features"])),
        scheduler=dask_scheduler(),
        settings=replace(settings_from(parameters.get("set", ())), **excerpt),
        list_first=True,
    )
    report = analyze_folder(
        current_instance(),
        request,
        on_progress,
    )
    return _analysed(report)


def set_up(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Import the sources of ``flask first-run``: the fields of a ``SetupRequest``.

    Following jobs (segments, a training over all songs) are queued.
    """
    from songrec.jobs import queue, segment_tasks
    from songrec.services.library import setting_up

    rejects = rejects_path(current_app.config["INSTANCE"], job.public_id)
    rejects.parent.mkdir(parents=True, exist_ok=True)
    request = setting_up.SetupRequest(job.parameters["catalogue"], job.parameters["audio"])
    report = setting_up.set_up(current_instance(), request, on_progress, rejects_path=rejects)
    if report.train is not None:
        queue.enqueue_once(session, "train", report.train)
    segment_tasks.queue_refresh(current_instance())
    return report.to_json()


def remove_demo(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Remove the demo songs and queue the following jobs; the result counts the songs."""
    from songrec.jobs import queue, segment_tasks
    from songrec.services.library import remove_demo as service

    report = service.remove_demo(current_instance(), on_progress)
    if report.train is not None:
        queue.enqueue_once(session, "train", report.train)
    segment_tasks.queue_refresh(current_instance())
    return {"removed": report.removed, "kept": report.kept}


def _analysed(report: AnalyzeReport) -> dict[str, Any]:
    """Queue the update of the segments and return the report for the job's row."""
    from songrec.jobs import segment_tasks

    following = segment_tasks.queue_refresh(current_instance())
    report.segments = following and {"job_id": following.public_id}
    result = report.to_json()
    return {
        **result,
        "rejected": result["rejected"][:1000],
        "rejected_count": len(report.rejected),
        "notes": result["notes"][:1000],
        "notes_count": len(report.notes),
    }


def predict(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Train the attribute predictor on the catalogue and apply it.

    Parameters: ``trials``; optionally ``seed`` and ``features``, names of feature sets. The result
    has the predictor, the measures of its groups on held-out songs, and the number of songs with
    new estimates.
    """
    from songrec.services.prediction import attribute_estimates, training_samples
    from songrec.services.prediction import attribute_prediction as predicting
    from songrec.services.prediction.predictor_report import groups

    instance = current_app.config["INSTANCE"]
    parameters = job.parameters
    on_progress(0.0, "Reading the songs that have both sound and attributes.")
    spec = FeatureSpec(tuple(parameters.get("features", training_samples.FEATURE_SETS)))
    sample = training_samples.read_catalogue(current_instance(), spec)
    session.commit()  # release locks during the training
    name, trained = predicting.train(
        instance,
        sample,
        trials=int(parameters["trials"]),
        seed=int(parameters.get("seed", 0)),
        on_progress=part_of(on_progress, 0.0, 0.95),
    )
    on_progress(0.95, "Estimating attributes of the songs.")
    estimated = attribute_estimates.refresh(current_instance())
    ensemble = {target: scores["ensemble"] for target, scores in trained.scores_.items()}
    return {
        "predictor": name,
        "tracks": len(trained.rows_.digests),
        "held_out": int(trained.rows_.held_out.sum()),
        "groups": groups(ensemble),
        "estimated": estimated,
        "notes": trained.notes_,
    }


def duplicates(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Search for duplicate tracks; the result is the search's report."""
    from songrec.services.catalogue.duplicate_search import search

    return search(current_instance(), on_progress).to_json()


def covers(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Scale covers for pages; a further job is queued for the remaining ones."""
    from songrec.jobs import queue
    from songrec.services.features.cover_pictures import scale_pictures

    done, waiting = scale_pictures(current_instance(), on_progress)
    if waiting:
        queue.enqueue(session, "covers", {"waiting": waiting})
    return {"covers": done, "waiting": waiting}


def merge(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Merge all duplicates of the kinds in ``kinds``, or restore the batch of merges ``undo``.

    The merges of a job form the batch with its public id.
    """
    from songrec.services.catalogue.duplicate_merges import merge_all, undo_all

    batch = job.parameters.get("undo")
    if batch:
        return undo_all(current_instance(), batch, on_progress).to_json()
    kinds = job.parameters["kinds"]
    return merge_all(current_instance(), job.public_id, kinds, on_progress).to_json()


def sleeve(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Create the waveform and cover of the library's file ``file_id``."""
    from songrec.services.features import waveform
    from songrec.services.features.sound_files import local_path
    from songrec.store.sound import audio_files

    file = audio_files.find(session, job.parameters["file_id"])
    path = audio_files.path_of(session, file.public_id)
    instance, source = current_app.config["INSTANCE"], audio_files.source_of(file)
    session.commit()  # release locks while a part is cut
    on_progress(0.1, "Reading the sound.")
    sound = local_path(instance, source)
    created = waveform.create(instance, sound, source.content_hash, cover_of=path)
    return {"seconds": created.seconds, "cover": created.cover_type}


def upload(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Analyse the uploaded song ``upload_id``; the result is part of the stored result."""
    from songrec.services.uploads import analyze_upload as uploads

    row = _upload(session, job)
    result = uploads.analyse(
        current_instance(),
        row,
        longest_s=current_app.config["UPLOAD_SECONDS"],
        on_progress=on_progress,
    )
    names = ("title", "artists", "seconds", "attributes", "place", "problem")
    return {"upload_id": row.public_id, **{name: result[name] for name in names}}


def keep(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Make the uploaded song ``upload_id`` a track; another job updates derived data."""
    from songrec.jobs import queue
    from songrec.services.catalogue.duplicate_search import newest_id
    from songrec.services.uploads import analyze_upload as uploads
    from songrec.store import jobs
    from songrec.store.db import write_with_retries
    from songrec.store.tables import Track

    on_progress(0.1, "Taking the song into the library.")
    before = newest_id(session)
    upload_id = _upload(session, job).id

    def write() -> int | None:
        return uploads.keep(current_instance(), session.get_one(Upload, upload_id)).track_id

    track_id = write_with_retries(session, write)
    if not any(one.kind == "refresh" and one.state == "waiting" for one in jobs.active(session)):
        queue.enqueue(session, "refresh", {"newest_before": before})
    return {"track_id": session.get_one(Track, track_id).public_id}


def _upload(session: Session, job: Job) -> Upload:
    from songrec.core.errors import BadInput
    from songrec.store.sound import uploads

    row = uploads.find(session, job.parameters["upload_id"])
    if row is None:
        raise BadInput("The uploaded song is gone: upload it again.")
    return row
