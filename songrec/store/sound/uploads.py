"""Uploaded songs: deleted after an hour unless they are kept.

The caller commits.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from songrec.store import jobs
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache, transcoded_cache, waveform_cache
from songrec.store.tables import AudioFile, Job, Listener, Upload

LIFETIME = timedelta(hours=1)
DELETED = ".deleted"
"""Suffix of the folder of an upload that was deleted while a job read it."""
DELETED_SECONDS = 60
NAME_LENGTH = 300
AT_ONCE = 500
"""Limit of expired uploads that are deleted in one transaction."""


def folder(instance: Path) -> Path:
    """Return the folder of uploads, each in a folder of its own."""
    return instance / "songs"


def library_folder(instance: Path) -> Path:
    """Return the folder of kept uploads, which belongs to the library."""
    return instance / "library"


def new_id() -> str:
    """Create a random id of 128 bits, which grants access to an anonymous upload."""
    return secrets.token_hex(16)


def create(
    session: Session, public_id: str, listener: Listener | None, name: str, path: Path
) -> Upload:
    """Create an upload of ``listener`` (None: anonymous) that expires in an hour."""
    upload = Upload(
        public_id=public_id,
        listener_id=listener.id if listener is not None else None,
        name=name[:NAME_LENGTH],
        path=str(path),
        size=path.stat().st_size,
        expires_at=now() + LIFETIME,
    )
    session.add(upload)
    session.flush()
    return upload


def find(session: Session, public_id: str) -> Upload | None:
    """Return the upload with this id, or None if it is unknown or expired."""
    upload = session.scalar(select(Upload).where(Upload.public_id == public_id))
    return upload if upload is not None and not is_expired(upload) else None


def of_job(session: Session, job: Job) -> Upload | None:
    """Return the upload that a job analyses, or None for other jobs."""
    return session.scalar(select(Upload).where(Upload.job_id == job.id))


def may_see(upload: Upload, listener: Listener | None) -> bool:
    """Return whether ``listener`` may see the upload: anybody if anonymous, else its uploader."""
    if upload.listener_id is None:
        return True
    return listener is not None and upload.listener_id == listener.id


def of_listener(session: Session, listener: Listener, limit: int = 20) -> list[Upload]:
    """Return the unexpired uploads of ``listener``, newest first."""
    return list(
        session.scalars(
            select(Upload)
            .where(
                Upload.listener_id == listener.id,
                Upload.kept | (Upload.expires_at > now()),
            )
            .order_by(Upload.id.desc())
            .limit(limit)
        )
    )


def is_expired(upload: Upload) -> bool:
    """Return whether the upload has expired without being kept."""
    return not upload.kept and upload.expires_at is not None and upload.expires_at <= now()


def _each(
    session: Session, *conditions: ColumnElement[bool], limit: int | None = None
) -> Iterator[Upload]:
    """Yield uploads, without those that another process deletes meanwhile."""
    query = select(Upload.id).where(*conditions).order_by(Upload.id)
    for upload_id in session.scalars(query.limit(limit)).all():
        upload = session.scalar(select(Upload).where(Upload.id == upload_id))
        if upload is not None:
            yield upload


def waiting_bytes(session: Session) -> int:
    """Sum the bytes of uploads that are not kept, with their waveforms, covers and vectors."""
    query = select(func.sum(Upload.size + Upload.derived_size)).where(Upload.kept.is_(False))
    return int(session.scalar(query) or 0)


def derived_size(instance: Path, content_hash: str) -> int:
    """Return the bytes of the waveform, the cover and the vectors of a content."""
    files = [*waveform_cache.files(instance, content_hash)]
    files += feature_cache.files(instance, content_hash)
    return sum(path.stat().st_size for path in files)


def sweep(instance: Instance) -> int:
    """Delete expired uploads and their files; return their number. Flushes.

    Also deletes folders without a row (of a deleted listener) that are older than an hour, with all
    data derived from their songs, and copies of songs in the library. Uploads that could not be
    kept expire like others.
    """
    _expire_failed(instance.session)
    count = 0
    expired = Upload.kept.is_(False), Upload.expires_at <= now()
    for upload in _each(instance.session, *expired, limit=AT_ONCE):
        delete(instance, upload)
        count += 1
    rows = instance.session.execute(select(Upload.public_id, Upload.kept))
    kept_by_id: dict[str, bool] = dict(rows.all())
    for path in folder(instance.folder).glob("*/"):
        wait = DELETED_SECONDS if path.name.endswith(DELETED) else LIFETIME.total_seconds()
        is_old = time.time() - path.stat().st_mtime > wait
        if kept_by_id.get(path.name) or (path.name not in kept_by_id and is_old):
            _delete_folder(instance, path)
    return count


def delete(instance: Instance, upload: Upload) -> None:
    """Delete an upload with its file, jobs and derived data; a kept song's track remains.

    A job that analyses it stops; its last writes are deleted by ``sweep``.
    """
    session = instance.session
    place = folder(instance.folder) / upload.public_id
    if jobs.remove_of_upload(session, upload.public_id):
        with contextlib.suppress(FileNotFoundError):
            place = place.rename(place.with_name(f"{place.name}{DELETED}"))
            os.utime(place)
    else:
        _delete_folder(instance, place)
    if not upload.kept:
        # An unfinished copy by a job.
        shutil.rmtree(library_folder(instance.folder) / upload.public_id, ignore_errors=True)
    digest = (upload.result or {}).get("hash")
    session.execute(sql_delete(Upload).where(Upload.id == upload.id))
    session.expire_all()
    if digest is not None:
        forget_derived(instance, digest)


def delete_of_listener(instance: Instance, listener: Listener) -> None:
    """Delete the uploads of a listener with all of their data; kept songs remain."""
    for upload in _each(instance.session, Upload.listener_id == listener.id):
        delete(instance, upload)


def forget_derived(instance: Instance, content_hash: str) -> None:
    """Delete the derived data of a content that no file and no upload has."""
    session = instance.session
    in_use = (
        select(AudioFile.id).where(AudioFile.content_hash == content_hash),
        select(Upload.id).where(Upload.result["hash"].as_string() == content_hash),
    )
    if all(session.scalar(query.limit(1)) is None for query in in_use):
        feature_cache.forget_unrecorded(instance, content_hash)
        for path in waveform_cache.files(instance.folder, content_hash):
            path.unlink(missing_ok=True)
        transcoded_cache.forget(instance.folder, content_hash)


def _expire_failed(session: Session) -> None:
    """Make uploads expire whose job failed to keep them."""
    ended = select(Job.id).where(Job.state.in_(jobs.ACTIVE))
    session.execute(
        update(Upload)
        .where(
            Upload.keep_state == "queued",
            Upload.kept.is_(False),
            Upload.job_id.is_(None) | Upload.job_id.not_in(ended),
        )
        .values(keep_state=None, expires_at=now() + LIFETIME)
        .execution_options(synchronize_session=False)
    )


def _delete_folder(instance: Instance, path: Path) -> None:
    """Delete the folder of an upload and the derived data of its song."""
    digests = []
    with contextlib.suppress(OSError):
        for file in path.iterdir():
            with file.open("rb") as content:
                digests.append(hashlib.file_digest(content, "sha256").hexdigest())
    shutil.rmtree(path, ignore_errors=True)
    for digest in digests:
        forget_derived(instance, digest)
