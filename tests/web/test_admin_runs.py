"""The admin's pages of runs and of users."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store.listeners import users
from songrec.store.runs import runs
from songrec.store.tables import User
from tests.planted_run import plant
from tests.web.accounts import PASSWORD, admin, anna, quick_hashes
from tests.web.admin_runs import a_run
from tests.web.html import texts

__all__ = ["admin", "anna", "quick_hashes"]  # fixtures


class TestRuns:
    """Runs are listed, shown, published and rolled back."""

    def test_publishing_and_rolling_back(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-old")
        a_run(app, session, "r-new")
        for public_id in ("r-old", "r-new", "r-old"):
            assert client.post(f"/admin/runs/{public_id}/publish").status_code == 303
            session.expire_all()
            assert runs.published(session).public_id == public_id  # type: ignore[union-attr]
        assert texts(client.get("/admin/runs"), "tbody button") == ["Publish"]
        client.post("/admin/runs/r-new/publish")
        assert texts(client.get("/admin/runs"), "tbody button") == ["Roll back to this"]

    def test_a_run_without_files_is_not_published(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-gone", with_files=False)
        answer = client.post("/admin/runs/r-gone/publish")
        assert answer.status_code == 503
        assert "train again" in answer.text
        assert runs.published(session) is None
        assert texts(client.get("/admin/runs/r-gone"), ".notice-bad") == [
            "The files of this run are gone, so it cannot be published. Retrain."
        ]

    def test_a_run_shows_parameters_measures_notes_and_curve(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-one")
        text = client.get("/admin/runs/r-one").text
        for shown in ("representation: epochs", "0.25", "variance was left out", "0.0500"):
            assert shown in text

    def test_two_runs_side_by_side(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        planted = plant(session, app.config["INSTANCE"])
        session.commit()
        public_id = planted.run.public_id
        page = client.get(f"/admin/compare?a=published&b={public_id}")
        assert "0 (0.0%)" in texts(page, ".facts dd")  # nothing changed company against itself
        assert "successor" in texts(page, "main th, main .state, main span")

    def test_an_unknown_run_is_404(self, client: FlaskClient, admin: User) -> None:
        assert client.get("/admin/runs/nope").status_code == 404
        assert client.post("/admin/runs/nope/publish").status_code == 404
        assert client.get("/admin/compare?a=nope&b=nope").status_code == 404


class TestUsers:
    """Admins see to accounts."""

    def test_making_and_unmaking_an_admin(
        self, client: FlaskClient, session: Session, admin: User, anna: User
    ) -> None:
        for value, expected in (("1", True), ("0", False)):
            client.post(f"/admin/users/{anna.id}/admin", data={"value": value})
            session.expire_all()
            assert anna.is_admin is expected

    def test_the_last_admin_stays(self, client: FlaskClient, session: Session, admin: User) -> None:
        answer = client.post(
            f"/admin/users/{admin.id}/admin", data={"value": "0"}, follow_redirects=True
        )
        assert texts(answer, ".notice-bad") == [
            "'Chief' is the last admin; make somebody else admin first."
        ]
        session.expire_all()
        assert admin.is_admin

    def test_a_new_password_is_shown_once_and_works(
        self, app: Flask, client: FlaskClient, session: Session, admin: User, anna: User
    ) -> None:
        page = client.post(f"/admin/users/{anna.id}/password")
        (password,) = texts(page, '[aria-label="New password"]')
        assert users.authenticate(session, "Anna", password) is not None
        assert users.authenticate(session, "Anna", PASSWORD) is None
        assert password not in client.get("/admin/users").text

    def test_a_number_no_account_can_have_is_404(self, client: FlaskClient, admin: User) -> None:
        for number in (2**31 - 1, 2**31, 10**30):
            assert client.post(f"/admin/users/{number}/delete").status_code == 404

    def test_deleting_an_account(
        self, client: FlaskClient, session: Session, admin: User, anna: User
    ) -> None:
        client.post(f"/admin/users/{anna.id}/delete")
        assert users.find(session, "Anna") is None
        client.post(f"/admin/users/{admin.id}/delete")
        assert users.find(session, "Chief") is not None
