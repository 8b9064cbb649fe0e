"""What every clustering has that can be told, or left to choose, how many clusters it makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True, eq=False, repr=False)
class Counted:
    """A subclass is a dataclass of the same kind: its fields are its parameters, as given.

    ``clusters`` 0 leaves the number between ``fewest`` and ``most`` to the measure ``choose_by``
    (``clustering/model_selection.py``). ``notes_`` lists what a person should know of the last fit.
    """

    clusters: int = 10
    choose_by: str = "silhouette"
    fewest: int = 2
    most: int = 20

    def __post_init__(self) -> None:
        self.notes_: list[str] = []
