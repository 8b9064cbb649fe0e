"""Values that songs lack: P@10, and how often such songs are recommended.

Half of the tracks lose each of their values with a given chance. Beside each method stands what it
finds where a lacking value is the catalogue's mean (0 in the space), taken for a value like others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.playlists import FILE, interval
from benchmarks.tables import table
from songrec.clustering import CLUSTERINGS
from songrec.core.types import Space
from songrec.evaluation import playlists as measures
from songrec.services.evaluation.playlist_continuation import EVALUATED_METHODS, search_for
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks

NEEDS = (FILE,)
METHODS = ("cosine", "distance", "cluster")
CHANCES = (0.0, 0.1, 0.3)
HEADER = (
    "method",
    "chance",
    "P@10, as the mean",
    "P@10",
    "lack a value",
    "recommended, as the mean",
    "recommended",
)


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table of each method and chance."""
    return measured(continuation_tasks(data / FILE, draws=1, seed=seed), seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """Build the table for any tasks."""
    labels = CLUSTERINGS.create("kmeans").fit(tasks.space.matrix, seed=seed).labels
    space = replace(tasks.space, labels=labels)
    songs = len(np.unique(tasks.catalogue.song_keys))
    numbers = range(len(tasks.playlists))
    rows = []
    for chance in CHANCES:
        without = dict(without_values(space, chance, seed))
        lacking = lacks(without["unknown"])
        for method in METHODS:
            precision, recommended = [], []
            for one in without.values():
                search = search_for(EVALUATED_METHODS[method], seed)
                answers = list(tasks.answers(search, one, numbers))
                values = measures.measure(answers, space.matrix, songs, seed=seed)
                precision.append(interval((values["p_at_10"], *values["intervals"]["p_at_10"]), 3))
                first = np.concatenate([answer.rows[: measures.FIRST] for answer in answers])
                recommended.append(f"{lacking[first].mean():.0%}")
            rows.append(
                (f"`{method}`", f"{chance:g}", *precision, f"{lacking.mean():.0%}", *recommended)
            )
    return table(HEADER, rows)


def without_values(space: Space, chance: float, seed: int) -> Iterator[tuple[str, Space]]:
    """Yield the space with values taken away: as means, and as unknown values."""
    rng = np.random.default_rng(seed)
    n = len(space.track_ids)
    half = rng.permutation(n)[: n // 2]
    lost = np.zeros(space.matrix.shape, dtype=bool)
    lost[half] = rng.random((len(half), lost.shape[1])) < chance
    matrix, values = np.where(lost, 0, space.matrix).astype(np.float32), space.values.copy()
    # What is not NaN is known: the mean then counts like any other value.
    yield "mean", replace(space, matrix=matrix, values=np.nan_to_num(values))
    for column, name in enumerate(space.columns):
        values[lost[:, column], space.value_names.index(name)] = np.nan
    yield "unknown", replace(space, matrix=matrix, values=values)


def lacks(space: Space) -> NDArray[np.bool_]:
    """Return whether each track lacks a value of a column of the space, ``(n,)``."""
    at = [space.value_names.index(name) for name in space.columns]
    return np.isnan(space.values[:, at]).any(axis=1)
