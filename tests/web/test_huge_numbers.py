"""Integers beyond every column, in paths, queries, forms and JSON are refused."""

from __future__ import annotations

import logging
import re
import traceback
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.orm import Session

import songrec.web
from songrec.store.tables import Track, User
from tests.planted_run import Planted
from tests.web.accounts import admin, quick_hashes

__all__ = ["admin", "quick_hashes"]  # fixtures

HUGE = ("1" + "0" * 30, "-1" + "0" * 30, "9" * 5000)
ENDS_THE_SESSION = {"auth.sign_out", "auth.delete_account", "me.delete", "admin.delete_user"}


def parameter_names(app: Flask) -> list[str]:
    """Names of all query and form parameters: from the code of the pages and the API's schemas."""
    folder = Path(songrec.web.__file__).parent
    source = "\n".join(path.read_text() for path in sorted(folder.rglob("*.py")))
    names = set(re.findall(r"(?:args|form|values)(?:\.get|\.getlist)?[\[(]\"(\w+)\"", source))
    names |= set(re.findall(r"^\s+(\w+)=(?:ma\.)?(?:fields\.|Clamped)", source, re.MULTILINE))
    names |= set(re.findall(r"^    (\w+) = (?:ma\.)?fields\.", source, re.MULTILINE))
    assert {"page", "cluster", "weight", "limit", "seed", "steps"} <= names
    return sorted(names)


def own_parameters(client: FlaskClient) -> dict[str, list[str]]:
    """Return the API's query parameters by path, which a GET is sent one at a time.

    Pages ignore what they do not know and are sent everything at once.
    """
    paths = client.get("/api/v1/openapi.json").get_json()["paths"]
    return {
        re.sub(r"{[^}]+}", "<>", path): [
            parameter["name"]
            for parameter in operations.get("get", {}).get("parameters", [])
            if parameter.get("in") == "query"
        ]
        for path, operations in paths.items()
    }


@pytest.mark.parametrize("value", HUGE, ids=["positive", "negative", "5000 digits"])
def test_no_route_fails_at_a_huge_number(
    app: Flask, client: FlaskClient, admin: User, planted: Planted, session: Session, value: str
) -> None:
    app.config.update(PROPAGATE_EXCEPTIONS=False, RATELIMIT_ENABLED=False)
    track = session.scalars(select(Track.public_id)).first()
    everything = dict.fromkeys(parameter_names(app), value)
    body = dict.fromkeys(everything, int(value[:4000]))
    own = own_parameters(client)
    assert sum(map(len, own.values())) > 50
    failed, tried = [], 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in ENDS_THE_SESSION:
            continue
        path = re.sub(r"<[^>]+>", "<>", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            calls: list[tuple[str, dict[str, Any]]] = [(value, {})]
            if method == "GET":
                calls += [(str(track), {"query_string": everything})]
                calls += [(str(track), {"query_string": {one: value}}) for one in own.get(path, ())]
            else:
                calls += [(str(track), {"data": everything}), (str(track), {"json": body})]
            for variable, call in calls:
                address = path.replace("<>", variable)
                with client.open(address, method=method, **call) as answer:
                    tried += 1
                    if answer.status_code == 500:
                        failed.append((method, rule.rule, call and next(iter(call))))
    assert tried > 300
    assert failed == []


@pytest.mark.sqlite
def test_sqlite_refuses_a_huge_integer_as_postgresql_does(session: Session) -> None:
    with pytest.raises(DataError):
        session.scalar(text("SELECT :number + 1"), {"number": 10**30})


def test_values_stay_out_of_errors_and_logs(
    app: Flask, session: Session, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "what-somebody-typed"
    with pytest.raises(SQLAlchemyError) as caught:
        session.execute(text("SELECT :value FROM nowhere"), {"value": secret})
    assert secret not in str(caught.value)
    assert "nowhere" in str(caught.value)
    session.rollback()

    @app.get("/broken")
    def broken() -> str:
        session.execute(text("INSERT INTO track (title) VALUES (:value)"), {"value": secret})
        return ""

    app.config.update(PROPAGATE_EXCEPTIONS=False)
    with caplog.at_level(logging.DEBUG):
        assert client.get("/broken").status_code == 500
    assert "INSERT INTO track" in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tag (id, kind, name) VALUES (1, 'genre', :value), (2, 'genre', :value)",
        "INSERT INTO tag (kind, name) VALUES (:value, :value)",
        "INSERT INTO track (title) VALUES (:value)",
        "SELECT CAST(:value AS integer) FROM nowhere",
        "INSERT INTO track_attributes (track_id) VALUES (CAST(:value AS integer))",
    ],
    ids=["unique", "check", "not null", "no table", "no number"],
)
def test_what_a_database_quotes_stays_out_of_errors(session: Session, statement: str) -> None:
    secret = "what-somebody-typed"
    with pytest.raises(SQLAlchemyError) as caught:
        session.execute(text(statement), {"value": secret})
    session.rollback()
    assert secret not in "".join(traceback.format_exception(caught.value))
    table = re.search(r"(?:INTO|FROM) (\w+)", statement)
    assert table is not None
    assert table[1] in str(caught.value)
