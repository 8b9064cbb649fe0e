"""Progress of setting up, for the home page. Light, because every home page calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from songrec.store import jobs
from songrec.store.db import clock
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.store.tables import Job, Run

KIND = "setup"
"""The name of the job in the job table."""
TRAIN = "train"
SERVER = "server-analyze"
BRINGING_SONGS = (KIND, "analyze", "ingest", SERVER)
"""Kinds of jobs after which there are more songs."""
QUICK_FEATURES = "mfcc,statistical"
QUICK_REPRESENTATION = "pca"
"""Settings that identify the first, quick run."""
FAILURE_SHOWN = timedelta(days=2)

EMPTY, SONGS, RECOMMENDATIONS = "empty", "songs", "recommendations"
"""What there is so far: nothing, songs to play, or recommendations as well."""


@dataclass(frozen=True, slots=True)
class SetupProgress:
    """Progress as a sentence; ``stage`` is the state of the library.

    ``share`` is None while a job waits; ``failure`` is the error of a failed set-up; ``job_id`` is
    the public id of the job.
    """

    sentence: str
    share: float | None
    stage: str
    job_id: str
    failure: str | None = None


def current(session: Session) -> SetupProgress | None:
    """Return the progress of importing songs or of the first training; None without either.

    A failed set-up is also returned, until the next one or for two days.
    """
    since = clock(session) - FAILURE_SHOWN
    job = jobs.newest_of(session, (*BRINGING_SONGS, TRAIN), (KIND, TRAIN), since)
    if job is None:
        return None
    run = runs.published(session)
    stage = RECOMMENDATIONS if run is not None else _stage_without_run(session)
    if job.kind == TRAIN and run is not None and not is_quick(run):
        return None  # somebody tries other settings; the pages stay as they are meanwhile
    if job.state == "failed":
        what = "The training over all songs" if job.kind == TRAIN else "Setting up"
        sentence = f"{what} stopped before its end."
        return SetupProgress(sentence, None, stage, job.public_id, job.error or job.message)
    share = job.progress if job.state == "running" else None
    return SetupProgress(_sentence(job), share, stage, job.public_id)


def is_quick(run: Run) -> bool:
    """Return whether a run is the one that setting up makes of the first songs."""
    return (run.representation, run.feature_set) == (QUICK_REPRESENTATION, QUICK_FEATURES)


def _stage_without_run(session: Session) -> str:
    return SONGS if audio_files.any_audible(session) else EMPTY


def _sentence(job: Job) -> str:
    if job.state == "waiting":
        return "Setting up begins in a moment."
    if job.kind == TRAIN:
        return "Learning how your songs sound, for better recommendations."
    if job.kind == "ingest":
        return "Reading the catalogue."
    if job.kind in ("analyze", SERVER):
        return listening_sentence(job.details) or "Looking through your music."
    return "Getting ready." if job.message == "Starting." else job.message


def listening_sentence(counts: Mapping[str, Any]) -> str | None:
    """Return how far an analysis is, in words; None before it has looked at the folder."""
    total = counts.get("found")
    if not total:
        return None
    done = sum(counts.get(name, 0) for name in ("analysed", "unchanged", "rejected"))
    left = counts.get("seconds_left")
    sentence = f"Listening to your music: {done:,} of {total:,}"
    return sentence if left is None else f"{sentence}, {time_left(left)} left"


_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def time_left(seconds: float) -> str:
    """Return a duration in words: ``about two minutes``."""
    if seconds < 50:
        return "less than a minute"
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        number = _NUMBERS[minutes - 1] if minutes <= len(_NUMBERS) else str(minutes)
        return f"about {number} {'minute' if minutes == 1 else 'minutes'}"
    return f"about {round(minutes / 60)} hours"
