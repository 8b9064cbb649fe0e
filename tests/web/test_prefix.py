"""Below a path of the host: every address on every page, cookies, redirects, files and the API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core import config
from songrec.core.errors import BadInput
from songrec.store.listeners import playlists
from songrec.store.tables import Listener, Track
from tests.planted_run import Planted
from tests.web.accounts import PASSWORD, admin, anna, quick_hashes

__all__ = ["admin", "anna", "quick_hashes"]  # fixtures

PREFIX = "/music"
ADDRESS_ATTRIBUTES = ("href", "src", "action", "formaction", "poster", "srcset")
PATH = re.compile(r"/(?!/)[A-Za-z0-9._~%/-]*")


@pytest.fixture
def app_config() -> dict[str, Any]:
    return {"PREFIX": PREFIX}


def addresses(html: str) -> set[str]:
    """Every path of this host that a page names: links, files, forms and what scripts are given."""
    found = set()
    for element in BeautifulSoup(html, "html.parser").find_all(True):
        for name, value in element.attrs.items():
            if not isinstance(value, str):
                continue
            if name in ADDRESS_ATTRIBUTES and value and not value.startswith(("#", "data:")):
                parts = urlsplit(value)
                if parts.scheme in ("", "http") and parts.netloc in ("", "localhost"):
                    found.add(parts.path)
            elif name.startswith("data-") or name in ("value", "content"):
                if PATH.fullmatch(value.partition("?")[0]):
                    found.add(value.partition("?")[0])
                elif value.startswith(("{", "[")):
                    found |= paths_in(json.loads(value))
    return found


def paths_in(value: Any) -> set[str]:
    """The values of a JSON document that are paths."""
    if isinstance(value, dict):
        return set().union(*(paths_in(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(paths_in(one) for one in value))
    if isinstance(value, str) and value != "/" and PATH.fullmatch(value.partition("?")[0]):
        return {value.partition("?")[0]}
    return set()


def is_below(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


class TestPages:
    def test_every_address_on_every_page_is_below_the_prefix(
        self, app: Flask, client: FlaskClient, planted: Planted, admin: Any, session: Session
    ) -> None:
        track = session.get_one(Track, int(planted.track_ids[0])).public_id
        run = planted.run.public_id
        queue = [
            str(rule)
            for rule in app.url_map.iter_rules()
            if "GET" in (rule.methods or ()) and not rule.arguments
        ]
        queue += [
            f"/tracks/{track}", f"/tracks/{track}/more", "/clusters/0",
            f"/stations/song?of={track}",
            f"/path?from={track}", f"/blend?add={track}", f"/admin/runs/{run}", "/tracks?q=song",
            f"/admin/compare?a={run}&b={run}", "/no/such/page",
        ]  # fmt: skip
        pages = 0
        for address in queue:
            answer = client.get(PREFIX + address)
            location = answer.headers.get("Location")
            assert location is None or is_below(urlsplit(location).path), address
            if answer.mimetype == "text/html":
                outside = {path for path in addresses(answer.text) if not is_below(path)}
                assert outside == set(), address
                pages += 1
            elif answer.mimetype == "application/json" and "openapi" not in address:
                assert {path for path in paths_in(answer.json) if not is_below(path)} == set()
            answer.close()
        assert pages > 30

    def test_what_pages_name_is_there(
        self, client: FlaskClient, planted: Planted, session: Session
    ) -> None:
        named = addresses(client.get(f"{PREFIX}/map").text) | addresses(
            client.get(f"{PREFIX}/").text
        )
        files = {path for path in named if re.search(r"\.(css|js|svg)$", path)}
        assert len(files) > 10
        assert any("map" in path for path in files)
        for path in files:
            with client.get(path) as answer:
                assert answer.status_code == 200, path

    def test_outside_there_is_nothing_but_probes(self, client: FlaskClient) -> None:
        assert client.get("/").headers["Location"] == "/music/"
        for address in ("/tracks", "/musical", "/static/css/theme.css"):
            answer = client.get(address)
            assert answer.status_code == 404
            assert answer.text == "songrec is at /music/\n"
            assert answer.headers["X-Request-ID"]
        for address in ("/health", "/music/health", "/music"):
            assert client.get(address).status_code == 200


class TestSigningIn:
    def test_it_leads_back_below_the_prefix_and_the_cookie_stays_there(
        self, client: FlaskClient, anna: Any
    ) -> None:
        refused = client.get("/music/account?x=1")
        assert refused.headers["Location"] == "/music/sign-in?next=/music/account?x%3D1"
        data = {"name": "Anna", "password": PASSWORD}
        entered = client.post(refused.headers["Location"], data=data)
        assert entered.headers["Location"] == "/music/account?x=1"
        assert "Path=/music;" in entered.headers["Set-Cookie"] + ";"
        assert client.get("/music/account").status_code == 200
        left = client.post("/music/sign-out")
        assert left.headers["Location"] == "/music/"
        assert client.get("/music/account").status_code == 303

    @pytest.mark.parametrize(
        "target", ["/", "/other", "/musical", "//evil.example", "/music/../x", "/music/%2E%2e/x"]
    )
    def test_it_leads_nowhere_else_on_the_host(
        self, client: FlaskClient, anna: Any, target: str
    ) -> None:
        data = {"name": "Anna", "password": PASSWORD, "next": target}
        answer = client.post("/music/sign-in", data=data)
        assert answer.headers["Location"] == "/music/"


def test_the_description_of_the_api_names_its_server(client: FlaskClient) -> None:
    for name in ("openapi.json", "openapi-3.0.json"):
        document = client.get(f"/music/api/v1/{name}").json
        assert document["servers"] == [{"url": "/music"}]
        assert "/api/v1/health" in document["paths"]


def test_playlists_for_other_players_name_whole_addresses(
    app: Flask, client: FlaskClient, session: Session, planted: Planted, monkeypatch: Any
) -> None:
    listener = Listener(token="somebody")
    session.add(listener)
    session.flush()
    playlist = playlists.create(session, listener, "Mine")
    playlists.add(session, playlist, [int(planted.track_ids[0])])
    session.commit()
    with client.session_transaction(path="/music/") as cookie:
        cookie["listener"] = "somebody"
    found = client.get(f"/music/api/v1/playlists/{playlist.public_id}/file?format=jspf&files=pages")
    assert found.status_code == 200, found.text
    assert "http://localhost/music/tracks/" in found.text


class TestBehindAProxy:
    """A proxy that is believed may strip the prefix; without a setting it may name one."""

    @pytest.fixture
    def app_config(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return {"PROXIES": 1, "PREFIX": getattr(request, "param", "")}

    @staticmethod
    def home(client: FlaskClient, path: str, forwarded: str | None = None) -> str | None:
        """The address of the home page on the sign-in page at ``path``; None if it is not there."""
        headers = {} if forwarded is None else {"X-Forwarded-Prefix": forwarded}
        answer = client.get(path, headers=headers)
        if answer.status_code != 200:
            return None
        form = BeautifulSoup(answer.text, "html.parser").select_one("form[action*='sign-in']")
        assert form is None or is_below(str(form["action"])) or "/" in str(form["action"])
        link = BeautifulSoup(answer.text, "html.parser").select_one("header a")
        assert link is not None
        return str(link["href"])

    @pytest.mark.parametrize(
        ("path", "forwarded", "home"),
        [
            ("/sign-in", None, "/"),
            ("/sign-in", "", "/"),
            ("/sign-in", "/", "/"),
            ("/sign-in", "/songs", "/songs/"),
            ("/sign-in", "/songs/", "/songs/"),
            ("/sign-in", "/a/b", "/a/b/"),
            ("/songs/sign-in", "/songs", "/songs/"),  # not stripped
            ("/sign-in", "/evil, /songs", "/songs/"),  # a visitor's, then the proxy's
            ("/sign-in", "//evil.example", "/"),
            ("/sign-in", "/a/../b", "/"),
            ("/sign-in", "/a b", "/"),
            ("/sign-in", "/é", "/"),
        ],
    )
    def test_its_prefix_is_used_if_well_formed(
        self, client: FlaskClient, path: str, forwarded: str | None, home: str
    ) -> None:
        assert self.home(client, path, forwarded) == home

    @pytest.mark.parametrize("app_config", [PREFIX], indirect=True)
    @pytest.mark.parametrize(
        ("path", "forwarded"),
        [("/music/sign-in", None), ("/sign-in", None), ("/sign-in", PREFIX),
         ("/music/sign-in", PREFIX), ("/sign-in", "/other")],
    )  # fmt: skip
    def test_with_the_setting_the_setting_counts(
        self, client: FlaskClient, path: str, forwarded: str | None
    ) -> None:
        assert self.home(client, path, forwarded) == "/music/"


def test_without_a_proxy_its_header_is_not_believed(instance: Path) -> None:
    from songrec import create_app

    app = create_app({"INSTANCE": instance})
    app.add_url_rule("/root", view_func=lambda: request.script_root or "none")
    answer = app.test_client().get("/root", headers={"X-Forwarded-Prefix": "/evil"})
    assert answer.text == "none"


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("", ""), ("/", ""), ("music", "/music"), ("/music/", "/music"), (" /a/b.c~d ", "/a/b.c~d")],
)  # fmt: skip
def test_the_setting_is_a_path(monkeypatch: pytest.MonkeyPatch, text: str, prefix: str) -> None:
    monkeypatch.setenv("SONGREC_PREFIX", text)
    assert config.prefix() == prefix
    monkeypatch.setenv("PORT", "80")
    assert config.address() == f"http://127.0.0.1:80{prefix}"


@pytest.mark.parametrize(
    "text", ["//a", "/a//b", "/../a", "/a/./b", "/a b", "/a?b", "http://x/a", "/é", "/" + "a" * 200]
)
def test_what_is_no_path_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SONGREC_PREFIX", text)
    with pytest.raises(BadInput, match=r"^SONGREC_PREFIX must be a path") as caught:
        config.load(tmp_path / "new")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()
