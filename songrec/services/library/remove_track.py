"""Removal of a track with its file and all that was derived from it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select

from songrec.services.features.sound_files import cut_path
from songrec.store.catalogue import removed_tracks
from songrec.store.instance import Instance
from songrec.store.sound import uploads
from songrec.store.tables import AudioFile, FeatureVector, Upload


@dataclass(frozen=True, slots=True)
class RemovedFiles:
    """Files that a removal deleted, and files of analysed folders that it left there."""

    deleted: tuple[Path, ...]
    left: tuple[Path, ...]


def remove_track(instance: Instance, track_id: int, *, delete_files: bool = False) -> RemovedFiles:
    """Remove a track from the catalogue, **commit**, then delete its files.

    The file of a kept upload is deleted. A file in an analysed folder is only deleted with
    ``delete_files``; otherwise the next analysis of the folder adds it again. A file with several
    tracks is deleted with the last of them.
    """
    session = instance.session
    rows = session.scalars(select(AudioFile).where(AudioFile.track_id == track_id)).all()
    paths = {Path(row.path) for row in rows}
    hashes = {row.content_hash for row in rows if row.content_hash is not None}
    for upload in session.scalars(select(Upload).where(Upload.track_id == track_id)).all():
        uploads.delete(instance, upload)
    session.execute(delete(AudioFile).where(AudioFile.track_id == track_id))
    removed_tracks.remove(session, [track_id])
    unused = [one for one in sorted(hashes) if not _is_used(instance, one)]
    session.execute(delete(FeatureVector).where(FeatureVector.content_hash.in_(unused)))
    free = [path for path in sorted(paths) if not _has_tracks(instance, path)]
    session.commit()
    for content_hash in unused:
        uploads.forget_derived(instance, content_hash)
        cut_path(instance.folder, content_hash).unlink(missing_ok=True)
    library = uploads.library_folder(instance.folder).resolve()
    deleted = [path for path in free if delete_files or path.is_relative_to(library)]
    for path in deleted:
        path.unlink(missing_ok=True)
        if path.parent.parent == library:
            shutil.rmtree(path.parent, ignore_errors=True)
    return RemovedFiles(tuple(deleted), tuple(sorted(paths - set(deleted))))


def _is_used(instance: Instance, content_hash: str) -> bool:
    query = select(AudioFile.id).where(AudioFile.content_hash == content_hash)
    return instance.session.scalar(query.limit(1)) is not None


def _has_tracks(instance: Instance, path: Path) -> bool:
    query = select(AudioFile.id).where(AudioFile.path == str(path))
    return instance.session.scalar(query.limit(1)) is not None
