"""How a library stands: songs, sound, the published run and how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from songrec.core.errors import NotReady
from songrec.services.training.run_metrics import MeasuredMethod, measured_methods
from songrec.store.catalogue import duplicates
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs
from songrec.store.sound import audio_files
from songrec.store.tables import Run, Track

FAITHFUL = ((0.95, "very faithful"), (0.9, "faithful"), (0.8, "fair"), (0.0, "rough"))
"""Words for the trustworthiness of a map, each from a value on."""


@dataclass(frozen=True)
class RunQuality:
    """Measured quality of a run.

    ``method`` is the recommendation method in use; None where none was measured, and
    ``recommendation`` then says what was missing. ``map_word`` describes ``trustworthiness``.
    """

    method: MeasuredMethod | None
    recommendation: dict[str, Any]
    trustworthiness: float | None

    @property
    def map_word(self) -> str:
        """The trustworthiness of the map in a word; empty if it was not measured."""
        if self.trustworthiness is None:
            return ""
        return next(word for least, word in FAITHFUL if self.trustworthiness >= least)


@dataclass(frozen=True)
class LibraryStatus:
    """State of the library.

    Attributes
    ----------
    audible
        Number of tracks with analysed audio.
    files
        Number of audio files by state.
    analysed_at
        When a file was analysed last; None without any.
    run, quality
        The published run, None before the first one, and None where its files are missing.
    new_tracks
        Number of tracks that came in after the published run was trained.
    duplicate_groups
        Number of groups of tracks that look like the same song.
    """

    audible: int
    files: dict[str, int]
    analysed_at: datetime | None
    run: Run | None
    quality: RunQuality | None
    new_tracks: int
    duplicate_groups: int


def library_status(instance: Instance) -> LibraryStatus:
    """Return the state of the library; a few counts and the manifest of the published run."""
    session = instance.session
    run = runs.published(session)
    quality, new_tracks = None, 0
    if run is not None:
        try:
            quality = run_quality(run, runs.manifest(instance.folder, run))
            track_ids = run_folders.read_array(instance.folder, run.public_id, "track_ids.npy")
        except NotReady:
            pass  # whoever shows it says that the files are missing
        else:
            last = int(track_ids[-1]) if len(track_ids) else 0
            new_tracks = session.scalar(select(func.count(Track.id)).where(Track.id > last)) or 0
    files = audio_files.summary(session)
    return LibraryStatus(
        audible=files.audible,
        files=files.by_state,
        analysed_at=files.analysed_at,
        run=run,
        quality=quality,
        new_tracks=new_tracks,
        duplicate_groups=duplicates.totals(session)["groups"],
    )


def run_quality(run: Run, manifest: dict[str, Any]) -> RunQuality:
    """Return the quality of a run from its metrics and its manifest."""
    recommendation = manifest.get("recommendation") or {}
    methods = measured_methods(recommendation)
    trust = run.metrics.get("trustworthiness")
    return RunQuality(
        next((method for method in methods if method.is_best), None),
        recommendation,
        None if trust is None else float(trust),
    )
