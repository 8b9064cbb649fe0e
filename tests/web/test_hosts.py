"""Host names and forwarded headers: what visitors write into them is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, request
from flask_limiter.util import get_remote_address

from songrec import create_app
from songrec.core import config
from songrec.core.errors import BadInput
from tests.web.accounts import quick_hashes

__all__ = ["quick_hashes"]  # a fixture

FORGED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "Forwarded": "for=203.0.113.9;host=evil.example",
    "X-Real-IP": "203.0.113.9",
}


def make(instance: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Flask:
    """The application with these settings, which shows what it believes."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    app = create_app({"INSTANCE": instance, "WTF_CSRF_ENABLED": False})
    app.add_url_rule(
        "/seen",
        view_func=lambda: {
            "address": get_remote_address(),
            "host": request.host,
            "scheme": request.scheme,
        },
    )
    return app


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "localhost."]
)
def test_loopback_names_always_work(
    instance: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for hosts in ("", "music.example.org"):
        client = make(instance, monkeypatch, SONGREC_HOSTS=hosts).test_client()
        assert client.get("/sign-in", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "evilmusic.example.org",
     "music.example.org.evil.example", "192.168.1.5", "[::2]", "localhost@evil.example", "a b",
     "localhost:x", "[::1"],
)  # fmt: skip
def test_a_forged_host_is_refused_everywhere(
    instance: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for hosts in ("", "music.example.org"):
        client = make(instance, monkeypatch, SONGREC_HOSTS=hosts).test_client()
        for address in ("/", "/sign-in", "/api/v1/health", "/static/css/theme.css", "/no-page"):
            answer = client.get(address, headers={"Host": host})
            assert answer.status_code == 400
            assert "evil" not in answer.headers.get("Location", "") + answer.text


def test_listed_names_and_their_subdomains_are_answered(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = "Music.example.org, .home.arpa,192.168.1.5, [2001:db8::1]"
    client = make(instance, monkeypatch, SONGREC_HOSTS=names).test_client()
    for host in (
        "music.example.org:80",
        "home.arpa",
        "a.home.arpa",
        "192.168.1.5",
        "[2001:db8::1]",
        "[2001:DB8:0:0:0:0:0:1]:8000",
    ):
        assert client.get("/seen", headers={"Host": host}).status_code == 200
    assert client.get("/seen", headers={"Host": "a.music.example.org"}).status_code == 400


def test_without_a_proxy_no_forwarded_header_is_believed(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make(instance, monkeypatch).test_client()
    seen = client.get("/seen", headers=FORGED).json
    assert seen == {"address": "127.0.0.1", "host": "localhost", "scheme": "http"}


@pytest.mark.parametrize(("count", "address"), [("1", "198.51.100.2"), ("2", "198.51.100.1")])
def test_of_n_proxies_the_last_n_values_are_believed(
    instance: Path, monkeypatch: pytest.MonkeyPatch, count: str, address: str
) -> None:
    app = make(instance, monkeypatch, SONGREC_PROXIES=count, SONGREC_HOSTS="music.example.org")
    chain = {
        "X-Forwarded-For": "203.0.113.9, 198.51.100.1, 198.51.100.2",
        "X-Forwarded-Proto": "gopher, https, https",
        "X-Forwarded-Host": "evil.example, music.example.org, music.example.org",
    }
    seen = app.test_client().get("/seen", headers=chain).json
    assert seen == {"address": address, "host": "music.example.org", "scheme": "https"}
    # One value is what one proxy passes on: the name must be ours. From two it is not believed.
    forged = app.test_client().get("/seen", headers=FORGED)
    assert forged.status_code == (400 if count == "1" else 200)
    assert "evil" not in forged.text


def test_a_server_for_others_answers_to_any_name_until_told(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make(instance, monkeypatch, SONGREC_HOST="0.0.0.0").test_client()
    assert client.get("/seen", headers={"Host": "music.example.org"}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("SONGREC_HOSTS", "https://music.example.org"), ("SONGREC_HOSTS", "a.org:80"),
     ("SONGREC_HOSTS", "*"), ("SONGREC_HOSTS", "[::1]:80"),
     ("SONGREC_PROXIES", "-1"), ("SONGREC_PROXIES", "two")],
)  # fmt: skip
def test_an_invalid_setting_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=f"^{name}") as caught:
        config.load(tmp_path / "new")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()
