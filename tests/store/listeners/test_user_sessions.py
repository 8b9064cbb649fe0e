"""Sessions of accounts: started, loaded, ended, limited, cleared away."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from songrec.store.db import db, now
from songrec.store.listeners import api_tokens, user_sessions, users
from songrec.store.tables import ApiToken, User, UserSession
from tests.web.accounts import PASSWORD, anna, quick_hashes

__all__ = ["anna", "quick_hashes"]  # fixtures


def test_a_session_leads_to_its_account_until_it_ends(session: Session, anna: User) -> None:
    first, second = (user_sessions.start(session, anna, device="Firefox") for _ in range(2))
    found = user_sessions.load(session, first)
    assert found is not None
    assert found[0] is anna
    user_sessions.end(session, first)
    user_sessions.end(session, "no such token")
    assert user_sessions.load(session, first) is None
    assert user_sessions.load(session, second) is not None
    assert user_sessions.load(session, "") is None


def test_an_account_has_a_limited_number_of_sessions(session: Session, anna: User) -> None:
    tokens = [user_sessions.start(session, anna) for _ in range(user_sessions.SESSION_LIMIT + 1)]
    assert session.query(UserSession).count() == user_sessions.SESSION_LIMIT
    assert user_sessions.load(session, tokens[0]) is None
    assert user_sessions.load(session, tokens[-1]) is not None


def test_all_sessions_of_one_account_end_and_no_others(session: Session, anna: User) -> None:
    bert = users.create(session, "Bert", PASSWORD)
    for user in (anna, anna, bert):
        user_sessions.start(session, user)
    [his] = user_sessions.of_user(session, bert)
    assert not user_sessions.end_one(session, anna, his.id)
    assert user_sessions.end_all(session, anna) == 2
    assert user_sessions.of_user(session, bert) == [his]
    assert user_sessions.end_everybody(session) == 1


def test_a_visit_prolongs_a_session_of_any_age(session: Session, anna: User) -> None:
    token = user_sessions.start(session, anna, address="192.0.2.1")
    old = now() - user_sessions.SEEN_INTERVAL
    soon = now() + timedelta(minutes=1)
    session.execute(update(UserSession).values(last_seen_at=old, expires_at=soon))
    session.commit()
    found = user_sessions.load(session, token)
    assert found is not None
    _, session_id, last_seen_at = found
    session.commit()
    user_sessions.record_visit(db.engine, session_id, last_seen_at, "192.0.2.2")
    row = session.get_one(UserSession, session_id, populate_existing=True)
    assert row.last_seen_at - old > timedelta(minutes=14)
    assert row.expires_at == row.last_seen_at + user_sessions.LIFETIME
    assert user_sessions.is_known_address(session, anna, "192.0.2.2")
    assert not user_sessions.is_known_address(session, anna, "192.0.2.1")
    assert not user_sessions.is_known_address(session, None, "192.0.2.2")


def test_ended_sessions_and_tokens_are_cleared_away(session: Session, anna: User) -> None:
    kept = user_sessions.start(session, anna)
    over = user_sessions.start(session, anna)
    [row, _] = user_sessions.of_user(session, anna)
    assert user_sessions.has_token(row, over)
    row.expires_at = now()
    names = ("valid", "expired", "revoked", "expired long ago", "revoked long ago")
    tokens = {name: api_tokens.create(session, anna, name, days=9)[0] for name in names}
    long_ago = now() - timedelta(days=200)
    tokens["expired"].expires_at = tokens["revoked"].revoked_at = now()
    tokens["expired long ago"].expires_at = long_ago
    tokens["revoked long ago"].revoked_at = long_ago
    session.flush()
    assert user_sessions.prune(session) == 1
    assert user_sessions.load(session, kept) is not None
    assert api_tokens.prune(session, 180) == 2
    assert {token.name for token in session.query(ApiToken)} == set(names[:3])
