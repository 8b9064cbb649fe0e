"""What somebody without an account can put into the database, or onto the disk: not without end."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import RateLimitItemPerMinute
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from songrec.store.tables import Listener, Playlist, Track, User
from songrec.web import security
from tests.factories import make_track
from tests.web.accounts import admin, quick_hashes

__all__ = ["admin", "quick_hashes"]  # fixtures


@pytest.fixture
def song(session: Session) -> Track:
    found = make_track(session)
    session.commit()
    return found


def test_one_address_makes_a_bounded_number_of_listeners(
    app: Flask, session: Session, song: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "NEW_LISTENER_ADDRESS", RateLimitItemPerMinute(3, 60))
    like = {"value": "like"}
    clients = [app.test_client() for _ in range(5)]
    found = [c.post(f"/tracks/{song.public_id}/reaction", data=like).status_code for c in clients]
    assert found == [303, 303, 303, 429, 429]
    assert session.query(Listener).count() == 3
    # Who is known already goes on liking.
    again = clients[0].post(f"/tracks/{song.public_id}/reaction", data={"value": "dislike"})
    assert again.status_code == 303


def test_one_address_makes_a_bounded_number_of_playlists(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "NEW_PLAYLIST_ADDRESS", RateLimitItemPerMinute(2, 60))
    found = [app.test_client().post("/playlists", data={"name": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in found] == [303, 303, 429]
    assert session.query(Playlist).count() == 2


class TestBodies:
    """A form is a form: only an admin's upload is read beyond that."""

    LARGE = security.FORM_BYTES + 1

    def upload(self, client: FlaskClient, address: str) -> TestResponse:
        body = (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="songs.csv"\r\n\r\n'
            + b"x" * self.LARGE
            + b"\r\n--x--\r\n"
        )
        answer = client.post(address, data=body, content_type="multipart/form-data; boundary=x")
        answer.request.close()
        answer.close()
        return answer

    @pytest.mark.parametrize("address", ["/sign-in", "/playlists", "/admin/catalogue"])
    def test_nobody_sends_large_bodies_without_being_admin(self, app: Flask, address: str) -> None:
        app.config["WTF_CSRF_ENABLED"] = True  # the token is looked for in the body
        answer = self.upload(app.test_client(), address)
        assert answer.status_code == 413
        assert "The limit is 1 MiB" in answer.text
        assert ("flask ingest" in answer.text) == address.startswith("/admin")

    def test_an_admin_uploads_a_large_catalogue(self, client: FlaskClient, admin: User) -> None:
        answer = self.upload(client, "/admin/catalogue")
        assert answer.status_code == 303
        assert "/admin/jobs/" in answer.location
