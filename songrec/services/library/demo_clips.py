"""The made-up clips as a part of the library: synthesised into the instance, then analysed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.config import dask_scheduler
from songrec.core.types import Progress, no_progress
from songrec.demo import clips
from songrec.services.features.feature_sets import default_sets
from songrec.services.library.analysis_report import AnalyzeReport, AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder

_MAKING = 0.3
"""The share of the work that synthesising is."""


def folder(instance: Path) -> Path:
    """Where the made clips of an instance lie."""
    return instance / "clips"


def analyse_made_clips(
    session: Session, instance: Path, on_progress: Progress = no_progress
) -> AnalyzeReport:
    """Synthesise the clips that are not there yet and analyse them. Commits, as analysing does."""

    def analysing(share: float, message: str, details: dict[str, Any] | None = None) -> None:
        on_progress(_MAKING + (1 - _MAKING) * share, message, details)

    made = clips.plan()
    for number in range(len(made)):
        on_progress(_MAKING * number / len(made), f"Making clip {number + 1} of {len(made)}.")
        clips.write(folder(instance), made[number : number + 1])
    clips.write(folder(instance), made)
    request = AnalyzeRequest(folder(instance), default_sets(instance), scheduler=dask_scheduler())
    return analyze_folder(session, instance, request, analysing)
