"""Differences between the library and the index of its segments. Imports no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from songrec.store.instance import Instance
from songrec.store.sound import audio_files, segment_index


@dataclass(frozen=True)
class IndexChanges:
    """Differences between the audible songs and an index.

    ``new`` are the ids of new and changed tracks, ``removed`` those of tracks that are gone or
    changed, ``unreadable`` the content hashes of files that could not be read, by track id.
    """

    new: list[int]
    removed: list[int]
    unreadable: dict[str, str]

    @property
    def count(self) -> int:
        """Number of songs to cut or to remove."""
        return len({*self.new, *self.removed})


def compare(
    hashes: Mapping[int, str], indexed: Mapping[int, str], manifest: Mapping[str, Any]
) -> IndexChanges:
    """Compare the content hashes of audible tracks with those of the index with ``manifest``.

    Files that could not be read count as new when their content has changed.
    """
    unreadable = {
        track: content_hash
        for track, content_hash in manifest.get("unread", {}).items()
        if hashes.get(int(track)) == content_hash
    }
    new = [
        track
        for track, content_hash in hashes.items()
        if content_hash not in (indexed.get(track), unreadable.get(str(track)))
    ]
    removed = [track for track, digest in indexed.items() if hashes.get(track) != digest]
    return IndexChanges(new, removed, unreadable)


def count_waiting(instance: Instance) -> int:
    """Return how many songs are to be cut into segments, or to be removed from the index."""
    hashes = _audible_hashes(instance.session)
    name = segment_index.current(instance.folder)
    manifest = segment_index.manifest(instance.folder)
    indexed = None if name is None else segment_index.content_hashes(instance.folder, name)
    if manifest is None or indexed is None:
        return len(hashes)
    return compare(hashes, indexed, manifest).count


def _audible_hashes(session: Session) -> dict[int, str]:
    files = audio_files.readable(session)
    return {track: str(file.content_hash) for track, file in files.items()}
