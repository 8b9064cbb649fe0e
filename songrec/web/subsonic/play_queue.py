"""Play queues saved by one app for another, and bookmarks."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.listeners import play_queues
from songrec.store.tables import PlayQueue
from songrec.web.subsonic import parameters
from songrec.web.subsonic.answers import GENERIC, MISSING_PARAMETER, SubsonicError, answer
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.media import song_of
from songrec.web.subsonic.songs import children, children_by_id, date
from songrec.web.subsonic.system import EXTENSIONS

EXTENSIONS["indexBasedQueue"] = [1]


@endpoint("savePlayQueue")
def save() -> ResponseReturnValue:
    """Save the queue, with the current song by id."""
    queued = [text for text in parameters.texts("id") if text]
    current = 0
    if queued:
        current_id = parameters.require("current")
        if current_id not in queued:
            raise SubsonicError(GENERIC, "current must be one of the songs of the queue.")
        current = queued.index(current_id)
    return _save(queued, current)


@endpoint("savePlayQueueByIndex")
def save_by_index() -> ResponseReturnValue:
    """Save the queue, with the current song by index."""
    queued = [text for text in parameters.texts("id") if text]
    text = parameters.text("currentIndex").strip()
    if queued and not text:
        raise parameters.missing("currentIndex")
    current = parameters.place(text, len(queued))
    if text and current is None:
        raise SubsonicError(MISSING_PARAMETER, "currentIndex must be a place in the queue.")
    return _save(queued, current or 0)


def _save(queued: list[str], current: int) -> ResponseReturnValue:
    position = parameters.integer("position", 0) or 0
    # Clearing a queue that does not exist must not create a listener.
    listener = caller().require_listener() if queued else caller().listener
    if listener is not None:
        play_queues.save(
            db.session,
            listener,
            queued,
            current=current,
            position_ms=position,
            client=caller().client,
        )
        db.session.commit()
    return answer()


@endpoint("getPlayQueue")
def saved() -> ResponseReturnValue:
    """Return the saved queue, with the current song by id."""
    described, entries, current = _serialize(_saved_queue())
    current_id = entries[current]["id"] if current is not None else None
    return answer({"playQueue": {"current": current_id, **described, "entry": entries}})


@endpoint("getPlayQueueByIndex")
def saved_by_index() -> ResponseReturnValue:
    """Return the saved queue, with the current song by index."""
    described, entries, current = _serialize(_saved_queue())
    return answer({"playQueueByIndex": {"currentIndex": current, **described, "entry": entries}})


def _saved_queue() -> PlayQueue | None:
    listener = caller().listener
    return play_queues.of_listener(db.session, listener) if listener is not None else None


def _serialize(queue: PlayQueue | None) -> tuple[dict[str, Any], list[dict[str, Any]], int | None]:
    """Return the fields of a queue, its songs, and the index of the current one.

    Songs that no longer exist are left out; if that is the current one, the next one is current.
    Empty without a saved queue.
    """
    who = caller().user
    if queue is None:
        empty = {"position": 0, "username": who.name, "changed": date(who.created_at)}
        return {**empty, "changedBy": ""}, [], None
    views = tracks.tracks_by_public_id(db.session, queue.tracks)
    songs = {song["id"]: song for song in children([view.id for view in views])}
    present = [one in songs for one in queue.tracks]
    entries = [songs[one] for one in queue.tracks if one in songs]
    current = sum(present[: queue.current])
    is_there = queue.current < len(present) and present[queue.current]
    described = {
        "position": queue.position_ms if is_there else 0,
        "username": who.name,
        "changed": date(queue.changed_at),
        "changedBy": queue.changed_by,
    }
    return described, entries, min(current, len(entries) - 1) if entries else None


@endpoint("getBookmarks")
def bookmarks() -> ResponseReturnValue:
    """List the listener's bookmarks."""
    listener = caller().listener
    rows = play_queues.bookmarks(db.session, listener) if listener is not None else []
    songs = children_by_id([row.track_id for row in rows])
    listed = [
        {
            "position": row.position_ms,
            "username": caller().user.name,
            "comment": row.comment,
            "created": date(row.created_at),
            "changed": date(row.changed_at),
            "entry": {**songs[row.track_id], "bookmarkPosition": row.position_ms},
        }
        for row in rows
        if row.track_id in songs
    ]
    return answer({"bookmarks": {"bookmark": listed}})


@endpoint("createBookmark")
def create_bookmark() -> ResponseReturnValue:
    """Create a bookmark in a song."""
    view = song_of(parameters.require("id"))
    parameters.require("position")
    position = parameters.integer("position", 0) or 0
    play_queues.set_bookmark(
        db.session, caller().require_listener(), view.id, position, parameters.text("comment")
    )
    db.session.commit()
    return answer()


@endpoint("deleteBookmark")
def delete_bookmark() -> ResponseReturnValue:
    """Delete the bookmark in a song."""
    view = song_of(parameters.require("id"))
    listener = caller().listener
    if listener is not None:
        play_queues.delete_bookmark(db.session, listener, view.id)
        db.session.commit()
    return answer()
