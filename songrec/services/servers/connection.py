"""Connecting music servers and the accounts of listeners on them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from songrec.core.errors import NotReady
from songrec.core.outgoing import AWAITED_S
from songrec.core.server_urls import names_private_address, normalise_url
from songrec.services.servers.client import ServerClient, ServerInfo, ServerRefusal
from songrec.store.ciphers import cipher_of
from songrec.store.instance import Instance
from songrec.store.servers import music_servers, streamed_files
from songrec.store.tables import Listener, MusicServer, ServerAccount

# Errors of reading, changing and referencing a deleted row.
_DELETED = (NoResultFound, ObjectDeletedError, StaleDataError, IntegrityError)


class Removed(NotReady):
    """Raised if a server or an account was removed during an exchange."""


class WhileConnected:
    """A context that rolls back and raises ``Removed`` if the server or its account was removed.

    Other errors are not changed.
    """

    def __init__(
        self, session: Session, server: MusicServer, account: ServerAccount | None = None
    ) -> None:
        self._session = session
        self._name, self._server = server.name, (server.id, server.public_id)
        self._username, self._account_id = (account.username, account.id) if account else ("", None)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, _DELETED):
            return
        self._session.rollback()
        server_id, public_id = self._server
        servers = select(MusicServer.public_id).where(MusicServer.id == server_id)
        if self._session.scalar(servers) != public_id:
            raise Removed(
                f"{self._name} was removed meanwhile; what was read of it until then stays."
            ) from error
        accounts = select(ServerAccount.id).where(
            ServerAccount.id == self._account_id, ServerAccount.server_id == server_id
        )
        if self._account_id is not None and self._session.scalar(accounts) is None:
            raise Removed(
                f"The account {self._username!r} on {self._name} was disconnected meanwhile."
            ) from error


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person's credentials for a server: a name and a password, or an API key."""

    username: str
    secret: str
    secret_kind: str = "password"  # noqa: S105 - the kind, not a password


def add_server(
    instance: Instance,
    url: str,
    *,
    name: str | None,
    listener: Listener,
    sign_in: SignIn,
    allows_private: bool = False,
) -> tuple[MusicServer, ServerAccount]:
    """Connect a server with its first account, if the sign-in succeeds. The caller commits.

    Earlier writes are committed before the request, to release locks.

    A literal address of this machine or a private network needs no further permission, because an
    admin entered it. A host name that resolves to one needs ``allows_private``. A trailing
    ``/rest`` is optional.
    """
    url = normalise_url(url).removesuffix("/rest")
    name = name or url.partition("://")[2]
    music_servers.check_new(instance.session, name, url)
    allows_private = allows_private or names_private_address(url)
    instance.session.commit()
    info, sign_in = _sign_in(name, url, sign_in, allows_private=allows_private)
    server = music_servers.create(instance.session, name, url, allows_private=allows_private)
    return server, _store(instance, server, listener, sign_in, info)


def connect_account(
    instance: Instance, server: MusicServer, listener: Listener, sign_in: SignIn
) -> ServerAccount:
    """Store a listener's sign-in on a server, if it succeeds. The caller commits.

    Earlier writes are committed before the request, to release locks.
    """
    instance.session.commit()
    info, sign_in = _sign_in(server.name, server.url, sign_in, allows_private=server.allows_private)
    return _store(instance, server, listener, sign_in, info)


def _sign_in(
    name: str, url: str, sign_in: SignIn, *, allows_private: bool
) -> tuple[ServerInfo, SignIn]:
    """Sign in; return the server's description, and the sign-in with the owner of an API key.

    ``NotReady`` on refusal or without response.
    """
    with ServerClient(
        name,
        url,
        username=sign_in.username,
        secret=sign_in.secret,
        secret_kind=sign_in.secret_kind,
        allows_private=allows_private,
        longest_s=AWAITED_S,
    ) as client:
        info = client.info()
        if sign_in.secret_kind == music_servers.API_KEY and not sign_in.username.strip():
            # Without a name, other people's public playlists would look like one's own.
            sign_in = replace(sign_in, username=client.owner_of_key())
        return info, sign_in


def _store(
    instance: Instance, server: MusicServer, listener: Listener, sign_in: SignIn, info: ServerInfo
) -> ServerAccount:
    note_answer(server, info)
    return music_servers.connect(
        instance.session,
        server,
        listener,
        username=sign_in.username,
        secret=sign_in.secret,
        secret_kind=sign_in.secret_kind,
        cipher=cipher_of(instance),
    )


def remove_server(instance: Instance, server: MusicServer) -> None:
    """Delete a server; its songs remain as tracks that cannot be played. The caller commits."""
    streamed_files.mark_missing(instance.session, server)
    music_servers.remove(instance.session, server)


def note_answer(server: MusicServer, info: ServerInfo) -> None:
    """Record a server's successful response and its software."""
    server.software, server.version = info.software, info.version or info.api_version
    server.error = None


def note_error(account: ServerAccount | None, server: MusicServer, error: NotReady) -> None:
    """Record a server's failure, with the account if its sign-in was refused."""
    line = str(error)[:500]
    if account is not None and isinstance(error, ServerRefusal) and error.is_sign_in:
        account.error = line
    else:
        server.error = line


def working_client(instance: Instance, server: MusicServer) -> tuple[ServerClient, ServerAccount]:
    """Return a client of a server with its first working account. Flushes errors.

    ``NotReady`` with the error of the last account if none works.
    """
    error = NotReady(
        f"{server.name} has no account left that songrec may read it with: connect one."
    )
    for account in music_servers.scanning_accounts(instance.session, server):
        try:
            with ExitStack() as until_it_works:
                client = until_it_works.enter_context(ServerClient.of_account(instance, account))
                note_answer(server, client.info())
                until_it_works.pop_all()
        except NotReady as failure:
            note_error(account, server, failure)
            error = failure
            if not (isinstance(failure, ServerRefusal) and failure.is_sign_in):
                break  # the error does not depend on the account
        else:
            account.error = None
            return client, account
    server.error = str(error)[:500]
    raise error
