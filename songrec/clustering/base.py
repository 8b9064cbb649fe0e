"""The contract of a clustering, and helpers that several of them share. numpy only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Clustering, Floats, Ints, Progress, no_progress

ROWS_AT_ONCE = 16_384
NEIGHBOURS = 5
"""Tracks that vote on the cluster of a new one by default."""

Labels = NDArray[np.int32]


@dataclass(kw_only=True, eq=False, repr=False)
class ClusteringAlgorithm(ABC):
    """Base class of the clusterings. A subclass is a dataclass: its fields are its parameters.

    A subclass implements ``_fit``. If it has a better rule for new tracks than the vote of their
    nearest neighbours, it implements ``_predict``, too, and lists in ``FITTED`` the attributes that
    ``_predict`` needs: numbers or arrays, which are saved with the run. ``notes_`` are warnings of
    the last fit, as sentences.
    """

    FITTED: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        self.notes_: list[str] = []
        self.numbers_: Labels | None = None

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Group tracks.

        Parameters
        ----------
        latent
            float32 ``(n, l)``, one row per track.
        seed
            Everything random comes from it.
        on_progress
            Called with shares from 0 to 1; what it raises is let through.

        Returns
        -------
        Clustering
            Labels int32 ``(n,)`` from 0 in any order, -1 for noise; confidence float32 ``(n,)``
            from 0 to 1, 0 for noise.

        Raises
        ------
        NotReady
            If there are no tracks.
        """
        if not len(latent):
            raise NotReady("There are no tracks to cluster: ingest a catalogue first.")
        self.notes_, self.numbers_ = [], None
        clustering = self._fit(latent, seed, on_progress)
        self.latent_, self.labels_ = latent, clustering.labels
        on_progress(1.0, "done")
        return clustering

    def predict(self, latent: Floats) -> Labels:
        """Assign new tracks to the clusters of the last fit, without changing them.

        Parameters
        ----------
        latent
            float32 ``(m, l)``.

        Returns
        -------
        Labels
            int32 ``(m,)``, -1 for noise; after ``restore`` in the numbers of the run.
        """
        if not all(hasattr(self, name) for name in self.FITTED):
            # The run is older than saved predictors.
            return nearest_labels(latent, self.latent_, self.labels_)
        labels = self._predict(latent)
        if self.numbers_ is None:
            return labels
        numbered = self.numbers_[labels]
        # A cluster that no track of the run is in has no number there.
        dropped = (labels >= 0) & (numbered < 0)
        if dropped.any():
            numbered[dropped] = nearest_labels(latent[dropped], self.latent_, self.labels_)
        return numbered

    def state(self, labels: Labels) -> dict[str, NDArray[Any]]:
        """Return the arrays that ``restore`` needs.

        Parameters
        ----------
        labels
            The labels of the fit as the run has them: the same clusters under other numbers.
        """
        if not self.FITTED:
            return {}
        numbers = np.full(int(self.labels_.max(initial=-1)) + 2, -1, dtype=np.int32)
        numbers[self.labels_] = labels  # the last entry is for noise, which stays -1
        return {"numbers": numbers} | {
            name: np.asarray(getattr(self, name)) for name in self.FITTED
        }

    def restore(self, state: Mapping[str, NDArray[Any]], latent: Floats, labels: Labels) -> Self:
        """Make ``predict`` usable without a fit.

        Parameters
        ----------
        state
            The arrays of ``state``; without them the nearest labelled neighbours vote.
        latent, labels
            The tracks of the run and their labels there.
        """
        self.latent_, self.labels_ = latent, labels
        self.numbers_ = state.get("numbers")
        for name in self.FITTED:
            if name in state:
                setattr(self, name, state[name])
        return self

    @abstractmethod
    def _fit(self, latent: Floats, seed: int, on_progress: Progress) -> Clustering:
        """Group the rows of ``latent``, of which there is at least one."""

    def _predict(self, latent: Floats) -> Labels:
        """Labels of new rows, in the numbers of the fit."""
        return nearest_labels(latent, self.latent_, self.labels_)


def nearest_labels(latent: Floats, fitted: Floats, labels: Labels) -> Labels:
    """Return the label that the nearest neighbours of each row vote for.

    Five neighbours vote, each with the inverse of its distance, so that a row that equals a known
    one has its label. Noise (-1) takes part: what lies among noise is noise.

    Parameters
    ----------
    latent
        float32 ``(m, l)``.
    fitted, labels
        float32 ``(n, l)`` and int32 ``(n,)``.
    """
    k = min(NEIGHBOURS, len(fitted))
    found = np.empty(len(latent), dtype=np.int32)
    for i, row in enumerate(latent):
        distances = np.square(fitted - row, dtype=np.float64).sum(axis=1)
        nearest = np.argpartition(distances, k - 1)[:k]
        names, at = np.unique(labels[nearest], return_inverse=True)
        weights = 1 / np.maximum(np.sqrt(distances[nearest]), 1e-12)
        found[i] = names[np.bincount(at, weights=weights).argmax()]
    return found


def simplified_silhouette(latent: Floats, centres: Floats, labels: Labels) -> Floats:
    """Return how surely each row belongs to its centre, float32 ``(n,)`` from 0 to 1.

    The simplified silhouette 1 - a / b, where a and b are the distances to the own and to the
    nearest other centre: 1 at a centre, 0 half-way between two, 1 where there is one centre.

    Parameters
    ----------
    latent
        float32 ``(n, l)``.
    centres
        float ``(k, l)``, row i of cluster i.
    labels
        int ``(n,)`` from 0.

    References
    ----------
    Hruschka, de Castro & Campello, "Evolutionary algorithms for clustering gene-expression data",
    ICDM 2004.
    """
    result = np.ones(len(latent), dtype=np.float32)
    if len(centres) < 2:
        return result
    slice_rows = 8192
    for start in range(0, len(latent), slice_rows):
        rows = latent[start : start + slice_rows].astype(np.float64)
        distances = np.linalg.norm(rows[:, None, :] - centres[None, :, :], axis=2)
        at = np.arange(len(rows))
        own = distances[at, labels[start : start + slice_rows]]
        distances[at, labels[start : start + slice_rows]] = np.inf
        other = distances.min(axis=1)
        result[start : start + slice_rows] = np.clip(
            1.0 - own / np.maximum(other, np.finfo(float).tiny), 0.0, 1.0
        )
    return result


def sample_rows(n: int, most: int, seed: int) -> Ints:
    """Return all of ``n`` rows, or ``most`` of them drawn evenly; ascending."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def sample_details(tracks: int, of: int, rest: str) -> dict[str, Any] | None:
    """Describe a fit on a sample for the manifest; None where all tracks took part.

    ``rest`` says how the other tracks got their clusters.
    """
    return None if tracks == of else {"tracks": int(tracks), "of": int(of), "rest": rest}


def sample_note(sample: dict[str, Any] | None) -> list[str]:
    """Describe the same for people: one sentence, or none."""
    if sample is None:
        return []
    return [
        f"The clusters were learnt from a sample of {sample['tracks']:,} of {sample['of']:,} "
        f"tracks; the others were assigned: {sample['rest']}."
    ]


def nearest_centre(latent: Floats, centres: NDArray[np.floating]) -> Labels:
    """Return the number of the nearest row of ``centres`` ``(k, l)``, int32 ``(n,)``.

    Of equally near ones the first.
    """
    labels = np.empty(len(latent), dtype=np.int32)
    targets = centres.astype(np.float64)
    lengths = np.square(targets).sum(axis=1)
    for start in range(0, len(latent), ROWS_AT_ONCE):
        rows = latent[start : start + ROWS_AT_ONCE].astype(np.float64)
        labels[start : start + len(rows)] = (lengths - 2 * rows @ targets.T).argmin(axis=1)
    return labels


def means_of(latent: Floats, labels: Labels) -> Floats:
    """Return the mean row of each cluster from 0 up, float32 ``(k, l)``; noise has none."""
    clustered = labels >= 0
    inside, names = latent[clustered].astype(np.float64), labels[clustered]
    count = int(names.max(initial=-1)) + 1
    sizes = np.maximum(np.bincount(names, minlength=count), 1)
    sums = [np.bincount(names, weights=column, minlength=count) for column in inside.T]
    return (np.column_stack(sums) / sizes[:, None]).astype(np.float32)


def scatter(values: Floats, labels: Labels) -> float:
    """Return the sum of squared distances of all rows to their clusters' means."""
    means = means_of(values, labels).astype(np.float64)
    return float(np.square(values - means[labels], dtype=np.float64).sum())
