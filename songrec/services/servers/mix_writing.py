"""Mixes as playlists on the music servers of a listener: one per mix and account, in place.

A playlist is identified by its row (``ServerPlaylist``), never by its name, and is only changed if
it still has the written name or one of the written songs: after a server is set up again, its ids
may refer to other things.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.services.servers import connection
from songrec.services.servers.client import (
    NOT_FOUND,
    RemotePlaylist,
    ServerClient,
    ServerRefusal,
)
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.listeners import mixes, reactions
from songrec.store.servers import server_tracks, written_playlists
from songrec.store.tables import Listener, Mix, MusicServer, ServerAccount, ServerPlaylist

MOST_REMOVALS = 10
"""Limit of removed songs between two writings that count as decisions about single songs."""


BEGUN = "begun"
"""Key in ``ServerPlaylist.sent`` of a writing that is not known to have ended."""


@dataclass
class MixReport:
    """Outcome of writing the mixes of one account.

    ``missing`` counts songs that the server does not have, ``removed`` those that the person
    removed and that count as *Not for me*. ``error`` is the reason for stopping.
    """

    server: str
    written: int = 0
    unchanged: int = 0
    deleted: int = 0
    missing: int = 0
    removed: int = 0
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the report for a job's result and for commands."""
        return asdict(self)


def write_mixes(instance: Instance, listener: Listener, at: datetime) -> list[MixReport]:
    """Write the mixes of ``listener`` to all accounts that receive them.

    **Commits** once a playlist exists on the server, and after each, so that none is made twice
    after an error or a crash. A server that does
    not respond, or is removed meanwhile, is reported, and the others are still written.
    """
    session = instance.session
    reports, connected = [], []
    for account in written_playlists.receiving(session, listener.id):
        server = session.get_one(MusicServer, account.server_id)
        reports.append(MixReport(server.name))
        connected.append(
            (connection.WhileConnected(session, server, account), server, account, reports[-1])
        )
    for while_connected, server, account, report in connected:
        try:
            with while_connected:
                _write_account(instance, listener, server, account, report, at)
        except connection.Removed as error:
            report.error = str(error)
    return reports


def _write_account(
    instance: Instance,
    listener: Listener,
    server: MusicServer,
    account: ServerAccount,
    report: MixReport,
    at: datetime,
) -> None:
    session = instance.session
    written_playlists.report(session, account, tried_at=at.isoformat())
    session.commit()
    try:
        with ServerClient.of_account(instance, account) as client:
            _Writer(session, client, server, account, listener, report, at).write()
    except NotReady as error:
        session.rollback()
        report.error = account.error = str(error)[:500]
    else:
        account.error = None
    written_playlists.report(session, account, **report.to_json(), at=at.isoformat())
    session.commit()


def undo_removal(session: Session, account: ServerAccount, public_id: str) -> None:
    """Undo that a song removed from a mix counts as *Not for me*."""
    removals = [one for one in _removals(account) if one["track"] != public_id]
    for track in tracks.tracks_by_public_id(session, [public_id]):
        listener = session.get_one(Listener, account.listener_id)
        if reactions.values(session, listener, [track.id]).get(track.id) == reactions.DISLIKE:
            reactions.react(session, listener, track.id, None)
    written_playlists.report(session, account, removals=removals)


def _removals(account: ServerAccount) -> list[dict[str, Any]]:
    removals = written_playlists.last_report(account).get("removals", [])
    return removals if isinstance(removals, list) else []


def _begun(row: ServerPlaylist) -> dict[str, Any]:
    """Return what an interrupted writing may have sent; empty after a complete one."""
    return row.sent if row.sent.get(BEGUN) else {}


@dataclass
class _Writer:
    """One writing of all mixes of one account."""

    session: Session
    client: ServerClient
    server: MusicServer
    account: ServerAccount
    listener: Listener
    report: MixReport
    at: datetime

    def write(self) -> None:
        """Write all active mixes, and delete the playlists of the others."""
        listed = {playlist.id: playlist for playlist in self.client.playlists()}
        rows = written_playlists.of_account(self.session, self.account)
        chosen = [
            mix for mix in mixes.mixes_of(self.session, self.listener) if mix.made_at is not None
        ]
        own = {row.mix_id: row for row in rows if row.mix_id is not None}
        for row in rows:
            if row.mix_id not in {mix.id for mix in chosen}:
                self._delete(row, listed.get(row.remote_id))
        for mix in chosen:
            row = own.get(mix.id)
            current = self._current(row, listed) if row is not None else None
            if row is not None and current is None:
                self._forget(row)  # deleted there, or no longer ours: it is written again
                row = None
            if row is not None and current is not None:
                self._learn(mix, row, current)
            self.session.commit()  # nothing stays locked while the server answers
            self._write(mix, row, current)
            self.session.commit()

    def _current(
        self, row: ServerPlaylist, listed: dict[str, RemotePlaylist]
    ) -> RemotePlaylist | None:
        """Return the present playlist on the server, if it exists and is still songrec's."""
        summary = listed.get(row.remote_id)
        if summary is None or summary.is_read_only:
            return None
        owner = summary.owner.casefold()
        if owner and self.account.username and owner != self.account.username.casefold():
            return None
        try:
            whole = self.client.playlist(row.remote_id)
        except ServerRefusal as error:
            if error.code != NOT_FOUND:
                raise
            return None
        begun = _begun(row)
        songs = {*row.written, *begun.get("songs", ())}
        is_ours = whole.name in (row.name, begun.get("name")) or not songs.isdisjoint(
            song.id for song in whole.songs
        )
        return whole if is_ours else None

    def _learn(self, mix: Mix, row: ServerPlaylist, current: RemotePlaylist) -> None:
        """Dislike the songs that the person removed, if that is switched on."""
        present = {song.id for song in current.songs}
        gone = [one for one in row.written if one not in present]
        if not self.account.learns_removals or not present or len(gone) > MOST_REMOVALS:
            return
        track_of = server_tracks.tracks_of_remote(self.session, self.server, gone)
        ids = list(track_of.values())
        rated = reactions.values(self.session, self.listener, ids)
        removed = [
            track_of[one]
            for one in gone
            if one in track_of and track_of[one] not in rated and self._is_there(one)
        ]
        for track_id in removed:
            reactions.react(self.session, self.listener, track_id, reactions.DISLIKE)
        if removed:
            new = [
                {"track": view.public_id, "mix": mix.name, "at": self.at.isoformat()}
                for view in tracks.tracks_by_id(self.session, removed)
            ]
            removals = [*new, *_removals(self.account)][: written_playlists.MAX_REMOVALS]
            written_playlists.report(self.session, self.account, removals=removals)
        self.report.removed += len(removed)
        # A removal must not count again after its undo.
        row.written = [one for one in row.written if one in present]

    def _is_there(self, song_id: str) -> bool:
        """Return whether the server still has a song; it drops songs of deleted files itself."""
        try:
            self.client.call("getSong", id=song_id)
        except ServerRefusal as error:
            if error.code != NOT_FOUND:
                raise
            return False
        return True

    def _write(self, mix: Mix, row: ServerPlaylist | None, current: RemotePlaylist | None) -> None:
        """Write a mix: create its playlist, or replace it in place after a change."""
        track_ids = [track_id for track_id, _ in mixes.tracks_of(self.session, mix)]
        disliked = {
            track_id
            for track_id, value in reactions.values(self.session, self.listener, track_ids).items()
            if value == reactions.DISLIKE
        }
        track_ids = [track_id for track_id in track_ids if track_id not in disliked]
        remote = server_tracks.remote_of_tracks(self.session, self.server, track_ids)
        remote_ids = [remote[track_id] for track_id in track_ids if track_id in remote]
        self.report.missing += len(track_ids) - len(remote_ids)
        sent = {"name": mix.name, "comment": mix.comment, "songs": remote_ids}
        if row is not None and current is not None:
            # Compare with the sent values, because servers shorten names and drop comments.
            if not remote_ids or row.sent == sent:
                row.synced_at = self.at
                self.report.unchanged += 1
                return
            # A name that was changed on the server is kept.
            is_renamed = current.name not in (row.name, _begun(row).get("name"))
            # Should the writing be interrupted, songs that songrec replaced are not removals.
            row.written = [one for one in row.written if one in set(remote_ids)]
            row.sent = {**sent, BEGUN: True}
            self.session.commit()
            self.client.write_playlist(
                current.name if is_renamed else mix.name,
                remote_ids,
                comment=mix.comment,
                playlist_id=row.remote_id,
            )
            self._record(row, sent, is_renamed=is_renamed)
            return
        if not remote_ids:
            return
        row = ServerPlaylist(
            account_id=self.account.id,
            mix_id=mix.id,
            is_own=True,
            name=mix.name,
            written=[],
            sent={**sent, BEGUN: True},
        )

        def store(remote_id: str) -> None:
            row.remote_id = remote_id
            self.session.add(row)
            self.session.commit()

        self.client.write_playlist(mix.name, remote_ids, comment=mix.comment, on_created=store)
        self._record(row, sent)

    def _record(
        self, row: ServerPlaylist, sent: dict[str, Any], *, is_renamed: bool = False
    ) -> None:
        """Store the sent values, and the server's resulting ones."""
        after = self.client.playlist(row.remote_id)
        row.sent, row.changed, row.synced_at = sent, after.changed, self.at
        row.written = [song.id for song in after.songs]
        if not is_renamed:
            row.name = after.name
        self.report.written += 1

    def _delete(self, row: ServerPlaylist, listed: RemotePlaylist | None) -> None:
        """Delete the playlist of an inactive mix, if it is still songrec's."""
        if listed is not None and self._current(row, {listed.id: listed}) is not None:
            self.client.delete_playlist(row.remote_id)
            self.report.deleted += 1
        self._forget(row)
        self.session.commit()

    def _forget(self, row: ServerPlaylist) -> None:
        self.session.execute(delete(ServerPlaylist).where(ServerPlaylist.id == row.id))
        self.session.flush()
