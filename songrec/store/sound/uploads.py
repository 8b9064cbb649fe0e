"""Songs that somebody dropped on the upload page: kept for an hour, or for good when asked.

The caller commits.
"""

from __future__ import annotations

import secrets
import shutil
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache
from songrec.store.tables import Job, Listener, Upload

LIFETIME = timedelta(hours=1)
NAME_LENGTH = 300


def folder(instance: Path) -> Path:
    """Where uploaded songs lie, each in a folder of its own, until they are kept or gone."""
    return instance / "songs"


def kept_folder(instance: Path) -> Path:
    """Where the songs lie that were kept: a part of the library like any other folder."""
    return instance / "library"


def new_id() -> str:
    """128 random bits: without a listener, knowing them is what opens an upload."""
    return secrets.token_hex(16)


def create(
    session: Session, public_id: str, listener: Listener | None, name: str, path: Path
) -> Upload:
    """A new upload of ``listener``, or of nobody in particular, that vanishes in an hour."""
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


def waiting_bytes(session: Session) -> int:
    """How much room the uploads take that nobody has kept."""
    query = select(func.sum(Upload.size)).where(Upload.kept.is_(False))
    return int(session.scalar(query) or 0)


def sweep(instance: Instance) -> int:
    """Forget the uploads whose hour is over, with their files; how many went. Flushes.

    Files that no row speaks of any more (their account was deleted) go as well.
    """
    gone = over(instance.session)
    for upload in gone:
        delete(instance, upload)
    registered = set(instance.session.scalars(select(Upload.public_id)))
    for place in folder(instance.folder).glob("*/"):
        old = time.time() - place.stat().st_mtime > LIFETIME.total_seconds()
        if place.name not in registered and old:
            shutil.rmtree(place, ignore_errors=True)
    return len(gone)


def delete(instance: Instance, upload: Upload) -> None:
    """Forget an upload and remove its file; a track that it was kept as stays."""
    shutil.rmtree(folder(instance.folder) / upload.public_id, ignore_errors=True)
    digest = (upload.result or {}).get("hash")
    if digest is not None:
        feature_cache.forget_unrecorded(instance, digest)
    instance.session.execute(sql_delete(Upload).where(Upload.id == upload.id))
    instance.session.expire_all()
