"""Exchange with an account on a music server: stars, ratings, plays and playlists.

Changes on either side since the last exchange (``ServerOpinion``) are applied to the other side. If
both changed, the newest wins, which is reported. The first exchange removes nothing on either side.
Everything is read before anything is written, and stars and ratings are sent last, so that a
failure of the server in between has no effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Progress, no_progress
from songrec.services.servers import connection
from songrec.services.servers.client import (
    RemotePlaylist,
    RemoteSong,
    ServerClient,
    ServerRefusal,
)
from songrec.services.servers.pages import read_pages, songs_of_album
from songrec.services.servers.sending import NOT_FOR_ME, send_ratings, send_stars
from songrec.store.bulk import chunks
from songrec.store.db import insert, now, write_with_retries
from songrec.store.instance import Instance
from songrec.store.listeners import listens, playlists, reactions
from songrec.store.servers import music_servers, server_tracks
from songrec.store.tables import (
    Listener,
    MusicServer,
    Playlist,
    Reaction,
    ServerAccount,
    ServerOpinion,
    ServerPlaylist,
    ServerTrack,
    Track,
    TrackRating,
)

FULL_EVERY = timedelta(days=1)
"""Interval of reading plays and ratings of all songs; in between only recent albums are read."""
RECENT_ALBUMS, MOST_RECENT = 50, 200
"""Recently played albums per page, and limit of albums read between two full readings."""
FEW_STARS = 10
"""Number of stars that may vanish at once; beyond it, if most vanish, likes are kept."""
NOTES = 20
"""Limit of notes in a report."""


@dataclass
class SyncReport:
    """Changes by an exchange, in numbers of songs, plays and playlists.

    ``likes`` were added and ``unliked`` removed here, ``not_for_me`` are dislikes from ratings;
    ``sent`` and ``withdrawn`` are stars added and removed on the server, ``dislikes_sent`` and
    ``dislikes_withdrawn`` ratings of one star. ``unknown`` songs are not in the library yet.
    ``notes`` are sentences on conflicts and skipped changes.
    """

    server: str
    username: str
    likes: int = 0
    unliked: int = 0
    not_for_me: int = 0
    plays: int = 0
    playlists: int = 0
    sent: int = 0
    withdrawn: int = 0
    dislikes_sent: int = 0
    dislikes_withdrawn: int = 0
    conflicts: int = 0
    unknown: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Add a sentence, up to ``NOTES``."""
        if sentence not in self.notes and len(self.notes) < NOTES:
            self.notes.append(sentence)

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``flask servers sync --json``, the job's row and the account."""
        return {**asdict(self), "text": self.text}

    @property
    def text(self) -> str:
        """The report as a sentence."""
        parts = [
            f"{number:,} {words if number == 1 else f'{words}s'}"
            for number, words in (
                (self.likes, "new like"),
                (self.plays, "play"),
                (self.playlists, "changed playlist"),
                (self.sent, "star"),
            )
            if number
        ]
        parts[-1:] = [f"{parts[-1]} sent"] if self.sent else parts[-1:]
        parts += [f"{self.not_for_me:,} not for you"] if self.not_for_me else []
        parts += [f"{self.unliked:,} no longer liked"] if self.unliked else []
        parts += [f"{self.withdrawn:,} stars taken away there"] if self.withdrawn else []
        for number, words in (
            (self.dislikes_sent, "sent"),
            (self.dislikes_withdrawn, "taken back there"),
        ):
            plural = "" if number == 1 else "s"
            parts += [f"{number:,} dislike{plural} {words}"] if number else []
        return ", ".join(parts) or "nothing new"


@dataclass
class _ServerState:
    """A server's data about an account's songs, by the server's ids.

    ``songs`` are those with plays or a rating, or that had a rating at the last exchange;
    ``is_full``: whether all songs were read. ``unread`` are the names of playlists that the server
    lists but does not send.
    """

    stars: dict[str, datetime]
    songs: dict[str, RemoteSong]
    is_full: bool
    playlists: list[RemotePlaylist]
    listed: set[str]
    unread: list[str]


def sync_server(
    instance: Instance, server: MusicServer, on_progress: Progress = no_progress
) -> list[dict[str, Any]]:
    """Exchange data with all accounts on a server; return a report or an error for each.

    **Commits** for each account. The one whose last exchange is longest ago is first, so that each
    has a turn where time ends before all are done. A refused account stores its error and does not
    affect the others, nor does one that is disconnected meanwhile; ``NotReady`` if all failed.
    """
    results: list[dict[str, Any]] = []
    session = instance.session
    in_turn = sorted(
        music_servers.accounts(session, server),
        key=lambda account: (account.synced_at is not None, account.synced_at, account.id),
    )
    accounts = [
        (connection.WhileConnected(session, server, account), account.id, account.username)
        for account in in_turn
    ]
    for number, (while_connected, account_id, username) in enumerate(accounts):
        on_progress(number / len(accounts), f"Exchanging with {username}.")
        try:
            with while_connected:
                account = session.get_one(ServerAccount, account_id)
                results.append(sync_account(instance, account).to_json())
        except NotReady as error:
            results.append({"username": username, "error": str(error)})
    if results and all("error" in result for result in results):
        raise NotReady(results[-1]["error"])
    return results


def sync_account(instance: Instance, account: ServerAccount) -> SyncReport:
    """Exchange data with one account. **Commits.**

    ``NotReady`` without a response; the error is stored with the account. ``Removed`` if account or
    server were removed meanwhile.
    """
    server = instance.session.get_one(MusicServer, account.server_id)
    with connection.WhileConnected(instance.session, server, account):
        return _sync_account(instance, account)


def _sync_account(instance: Instance, account: ServerAccount) -> SyncReport:
    session = instance.session
    account_id = account.id
    try:
        with ServerClient.of_account(instance, account) as client:
            state = _read(session, client, account)
            session.commit()
            exchange = write_with_retries(
                session, lambda: _Exchange(session, account_id, state).run()
            )
            exchange.send(client)
    except NotReady as error:
        session.rollback()
        account = session.get_one(ServerAccount, account_id)
        account.error = str(error)[:500]
        session.commit()
        raise
    account = session.get_one(ServerAccount, account_id)
    account.error, account.synced_at = None, exchange.moment
    report = exchange.report
    full_at = exchange.moment.isoformat() if state.is_full else account.sync.get("full_at")
    account.sync = {**account.sync, "report": report.to_json(), "full_at": full_at}
    session.commit()
    return report


def _read(session: Session, client: ServerClient, account: ServerAccount) -> _ServerState:
    """Read all data for the exchange from the server."""
    full_at, since = (account.sync or {}).get("full_at"), account.synced_at
    rated = set(
        session.scalars(
            select(ServerTrack.remote_id)
            .join(ServerOpinion, ServerOpinion.server_track_id == ServerTrack.id)
            .where(ServerOpinion.account_id == account.id, ServerOpinion.rating.is_not(None))
        )
    )
    session.commit()  # no transaction stays open while the server answers, for an hour at times
    client.info()
    starred = client.starred()
    stars = {song.id: song.starred_at or now() for song in starred}
    is_full = full_at is None or now() - datetime.fromisoformat(full_at) >= FULL_EVERY
    songs: dict[str, RemoteSong] = {}
    for page in _all_songs(client) if is_full else _recent_songs(client, since):
        songs |= {song.id: song for song in page if _says_something(song, rated)}
    songs |= {song.id: song for song in starred if _says_something(song, rated)}
    for id_ in [id_ for id_ in songs if id_ in rated and songs[id_].rating is None]:
        # Some servers leave ratings out of lists.
        try:
            songs[id_] = client.song(id_)
        except ServerRefusal:
            del songs[id_]
    listed = [one for one in client.playlists() if _is_of(one, account)]
    links = _links(session, account)
    ids = [one.id for one in listed if one.id not in links or _may_differ(links[one.id], one)]
    ids.sort(key=lambda id_: id_ not in links)
    session.commit()
    changed: list[RemotePlaylist] = []
    unread: list[str] = []
    names = {one.id: one.name for one in listed}
    for id_ in ids[: playlists.PLAYLIST_LIMIT]:
        try:
            changed.append(client.playlist(id_))
        except ServerRefusal as error:
            if error.is_sign_in:
                raise
            unread.append(names[id_])
    return _ServerState(stars, songs, is_full, changed, set(names), unread)


def _says_something(song: RemoteSong, rated: set[str]) -> bool:
    return bool(song.play_count or song.rating or song.id in rated)


def _all_songs(client: ServerClient) -> Iterable[list[RemoteSong]]:
    return (page.songs for page in read_pages(client))


def _recent_songs(client: ServerClient, since: datetime | None) -> Iterable[list[RemoteSong]]:
    """Yield the songs of the albums that were played since the last exchange."""
    for offset in range(0, MOST_RECENT, RECENT_ALBUMS):
        albums = client.recent_albums(offset, RECENT_ALBUMS)
        for album_id, played_at in albums:
            if since is not None and played_at is not None and played_at < since:
                return
            yield songs_of_album(client, album_id)
        if len(albums) < RECENT_ALBUMS:
            return


def _is_of(playlist: RemotePlaylist, account: ServerAccount) -> bool:
    """Return whether a playlist is the account's own rather than a shared one."""
    owner = playlist.owner.casefold()
    return not owner or not account.username or owner == account.username.casefold()


def _links(session: Session, account: ServerAccount) -> dict[str, ServerPlaylist]:
    query = select(ServerPlaylist).where(ServerPlaylist.account_id == account.id)
    return {link.remote_id: link for link in session.scalars(query)}


def _is_written(link: ServerPlaylist) -> bool:
    """Return whether songrec writes this playlist: a mix, not the person's list."""
    return link.is_own or link.mix_id is not None


def _may_differ(link: ServerPlaylist, playlist: RemotePlaylist) -> bool:
    if _is_written(link) or link.playlist_id is None:
        return False
    return not playlist.changed or playlist.changed != link.changed


class _Exchange:
    """Writer of one exchange: reactions, plays, playlists and opinions.

    Afterwards ``to_star`` and ``to_unstar`` hold the rows of songs whose stars must be sent, and
    ``to_rate`` those that are disliked (True) or no longer disliked here.
    """

    def __init__(self, session: Session, account_id: int, state: _ServerState) -> None:
        self._session = session
        self._account_id = account_id
        self._state = state
        self.account = session.get_one(ServerAccount, account_id)
        self._server = session.get_one(MusicServer, self.account.server_id)
        self._listener = session.get_one(Listener, self.account.listener_id)
        self._since = self.account.synced_at
        self.moment = now()
        self.report = SyncReport(self._server.name, self.account.username)
        self.to_star: dict[int, str] = {}
        self.to_unstar: dict[int, str] = {}
        self.to_rate: dict[int, tuple[str, bool]] = {}
        query = select(ServerOpinion).where(ServerOpinion.account_id == account_id)
        self._opinions = {one.server_track_id: one for one in session.scalars(query)}
        self._rows: dict[int, Any] = {}
        self._by_remote: dict[str, Any] = {}
        self._rows_of: dict[int, list[Any]] = {}
        self._load_rows()
        reacted = session.scalars(
            select(Reaction)
            .where(Reaction.listener_id == self._listener.id)
            .execution_options(populate_existing=True)
        )
        self._reactions = {one.track_id: (one.value, one.created_at) for one in reacted}

    @property
    def is_first(self) -> bool:
        """Whether this is the first exchange."""
        return self._since is None

    def run(self) -> _Exchange:
        """Apply the changes."""
        self._stars()
        self._ratings()
        if self.account.sends_likes:
            self._dislikes_to_send()
        self._plays()
        self._playlists()
        self._session.flush()
        return self

    def send(self, client: ServerClient) -> None:
        """Send the stars and ratings that are due. **Commits.**

        What the server did not take is sent again next time.
        """
        report, session, account_id = self.report, self._session, self._account_id
        report.sent, report.withdrawn = send_stars(
            session, client, account_id, self.to_star, self.to_unstar
        )
        refused = len(self.to_star) - report.sent
        if refused:
            report.note(
                f"{refused:,} stars were not taken by {report.server}; they are sent again."
            )
        report.dislikes_sent, report.dislikes_withdrawn, is_complete = send_ratings(
            session, client, account_id, self.to_rate
        )
        if not is_complete:
            report.note(f"{report.server} did not take every dislike; the rest is sent again.")

    def _load_rows(self) -> None:
        """Load the songs in the server's data, those with an opinion or a reaction."""
        table = ServerTrack.__table__
        columns = (table.c.id, table.c.remote_id, table.c.track_id, table.c.gone_at)
        of_server = table.c.server_id == self._server.id
        reacted = select(Reaction.track_id).where(Reaction.listener_id == self._listener.id)
        conditions = [table.c.track_id.in_(reacted)]
        conditions += [table.c.id.in_(part) for part in chunks(list(self._opinions))]
        named = list({*self._state.stars, *self._state.songs})
        conditions += [table.c.remote_id.in_(part) for part in chunks(named)]
        for condition in conditions:
            for row in self._session.execute(select(*columns).where(of_server, condition)):
                self._rows[row.id] = row
                self._by_remote[row.remote_id] = row
        for row in self._rows.values():
            if row.track_id is not None:
                self._rows_of.setdefault(row.track_id, []).append(row)

    def _opinion(self, row_id: int) -> ServerOpinion:
        opinion = self._opinions.get(row_id)
        if opinion is None:
            opinion = ServerOpinion(
                account_id=self.account.id, server_track_id=row_id, play_count=0
            )
            self._session.add(opinion)
            self._opinions[row_id] = opinion
        return opinion

    def _react(self, track_id: int, value: int | None, at: datetime | None = None) -> None:
        at = min(at or self.moment, self.moment)  # never newer than this exchange
        reactions.react(self._session, self._listener, track_id, value, at=at)
        if value is None:
            self._reactions.pop(track_id, None)
        else:
            self._reactions[track_id] = (value, at)

    def _is_newer(self, at: datetime | None) -> bool:
        """Return whether something here is newer than the last exchange."""
        return self._since is not None and at is not None and at > self._since

    def _conflict(self, track_id: int, outcome: str) -> None:
        self.report.conflicts += 1
        title = self._session.scalar(select(Track.title).where(Track.id == track_id))
        self.report.note(f"“{title}” changed in both places: {outcome}.")

    def _stars(self) -> None:
        stars = self._state.stars
        unknown = [id_ for id_ in stars if id_ not in self._by_remote]
        self.report.unknown = len(unknown)
        # Several songs there may be one track here: a star on any of them counts.
        starred: dict[int, datetime] = {}
        rows_of = self._rows_of
        before: set[int] = set()
        for row in self._rows.values():
            if row.track_id is None:
                continue
            if row.remote_id in stars:
                at = stars[row.remote_id]
                starred[row.track_id] = max(at, starred.get(row.track_id, at))
            opinion = self._opinions.get(row.id)
            if opinion is not None and opinion.starred_at is not None:
                before.add(row.track_id)
        vanished = {
            track_id
            for track_id in before - starred.keys()
            if all(row.gone_at is None for row in rows_of[track_id])
        }
        keeps = bool(unknown) or (len(vanished) > FEW_STARS and len(vanished) * 2 > len(before))
        if vanished and keeps:
            self.report.note(
                f"{len(vanished):,} stars are missing on {self._server.name} at once: your likes "
                "stay."
            )
        for track_id, at in starred.items():
            self._is_starred(track_id, at, rows_of[track_id], was_starred=track_id in before)
        for track_id in vanished:
            if not keeps:
                self._is_unstarred(track_id, rows_of[track_id])
        if self.account.sends_likes:
            for track_id, (value, _) in self._reactions.items():
                rows = [row for row in rows_of.get(track_id, ()) if row.gone_at is None]
                if value == reactions.LIKE and track_id not in starred and rows:
                    opinion = self._opinions.get(rows[0].id)
                    # A star that was taken away there is not given again for an old like.
                    was_there = opinion is not None and opinion.starred_at is not None
                    if track_id not in vanished and not was_there:
                        self.to_star[rows[0].id] = rows[0].remote_id
        for row in self._rows.values():
            if row.remote_id in stars:
                self._opinion(row.id).starred_at = stars[row.remote_id]
            elif row.id in self._opinions and not (keeps and row.track_id in vanished):
                self._opinions[row.id].starred_at = None

    def _is_starred(
        self, track_id: int, at: datetime, rows: Sequence[Any], *, was_starred: bool
    ) -> None:
        value, since = self._reactions.get(track_id, (None, None))
        if value == reactions.LIKE:
            return
        if was_starred:
            # The like was taken back here since: the star follows where likes are sent.
            if self.account.sends_likes and not self.is_first:
                self.to_unstar |= {
                    row.id: row.remote_id for row in rows if row.remote_id in self._state.stars
                }
            return
        if value == reactions.DISLIKE and since is not None:
            if since >= at:
                self._conflict(track_id, "it stays not for you, which is newer")
                return
            self._conflict(track_id, "the star is newer, so you like it")
        self._react(track_id, reactions.LIKE, at)
        self.report.likes += 1

    def _is_unstarred(self, track_id: int, rows: Sequence[Any]) -> None:
        value, at = self._reactions.get(track_id, (None, None))
        if value != reactions.LIKE or at is None:
            return
        if self._is_newer(at):
            self._conflict(track_id, "your like is newer, so it stays")
            if self.account.sends_likes:
                self.to_star[rows[0].id] = rows[0].remote_id
            return
        self._react(track_id, None)
        self.report.unliked += 1

    def _ratings(self) -> None:
        """Keep ratings; one star is *not for me* until the rating changes."""
        keeps = self._are_ratings_lost()
        for remote_id, song in self._state.songs.items():
            row = self._by_remote.get(remote_id)
            if row is None or row.track_id is None:
                continue
            opinion = self._opinions.get(row.id)
            before = opinion.rating if opinion is not None else None
            if song.rating == before or (keeps and song.rating is None):
                continue
            value, at = self._reactions.get(row.track_id, (None, None))
            makes = False
            if song.rating == NOT_FOR_ME and remote_id not in self._state.stars:
                if (
                    value == reactions.LIKE
                    and at is not None
                    and (self.is_first or self._is_newer(at))
                ):
                    self._conflict(row.track_id, "your like is newer than the rating of one star")
                elif value != reactions.DISLIKE:
                    self._react(row.track_id, reactions.DISLIKE)
                    self.report.not_for_me += 1
                    makes = True
            elif before == NOT_FOR_ME and value == reactions.DISLIKE:
                if self._is_newer(at):
                    self._conflict(row.track_id, "it stays not for you, which is newer")
                else:
                    self._react(row.track_id, None)
            opinion = self._opinion(row.id)
            opinion.rating, opinion.is_rating_sent = song.rating, False
            self._rate(row.track_id, song.rating, before, makes_reaction=makes)

    def _are_ratings_lost(self) -> bool:
        """Return whether most ratings of one star are missing at once; note it."""
        ones = {id_ for id_, one in self._opinions.items() if one.rating == NOT_FOR_ME}
        missing = {
            id_
            for id_ in ones & self._rows.keys()
            if (song := self._state.songs.get(self._rows[id_].remote_id)) and song.rating is None
        }
        is_lost = len(missing) > FEW_STARS and len(missing) * 2 > len(ones)
        if is_lost:
            self.report.note(
                f"{len(missing):,} ratings of one star are missing on {self._server.name} at once: "
                "your dislikes stay."
            )
        return is_lost

    def _rate(
        self, track_id: int, rating: int | None, before: int | None, *, makes_reaction: bool
    ) -> None:
        """Keep a rating for apps; one that was taken back goes, unless it has changed here."""
        if rating is None:
            self._session.execute(
                delete(TrackRating).where(
                    TrackRating.listener_id == self._listener.id,
                    TrackRating.track_id == track_id,
                    TrackRating.rating == before,
                )
            )
            return
        values = {"rating": rating, "rated_at": self.moment, "made_reaction": makes_reaction}
        statement = insert(self._session, TrackRating).values(
            listener_id=self._listener.id, track_id=track_id, **values
        )
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["listener_id", "track_id"], set_=values)
        )

    def _dislikes_to_send(self) -> None:
        """Find the dislikes of songs without a rating there, and dislikes that were taken back.

        Only ratings that songrec gave are taken back.
        """
        for track_id, rows in self._rows_of.items():
            rows = [row for row in rows if row.gone_at is None]
            opinions = [(row, self._opinions.get(row.id)) for row in rows]
            if self._reactions.get(track_id, (None, None))[0] != reactions.DISLIKE:
                self.to_rate |= {
                    row.id: (row.remote_id, False)
                    for row, one in opinions
                    if one is not None and one.rating == NOT_FOR_ME and one.is_rating_sent
                }
                continue
            is_rated = any(one is not None and one.rating is not None for _, one in opinions)
            is_starred = any(
                row.remote_id in self._state.stars and row.id not in self.to_unstar for row in rows
            )
            if rows and not is_rated and not is_starred:
                self.to_rate[rows[0].id] = (rows[0].remote_id, True)

    def _plays(self) -> None:
        """Add the plays since the last exchange to the history: a count, and when it was last."""
        if not self._listener.keeps_history:
            return
        played = []
        for remote_id, song in self._state.songs.items():
            row = self._by_remote.get(remote_id)
            if row is None or row.track_id is None:
                continue
            opinion = self._opinions.get(row.id)
            before = opinion.play_count if opinion is not None else 0
            if song.play_count == before:
                continue
            if song.play_count > before:
                played.append((row, song, song.play_count - before))
            opinion = self._opinion(row.id)
            opinion.play_count, opinion.played_at = song.play_count, song.played_at
        source = self._server.name[:40]
        plays = [
            {
                "track_id": row.track_id,
                # The count that was reached names the play: it is never added twice.
                "key": f"server:{self._server.public_id}:{row.id}:{song.play_count}",
                "played_at": song.played_at,
                "times": times,
                "ms_played": None,
                "is_skip": False,
                "source": source,
                "external_id": "",
                "title": song.title,
                "artists": song.artist_line,
                "album": song.album,
            }
            for row, song, times in played
        ]
        if plays:
            new = listens.record(self._session, self._listener, plays)
            self.report.plays = sum(play["times"] for play in plays if play["key"] in new)

    def _playlists(self) -> None:
        """Let playlists here follow those there, until the listener changes them here."""
        links = _links(self._session, self.account)
        for remote_id, link in links.items():
            if remote_id not in self._state.listed and not _is_written(link):
                self._session.delete(link)  # deleted there: the playlist here stays
        for name in self._state.unread:
            self.report.note(f"{self._server.name} did not send the playlist “{name}”.")
        for playlist in self._state.playlists:
            link = links.get(playlist.id)
            if link is not None and (_is_written(link) or link.playlist_id is None):
                continue  # written as a mix, or deleted here, since it was read
            ids = self._tracks_of([song.id for song in playlist.songs])
            track_ids = list(dict.fromkeys(ids.values()))[: playlists.TRACK_LIMIT]
            written = [song.id for song in playlist.songs]
            name = playlists.usable_name(playlist.name, self._server.name)
            if link is None:
                if not track_ids:
                    continue
                link = ServerPlaylist(account_id=self.account.id, remote_id=playlist.id)
                try:
                    own = playlists.create(self._session, self._listener, name, track_ids=track_ids)
                except BadInput as error:
                    self.report.note(f"“{name}” was not taken over: {error}")
                    continue
                link.playlist_id = own.id
                self._session.add(link)
                self.report.playlists += 1
            else:
                own = self._session.get_one(Playlist, link.playlist_id)
                here = playlists.tracks(self._session, own)
                before = list(dict.fromkeys(self._tracks_of(link.written).values()))
                if here != before[: playlists.TRACK_LIMIT] or own.name != playlists.usable_name(
                    link.name, self._server.name
                ):
                    self.report.note(
                        f"“{own.name}” was changed here: it does not follow {self._server.name} "
                        "any more."
                    )
                    link.playlist_id = None
                    continue
                if here != track_ids or own.name != name:
                    playlists.replace(self._session, own, track_ids)
                    playlists.rename(self._session, own, name)
                    self.report.playlists += 1
            link.name, link.changed, link.written = playlist.name, playlist.changed, written
            link.synced_at = self.moment

    def _tracks_of(self, remote_ids: Sequence[str]) -> dict[str, int]:
        """Return tracks in the order of these ids."""
        tracks = server_tracks.tracks_of_remote(self._session, self._server, remote_ids)
        return {id_: tracks[id_] for id_ in dict.fromkeys(remote_ids) if id_ in tracks}
