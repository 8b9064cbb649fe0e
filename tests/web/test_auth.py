"""Accounts: signing up, in and out, moving likes in."""

from __future__ import annotations

import re
import threading
import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.db import db
from songrec.store.listeners import users
from songrec.store.tables import Listener, Reaction, User
from tests.factories import make_track
from tests.web.accounts import PASSWORD, anna, quick_hashes, sign_in
from tests.web.html import parse, texts

__all__ = ["anna", "quick_hashes"]  # fixtures


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def test_signing_up_signs_in(client: FlaskClient, session: Session) -> None:
    answer = client.post("/sign-up", data={"name": "Bo Li", "password": PASSWORD})
    assert answer.status_code == 303
    assert is_signed_in(client)
    assert not users.get(session, "bo li").is_admin


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("ab", PASSWORD, "3 to 30"),
        ("a" * 31, PASSWORD, "3 to 30"),
        ("<b>bold</b>", PASSWORD, "letters, digits"),
        ("Anna\n", "short", "at least 10"),
        ("aNNa", PASSWORD, "taken"),
        ("some-long-name", "Some-Long-Name", "must not be the name"),
    ],
)
def test_an_unfit_name_or_password_is_explained(
    client: FlaskClient, anna: User, name: str, password: str, message: str
) -> None:
    answer = client.post("/sign-up", data={"name": name, "password": password})
    assert answer.status_code == 400
    assert message in answer.text
    assert not is_signed_in(client)


def test_a_repeated_password_that_differs_is_refused(client: FlaskClient, anna: User) -> None:
    new = {"password": "another good password", "again": "another god password"}
    answer = client.post("/sign-up", data={"name": "Bo Li", **new})
    assert answer.status_code == 400
    assert texts(answer, "#form-error") == ["The two passwords do not match."]
    fields = {field["name"]: field.get("value", "") for field in parse(answer).select("main input")}
    assert fields["name"] == "Bo Li"
    assert (fields["password"], fields["again"]) == ("", "")
    assert new["password"] not in answer.text
    sign_in(client)
    answer = client.post("/account/password", data={"current": PASSWORD, **new})
    assert answer.status_code == 400
    assert texts(answer, "#password-error") == ["The two new passwords do not match."]
    assert sign_in(client.application.test_client()).status_code == 303


def test_wrong_password_and_unknown_name_get_the_same_answer(
    client: FlaskClient, anna: User
) -> None:
    wrong = sign_in(client, password="not the password")
    unknown = sign_in(client, name="Anne", password="not the password")
    assert wrong.status_code == unknown.status_code == 400
    # A form's token has the second in which it was made.
    texts = [re.sub(r'name="csrf_token" [^>]*', "", page.text) for page in (wrong, unknown)]
    assert texts[0].replace("Anna", "Anne") == texts[1]


def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    session: Session, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    verify = users._verify
    monkeypatch.setattr(users, "_verify", lambda h, p: bool(calls.append(h)) or verify(h, p))
    assert users.authenticate(session, "nobody", PASSWORD) is None
    assert users.authenticate(session, "Anna", "not the password") is None
    assert len(calls) == 2
    assert calls[0].split("$")[:4] == calls[1].split("$")[:4]  # the same algorithm and cost


def test_signing_out_needs_a_post_and_ends_the_session(client: FlaskClient, anna: User) -> None:
    sign_in(client)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 303
    assert not is_signed_in(client)


def test_changing_the_password_signs_out_every_other_browser(app: Flask, anna: User) -> None:
    here, there = app.test_client(), app.test_client()
    sign_in(here)
    sign_in(there)
    new = "another good password"
    answer = here.post("/account/password", data={"current": PASSWORD, "password": new})
    assert answer.status_code == 303
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert sign_in(there).status_code == 400
    assert sign_in(there, password=new).status_code == 303


def test_changing_the_password_needs_the_current_one(client: FlaskClient, anna: User) -> None:
    sign_in(client)
    data = {"current": "a wrong guess", "password": "another good password"}
    answer = client.post("/account/password", data=data)
    assert answer.status_code == 400
    assert "Wrong current password" in answer.text


def test_deleting_an_account_deletes_its_likes(
    client: FlaskClient, session: Session, anna: User
) -> None:
    listener = Listener(token="t", user_id=anna.id)
    session.add(listener)
    session.flush()
    session.add(Reaction(listener_id=listener.id, track_id=make_track(session).id, value=1))
    session.commit()
    sign_in(client)
    assert client.post("/account/delete", data={"current": PASSWORD}).status_code == 303
    assert session.query(User).count() == session.query(Listener).count() == 0
    assert session.query(Reaction).count() == 0
    assert not is_signed_in(client)


def test_the_last_admin_can_neither_leave_nor_step_down(session: Session, anna: User) -> None:
    users.set_admin(session, anna, True)
    with pytest.raises(BadInput, match="last admin"):
        users.delete(session, anna)
    with pytest.raises(BadInput, match="last admin"):
        users.set_admin(session, anna, False)
    users.create(session, "Second", PASSWORD, is_admin=True)
    users.set_admin(session, anna, False)
    assert not anna.is_admin


def test_two_admins_cannot_remove_each_other_at_the_same_moment(
    session: Session, anna: User
) -> None:
    users.set_admin(session, anna, True)
    bert = users.create(session, "Bert", PASSWORD, is_admin=True)
    session.commit()
    other_way: list[str] = []

    def unmake_anna() -> None:
        with Session(engine) as second:
            try:
                users.set_admin(second, second.get_one(User, anna_id), False)
                second.commit()
            except BadInput as error:
                other_way.append(str(error))

    anna_id, engine = anna.id, db.engine
    users.set_admin(session, bert, False)  # written, not yet committed
    thread = threading.Thread(target=unmake_anna)
    thread.start()
    time.sleep(0.3)  # long enough to have read who is an admin
    session.commit()
    thread.join()
    assert "last admin" in other_way[0]
    assert users.any_admin(session)


def test_whoever_was_signed_out_elsewhere_comes_back_to_a_page(
    client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client)
    users.set_password(session, anna, "another password")
    session.commit()
    assert client.get("/account").location == "/sign-in?next=/account"
    asked = client.post("/account/password", data={"current": "x", "password": "y"})
    back = sign_in(client, password="another password", next=asked.location.partition("next=")[2])
    assert client.get(back.location).status_code == 200


def test_a_password_is_never_stored_in_clear(session: Session, anna: User) -> None:
    assert PASSWORD not in anna.password_hash
    assert anna.password_hash.startswith("$argon2id$")


class TestLikesWithoutAnAccount:
    """What a browser liked moves into the account that it signs in to."""

    @pytest.fixture
    def liked(self, app: Flask, session: Session, client: FlaskClient) -> int:
        """A track that the client liked without an account."""
        track = make_track(session)
        listener = Listener(token="browser-token")
        session.add(listener)
        session.flush()
        session.add(Reaction(listener_id=listener.id, track_id=track.id, value=1))
        session.commit()
        with client.session_transaction() as cookie:
            cookie["listener"] = "browser-token"
        return track.id

    def likes_of(self, session: Session, user: User) -> list[int]:
        rows = session.query(Reaction.track_id).join(Listener, Listener.id == Reaction.listener_id)
        return [row[0] for row in rows.filter(Listener.user_id == user.id)]

    def test_at_sign_up(self, client: FlaskClient, session: Session, liked: int) -> None:
        client.post("/sign-up", data={"name": "Newcomer", "password": PASSWORD})
        assert self.likes_of(session, users.get(session, "Newcomer")) == [liked]

    def test_at_sign_in_they_join_those_of_the_account(
        self, client: FlaskClient, session: Session, anna: User, liked: int
    ) -> None:
        mine = Listener(token="mine", user_id=anna.id)
        session.add(mine)
        session.flush()
        other = make_track(session).id
        session.add(Reaction(listener_id=mine.id, track_id=other, value=1))
        session.commit()
        sign_in(client)
        assert sorted(self.likes_of(session, anna)) == sorted([liked, other])
        assert session.query(Listener).count() == 1

    def test_the_old_cookie_no_longer_opens_them(
        self, app: Flask, client: FlaskClient, session: Session, anna: User, liked: int
    ) -> None:
        sign_in(client)
        assert session.query(Listener).filter_by(token="browser-token").count() == 0
        with client.session_transaction() as cookie:
            assert "listener" not in cookie

    @pytest.mark.parametrize("signed_in", [False, True])
    def test_two_first_likes_at_the_same_moment_are_both_kept(
        self, app: Flask, session: Session, anna: User, signed_in: bool
    ) -> None:
        tracks = [make_track(session) for _ in range(2)]
        session.commit()
        first, second = app.test_client(), app.test_client()
        if signed_in:
            sign_in(first)
        first.get("/sign-up")  # any page with a form
        cookie = first.get_cookie("session")
        assert cookie is not None
        second.set_cookie("session", cookie.value)
        for client, track in zip((first, second), tracks, strict=True):
            client.post(f"/tracks/{track.public_id}/reaction", data={"value": "like"})
        assert session.query(Listener).count() == 1
        assert session.query(Reaction).count() == 2

    def test_two_pages_that_load_at_once_after_signing_in_share_their_forms_secret(
        self, client: FlaskClient, anna: User
    ) -> None:
        sign_in(client)
        with client.session_transaction() as cookie:
            assert cookie["csrf_token"]
