"""Songs that somebody dropped on the upload page: kept for an hour, or for good when asked.

The caller commits, and removes the files of the rows it deletes.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete as sql_delete
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store.db import now
from songrec.store.tables import Job, Listener, Upload

LIFETIME = timedelta(hours=1)
NAME_LENGTH = 300


def folder(instance: Path) -> Path:
    """Where uploaded songs lie until they are kept or gone."""
    return instance / "uploads" / "songs"


def create(session: Session, listener: Listener | None, name: str, path: Path, size: int) -> Upload:
    """A new upload of ``listener``, or of nobody in particular, that vanishes in an hour.

    The public id is 128 random bits: without a listener, knowing it is what opens the upload.
    """
    upload = Upload(
        public_id=secrets.token_hex(16),
        listener_id=listener.id if listener is not None else None,
        name=name[:NAME_LENGTH],
        path=str(path),
        size=size,
        expires_at=now() + LIFETIME,
    )
    session.add(upload)
    session.flush()
    return upload


def find(session: Session, public_id: str) -> Upload | None:
    """The upload with this id, unless its time is over."""
    upload = session.scalar(select(Upload).where(Upload.public_id == public_id))
    return upload if upload is not None and not is_over(upload) else None


def of_job(session: Session, job: Job) -> Upload | None:
    """The upload that a job is about, or None for other work."""
    return session.scalar(select(Upload).where(Upload.job_id == job.id))


def may_see(upload: Upload, listener: Listener | None) -> bool:
    """Whether ``listener``, who knows the upload's id, may see it: its uploader, nobody else."""
    if upload.listener_id is None:
        return True
    return listener is not None and upload.listener_id == listener.id


def of_listener(session: Session, listener: Listener, limit: int = 20) -> list[Upload]:
    """The uploads of ``listener`` that are not gone, the newest first."""
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


def is_over(upload: Upload) -> bool:
    """Whether the upload's hour is over and nobody kept it."""
    return not upload.kept and upload.expires_at is not None and upload.expires_at <= now()


def over(session: Session) -> list[Upload]:
    """Uploads whose hour is over and that nobody kept."""
    return list(
        session.scalars(
            select(Upload).where(Upload.kept.is_(False), Upload.expires_at <= now()).limit(500)
        )
    )


def delete(session: Session, upload: Upload) -> None:
    """Forget an upload."""
    session.execute(sql_delete(Upload).where(Upload.id == upload.id))
    session.expire_all()
