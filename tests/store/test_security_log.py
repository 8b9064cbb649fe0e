"""The security log: events with their accounts, filters, pages, retention, and its logger."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store import security_log
from songrec.store.db import now
from songrec.store.listeners import users
from songrec.store.tables import SecurityEvent, User
from tests.web.accounts import PASSWORD, anna, quick_hashes

__all__ = ["anna", "quick_hashes"]  # fixtures


def kinds(session: Session, **filters: object) -> list[str]:
    return [one.event.kind for one in security_log.page(session, **filters)[0]]


def test_an_event_names_the_account_and_who_did_it(session: Session, anna: User) -> None:
    chief = users.create(session, "Chief", PASSWORD, is_admin=True)
    security_log.record(
        session, "password-reset", user=anna, actor=chief, address="192.0.2.1", detail="by hand"
    )
    session.commit()
    [logged], total = security_log.page(session)
    assert total == 1
    assert logged.label == "Password reset"
    assert logged.to_json() == {
        "id": logged.event.id,
        "at": logged.event.at.isoformat(),
        "kind": "password-reset",
        "user": "Anna",
        "actor": "Chief",
        "address": "192.0.2.1",
        "request_id": None,
        "detail": "by hand",
    }


def test_an_unknown_kind_is_a_mistake_of_the_program(session: Session) -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        security_log.record(session, "signed-inn")


def test_events_are_filtered_by_kind_account_and_time(session: Session, anna: User) -> None:
    bert = users.create(session, "Bert", PASSWORD)
    security_log.record(session, "signed-in", user=anna, actor=anna)
    security_log.record(session, "sign-in-failed", user=bert)
    security_log.record(session, "admin-granted", user=bert, actor=anna)
    session.commit()
    assert kinds(session) == ["admin-granted", "sign-in-failed", "signed-in"]
    assert kinds(session, kinds=["signed-in", "sign-in-failed"]) == ["sign-in-failed", "signed-in"]
    assert kinds(session, account="ANNA") == ["admin-granted", "signed-in"]
    assert kinds(session, account="nobody") == []
    assert kinds(session, since=now() + timedelta(minutes=1)) == []
    assert kinds(session, number=2, size=2) == ["signed-in"]
    with pytest.raises(BadInput, match="Unknown kind of event 'x'"):
        security_log.page(session, kinds=["x"])


def test_events_go_with_the_account_and_outlive_who_acted(session: Session, anna: User) -> None:
    chief = users.create(session, "Chief", PASSWORD, is_admin=True)
    security_log.record(session, "signed-in", user=anna, actor=anna)
    security_log.record(session, "account-deleted", actor=chief, detail=f"account {anna.id}")
    users.create(session, "Second", PASSWORD, is_admin=True)
    users.delete(session, anna)
    assert kinds(session) == ["account-deleted"]
    users.delete(session, chief)
    assert [one.actor for one in security_log.page(session)[0]] == [None]


def test_old_events_and_too_many_are_pruned(session: Session) -> None:
    for age in (200, 100, 3, 2, 1):
        session.add(SecurityEvent(kind="signed-in", at=now() - timedelta(days=age)))
    session.flush()
    assert security_log.prune(session) == 1
    assert security_log.prune(session, max_events=3) == 1
    assert security_log.prune(session, max_events=3) == 0
    assert security_log.page(session)[1] == 3


def test_the_logger_gets_numbers_of_accounts_and_no_names(
    session: Session, anna: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "songrec.security"):
        security_log.record(session, "signed-in", user=anna, actor=anna, address="192.0.2.1")
        security_log.record(session, "sign-in-failed", address="192.0.2.1")
    first, second = caplog.records
    assert first.getMessage() == (
        f"signed-in user_id={anna.id} actor_id={anna.id} address=192.0.2.1"
    )
    assert (first.levelname, second.levelname) == ("INFO", "WARNING")
    assert second.security_event == "sign-in-failed"
    assert "Anna" not in caplog.text
