"""What several clusterings share: the checks before a fit, samples, and the nearest centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Floats, Ints

ROWS_AT_ONCE = 16_384

Labels = NDArray[np.int32]
FitLabels = Callable[[Floats, int, int], Labels]
"""Labels of the given rows in so many clusters, from that seed."""


def require_tracks(latent: Floats) -> None:
    """``NotReady`` where there is nothing to group."""
    if not len(latent):
        raise NotReady("There are no tracks to cluster: ingest a catalogue first.")


def possible_clusters(latent: Floats, asked: int, notes: list[str]) -> int:
    """``asked``, or as many as there are distinct rows, which ``notes`` then says."""
    # The first rows nearly always settle it; sorting a million rows is for the odd case.
    for rows in (latent[: 100 * asked], latent):
        distinct = len(np.unique(rows, axis=0))
        if distinct >= asked:
            return asked
    notes.append(
        f"{asked} clusters were asked for, but only {distinct} "
        f"{'track differs' if distinct == 1 else 'tracks differ'} in the latent: "
        f"there {'is 1 cluster' if distinct == 1 else f'are {distinct} clusters'}."
    )
    return distinct


def sample_rows(n: int, most: int, seed: int) -> Ints:
    """All of ``n`` rows, or ``max_clusters`` of them drawn evenly; ascending."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def sampled(tracks: int, of: int, rest: str) -> dict[str, Any] | None:
    """What the manifest says of a fit on a sample, None where all tracks took part.

    ``rest`` says how the other tracks got their clusters.
    """
    return None if tracks == of else {"tracks": int(tracks), "of": int(of), "rest": rest}


def sample_note(found: dict[str, Any] | None) -> list[str]:
    """The same for people."""
    if found is None:
        return []
    return [
        f"The clusters were learnt from a sample of {found['tracks']:,} of {found['of']:,} tracks; "
        f"the others were assigned: {found['rest']}."
    ]


def nearest_centre(latent: Floats, centres: Floats) -> Labels:
    """The number of the nearest row of ``centres`` ``(k, l)``, int32 ``(n,)``; ties go down."""
    labels = np.empty(len(latent), dtype=np.int32)
    targets = centres.astype(np.float64)
    lengths = np.square(targets).sum(axis=1)
    for start in range(0, len(latent), ROWS_AT_ONCE):
        rows = latent[start : start + ROWS_AT_ONCE].astype(np.float64)
        labels[start : start + len(rows)] = (lengths - 2 * rows @ targets.T).argmin(axis=1)
    return labels


def means_of(latent: Floats, labels: Labels) -> Floats:
    """The mean of each cluster's tracks by number from 0, float32 ``(k, l)``; noise has none."""
    clustered = labels >= 0
    inside, names = latent[clustered].astype(np.float64), labels[clustered]
    count = int(names.max(initial=-1)) + 1
    sizes = np.maximum(np.bincount(names, minlength=count), 1)
    sums = [np.bincount(names, weights=column, minlength=count) for column in inside.T]
    return (np.column_stack(sums) / sizes[:, None]).astype(np.float32)


def scatter(values: Floats, labels: Labels) -> float:
    """The sum of squared distances to the clusters' means."""
    means = means_of(values, labels).astype(np.float64)
    return float(np.square(values - means[labels], dtype=np.float64).sum())
