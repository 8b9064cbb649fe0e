"""How long a training will take: from the size of the catalogue and the last runs' stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from songrec.core.errors import SongrecError
from songrec.projection.registry import AUTO
from songrec.services.training.algorithms import REGISTRIES
from songrec.services.training.cluster_count import with_n_clusters
from songrec.services.training.request import TrainRequest
from songrec.store.tables import Run

STAGE_COSTS: dict[str, tuple[float, float]] = {
    "read": (0.1, 0.01),
    "features": (0.05, 0.003),
    "representation": (4.0, 0.13),
    "clustering": (0.1, 0.02),
    "projection": (12.0, 0.45),
    "scores": (0.5, 0.06),
    "tastes": (0.3, 0.02),
    "portraits": (0.1, 0.02),
    "write": (0.1, 0.01),
}
"""Seconds of each stage of the default setting: to start, and per thousand tracks.

From the processor time of a training on 17,390 tracks (docs/evaluation.md) and of maps
    (docs/projections.md). They are the estimate without an earlier run; with one they scale its
    stages.
"""
LEARNING_FROM_PLAYLISTS = (60.0, 2.0)
"""The stage ``tastes`` with enough playlists for training and evaluation."""
AUTOMATIC_MAP = "umap"
"""The map that the automatic choice computes, whichever it keeps."""
MIN_PLAYLISTS = 30
LARGEST_FACTOR = 100.0


@dataclass(frozen=True)
class TimeEstimate:
    """Estimated seconds of a training; ``measured``: whether based on a run of this catalogue."""

    seconds: float
    measured: bool


def estimate_time(
    request: TrainRequest, tracks: int, runs: Sequence[Run], *, playlists: int = 0
) -> TimeEstimate:
    """Estimate the seconds that ``request`` takes on ``tracks`` tracks and ``playlists`` playlists.

    The time of a stage is that in the newest of ``runs`` (newest first) with the same algorithm,
    scaled to the number of tracks by ``STAGE_COSTS``, which include a constant time for starting
    the algorithm. An algorithm without a run is assumed to be as fast as the default.
    """
    total, measured = 0.0, False
    costs = dict(STAGE_COSTS)
    if playlists >= MIN_PLAYLISTS:
        costs["tastes"] = LEARNING_FROM_PLAYLISTS
    for stage, cost in costs.items():
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
    parameters = request.parameters.get(stage)
    return entry.resolve(with_n_clusters(entry, parameters, run.track_count)) == used
