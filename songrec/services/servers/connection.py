"""Connecting music servers and the accounts of listeners on them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from songrec.core.errors import NotReady
from songrec.core.server_urls import names_private_address, normalise_url
from songrec.services.servers.client import ServerClient, ServerInfo, ServerRefusal
from songrec.store.ciphers import cipher_of
from songrec.store.instance import Instance
from songrec.store.servers import music_servers, streamed_files
from songrec.store.tables import Listener, MusicServer, ServerAccount

# How reading, changing and referring to a deleted row fail.
_DELETED = (NoResultFound, ObjectDeletedError, StaleDataError, IntegrityError)


class Removed(NotReady):
    """A server or an account that was removed while songrec was exchanging with it."""


class WhileConnected:
    """A context in which work fails with ``Removed`` if the server or its account is removed.

    It rolls back then. Other errors pass.
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
    """What a person enters to sign in to a server: a name and a password, or an API key."""

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
    """Connect a server with its first account, once it answers to that. The caller commits.

    What was written before is committed before the request is sent: nothing stays locked meanwhile.

    An address that itself names this machine or a private network is permission enough: an admin
    entered it. A host name that leads there needs ``allows_private``. A trailing ``/rest`` may be
    entered or not.
    """
    url = normalise_url(url).removesuffix("/rest")
    name = name or url.partition("://")[2]
    music_servers.check_new(instance.session, name, url)
    allows_private = allows_private or names_private_address(url)
    instance.session.commit()
    info = _sign_in(name, url, sign_in, allows_private=allows_private)
    server = music_servers.create(instance.session, name, url, allows_private=allows_private)
    return server, _store(instance, server, listener, sign_in, info)


def connect_account(
    instance: Instance, server: MusicServer, listener: Listener, sign_in: SignIn
) -> ServerAccount:
    """Store a listener's sign-in on a server, once the server takes it. The caller commits.

    What was written before is committed before the request is sent: nothing stays locked meanwhile.
    """
    instance.session.commit()
    info = _sign_in(server.name, server.url, sign_in, allows_private=server.allows_private)
    return _store(instance, server, listener, sign_in, info)


def _sign_in(name: str, url: str, sign_in: SignIn, *, allows_private: bool) -> ServerInfo:
    """Sign in and return what the server is; ``NotReady`` where it refuses or does not answer."""
    with ServerClient(
        name,
        url,
        username=sign_in.username,
        secret=sign_in.secret,
        secret_kind=sign_in.secret_kind,
        allows_private=allows_private,
    ) as client:
        return client.info()


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
    """Forget a server; its songs stay as tracks that cannot be played. The caller commits."""
    streamed_files.mark_missing(instance.session, server)
    music_servers.remove(instance.session, server)


def note_answer(server: MusicServer, info: ServerInfo) -> None:
    """Note that a server answers, and by what software."""
    server.software, server.version = info.software, info.version or info.api_version
    server.error = None


def note_error(account: ServerAccount | None, server: MusicServer, error: NotReady) -> None:
    """Note why a server did not answer: with the account if its sign-in was refused."""
    line = str(error)[:500]
    if account is not None and isinstance(error, ServerRefusal) and error.is_sign_in:
        account.error = line
    else:
        server.error = line


def working_client(instance: Instance, server: MusicServer) -> tuple[ServerClient, ServerAccount]:
    """Return a client of a server with the first of its accounts that works. Flushes errors.

    ``NotReady`` if none does: the line of the last one.
    """
    error = NotReady(
        f"{server.name} has no account left that songrec may read it with: connect one."
    )
    for account in music_servers.scanning_accounts(instance.session, server):
        try:
            client = ServerClient.of_account(instance, account)
            note_answer(server, client.info())
        except NotReady as failure:
            note_error(account, server, failure)
            error = failure
            if not (isinstance(failure, ServerRefusal) and failure.is_sign_in):
                break  # the others would meet the same
        else:
            account.error = None
            return client, account
    server.error = str(error)[:500]
    raise error
