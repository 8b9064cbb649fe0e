"""Status and start of scanning for new music."""

from __future__ import annotations

from pathlib import Path

from flask import current_app
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.jobs import queue
from songrec.services.features.feature_sets import MEASURING, default_sets
from songrec.services.library.own_folders import refuse_own_folder
from songrec.services.library.setup_progress import BRINGING_SONGS
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.sound import audio_files
from songrec.web.subsonic.answers import FORBIDDEN, GENERIC, SubsonicError, answer
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.endpoints import endpoint


@endpoint("getScanStatus")
def status() -> ResponseReturnValue:
    """Return whether folders are being scanned, and the number of playable songs."""
    is_scanning = any(job.kind in BRINGING_SONGS for job in jobs.active(db.session))
    count = audio_files.audible_count(db.session)
    return answer({"scanStatus": {"scanning": is_scanning, "count": count}})


@endpoint("startScan")
def start() -> ResponseReturnValue:
    """Queue the analysis of the library's folders; for admins."""
    if not caller().user.is_admin:
        raise SubsonicError(FORBIDDEN, "Only an admin starts a scan.")
    instance = current_app.config["INSTANCE"]
    features = sorted({*default_sets(instance), MEASURING})
    folders = [Path(root) for root, _ in audio_files.roots(db.session)]
    readable = [folder for folder in folders if folder.is_dir() and _is_outside(folder, instance)]
    if not readable:
        raise SubsonicError(
            GENERIC, "No folder to scan: an admin analyses one on the library page first."
        )
    for folder in readable:
        parameters = {"folder": str(folder), "features": features, "file": folder.name}
        queue.enqueue_once(db.session, "analyze", parameters, caller().user)
    db.session.commit()
    return status()


def _is_outside(folder: Path, instance: Path) -> bool:
    """Return whether a folder is a music folder rather than one of uploads."""
    try:
        refuse_own_folder(folder, instance)
    except BadInput:
        return False
    return True
