"""Connected music servers and the accounts of listeners on them. The caller commits."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from songrec.core.encryption import Cipher
from songrec.core.errors import BadInput, UnknownName
from songrec.core.server_urls import normalise_url
from songrec.store.tables import Listener, MusicServer, ServerAccount, ServerOpinion

NAME_LENGTH = 100
SCANNED = "opensubsonic"
"""Kind of servers that songrec signs in to and scans; of others it only stores ids."""
USERNAME_LENGTH = 200
SECRET_LENGTH = 500
PASSWORD, API_KEY = SECRET_KINDS = ("password", "api_key")


def all_servers(session: Session) -> list[MusicServer]:
    """Return all servers by name."""
    return list(session.scalars(select(MusicServer).order_by(MusicServer.name)))


def any_server(session: Session) -> bool:
    """Return whether any server is connected."""
    return session.scalar(select(MusicServer.id).limit(1)) is not None


def find(session: Session, name: str) -> MusicServer:
    """Return the server with this public id, name or address; ``UnknownName`` otherwise."""
    matches = or_(
        MusicServer.public_id == name, MusicServer.name == name, MusicServer.url == name.rstrip("/")
    )
    server = session.scalar(select(MusicServer).where(matches).order_by(MusicServer.id).limit(1))
    if server is None:
        names = session.scalars(select(MusicServer.name))
        raise UnknownName("music server", name[:100], names)
    return server


def check_new(session: Session, name: str, url: str) -> None:
    """Raise ``BadInput`` for a name or address that is invalid or already connected."""
    if not name.strip() or len(name) > NAME_LENGTH:
        raise BadInput(f"Give the server a name of at most {NAME_LENGTH} characters.")
    if len(url) > 500:
        raise BadInput("The server's address is longer than 500 characters.")
    for other in all_servers(session):
        if other.name.casefold() == name.strip().casefold():
            raise BadInput(f"A server named {other.name!r} is connected already: choose a name.")
        if other.url == url:
            raise BadInput(f"{url} is connected already, as {other.name!r}.")


def create(session: Session, name: str, url: str, *, allows_private: bool) -> MusicServer:
    """Add a server. Flushes.

    ``BadInput`` for an invalid address, and for a name or address that is already connected.
    """
    url, name = normalise_url(url), " ".join(name.split())
    check_new(session, name, url)
    server = MusicServer(
        public_id=secrets.token_hex(6), name=name, url=url, allows_private=allows_private, scan={}
    )
    session.add(server)
    session.flush()
    return server


def remove(session: Session, server: MusicServer) -> None:
    """Delete a server with its accounts and ids; tracks, likes and plays are kept."""
    session.execute(delete(MusicServer).where(MusicServer.id == server.id))
    session.expire_all()


def accounts(session: Session, server: MusicServer) -> list[ServerAccount]:
    """Return the accounts on a server, the oldest first."""
    query = select(ServerAccount).where(ServerAccount.server_id == server.id)
    return list(session.scalars(query.order_by(ServerAccount.id)))


def accounts_of(session: Session, listener: Listener) -> dict[int, ServerAccount]:
    """Return a listener's accounts by the id of their server."""
    query = select(ServerAccount).where(ServerAccount.listener_id == listener.id)
    return {account.server_id: account for account in session.scalars(query)}


def account_of(session: Session, server: MusicServer, listener: Listener) -> ServerAccount | None:
    """Return a listener's account on a server; None without one."""
    return accounts_of(session, listener).get(server.id)


def connect(
    session: Session,
    server: MusicServer,
    listener: Listener,
    *,
    username: str,
    secret: str,
    secret_kind: str,
    cipher: Cipher,
) -> ServerAccount:
    """Store a listener's encrypted sign-in on a server, replacing an earlier one. Flushes.

    With another name the next exchange is a first one.
    """
    username = username.strip()
    if secret_kind not in SECRET_KINDS:
        raise ValueError(f"a secret is one of {SECRET_KINDS}, got {secret_kind!r}")
    if len(username) > USERNAME_LENGTH or (not username and secret_kind != API_KEY):
        raise BadInput(f"Enter the name on the server, at most {USERNAME_LENGTH} characters.")
    if not secret or len(secret) > SECRET_LENGTH:
        raise BadInput(f"Enter a password or an API key of at most {SECRET_LENGTH} characters.")
    account = account_of(session, server, listener)
    if account is None:
        account = ServerAccount(server_id=server.id, listener_id=listener.id, sync={})
        session.add(account)
    elif account.username.casefold() != username.casefold():
        _begin_again(session, account, username)
    account.username, account.secret_kind = username, secret_kind
    account.secret, account.error = cipher.encrypt(secret), None
    session.flush()
    return account


def _begin_again(session: Session, account: ServerAccount, username: str) -> None:
    """Forget what was exchanged, because another account on the server has other stars."""
    account.sync, account.synced_at = {}, None
    of_account = ServerOpinion.account_id == account.id
    if account.username and username:
        session.execute(delete(ServerOpinion).where(of_account))
    else:  # an API key may be of the same account, whose plays must not count again
        values = {"starred_at": None, "rating": None, "is_rating_sent": False}
        session.execute(update(ServerOpinion).where(of_account).values(**values))


def disconnect(session: Session, account: ServerAccount) -> None:
    """Delete a listener's account on a server; likes, plays and playlists are kept."""
    session.execute(delete(ServerAccount).where(ServerAccount.id == account.id))
    session.expire_all()


def scanning_accounts(session: Session, server: MusicServer) -> Sequence[ServerAccount]:
    """Return the accounts for scanning a server, the last successful ones first."""
    return sorted(accounts(session, server), key=lambda one: (one.error is not None, one.id))
