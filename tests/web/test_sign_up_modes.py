"""Sign-up open, by invitation or closed, and what the pages offer then."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store.db import now
from songrec.store.listeners import invitations, users
from songrec.store.tables import Invitation, SecurityEvent, User
from tests.factories import make_track
from tests.sounding import add_sound, write_wav
from tests.web.accounts import PASSWORD, admin, quick_hashes
from tests.web.html import texts

__all__ = ["admin", "quick_hashes"]  # fixtures


def sign_up(client: FlaskClient, secret: str = "", name: str = "Bo Li") -> Any:
    data = {"name": name, "password": PASSWORD, "again": PASSWORD, "invitation": secret}
    return client.post("/sign-up", data=data)


class TestClosed:
    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"SIGN_UP": "closed"}

    def test_nobody_makes_an_account(self, client: FlaskClient, session: Session) -> None:
        _, secret = invitations.create(session)
        session.commit()
        for answer in (client.get("/sign-up"), sign_up(client), sign_up(client, secret)):
            assert answer.status_code == 403
            assert texts(answer, "h1") == ["Sign-up is closed"]
        assert users.find(session, "Bo Li") is None

    def test_no_page_offers_it(self, client: FlaskClient) -> None:
        page = client.get("/sign-in").text
        assert "/sign-up" not in page
        assert "Ask an admin" in page

    def test_admins_cannot_invite(self, client: FlaskClient, admin: User, app: Flask) -> None:
        assert client.post("/admin/invitations").status_code == 409
        result = app.test_cli_runner().invoke(args=["invite"])
        assert result.exit_code == 1
        assert "SONGREC_SIGN_UP=invitation" in result.output


class TestInvitation:
    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"SIGN_UP": "invitation"}

    @pytest.mark.parametrize("secret", ["", "wrong", "x" * 5000])
    def test_without_one_nobody_makes_an_account(
        self, client: FlaskClient, session: Session, secret: str
    ) -> None:
        assert client.get("/sign-up", query_string={"invitation": secret}).status_code == 403
        assert sign_up(client, secret).status_code == 403
        assert users.find(session, "Bo Li") is None

    def test_a_link_makes_one_account(
        self, app: Flask, client: FlaskClient, admin: User, session: Session
    ) -> None:
        answer = client.post("/admin/invitations", data={"note": "Bo", "days": "3"})
        assert answer.status_code == 201
        (link,) = re.findall(r"http://localhost(/sign-up\?invitation=[\w-]{43})", answer.text)
        secret = link.partition("=")[2]
        assert secret not in client.get("/admin/invitations").text
        (row,) = session.query(Invitation).all()
        assert secret not in (row.secret_hash, row.note)

        guest, second = app.test_client(), app.test_client()
        page = guest.get(link)
        assert page.status_code == second.get(link).status_code == 200
        assert f'name="invitation" value="{secret}"' in page.text
        assert sign_up(guest, secret).status_code == 303
        assert guest.get("/account").status_code == 200
        refused = sign_up(second, secret, "Somebody else")
        assert refused.status_code == 403
        assert "was used, revoked or has expired" in refused.text
        assert users.find(session, "Somebody else") is None
        assert "used" in client.get("/admin/invitations").text
        events = session.scalars(select(SecurityEvent).order_by(SecurityEvent.id)).all()
        kinds = [event.kind for event in events if event.kind.startswith("invitation")]
        assert kinds == ["invitation-created", "invitation-used"]
        assert all(secret not in event.detail for event in events)

    def test_a_refused_form_leaves_the_invitation_open(
        self, client: FlaskClient, session: Session
    ) -> None:
        users.create(session, "Bo Li", PASSWORD)
        _, secret = invitations.create(session)
        session.commit()
        assert sign_up(client, secret).status_code == 400  # the name is taken
        assert invitations.find(session, secret) is not None
        assert sign_up(client, secret, "Bo Lee").status_code == 303

    def test_a_link_that_somebody_else_uses_meanwhile_makes_no_second_account(
        self, client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invitation, secret = invitations.create(session)
        session.commit()
        found = invitations.find

        def and_then_used(session: Session, secret: str) -> Invitation | None:
            row = found(session, secret)
            invitation.used_at = now()
            session.commit()
            return row

        monkeypatch.setattr(invitations, "find", and_then_used)
        answer = sign_up(client, secret)
        assert answer.status_code == 400
        assert "ask for a new one" in answer.text
        assert users.find(session, "Bo Li") is None

    def test_revoked_and_expired_links_are_useless(
        self, client: FlaskClient, admin: User, app: Flask, session: Session
    ) -> None:
        revoked, one = invitations.create(session)
        expired, other = invitations.create(session)
        expired.expires_at = now() - timedelta(seconds=1)
        session.commit()
        answer = client.post(f"/admin/invitations/{revoked.id}/revoke")
        assert answer.status_code == 303
        assert client.post(f"/admin/invitations/{revoked.id}/revoke").status_code == 404
        guest = app.test_client()
        for secret in (one, other):
            assert sign_up(guest, secret).status_code == 403

    def test_the_days_and_the_note_are_checked(self, client: FlaskClient, admin: User) -> None:
        for data in ({"days": "0"}, {"days": "91"}, {"note": "x" * 61}):
            answer = client.post("/admin/invitations", data=data, follow_redirects=True)
            assert "from 1 to 90 days" in answer.text or "at most 60" in answer.text

    def test_the_commands_invite_list_and_revoke(self, app: Flask, session: Session) -> None:
        run = app.test_cli_runner().invoke
        made = run(args=["invite", "--for", "Bo", "--base-url", "https://music.example.org"])
        assert made.exit_code == 0, made.output
        (secret,) = re.findall(
            r"https://music\.example\.org/sign-up\?invitation=(\S+)", made.output
        )
        assert invitations.find(session, secret) is not None
        (row,) = session.query(Invitation).all()
        assert "open" in run(args=["invitations", "list"]).output
        assert run(args=["invitations", "revoke", str(row.id)]).exit_code == 0
        again = run(args=["invitations", "revoke", str(row.id)])
        assert (again.exit_code, again.output.count("\n")) == (1, 1)
        assert run(args=["invite", "--days", "1000"]).exit_code == 1


class TestAccountsOnly:
    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"CATALOGUE": "accounts", "LISTENING": "accounts"}

    def test_the_sign_in_page_offers_no_page_that_is_closed(self, client: FlaskClient) -> None:
        page = client.get("/sign-in")
        assert texts(page, "nav a") == []
        assert "Liking songs works without" not in page.text


class TestListening:
    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"LISTENING": "accounts"}

    def test_songs_offer_to_sign_in_instead_of_playing(
        self, client: FlaskClient, session: Session, tmp_path: Any
    ) -> None:
        track = make_track(session, "Alpha", artists="Anna")
        file = add_sound(session, track, write_wav(tmp_path / "Alpha.wav", 0.1))
        users.create(session, "Anna", PASSWORD)
        session.commit()
        page = client.get("/tracks").text
        assert "Sign in to play Alpha" in page
        assert "data-play=" not in page
        assert client.get(f"/listen/{file.public_id}").status_code == 303
        assert client.get(f"/listen/{file.public_id}/waveform").status_code in (200, 202)
        client.post("/sign-in", data={"name": "Anna", "password": PASSWORD})
        assert f'data-play="{track.public_id}"' in client.get("/tracks").text
        answer = client.get(f"/listen/{file.public_id}")
        assert answer.status_code == 200
        assert answer.cache_control.private
        assert not answer.cache_control.public
        answer.close()
