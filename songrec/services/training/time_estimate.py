"""How long a training will take: from the size of the catalogue and the last runs' stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from songrec.core.errors import SongrecError
from songrec.projection.registry import AUTO
from songrec.services.training.algorithms import REGISTRIES
from songrec.services.training.request import TrainRequest
from songrec.store.tables import Run

STAGE_COSTS: dict[str, tuple[float, float]] = {
    "read": (0.1, 0.05),
    "features": (0.1, 0.02),
    "representation": (6.0, 0.5),
    "clustering": (0.5, 0.05),
    "projection": (8.0, 0.9),
    "scores": (0.5, 0.05),
    "tastes": (0.5, 0.05),
    "portraits": (0.2, 0.02),
    "write": (0.3, 0.1),
}
"""Seconds of each stage of the default setting: to start, and per thousand tracks.

Measured on two cores, see docs/benchmarks.md. Without another run they are the estimate; with one
they say how its stages grow.
"""
AUTOMATIC_MAP = "umap"
"""The map that the automatic choice computes, whichever it keeps."""
LARGEST_FACTOR = 100.0


@dataclass(frozen=True)
class TimeEstimate:
    """Estimated seconds of a training; ``measured`` says whether a run of this catalogue helped."""

    seconds: float
    measured: bool


def estimate_time(request: TrainRequest, tracks: int, runs: Sequence[Run]) -> TimeEstimate:
    """Estimate the seconds that ``request`` takes on ``tracks`` tracks.

    A stage takes as long as in the newest of ``runs`` (newest first) that did the same there, grown
    or shrunk with the number of tracks as ``STAGE_COSTS`` say: starting an algorithm takes its time
    however few tracks there are. An algorithm that no run has used yet is taken for the default.
    """
    total, measured = 0.0, False
    for stage, cost in STAGE_COSTS.items():
        run = next((run for run in runs if _did_the_same(stage, request, run)), None)
        factor = 1.0
        if run is not None:
            factor = min(run.seconds[stage] / _seconds(cost, run.track_count), LARGEST_FACTOR)
            measured = True
        total += factor * _seconds(cost, tracks)
    return TimeEstimate(total, measured)


def _seconds(cost: tuple[float, float], tracks: int) -> float:
    start, per_thousand = cost
    return start + per_thousand * tracks / 1000


def _did_the_same(stage: str, request: TrainRequest, run: Run) -> bool:
    if stage not in run.seconds:
        return False
    if stage not in REGISTRIES:
        return True
    requested, name = getattr(request, stage), getattr(run, stage)
    if stage == "projection" and requested == AUTO:
        return name == AUTOMATIC_MAP
    if requested != name:
        return False
    entry = REGISTRIES[stage].entry(name)
    try:
        used = entry.resolve(run.parameters.get(stage))
    except SongrecError:  # an older run, with a parameter that no longer exists
        return False
    return entry.resolve(request.parameters.get(stage)) == used
