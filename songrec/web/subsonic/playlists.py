"""Playlists for apps: the listener's own, and read-only those of the catalogue and mixes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.store.catalogue import merge_redirects, tracks
from songrec.store.db import db
from songrec.store.listeners import mixes, playlists
from songrec.store.tables import Listener, Mix, Playlist
from songrec.web.subsonic import ids, parameters
from songrec.web.subsonic.answers import FORBIDDEN, SubsonicError, answer, not_found
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.browsing import requested_library
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.songs import children, date

OF_CATALOGUE = 200
"""Limit of listed playlists of the catalogue, by name."""


@endpoint("getPlaylists")
def all_playlists() -> ResponseReturnValue:
    """List the mixes, the listener's playlists and those of the catalogue."""
    who = caller()
    username = parameters.text("username")
    if username and username.lower() != who.user.name_key:
        raise SubsonicError(FORBIDDEN, "Only the owner of playlists can list them.")
    listener = who.listener
    listed: list[dict[str, Any]] = []
    if listener is not None:
        rows = mixes.mixes_of(db.session, listener)
        of_mix = mixes.track_ids_of(db.session, rows)
        listed += [
            _serialize_mix(mix, of_mix.get(mix.id, [])) for mix in rows if of_mix.get(mix.id)
        ]
    own = playlists.of_listener(db.session, listener) if listener is not None else []
    shared = playlists.of_catalogue(db.session, OF_CATALOGUE)
    rows_of = playlists.tracks_of_all(db.session, [one.playlist for one in (*own, *shared)])
    for one in (*own, *shared):
        playable = _playable(rows_of.get(one.playlist.id, []))
        # Playlists of the catalogue without playable songs are useless to apps.
        if playable or one.playlist.listener_id is not None:
            listed.append(_serialize(one.playlist, playable))
    return answer({"playlists": {"playlist": listed}})


@endpoint("getPlaylist")
def playlist() -> ResponseReturnValue:
    """Return a playlist or mix with its songs."""
    reference = ids.parse(parameters.require("id"))
    if reference.kind == ids.MIX:
        mix = mixes.find(db.session, reference.public_id, caller().listener)
        if mix is None:
            raise not_found("playlist")
        track_ids = [track_id for track_id, _ in mixes.tracks_of(db.session, mix)]
        return answer(
            {"playlist": {**_serialize_mix(mix, track_ids), "entry": children(track_ids)}}
        )
    found = playlists.find(db.session, reference.public_id, caller().listener)
    if found is None or reference.kind not in (ids.PLAYLIST, ids.SONG):
        raise not_found("playlist")
    return _answer_with_songs(found)


@endpoint("createPlaylist")
def create() -> ResponseReturnValue:
    """Create a playlist, or replace the songs of one."""
    listener = caller().require_listener()
    songs = _songs(parameters.texts("songId"))
    name = parameters.text("name").strip()
    if parameters.text("playlistId"):
        changed = _own(parameters.text("playlistId"), listener)
        playlists.replace(db.session, changed, songs)
        if name:
            playlists.rename(db.session, changed, name)
    elif name:
        changed = playlists.create(db.session, listener, name, track_ids=songs)
    else:
        raise parameters.missing("name")
    db.session.commit()
    return _answer_with_songs(changed)


@endpoint("updatePlaylist")
def update() -> ResponseReturnValue:
    """Change a playlist's name and comment, remove songs by index, then add songs."""
    changed = _own(parameters.require("playlistId"), caller().require_listener())
    name, comment = parameters.text("name").strip(), parameters.optional("comment")
    if name or comment is not None:
        playlists.rename(db.session, changed, name or changed.name, comment)
    places = [text for text in parameters.texts("songIndexToRemove") if text]
    if places:
        shown = _playable(playlists.tracks(db.session, changed))
        removed = set()
        for text in places:
            at = parameters.place(text, len(shown))
            if at is None:
                raise not_found("song at this place of the playlist")
            removed.add(shown[at])
        for track_id in removed:
            playlists.remove(db.session, changed, track_id)
    added = _songs(parameters.texts("songIdToAdd"))
    if added:
        playlists.add(db.session, changed, added)
    db.session.commit()
    return answer()


@endpoint("deletePlaylist")
def delete() -> ResponseReturnValue:
    """Delete a playlist; its songs remain."""
    playlists.delete(db.session, _own(parameters.require("id"), caller().require_listener()))
    db.session.commit()
    return answer()


def _own(text: str, listener: Listener) -> Playlist:
    """Return a playlist that the listener may change; error 50 for a read-only one."""
    reference = ids.parse(text)
    if reference.kind == ids.MIX and mixes.find(db.session, reference.public_id, listener):
        raise SubsonicError(FORBIDDEN, "Mixes are read-only: copy this one to change it.")
    found = playlists.find(db.session, reference.public_id, listener)
    if found is None or reference.kind not in (ids.PLAYLIST, ids.SONG):
        raise not_found("playlist")
    if found.listener_id != listener.id:
        raise SubsonicError(FORBIDDEN, "Playlists of the catalogue are read-only: copy it first.")
    return found


def _songs(texts: Sequence[str]) -> list[int]:
    """Return the tracks of song ids; error 70 for one that does not exist."""
    public_ids = list(dict.fromkeys(text for text in texts if text))
    if len(public_ids) > playlists.TRACK_LIMIT:
        raise BadInput(f"A playlist holds {playlists.TRACK_LIMIT:,} songs at most.")
    by_public_id = {
        view.public_id: view.id for view in tracks.tracks_by_public_id(db.session, public_ids)
    }
    missing = [text for text in public_ids if text not in by_public_id]
    by_public_id |= merge_redirects.survivors_by_public_id(db.session, missing) if missing else {}
    if any(text not in by_public_id for text in public_ids):
        raise not_found("song")
    return [by_public_id[text] for text in public_ids]


def _playable(track_ids: Sequence[int]) -> list[int]:
    return requested_library().playable(track_ids).tolist() if track_ids else []


def _answer_with_songs(playlist: Playlist) -> ResponseReturnValue:
    songs = children(playlists.tracks(db.session, playlist))
    described = _serialize(playlist, [], songs)
    return answer({"playlist": {**described, "entry": songs}})


def _serialize(
    playlist: Playlist, track_ids: Sequence[int], songs: Sequence[dict[str, Any]] | None = None
) -> dict[str, Any]:
    is_own = playlist.listener_id is not None
    id_ = ids.playlist_id(playlist.public_id)
    return {
        "id": id_,
        "name": playlist.name,
        "comment": playlist.description,
        "owner": caller().user.name if is_own else "",
        # Playlists are private; links for sharing are created on their pages.
        "public": not is_own,
        **_size(track_ids, songs),
        "created": date(playlist.created_at),
        "changed": date(playlist.changed_at or playlist.created_at),
        "coverArt": id_,
        "readonly": not is_own,
    }


def _serialize_mix(mix: Mix, track_ids: Sequence[int]) -> dict[str, Any]:
    id_ = ids.mix_id(mix.public_id)
    made_at = mix.made_at or mix.created_at
    fresh = mix.next_at if mix.next_at and mix.next_at > datetime.now(UTC) else None
    return {
        "id": id_,
        "name": mix.name,
        "comment": mix.comment,
        "owner": caller().user.name,
        "public": False,
        **_size(_playable(track_ids)),
        "created": date(mix.created_at),
        "changed": date(made_at),
        "coverArt": id_,
        "readonly": True,
        "validUntil": date(fresh),
    }


def _size(
    track_ids: Sequence[int], songs: Sequence[dict[str, Any]] | None = None
) -> dict[str, int]:
    """Return the number of songs and their length in seconds."""
    if songs is not None:
        seconds = sum(song["duration"] or 0 for song in songs)
        return {"songCount": len(songs), "duration": seconds}
    return {"songCount": len(track_ids), "duration": requested_library().seconds_of(track_ids)}
