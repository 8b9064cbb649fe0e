"""Exchange with ListenBrainz: import of listens and feedback, export of plays and reactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.encryption import Cipher
from songrec.core.errors import NotReady
from songrec.core.track_identity import ISRC, MUSICBRAINZ, SPOTIFY, recording_key
from songrec.core.types import Progress, no_progress
from songrec.core.version import VERSION
from songrec.services.listeners import import_export
from songrec.services.listeners.import_report import ImportReport
from songrec.services.listeners.list_formats import listenbrainz as format_
from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.listenbrainz_client import (
    PAGE,
    ListenBrainzClient,
    SubmissionRefused,
    normalise_api_url,
    normalise_token,
)
from songrec.store.catalogue import track_aliases, tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import now
from songrec.store.listeners import listenbrainz_accounts
from songrec.store.tables import Listen, ListenBrainzAccount, Listener, Reaction

MOST_PAGES = 100
"""Limit of pages of listens read in one exchange; the next exchange continues."""
OVERLAP_S = 14 * 86_400
"""Period before the last exchange that is read again, because apps submit some listens late."""
MOST_REACTIONS = 500
"""Limit of likes and dislikes sent in one exchange, with one or two requests each."""
FIRST_RETRY = timedelta(minutes=5)
LAST_RETRY = timedelta(hours=6)


@dataclass
class ExchangeReport:
    """Outcome of an exchange, in numbers of new rows here, and of sent rows.

    ``refused`` plays were rejected by the server and are not sent again; ``unknown`` reactions are
    to songs without a known MusicBrainz id. ``is_complete``: whether all listens were read.
    """

    plays: int = 0
    likes: int = 0
    dislikes: int = 0
    unsure: int = 0
    sent_plays: int = 0
    sent_reactions: int = 0
    refused: int = 0
    unknown: int = 0
    is_complete: bool = True
    matched: set[int] = field(default_factory=set)

    def add(self, report: ImportReport) -> None:
        """Add the numbers of an imported page."""
        self.plays += report.plays
        self.likes += report.likes
        self.dislikes += report.dislikes
        self.unsure += len(report.unsure)

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json``, the job and the account's row."""
        return {name: value for name, value in vars(self).items() if name != "matched"}


def connect(
    session: Session,
    listener: Listener,
    cipher: Cipher,
    token: str,
    url: str = "",
    *,
    may_be_private: bool = False,
) -> ListenBrainzAccount:
    """Store a token, after a request for its user, in place of an earlier one.

    Switches are kept; the listens of a different user are read from the beginning. The caller
    commits; earlier writes are committed before the request, to release locks. ``BadInput`` for an
    invalid address or token, ``NotReady`` if the server does not respond or rejects the token.
    """
    token = normalise_token(token)
    address = normalise_api_url(url, may_be_private=may_be_private)
    session.commit()
    client = ListenBrainzClient(address, token, allows_private=may_be_private, is_awaited=True)
    try:
        name = client.user_name()
    finally:
        client.close()
    account = listenbrainz_accounts.of_listener(session, listener)
    if account is None:
        account = ListenBrainzAccount(
            listener_id=listener.id, sync={}, reads_plays=listener.keeps_history
        )
        session.add(account)
    elif (account.url, account.username) != (address, name):
        # If likes were sent to the former user, new likes are sent to this one.
        account.sync = {"reactions_since": now().isoformat()}
    account.url, account.username = address, name
    account.secret = cipher.encrypt(token)
    account.allows_private = may_be_private
    account.error = account.retry_at = None
    session.flush()
    return account


def switch(
    account: ListenBrainzAccount,
    *,
    reads_plays: bool,
    reads_feedback: bool,
    sends_plays: bool,
    sends_feedback: bool,
) -> None:
    """Set the directions of the exchange; only future plays and reactions are sent."""
    if sends_plays and not account.sends_plays:
        account.sends_since = now()
    if sends_feedback and not account.sends_feedback:
        account.sync = {**account.sync, "reactions_since": now().isoformat()}
    account.reads_plays, account.reads_feedback = reads_plays, reads_feedback
    account.sends_plays, account.sends_feedback = sends_plays, sends_feedback


def exchange(
    session: Session,
    account: ListenBrainzAccount,
    cipher: Cipher,
    on_progress: Progress = no_progress,
) -> ExchangeReport:
    """Read and send data as set by the account's switches; **commits** after each page.

    The next exchange continues after a failure, whose reason is stored with the account and raised
    as ``NotReady``.
    """
    report = ExchangeReport()
    return _with_client(
        session,
        account,
        cipher,
        report,
        lambda c: _exchange(session, account, c, report, on_progress),
    )


def send_plays(
    session: Session,
    account: ListenBrainzAccount,
    cipher: Cipher,
    since: datetime | None = None,
) -> ExchangeReport:
    """Send the songrec plays that have not been sent yet; **commits** each batch."""
    report = ExchangeReport()
    return _with_client(
        session, account, cipher, report, lambda c: _send_plays(session, account, c, report, since)
    )


def is_due(account: ListenBrainzAccount, at: datetime, interval: timedelta) -> bool:
    """Return whether it is time for the next exchange."""
    if account.retry_at is not None:
        return at >= account.retry_at
    if account.synced_at is None or (account.reads_plays and "next" in account.sync):
        return True
    return at - account.synced_at >= interval


def _with_client(
    session: Session,
    account: ListenBrainzAccount,
    cipher: Cipher,
    report: ExchangeReport,
    work: Callable[[ListenBrainzClient], None],
) -> ExchangeReport:
    try:
        client = ListenBrainzClient.of_account(account, cipher)
        try:
            work(client)
        finally:
            client.close()
    except NotReady as error:
        session.rollback()
        tries = int(account.sync.get("tries", 0))
        account.error = str(error)[:500]
        account.retry_at = now() + min(FIRST_RETRY * 2 ** min(tries, 10), LAST_RETRY)
        account.sync = {**account.sync, "tries": tries + 1}
        session.commit()
        raise
    account.error = account.retry_at = None
    rest = {name: value for name, value in account.sync.items() if name != "tries"}
    account.sync = {**rest, "last": report.to_json()}
    account.synced_at = now()
    session.commit()
    return report


def _exchange(
    session: Session,
    account: ListenBrainzAccount,
    client: ListenBrainzClient,
    report: ExchangeReport,
    on_progress: Progress,
) -> None:
    # Sent first, because some servers accept plays but have no history to read.
    if account.sends_plays:
        on_progress(0.0, "Sending plays.")
        _send_plays(session, account, client, report)
    if account.reads_plays:
        _read_listens(session, account, client, report, on_progress)
    if account.reads_feedback:
        on_progress(0.6, "Reading loved and hated songs.")
        _read_feedback(session, account, client, report)
    if account.sends_feedback:
        on_progress(0.9, "Sending likes and dislikes.")
        _send_reactions(session, account, client, report)


def _read_listens(
    session: Session,
    account: ListenBrainzAccount,
    client: ListenBrainzClient,
    report: ExchangeReport,
    on_progress: Progress,
) -> None:
    """Read pages of listens from the newest back to those of the last exchange."""
    listener = session.get_one(Listener, account.listener_id)
    sync = dict(account.sync)
    newest: int | None = sync.get("newest")
    before: int | None = sync.get("next")
    top: int = sync.get("top", 0)
    report.is_complete = False
    for number in range(MOST_PAGES):
        listens = client.listens(account.username, before)
        times = [at for one in listens if (at := _seconds(one)) is not None]
        if not times:
            report.is_complete = True
            break
        top, oldest = max(top, *times), min(times)
        report.add(import_export.import_songs(session, listener, _read(listens)))
        # Include this second again, because more of its listens may follow on the next page.
        following = oldest + 1 if before is None or oldest + 1 < before else oldest
        report.is_complete = newest is not None and oldest < newest - OVERLAP_S
        before = following
        account.sync = {**account.sync, "next": before, "top": top}
        session.commit()
        on_progress(0.6 * number / MOST_PAGES, f"{report.plays:,} new plays read.")
        if report.is_complete:
            break
    if report.is_complete:
        rest = {k: v for k, v in account.sync.items() if k not in ("next", "top")}
        account.sync = {**rest, "newest": max(top, newest or 0)}
        session.commit()


def _read_feedback(
    session: Session,
    account: ListenBrainzAccount,
    client: ListenBrainzClient,
    report: ExchangeReport,
) -> None:
    """Read feedback from the newest back to that of the last exchange."""
    listener = session.get_one(Listener, account.listener_id)
    newest_seen: int = account.sync.get("feedback", 0)
    feedback: list[dict[str, Any]] = []
    while len(feedback) < MOST_PAGES * PAGE:
        page = client.feedback(account.username, len(feedback))
        feedback += page
        created = [int(one["created"]) for one in page if isinstance(one.get("created"), int)]
        if len(page) < PAGE or (created and min(created) < newest_seen):
            break
    new = [
        one
        for one in feedback
        if not isinstance(one.get("created"), int) or one["created"] >= newest_seen
    ]
    if not new:
        return
    imported = import_export.import_songs(session, listener, _read(new))
    report.add(imported)
    report.matched = {track for pairs in imported.matched.values() for _, track in pairs}
    newest = max((one["created"] for one in new if isinstance(one.get("created"), int)), default=0)
    account.sync = {**account.sync, "feedback": max(newest, newest_seen)}
    session.commit()


def _send_plays(
    session: Session,
    account: ListenBrainzAccount,
    client: ListenBrainzClient,
    report: ExchangeReport,
    since: datetime | None = None,
) -> None:
    until = now()
    while plays := listenbrainz_accounts.unsent(session, account, until, PAGE, since):
        ids = [play.id for play in plays]
        _submit(client, _payloads(session, plays), report)
        listenbrainz_accounts.mark_sent(session, ids, now())
        session.commit()


def _submit(
    client: ListenBrainzClient, payloads: Sequence[dict[str, Any]], report: ExchangeReport
) -> None:
    """Send listens; if the server refuses them, find the refused ones by bisection."""
    try:
        client.submit(payloads)
    except SubmissionRefused:
        if len(payloads) == 1:
            report.refused += 1
            return
        half = len(payloads) // 2
        _submit(client, payloads[:half], report)
        _submit(client, payloads[half:], report)
    else:
        report.sent_plays += len(payloads)


def _payloads(session: Session, plays: Sequence[Listen]) -> list[dict[str, Any]]:
    ids = sorted({play.track_id for play in plays if play.track_id is not None})
    views = {view.id: view for view in tracks.tracks_by_id(session, ids)}
    keys = _recording_ids(session, views)
    return [
        _payload(play, views.get(play.track_id or 0), keys.get(play.track_id or 0, {}))
        for play in plays
    ]


def _payload(play: Listen, track: TrackView | None, ids: dict[str, str]) -> dict[str, Any]:
    more: dict[str, Any] = {
        "media_player": "songrec",
        "submission_client": "songrec",
        "submission_client_version": VERSION,
    }
    if track is not None and track.duration_ms:
        more["duration_ms"] = track.duration_ms
    if MUSICBRAINZ in ids:
        more["recording_mbid"] = ids[MUSICBRAINZ]
    if ISRC in ids:
        more["isrc"] = ids[ISRC]
    if SPOTIFY in ids:
        more["spotify_id"] = f"https://open.spotify.com/track/{ids[SPOTIFY]}"
    names = {"artist_name": play.artists, "track_name": play.title}
    if play.album:
        names["release_name"] = play.album
    # Rounded as in the play's key, so that the listen has the same key when it is imported.
    at = round(play.played_at.timestamp()) if play.played_at is not None else 0
    return {"listened_at": at, "track_metadata": {**names, "additional_info": more}}


def _send_reactions(
    session: Session,
    account: ListenBrainzAccount,
    client: ListenBrainzClient,
    report: ExchangeReport,
) -> None:
    """Send likes and dislikes given since sending was switched on, except those just read."""
    text = account.sync.get("reactions_since")
    since = datetime.fromisoformat(text) if text else now()
    rows = listenbrainz_accounts.reactions_since(session, account, since, MOST_REACTIONS)
    views = {view.id: view for view in tracks.tracks_by_id(session, [row.track_id for row in rows])}
    keys = _recording_ids(session, views)
    for row in rows:
        if row.track_id not in report.matched and row.track_id in views:
            _send_reaction(client, row, views[row.track_id], keys.get(row.track_id, {}), report)
        since = row.created_at
        account.sync = {**account.sync, "reactions_since": since.isoformat()}
        session.commit()


def _send_reaction(
    client: ListenBrainzClient,
    row: Reaction,
    track: TrackView,
    ids: dict[str, str],
    report: ExchangeReport,
) -> None:
    mbid = ids.get(MUSICBRAINZ)
    try:
        if mbid is None and track.artists and track.title:
            mbid = client.look_up(track.artists, track.title)
        if mbid is None:
            report.unknown += 1
            return
        client.send_feedback(mbid, row.value)
        report.sent_reactions += 1
    except SubmissionRefused:
        report.unknown += 1


def _recording_ids(session: Session, views: dict[int, TrackView]) -> dict[int, dict[str, str]]:
    """Return the globally unique ids of tracks by namespace."""
    ids: dict[int, dict[str, str]] = {}
    aliases = track_aliases.keys_of_tracks(session, list(views))
    for track_id, view in views.items():
        texts = [*sorted(aliases.get(track_id, set())), view.external_id or ""]
        for key in filter(None, map(recording_key, texts)):
            namespace, _, value = key.partition(":")
            ids.setdefault(track_id, {}).setdefault(namespace, value)
    return ids


def _read(rows: Sequence[dict[str, Any]]) -> Any:
    return format_.read_rows(list(enumerate(rows, 1)), "")


def _seconds(listen: dict[str, Any]) -> int | None:
    at = moment(listen.get("listened_at"))
    return None if at is None else int(at.astimezone(UTC).timestamp())
