"""Setting up an instance while it is served: catalogue, sound, weights and a first, quick run.

Every step may be repeated: killed or cancelled, the next attempt goes on where this one stopped.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songrec.core.config import dask_scheduler
from songrec.core.errors import SongrecError
from songrec.core.types import Progress, no_progress, part_of
from songrec.services.features.feature_sets import VIBENET, default_sets
from songrec.services.library import demo_music, setup_progress
from songrec.services.library.after_import import import_catalogue
from songrec.services.library.analysis_report import AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder, list_folder
from songrec.services.library.demo_songs import DEMO, DEMO_CATALOGUE, music_folder
from songrec.services.prediction import attribute_estimates
from songrec.services.similarity import audio_similarity
from songrec.services.similarity.word_search import prepare_lyrics
from songrec.services.training.request import TrainRequest
from songrec.store.catalogue import lyrics, tracks
from songrec.store.db import write_with_retries
from songrec.store.instance import Instance
from songrec.store.models import fetching, published_weights
from songrec.store.runs import runs
from songrec.store.sound import audio_files

log = logging.getLogger("songrec.setup")

WEIGHTS = "musicnn"
_MAKING = 0.3
"""The share of the work on a piece of demo music that is making it."""
ENOUGH = 10
"""Songs that have to be analysed before the first recommendations."""
SAMPLE = 24
"""Songs of a large folder that are analysed before all others are looked at."""
QUICK_TRAINING = {
    "feature_set": setup_progress.QUICK_FEATURES,
    "representation": setup_progress.QUICK_REPRESENTATION,
    "projection": "pca",
}
"""The first run: made in seconds from the first songs, and replaced when all are analysed."""


@dataclass(frozen=True)
class SetupRequest:
    """Sources to import: a catalogue file and a folder of music, or ``DEMO``; None without one."""

    catalogue: str | None = None
    audio: str | None = None


@dataclass
class SetupReport:
    """Outcome of setting up; ``notes`` are sentences on omissions, ``train`` the next training.

    ``train`` has the fields of a ``TrainRequest`` for the present library; None if the published
    run needs no successor.
    """

    imported: int = 0
    found: int = 0
    analysed: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    train: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Serialize for the job's row, with a thousand rejected files at most."""
        return {
            "imported": self.imported,
            "found": self.found,
            "analysed": self.analysed,
            "rejected": [{"path": path, "reason": reason} for path, reason in self.rejected[:1000]],
            "rejected_count": len(self.rejected),
            "setup_notes": self.notes,
        }


def set_up(
    instance: Instance,
    request: SetupRequest,
    on_progress: Progress = no_progress,
    *,
    rejects_path: Path | None = None,
) -> SetupReport:
    """Import the requested sources, with a first run after ten analysed songs. **Commits**.

    Raises ``BadInput`` for a catalogue or a folder that cannot be used.
    """
    report = SetupReport()
    before = tracks.version(instance.session)
    if request.catalogue is not None:
        _import_catalogue(instance, request.catalogue, rejects_path, report, on_progress)
    with_sound = request.audio is not None or audio_files.counts(instance.session)["analysed"]
    weights = _WeightsDownload(instance.folder) if with_sound else None
    if request.audio is not None:
        assert weights is not None
        start = 0.3 if request.catalogue is not None else 0.0
        following = part_of(on_progress, start, 0.98)
        _add_sound(instance, request.audio, weights, report, following)
    if weights is not None:
        weights.wait(report)
    if not lyrics.any_prepared(instance.session):
        write_with_retries(instance.session, lambda: prepare_lyrics(instance))
    has_changed = tracks.version(instance.session) != before
    report.train = _following_training(instance, report, has_changed=has_changed)
    instance.session.commit()
    return report


def _import_catalogue(
    instance: Instance,
    catalogue: str,
    rejects_path: Path | None,
    report: SetupReport,
    on_progress: Progress,
) -> None:
    path = DEMO_CATALOGUE if catalogue == DEMO else Path(catalogue)

    def reading(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
        on_progress(0.3 * fraction, f"Reading {path.name}: {fraction:.0%}", details)

    imported = import_catalogue(instance, path, rejects_path=rejects_path, on_progress=reading)
    instance.session.commit()
    report.imported = imported.inserted + imported.updated
    if imported.rejected_count:
        report.notes.append(f"{imported.rejected_count:,} rows of {path.name} were rejected.")


def _add_sound(
    instance: Instance,
    audio: str,
    weights: _WeightsDownload,
    report: SetupReport,
    on_progress: Progress,
) -> None:
    """List and analyse a folder, or the demo music, which is made on the way."""
    listening = _Listening(instance, on_progress)
    folder = music_folder(instance.folder) if audio == DEMO else Path(audio)

    def list_files(sample: int | None = None) -> None:
        request = AnalyzeRequest(folder, default_sets(instance.folder), sample=sample)
        list_folder(instance, request, listening.listing)

    def analyse(sample: int | None = None) -> bool:
        """Analyse the folder; return whether the whole folder was analysed."""
        weights.wait(report)
        request = AnalyzeRequest(
            folder, default_sets(instance.folder), scheduler=dask_scheduler(), sample=sample
        )
        done = analyze_folder(instance, request, listening)
        report.found, report.rejected = done.found, done.rejected
        report.analysed += done.analysed
        return not done.is_sample

    if audio != DEMO:
        if listening.is_waiting:
            # Of thousands of songs a few from all over make the first recommendations.
            list_files(SAMPLE)
            if analyse(SAMPLE):
                return
        list_files()
    else:
        written = 0
        for batch in demo_music.write_batches(instance.folder, listening.making):
            written += len(batch)
            list_files()
            # The first recommendations do not wait for the last piece.
            if listening.is_waiting and written >= ENOUGH:
                analyse()
    analyse()


def _done(counts: Mapping[str, Any]) -> int:
    return sum(counts.get(name, 0) for name in ("analysed", "unchanged"))


class _Listening:
    """Progress of an analysis in plain words, and the first run once there are songs enough."""

    def __init__(self, instance: Instance, on_progress: Progress) -> None:
        self._instance = instance
        self._on_progress = on_progress
        self._made = self._pieces = self._analysed = 0
        self.is_waiting = runs.published(instance.session) is None
        """Whether the first run is still to be made."""

    def making(self, done: int, total: int) -> None:
        """Report how much of the demo music is made."""
        self._made, self._pieces = done, total
        self._report_demo(f"Making the demo music: {done} of {total}", {})

    def _report_demo(self, sentence: str, counts: Mapping[str, Any]) -> None:
        self._analysed = max(self._analysed, _done(counts))
        share = (_MAKING * self._made + (1 - _MAKING) * self._analysed) / self._pieces
        self._on_progress(share, sentence, dict(counts))

    def listing(self, fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
        """Report how many files are listed."""
        counts = details or {}
        total, listed = counts.get("found", 0), counts.get("listed", 0)
        if not self._pieces:
            self._on_progress(0.0, f"Looking through your music: {listed:,} of {total:,}", details)

    def __call__(
        self, fraction: float, message: str, details: dict[str, Any] | None = None
    ) -> None:
        """Report the number of analysed files, without locks."""
        counts = details or {}
        done = _done(counts)
        if self._pieces:
            sentence = f"Listening to the demo music: {done} of {self._pieces}"
            self._report_demo(sentence, counts)
        else:
            sentence = setup_progress.listening_sentence(counts) or message
            self._on_progress(fraction, sentence, details)
        if self.is_waiting and done >= ENOUGH:
            self.is_waiting = False
            self._train()

    def _train(self) -> None:
        """Publish a first run over the songs that are analysed by now."""
        # Importing what trains takes longer than listing the first songs.
        from songrec.services.training.train import train

        session = self._instance.session
        try:
            write_with_retries(session, lambda: attribute_estimates.refresh(self._instance))
            audio_similarity.refresh_matrices(self._instance)
            train(self._instance, TrainRequest.from_json(QUICK_TRAINING))
            session.commit()
        except SongrecError as error:
            session.rollback()
            log.info("the first run has to wait: %s", error)


class _WeightsDownload:
    """Background download of the weights for estimating attributes."""

    def __init__(self, instance: Path) -> None:
        self._problem: str | None = None
        self._thread: threading.Thread | None = None
        if not published_weights.is_installed(instance, WEIGHTS):
            self._thread = threading.Thread(target=self._fetch, args=(instance,), daemon=True)
            self._thread.start()

    def _fetch(self, instance: Path) -> None:
        try:
            fetching.fetch(instance, WEIGHTS)
        except SongrecError as error:
            self._problem = str(error)

    def wait(self, report: SetupReport) -> None:
        """Wait for the end of the download; a failure becomes a note."""
        if self._thread is None:
            return
        self._thread.join()
        self._thread = None
        if self._problem is not None:
            report.notes.append(f"Going on without tags and estimates by MusiCNN: {self._problem}")
            log.warning("going on without tags and estimates by MusiCNN: %s", self._problem)


def _following_training(
    instance: Instance, report: SetupReport, *, has_changed: bool
) -> dict[str, Any] | None:
    """Return the fields of the training that the library needs now, if any."""
    published = runs.published(instance.session)
    if not tracks.track_count(instance.session):
        return None
    if published is not None and not setup_progress.is_quick(published):
        if not has_changed:
            return None
        usual = TrainRequest()
        if (published.representation, published.clustering) != (
            usual.representation,
            usual.clustering,
        ):
            # Settings that somebody chose are somebody's to use again.
            report.notes.append("The next training puts the new songs on the map: Admin, Retrain.")
            return None
    return training_for(instance)


def training_of_new_songs(instance: Instance, *, is_all: bool) -> dict[str, Any] | None:
    """Return the fields of the training that is due after songs were added automatically, if any.

    A quick run once ``ENOUGH`` songs are analysed, and the usual one when all are (``is_all``).
    None if another run is published, which somebody has chosen.
    """
    published = runs.published(instance.session)
    if published is not None and not setup_progress.is_quick(published):
        return None
    if audio_files.counts(instance.session)["analysed"] < ENOUGH:
        return None
    if is_all:
        return training_for(instance)
    return dict(QUICK_TRAINING) if published is None else None


def training_for(instance: Instance) -> dict[str, Any]:
    """Return the fields of a default training for the present library.

    Without estimates of attributes it is trained on features of the sound.
    """
    can_estimate = any(
        published_weights.is_usable(instance.folder, name) for name in (WEIGHTS, VIBENET)
    )
    analysed = audio_files.counts(instance.session)["analysed"]
    is_sound = 2 * analysed > tracks.track_count(instance.session) and analysed >= ENOUGH
    by_sound = is_sound and not can_estimate
    return {"feature_set": "attributes,mfcc,statistical" if by_sound else "auto"}
