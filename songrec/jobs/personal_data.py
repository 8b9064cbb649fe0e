"""Deletion of a listener or an account with all of its data. The caller commits."""

from __future__ import annotations

from sqlalchemy import update

from songrec.jobs import files
from songrec.store import jobs
from songrec.store.catalogue import merging
from songrec.store.db import overwrite_deleted
from songrec.store.instance import Instance
from songrec.store.listeners import reactions, users
from songrec.store.servers import music_servers
from songrec.store.sound import uploads
from songrec.store.tables import Job, Listener, MusicServer, User


def delete_listener(instance: Instance, listener: Listener) -> None:
    """Delete a listener with reactions, plays, playlists, uploads and waiting imports.

    Kept songs remain in the library without a reference to the listener. The listener's running
    jobs stop; the worker deletes their last writes.
    """
    overwrite_deleted(instance.session)
    merging.forget_listener(instance.session, listener)
    for job in jobs.of_listener(instance.session, listener, "import", limit=None):
        if "path" in job.parameters:
            path = files.uploaded_file(instance.folder, job.parameters["path"])
            files.forget_upload(instance.folder, path)
    uploads.delete_of_listener(instance, listener)
    for server_id in music_servers.accounts_of(instance.session, listener):
        server = instance.session.get_one(MusicServer, server_id)
        jobs.remove_ended_of_server(instance.session, server.public_id)
    reactions.delete_listener(instance.session, listener)


def delete_account(instance: Instance, user: User) -> None:
    """Delete an account with its listener; ``BadInput`` for the last admin."""
    overwrite_deleted(instance.session)
    users.require_another_admin(instance.session, user)
    listener = users.listener_of(instance.session, user)
    if listener is not None:
        delete_listener(instance, listener)
    instance.session.execute(
        update(Job).where(Job.user_id == user.id).values(owner_key=None, user_id=None)
    )
    users.delete(instance.session, user)
