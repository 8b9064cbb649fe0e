"""Uploaded songs: deleted after an hour unless they are kept.

The caller commits.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.store import jobs
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache
from songrec.store.tables import Job, Listener, Upload

LIFETIME = timedelta(hours=1)
NAME_LENGTH = 300


def folder(instance: Path) -> Path:
    """Return the folder of uploads, each in a folder of its own."""
    return instance / "songs"


def library_folder(instance: Path) -> Path:
    """Return the folder of kept uploads, which belongs to the library."""
    return instance / "library"


def new_id() -> str:
    """Create a random id of 128 bits; knowing it grants access to an anonymous upload."""
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


def expired_uploads(session: Session) -> list[Upload]:
    """Return at most 500 expired uploads."""
    return list(
        session.scalars(
            select(Upload).where(Upload.kept.is_(False), Upload.expires_at <= now()).limit(500)
        )
    )


def waiting_bytes(session: Session) -> int:
    """Sum the sizes of uploads that are not kept."""
    query = select(func.sum(Upload.size)).where(Upload.kept.is_(False))
    return int(session.scalar(query) or 0)


def sweep(instance: Instance) -> int:
    """Delete expired uploads and their files; return how many. Flushes.

    Also deletes folders without a row (of a deleted listener) that are older than an hour, and the
    cached vectors of the songs in them.
    """
    expired = expired_uploads(instance.session)
    for upload in expired:
        delete(instance, upload)
    recorded = set(instance.session.scalars(select(Upload.public_id)))
    for path in folder(instance.folder).glob("*/"):
        old = time.time() - path.stat().st_mtime > LIFETIME.total_seconds()
        if path.name not in recorded and old:
            _delete_folder(instance, path)
    return len(expired)


def delete(instance: Instance, upload: Upload) -> None:
    """Delete an upload, its file and cached vectors; its track stays if it was kept."""
    _delete_folder(instance, folder(instance.folder) / upload.public_id)
    digest = (upload.result or {}).get("hash")
    if digest is not None:
        feature_cache.forget_unrecorded(instance, digest)
    instance.session.execute(sql_delete(Upload).where(Upload.id == upload.id))
    instance.session.expire_all()


def delete_of_listener(instance: Instance, listener: Listener) -> None:
    """Delete the uploads of a listener that were not kept.

    Jobs that analyse some of them are cancelled. What such a job leaves is deleted by ``sweep``.
    """
    session = instance.session
    rows = session.scalars(
        select(Upload).where(Upload.listener_id == listener.id, Upload.kept.is_(False))
    ).all()
    for upload in rows:
        if upload.result is not None:
            delete(instance, upload)
        elif upload.job_id is not None:
            jobs.request_cancel(session, upload.job_id)


def _delete_folder(instance: Instance, path: Path) -> None:
    """Delete the folder of an upload and the cached vectors of the song in it."""
    with contextlib.suppress(OSError):
        for file in path.iterdir():
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            feature_cache.forget_unrecorded(instance, digest)
    shutil.rmtree(path, ignore_errors=True)
