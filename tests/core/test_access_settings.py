"""Decisions of public addresses: their defaults, what is left undecided, invalid values."""

from __future__ import annotations

import pytest

from songrec.core import access_settings, config
from songrec.core.errors import BadInput

NAMES = (
    "SONGREC_SIGN_UP",
    "SONGREC_CATALOGUE",
    "SONGREC_LISTENING",
    "SONGREC_HOSTS",
    "SONGREC_PROXIES",
)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, "SONGREC_HOST", "SONGREC_HTTPS"):
        monkeypatch.delenv(name, raising=False)


def chosen() -> tuple[str, ...]:
    return tuple(access_settings.load(exposed=config.exposed()).values())


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost", "::1"])
def test_everything_is_open_on_loopback(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("SONGREC_HOST", host)
    assert chosen() == ("open", "everyone", "everyone")
    assert access_settings.undecided(exposed=config.exposed()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SONGREC_HOST", "0.0.0.0"),
        ("SONGREC_HOST", "::"),
        ("SONGREC_HOST", "192.168.1.5"),
        ("SONGREC_PROXIES", "1"),
        ("SONGREC_HTTPS", "1"),
    ],
)
def test_elsewhere_sign_up_is_closed_and_only_accounts_listen(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert chosen() == ("closed", "everyone", "accounts")


def test_every_undecided_setting_is_one_line_with_its_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SONGREC_HOST", "::")
    lines = access_settings.undecided(exposed=config.exposed())
    assert {line.split()[0] for line in lines} == set(NAMES)
    assert all("is not set" in line and "decide: " in line and "\n" not in line for line in lines)
    decided = dict(zip(NAMES, ("invitation", "accounts", "accounts", "a.org", "1"), strict=True))
    for name, value in decided.items():
        monkeypatch.setenv(name, value)
    assert access_settings.undecided(exposed=True) == []
    assert chosen() == ("invitation", "accounts", "accounts")


def test_a_closed_catalogue_closes_listening_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGREC_CATALOGUE", "accounts")
    assert chosen() == ("open", "accounts", "accounts")
    # Then whoever has the link of a shared playlist plays its songs.
    monkeypatch.setenv("SONGREC_LISTENING", "everyone")
    assert chosen() == ("open", "accounts", "everyone")


@pytest.mark.parametrize("name", NAMES[:3])
def test_an_unknown_value_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "perhaps")
    with pytest.raises(BadInput, match=f"{name} must be .*; it is 'perhaps'"):
        chosen()
