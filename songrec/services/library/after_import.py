"""Updates of derived data after tracks were added.

Catalogue files, folders, demo music and kept uploads all call this, so that artists, lyrics search,
duplicates, estimates and similarity are up to date. Segments are updated by a separate job
(``jobs.segment_tasks``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.core.types import Progress, no_progress, part_of
from songrec.services.catalogue import duplicate_search
from songrec.services.catalogue.ingest import IngestReport, ingest_file
from songrec.services.prediction import attribute_estimates
from songrec.services.similarity import audio_similarity, sound_word_search, word_search
from songrec.store.catalogue import artists
from songrec.store.db import write_with_retries
from songrec.store.instance import Instance

IMPORTED = 0.8
"""The share of an import that is reading the file."""


@dataclass(frozen=True)
class DerivedUpdate:
    """``alike`` counts the new tracks that are named like an earlier one."""

    alike: int


def refresh_derived(
    instance: Instance, newest_before: int, on_progress: Progress = no_progress
) -> DerivedUpdate:
    """Update artists, words, duplicates, estimates and similarity matrices.

    ``newest_before`` is ``duplicate_search.newest_id`` from before the import. **Commits** after
    each step: cancelled or killed, the next import completes it. Several processes may do it at
    once: a step that meets another's rows starts again.
    """
    session = instance.session
    write_with_retries(session, lambda: artists.split_joint_artists(session))
    words_progress = part_of(on_progress, 0.0, 0.5)
    write_with_retries(session, lambda: word_search.prepare_lyrics(instance, words_progress))
    on_progress(0.5, "Comparing the names of new songs.")
    alike = write_with_retries(session, lambda: duplicate_search.count_new(session, newest_before))
    on_progress(0.55, "Estimating attributes of new songs.")
    write_with_retries(session, lambda: attribute_estimates.refresh(instance))
    audio_similarity.refresh_matrices(instance, part_of(on_progress, 0.65, 0.95))
    on_progress(0.95, "Collecting predicted tags.")
    sound_word_search.refresh(instance)
    instance.session.commit()
    return DerivedUpdate(alike)


def import_catalogue(
    instance: Instance,
    path: Path,
    *,
    on_progress: Progress = no_progress,
    **options: Any,
) -> IngestReport:
    """Import a catalogue file and update what follows from it; ``options`` as for ``ingest_file``.

    **Commits**, as both steps do.
    """
    before = duplicate_search.newest_id(instance.session)
    reading = part_of(on_progress, 0.0, IMPORTED)
    report = ingest_file(instance.session, path, on_progress=reading, **options)
    if not report.dry_run:
        following = part_of(on_progress, IMPORTED, 1.0)
        report.alike = refresh_derived(instance, before, following).alike
    return report
