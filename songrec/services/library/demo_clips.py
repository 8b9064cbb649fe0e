"""The demo clips as a part of the library: synthesised into the instance, then analysed."""

from __future__ import annotations

from pathlib import Path

from songrec.core.config import dask_scheduler
from songrec.core.types import Progress, no_progress, part_of
from songrec.demo import clips
from songrec.services.features.feature_sets import default_sets
from songrec.services.library.analysis_report import AnalyzeReport, AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder
from songrec.services.library.own_folders import CLIPS
from songrec.store.instance import Instance

_MAKING = 0.3
"""The share of the work that is synthesising."""


def folder(instance: Path) -> Path:
    """Return the folder of an instance's demo clips."""
    return instance / CLIPS


def analyse_made_clips(instance: Instance, on_progress: Progress = no_progress) -> AnalyzeReport:
    """Synthesise the missing demo clips and analyse them. **Commits**, as the analysis does."""
    plan = clips.plan()
    for number in range(len(plan)):
        on_progress(_MAKING * number / len(plan), f"Making clip {number + 1} of {len(plan)}.")
        clips.write(folder(instance.folder), plan[number : number + 1])
    clips.write(folder(instance.folder), plan)
    request = AnalyzeRequest(
        folder(instance.folder), default_sets(instance.folder), scheduler=dask_scheduler()
    )
    return analyze_folder(instance, request, part_of(on_progress, _MAKING, 1.0))
