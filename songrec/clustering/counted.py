"""What every clustering has that can be told, or left to choose, how many clusters it makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True, eq=False, repr=False)
class Counted:
    """A subclass is a dataclass of the same kind: its fields are its parameters, as given.

    ``n_clusters`` 0 leaves the number between ``min_clusters`` and ``max_clusters`` to the measure
    ``criterion`` (``clustering/model_selection.py``). ``notes_`` are warnings of the last fit, as
    sentences.
    """

    n_clusters: int = 10
    criterion: str = "silhouette"
    min_clusters: int = 2
    max_clusters: int = 20

    def __post_init__(self) -> None:
        self.notes_: list[str] = []
