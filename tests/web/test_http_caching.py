"""Who may keep an answer, and which answers carry the session's cookie."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from songrec.store.tables import User
from songrec.web.map.payloads import plotly_version
from songrec.web.template_context import asset
from tests.planted_run import plant
from tests.web.accounts import anna, quick_hashes, sign_in

__all__ = ["anna", "quick_hashes"]  # fixtures


@pytest.fixture
def run_id(app: Flask, session: Session) -> str:
    planted = plant(session, app.config["INSTANCE"], n=40)
    session.commit()
    return planted.run.public_id


def get(client: FlaskClient, address: str) -> TestResponse:
    answer = client.get(address)
    answer.close()
    return answer


def test_pages_are_for_the_browser_that_asked_and_nobody_between(
    client: FlaskClient, run_id: str
) -> None:
    for address in ("/", "/tracks", "/likes", "/playlists", "/map", "/sign-in", "/no/such/page"):
        answer = get(client, address)
        assert answer.cache_control.private, address
        assert answer.cache_control.no_cache, address
        assert "Cookie" in answer.vary, address


def test_what_an_account_sees_is_not_kept_at_all(
    client: FlaskClient, anna: User, run_id: str
) -> None:
    sign_in(client)
    for address in ("/", "/account", "/likes", "/playlists", "/recommendations", "/nothing"):
        assert get(client, address).cache_control.no_store, address


def test_what_is_the_same_for_all_neither_reads_nor_writes_the_session(
    app: Flask, client: FlaskClient, anna: User, run_id: str
) -> None:
    with app.test_request_context():
        style = asset("css/theme.css")
    shared = (
        "/map/points",
        f"/map/points?run={run_id}",
        f"/map/points?run={run_id}&column=energy",
        "/map/titles?rows=1",
        "/covers/groups/1",
        "/map/names?view=0,60000,0,60000&size=800,600",
        "/map/cells?view=0,60000,0,60000&cells=80,60",
        "/map/legend",
        style,
        "/static/css/theme.css",
        "/bootstrap/static/css/bootstrap.min.css",
        f"/assets/plotly-{plotly_version()}.min.js",
    )
    before = [get(client, address) for address in shared]
    sign_in(client)
    for address, first in zip(shared, before, strict=True):
        answer = get(client, address)
        assert answer.cache_control.public, address
        assert "Cookie" not in answer.vary, address
        assert "Set-Cookie" not in answer.headers, address
        assert answer.get_etag() == first.get_etag(), address


def test_a_file_named_with_its_digest_is_kept_for_good(app: Flask, client: FlaskClient) -> None:
    with app.test_request_context():
        style = asset("css/theme.css")
    assert get(client, style).cache_control.immutable
    for address in ("/static/css/theme.css", "/static/css/theme.css?v=older"):
        kept = get(client, address).cache_control
        assert (kept.no_cache, kept.max_age) == (True, None)


def test_what_a_script_asked_for_does_not_bring_back_an_older_session(
    client: FlaskClient, anna: User, run_id: str
) -> None:
    sign_in(client)
    assert "Set-Cookie" not in get(client, "/map/mine").headers
    assert "Set-Cookie" in get(client, "/likes").headers  # a page makes the session last


def test_errors_of_the_maps_addresses_are_not_kept(client: FlaskClient, run_id: str) -> None:
    answer = get(client, "/map/points?run=another")
    assert answer.status_code == 409
    assert answer.cache_control.private
