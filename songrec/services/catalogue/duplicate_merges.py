"""Merging all duplicates of the last search at once, and undoing it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from songrec.core.errors import BadInput
from songrec.core.types import Progress, no_progress
from songrec.store.catalogue import duplicates, merge_redirects, merging
from songrec.store.instance import Instance


@dataclass(frozen=True, slots=True)
class MergeResult:
    """Numbers of ``tracks`` merged or restored and of their ``groups``; ``problems`` in words."""

    tracks: int
    groups: int
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Serialize for the job's row."""
        return {**asdict(self), "problems": list(self.problems)}


def merge_all(
    instance: Instance,
    batch: str,
    kinds: Collection[str],
    on_progress: Progress = no_progress,
) -> MergeResult:
    """Merge each group of duplicates of ``kinds`` into its best track.

    **Commits** after each group. All merges have the name ``batch``, with which ``undo_all`` finds
    them, even after a cancellation.
    """
    session = instance.session
    on_progress(0.0, "Reading the groups.")
    groups = duplicates.connected(session, kinds)
    session.commit()
    tracks, merged_groups, problems = 0, 0, []
    for number, (survivor, *others) in enumerate(groups, 1):
        try:
            for track_id in others:
                merging.merge(session, survivor, track_id, batch=batch)
        except BadInput as error:  # changed since the groups were read
            session.rollback()
            problems.append(str(error))
        else:
            session.commit()
            tracks += len(others)
            merged_groups += 1
        on_progress(number / len(groups), f"{number:,} of {len(groups):,} groups")
    return MergeResult(tracks, merged_groups, tuple(problems))


def undo_all(instance: Instance, batch: str, on_progress: Progress = no_progress) -> MergeResult:
    """Restore the tracks of a batch of merges, the last merged first.

    **Commits** after each. A merge is kept if a later one depends on it.
    """
    session = instance.session
    merges = merge_redirects.ids_of_batch(session, batch)
    session.commit()
    survivors, problems = [], []
    for number, merge_id in enumerate(merges, 1):
        try:
            survivors.append(merging.undo(session, merge_id).survivor_id)
        except BadInput as error:
            session.rollback()
            problems.append(str(error))
        else:
            session.commit()
        on_progress(number / len(merges), f"{number:,} of {len(merges):,} songs")
    return MergeResult(len(survivors), len(set(survivors)), tuple(problems))
