"""The pages of an artist and of an album."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.services.similarity import artist_pages
from songrec.store.catalogue import artists, tracks
from songrec.store.catalogue.artists import AlbumView, ArtistView
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import reactions
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.web import cached_counts, charts
from songrec.web.current_listener import current_listener, current_reactions, require_listener
from songrec.web.pages import blueprint
from songrec.web.pages.query import TrackForm, page_address
from songrec.web.song_lists import length_in_words

MAX_SONGS = 500
"""Songs of one artist that are placed, compared and liked at once."""
MAX_PLAYED = 100
ALBUMS_SHOWN = 60
SIMILAR_SHOWN = 8


@blueprint.get("/artists/<public_id>")
def artist(public_id: str) -> ResponseReturnValue:
    """Show an artist: songs, albums, place on the map, similar artists; a name leads there too."""
    row = _artist(public_id)
    if row.public_id != public_id:
        return redirect(url_for("pages.artist", public_id=row.public_id))
    ids = artists.track_ids(db.session, row.id, MAX_SONGS)
    instance = current_instance()
    space = artist_pages.space_or_none(instance)
    similar = (
        artist_pages.artists_like(instance, space, ids, row.id, SIMILAR_SHOWN, current_listener())
        if space
        else []
    )
    albums = artists.albums_of_artist(db.session, row.id, ALBUMS_SHOWN)
    first = artists.first_tracks(db.session, [one.id for one in albums])
    views = {view.id: view for view in tracks.tracks_by_id(db.session, list(first.values()))}
    return render_template(
        "pages/artist.html",
        artist=row,
        albums=albums,
        covers={album: views[track] for album, track in first.items()},
        similar=similar,
        like_address=url_for("pages.like_artist", public_id=row.public_id),
        undo_address=url_for("pages.undo_artist_likes", public_id=row.public_id),
        **_songs(ids, artist=row.id),
    )


@blueprint.get("/albums/<public_id>")
def album(public_id: str) -> str:
    """Show an album: its songs and their place on the map."""
    row = _album(public_id)
    ids = artists.album_track_ids(db.session, row.id, MAX_SONGS)
    return render_template(
        "pages/album.html",
        album=row,
        like_address=url_for("pages.like_album", public_id=row.public_id),
        undo_address=url_for("pages.undo_album_likes", public_id=row.public_id),
        **_songs(ids, album=row.id),
    )


@blueprint.post("/artists/<public_id>/likes")
def like_artist(public_id: str) -> ResponseReturnValue:
    """Like every song of an artist that has no reaction yet."""
    row = _artist(public_id)
    return _like_all(artists.track_ids(db.session, row.id, MAX_SONGS), "pages.artist", public_id)


@blueprint.post("/albums/<public_id>/likes")
def like_album(public_id: str) -> ResponseReturnValue:
    """Like every song of an album that has no reaction yet."""
    row = _album(public_id)
    ids = artists.album_track_ids(db.session, row.id, MAX_SONGS)
    return _like_all(ids, "pages.album", public_id)


@blueprint.post("/artists/<public_id>/likes/undo")
def undo_artist_likes(public_id: str) -> ResponseReturnValue:
    """Take back the likes that liking all songs of an artist added."""
    row = _artist(public_id)
    return _undo_likes(artists.track_ids(db.session, row.id, MAX_SONGS), "pages.artist", public_id)


@blueprint.post("/albums/<public_id>/likes/undo")
def undo_album_likes(public_id: str) -> ResponseReturnValue:
    """Take back the likes that liking all songs of an album added."""
    row = _album(public_id)
    ids = artists.album_track_ids(db.session, row.id, MAX_SONGS)
    return _undo_likes(ids, "pages.album", public_id)


def _artist(public_id: str) -> ArtistView:
    row = artists.find_artist(db.session, public_id)
    if row is None:
        abort(404, f"No artist “{public_id[:40]}” in the catalogue.")
    return row


def _album(public_id: str) -> AlbumView:
    row = artists.find_album(db.session, public_id)
    if row is None:
        abort(404, f"No album “{public_id[:40]}” in the catalogue.")
    return row


def _songs(ids: list[int], **narrowed: int) -> dict[str, Any]:
    """The songs of a page with their table, clusters, map and likes."""
    run = runs.published(db.session)
    listener = current_listener()
    form = TrackForm(request.args)
    form.query = form.query.narrowed(**narrowed)
    if "album" in narrowed and "sort" not in form.args:
        form.query = form.query.narrowed(first=tuple(ids))
    else:
        form.put_known_first(db.session, listener)
    reacted = reactions.values(db.session, listener, ids) if listener else {}
    space = artist_pages.space_or_none(current_instance())
    where = artist_pages.whereabouts(space, ids) if space is not None else None
    clusters = cached_counts.clusters(db.session, run)
    page = tracks.search(db.session, form.query, run)
    # The queue begins with the first displayed song.
    order = dict.fromkeys([*(track.id for track in page.tracks), *ids])
    audible = audio_files.for_tracks(db.session, ids)
    playable = tracks.public_ids(db.session, [i for i in order if i in audible][:MAX_PLAYED])
    return {
        "run": run,
        "form": form,
        "page": page,
        "first_number": (page.number - 1) * form.query.per_page + 1,
        "all_time": length_in_words(tracks.total_ms(db.session, ids)),
        "address": page_address,
        "clusters": clusters,
        "reactions": current_reactions(),
        "shares": [(clusters[n], share) for n, share in where.shares if n in clusters]
        if where
        else [],
        "spots": charts.spots_on_map(where.points, space) if where and space is not None else None,
        "playable": playable,
        "unrated": sum(track_id not in reacted for track_id in ids),
        "liked_now": request.args.get("liked", type=int),
        "since": request.args.get("since", ""),
    }


def _like_all(ids: list[int], endpoint: str, public_id: str) -> ResponseReturnValue:
    listener = require_listener()
    reacted = reactions.values(db.session, listener, ids)
    new = [track_id for track_id in ids if track_id not in reacted]
    since = reactions.like_all(db.session, listener, new)
    db.session.commit()
    place = url_for(endpoint, public_id=public_id, liked=len(new), since=since.isoformat())
    return redirect(place, 303)


def _undo_likes(ids: list[int], endpoint: str, public_id: str) -> ResponseReturnValue:
    try:
        since = datetime.fromisoformat(request.form.get("since", ""))
    except ValueError:
        raise BadInput("This cannot be undone any more: take the likes back one by one.") from None
    listener = current_listener()
    if listener is not None and since.tzinfo is not None:
        reactions.unlike_since(db.session, listener, ids, since)
        db.session.commit()
    return redirect(url_for(endpoint, public_id=public_id), 303)
