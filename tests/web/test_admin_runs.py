"""The admin's pages of runs and of users."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store.listeners import users
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Cluster, User
from tests.planted_run import plant, publish
from tests.web.accounts import PASSWORD, admin, anna, quick_hashes
from tests.web.admin_runs import a_run
from tests.web.html import links, parse, text_of, texts

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
        page = client.get("/admin/runs/r-one")
        text = page.text
        for shown in ("representation: epochs", "0.25", "variance was left out", "0.0500"):
            assert shown in text

    def test_a_run_shows_how_good_its_recommendations_are(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        measures = {"p_at_10_of_1": [0.2, 0.15, 0.25], "p_at_10_of_10": [0.4, 0.31, 0.47]}
        methods = {
            "cosine": {name: [value / 2 for value in of] for name, of in measures.items()},
            "taste": {**measures, "discovery_p_at_10": None},
        }
        measured = {"playlists": 50, "trained_on": 200, "methods": methods, "best": "taste"}
        a_run(app, session, "r-measured", recommendation=measured)
        few = {"playlists": 0, "available": 7, "needed": 30, "songs": 12}
        a_run(app, session, "r-few", recommendation=few)
        a_run(app, session, "r-old")
        page = client.get("/admin/runs/r-measured")
        table = "[aria-labelledby=recommendation-title] tbody"
        assert texts(page, f"{table} th") == ["Your taste used", "What they share"]
        assert texts(page, f"{table} td")[:3] == ["20% (15 to 25)", "40% (31 to 47)", "–"]
        assert "Measured on 50 playlists of this catalogue" in page.text
        page = client.get("/admin/runs/r-few").text
        assert "this needs 30 playlists of 12 songs or more, and this catalogue has 7." in page
        assert "this run is older than the measure" in client.get("/admin/runs/r-old").text

    def test_losses_that_measure_something_else_are_not_compared(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        for public_id, representation in (("r-a", "autoencoder"), ("r-v", "vae")):
            run = a_run(app, session, public_id)
            run.representation = representation
            run.metrics = {"val_loss": 0.1 if representation == "vae" else 0.2}
            folder = run_folders.run_folder(app.config["INSTANCE"], public_id)
            np.save(folder / "track_ids.npy", np.arange(4))
            labels = np.zeros(4, dtype=np.int32)
            np.savez(folder / "clustering.npz", labels=labels, confidence=labels)
            session.add(Cluster(run_id=run.id, number=0, name="All", size=4, profile={}))
        session.commit()
        page = client.get("/admin/compare?a=r-a&b=r-v")
        (apart,) = parse(page).select("[aria-label='Measures that cannot be compared']")
        assert "Not compared: different models, autoencoder and vae." in text_of(apart)
        (compared,) = texts(page, "[aria-label='Measures of both runs']")
        assert "Validation loss" not in compared
        assert texts(page, "td.better") == []

    def test_the_published_run_and_the_newest_other_are_compared_at_first(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        instance = app.config["INSTANCE"]
        planted = plant(session, instance)
        moved = planted.labels.copy()
        moved[:10] = (moved[:10] + 1) % 4
        other = publish(
            session, instance, planted.track_ids, moved, planted.coordinates, planted.values
        )
        runs.publish(session, planted.run.public_id)
        session.commit()
        page = client.get("/admin/compare")
        chosen = [option["value"] for option in parse(page).select("option[selected]")]
        assert chosen == [planted.run.public_id, other.public_id]
        assert "10 (4.2%)" in texts(page, ".facts dd")
        ribbons = texts(page, ".flow-chart .ribbon title")
        assert len(ribbons) >= 8  # four successors, and where songs moved
        assert sum(int(text.rpartition(": ")[2].split()[0]) for text in ribbons) == 240
        assert texts(page, ".flow-chart text")[0].startswith("Calm acoustic folk")
        twice = client.get(f"/admin/compare?a=published&b={planted.run.public_id}")
        assert texts(twice, ".notice") == ["Both are the same run. Choose another one for B."]

    def test_one_run_alone_is_not_compared(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-one")
        assert "Train another one with other settings" in client.get("/admin/compare").text
        assert texts(client.get("/admin/runs"), "input[type=radio]") == []

    def test_a_comparison_whose_files_are_missing_says_so(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-one", with_files=False)
        a_run(app, session, "r-two")
        page = client.get("/admin/compare")
        assert page.status_code == 200
        assert [text for text in texts(page, ".notice-bad") if "are missing" in text]
        (button,) = parse(client.get("/admin/runs")).select("button[disabled]")
        assert text_of(button) == "Publish"

    def test_a_run_gets_a_name_and_loses_it(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        run = a_run(app, session, "r-one")
        run.created_at = datetime(2024, 11, 30, 12, tzinfo=UTC)
        session.commit()
        for name, shown in (
            (" Winter \t 2024 ", "Winter 2024"),
            ("", "Autoencoder + k-means, 10 clusters · 30 Nov 2024"),
        ):
            client.post("/admin/runs/r-one/name", data={"name": name})
            assert texts(client.get("/admin/runs/r-one"), "main h1") == [shown]
            assert shown in links(client.get("/admin/runs"), "tbody a")
        assert client.post("/admin/runs/nope/name").status_code == 404

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
        assert "The only admin" in texts(client.get("/admin/users"), "td span")
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
        password = str(parse(page).select_one("#password")["value"])
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
