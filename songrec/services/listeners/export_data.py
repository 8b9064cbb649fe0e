"""Export of all data of a listener."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.services.listeners.list_formats import own_export
from songrec.store.bulk import chunks
from songrec.store.catalogue import tracks
from songrec.store.db import now
from songrec.store.listeners import (
    listenbrainz_accounts,
    listens,
    match_decisions,
    mixes,
    play_queues,
    playlists,
    reactions,
    recommendation_rules,
    skips,
    unmatched_imports,
)
from songrec.store.tables import (
    Album,
    AlbumOpinion,
    ApiToken,
    AppPassword,
    Artist,
    ArtistOpinion,
    Listener,
    Playlist,
    Reaction,
    Track,
    TrackRating,
    Upload,
    User,
    UserSession,
)


def export(session: Session, listener: Listener | None, user: User | None = None) -> dict[str, Any]:
    """Export all data of ``listener`` and of its account as JSON that ``import_likes`` reads.

    ``user`` is the account of somebody who has no listener yet. No secret is in it: tokens and
    sign-ins have names and dates.
    """
    if user is None and listener is not None and listener.user_id is not None:
        user = session.get(User, listener.user_id)
    content: dict[str, Any] = {
        "format": own_export.FORMAT,
        "version": 1,
        "exported_at": now().isoformat(timespec="seconds"),
        "likes": [],
        "dislikes": [],
        "skips": [],
        "rules": [],
        "plays": [],
        "playlists": [],
        "mixes": [],
        "apps": None,
        "waiting": [],
        "uploads": [],
        "account": None if user is None else _account(session, user),
        "listenbrainz": _listenbrainz(session, listener),
        "decisions": [],
    }
    if listener is None:
        return content
    lists = [
        (p.playlist, playlists.tracks(session, p.playlist))
        for p in playlists.of_listener(session, listener)
    ]
    return {
        **content,
        **_feedback(session, listener),
        "rules": [
            {"kind": rule.kind, "label": rule.label, **_moments(rule, "created_at")}
            for rule in recommendation_rules.of_listener(session, listener)
        ],
        "plays": _plays(session, listener),
        "playlists": _playlists(session, lists),
        "mixes": _mixes(session, listener),
        "apps": _apps(session, listener),
        "waiting": _unmatched(session, listener, [playlist.id for playlist, _ in lists]),
        "uploads": _uploads(session, listener),
        "decisions": _decisions(session, listener),
    }


def _feedback(session: Session, listener: Listener) -> dict[str, list[dict[str, Any]]]:
    """Return likes, dislikes and skips, newest first."""
    rows = session.scalars(
        select(Reaction)
        .where(Reaction.listener_id == listener.id)
        .order_by(Reaction.created_at.desc(), Reaction.track_id.desc())
        .execution_options(populate_existing=True)
    ).all()
    skipped = skips.of_listener(session, listener)
    names = _names(session, [row.track_id for row in (*rows, *skipped)])
    likes, dislikes = [], []
    for row in rows:
        exported = {**names[row.track_id], "since": row.created_at.isoformat()}
        if row.value == reactions.LIKE:
            likes.append({**exported, "weight": row.weight})
        else:
            dislikes.append(exported)
    return {
        "likes": likes,
        "dislikes": dislikes,
        "skips": [
            {**names[s.track_id], "times": s.times, "last": s.last_at.isoformat()} for s in skipped
        ],
    }


def _playlists(
    session: Session, lists: Sequence[tuple[Playlist, Sequence[int]]]
) -> list[dict[str, Any]]:
    names = _names(session, [track_id for _, ids in lists for track_id in ids])
    return [
        {
            "name": playlist.name,
            "description": playlist.description,
            "created_at": playlist.created_at.isoformat(),
            "tracks": [names[track_id] for track_id in ids],
        }
        for playlist, ids in lists
    ]


def _unmatched(
    session: Session, listener: Listener, playlist_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """Return the unmatched songs, each with the number of its playlist."""
    numbers = {playlist_id: number for number, playlist_id in enumerate(playlist_ids)}
    return [
        {
            **{name: getattr(one, name) for name in unmatched_imports.FIELDS},
            "ids": one.ids or [],
            "path": one.path,
            "playlist_number": numbers.get(one.playlist_id) if one.playlist_id else None,
        }
        for one in unmatched_imports.of_listener(session, listener)
    ]


def _decisions(session: Session, listener: Listener) -> list[dict[str, Any]]:
    rows = match_decisions.of_listener(session, listener)
    names = _names(session, [row.track_id for row in rows if row.track_id is not None])
    return [
        {
            "title": row.title,
            "artists": row.artists,
            "state": row.state,
            "track": names[row.track_id] if row.track_id is not None else None,
        }
        for row in rows
    ]


def _account(session: Session, user: User) -> dict[str, Any]:
    """Return the account with its tokens, app passwords and signed-in browsers."""
    tokens = session.scalars(
        select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.id)
    )
    browsers = session.scalars(
        select(UserSession).where(UserSession.user_id == user.id).order_by(UserSession.id)
    )
    apps = session.scalars(
        select(AppPassword).where(AppPassword.user_id == user.id).order_by(AppPassword.id)
    )
    return {
        "name": user.name,
        "admin": user.is_admin,
        "created_at": user.created_at.isoformat(),
        "tokens": [
            {
                "name": token.name,
                "scopes": token.scopes.split(),
                **_moments(token, "created_at", "last_used_at", "expires_at", "revoked_at"),
            }
            for token in tokens
        ],
        "apps": [
            {
                "device": row.device,
                "client": row.last_client,
                **_moments(row, "created_at", "last_used_at", "revoked_at"),
            }
            for row in apps
        ],
        "browsers": [
            {
                "device": browser.device,
                "address": browser.address,
                **_moments(browser, "created_at", "last_seen_at", "expires_at"),
            }
            for browser in browsers
        ],
    }


def _mixes(session: Session, listener: Listener) -> list[dict[str, Any]]:
    """Return the mixes with their settings, songs and reasons."""
    rows = mixes.mixes_of(session, listener)
    songs = {mix.id: mixes.tracks_of(session, mix) for mix in rows}
    names = _names(session, [track_id for some in songs.values() for track_id, _ in some])
    # Likes that a mix is about are among the likes, and internal ids lead nowhere.
    return [
        {
            "kind": mix.kind,
            "name": mix.name,
            "comment": mix.comment,
            "size": mix.size,
            "schedule": mix.schedule,
            "time_zone": mix.time_zone,
            "settings": {name: value for name, value in mix.settings.items() if name != "likes"},
            **_moments(mix, "created_at", "made_at", "next_at"),
            "tracks": [{**names[one], "reason": reason} for one, reason in songs[mix.id]],
        }
        for mix in rows
    ]


def _apps(session: Session, listener: Listener) -> dict[str, Any]:
    """Return data from apps: ratings, stars of albums and artists, play queue, bookmarks."""
    rated = session.execute(
        select(TrackRating.track_id, TrackRating.rating, TrackRating.rated_at)
        .where(TrackRating.listener_id == listener.id)
        .order_by(TrackRating.rated_at)
    ).all()
    marks = play_queues.bookmarks(session, listener)
    queue = play_queues.of_listener(session, listener)
    queued = tracks.tracks_by_public_id(session, queue.tracks) if queue is not None else []
    ids = [row.track_id for row in (*rated, *marks)] + [view.id for view in queued]
    names = _names(session, ids)
    of_targets = {
        "albums": (AlbumOpinion, Album, AlbumOpinion.album_id, Album.title),
        "artists": (ArtistOpinion, Artist, ArtistOpinion.artist_id, Artist.name),
    }
    stars = {
        kind: [
            {"name": label, "rating": row.rating, **_moments(row, "starred_at")}
            for row, label in session.execute(
                select(table, name)
                .join(target, target.id == target_id)
                .where(table.listener_id == listener.id)
                .order_by(name)
            )
        ]
        for kind, (table, target, target_id, name) in of_targets.items()
    }
    return {
        "ratings": [
            {**names[row.track_id], "rating": row.rating, **_moments(row, "rated_at")}
            for row in rated
        ],
        **stars,
        "queue": [names[view.id] for view in queued],
        "bookmarks": [
            {
                **names[row.track_id],
                "position_ms": row.position_ms,
                "comment": row.comment,
                **_moments(row, "changed_at"),
            }
            for row in marks
        ],
    }


def _uploads(session: Session, listener: Listener) -> list[dict[str, Any]]:
    """Return the uploads with the results of their analysis."""
    rows = session.scalars(
        select(Upload).where(Upload.listener_id == listener.id).order_by(Upload.id)
    ).all()
    ids = [row.track_id for row in rows if row.track_id is not None]
    names = _names(session, ids)
    names = ("title", "artists", "seconds", "attributes")
    return [
        {
            "id": row.public_id,
            "name": row.name,
            "bytes": row.size,
            **_moments(row, "created_at", "expires_at"),
            "kept": row.kept,
            "track": names.get(row.track_id) if row.track_id is not None else None,
            **{name: (row.result or {}).get(name) for name in names},
        }
        for row in rows
    ]


def _moments(row: Any, *names: str) -> dict[str, str | None]:
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if value else None for name, value in values.items()}


def _plays(session: Session, listener: Listener) -> list[dict[str, Any]]:
    public: dict[int, str] = {}
    rows = list(listens.of_listener(session, listener))
    for part in chunks(sorted({row.track_id for row in rows if row.track_id is not None})):
        query = select(Track.id, Track.public_id).where(Track.id.in_(part))
        public.update(session.execute(query).all())
    return [
        {
            "id": public.get(row.track_id) if row.track_id is not None else None,
            "external_id": row.external_id or None,
            "title": row.title,
            "artists": row.artists,
            "album": row.album or None,
            "played_at": row.played_at.isoformat() if row.played_at else None,
            "times": row.times,
            "total": row.key.startswith("all:"),
            "skipped": row.is_skip,
            "ms_played": row.ms_played,
            "source": row.source,
        }
        for row in rows
    ]


def _names(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    fields_by_id = {}
    for part in chunks(sorted(set(ids))):
        for view in tracks.tracks_by_id(session, part):
            fields_by_id[view.id] = {
                "id": view.public_id,
                "external_id": view.external_id,
                "title": view.title,
                "artists": view.artists,
                "album": view.album,
            }
    return fields_by_id


def _listenbrainz(session: Session, listener: Listener | None) -> dict[str, Any] | None:
    """Return the connection to ListenBrainz, without its token."""
    account = listenbrainz_accounts.of_listener(session, listener)
    if account is None:
        return None
    switches = ("reads_plays", "reads_feedback", "sends_plays", "sends_feedback")
    return {
        "server": account.url,
        "username": account.username,
        "connected_at": account.created_at.isoformat(timespec="seconds"),
        **{name: getattr(account, name) for name in switches},
    }
