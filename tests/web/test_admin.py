"""The admin's first page, uploads, the retrain form."""

from __future__ import annotations

import errno
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from songrec.clustering import CLUSTERINGS
from songrec.core.types import no_progress
from songrec.jobs import files, tasks
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS
from songrec.store import jobs
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Job, Track, TrackAttributes, User
from tests.catalogue_files.samples import TWELVE, as_text, song
from tests.factories import make_track, waiting_ids
from tests.planted_run import plant
from tests.web.accounts import admin, anna, quick_hashes
from tests.web.admin_runs import a_run
from tests.web.html import links, parse, text_of, texts

__all__ = ["admin", "anna", "quick_hashes"]  # fixtures


def last_job(session: Session) -> Job:
    (job, *_), _total = jobs.page(session, 1)
    session.refresh(job)
    return job


class TestOverview:
    """The first page says how things stand and what to do next."""

    def test_an_empty_instance_asks_for_a_catalogue(self, client: FlaskClient, admin: User) -> None:
        page = client.get("/admin")
        notices = texts(page, ".to-do .notice")
        assert "The catalogue is empty. Import songs" in notices
        assert [notice for notice in notices if notice.startswith("No worker is running: ")]
        assert links(page, ".to-do a")["Import songs"] == "/admin/catalogue"

    def test_it_names_the_published_run_and_says_how_good_it_is(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        measures = {"p_at_10_of_10": [0.4, 0.31, 0.47]}
        measured = {"playlists": 50, "methods": {"taste": measures}, "best": "taste"}
        run = a_run(app, session, "r-one", recommendation=measured)
        run.metrics = {"trustworthiness": 0.97}
        run.created_at = datetime(2024, 11, 30, tzinfo=UTC)
        folder = run_folders.run_folder(app.config["INSTANCE"], "r-one")
        np.save(folder / "track_ids.npy", np.arange(1, 4))
        runs.publish(session, "r-one")
        session.commit()
        page = client.get("/admin")
        name = "Autoencoder + k-means, 10 clusters · 30 Nov 2024"
        assert links(page, ".status-run .status-value a") == {name: "/admin/runs/r-one"}
        recommendations, map_quality, _ = texts(page, ".status-run dd")
        assert recommendations.startswith("40% of the first ten are right, by “Your taste”")
        assert map_quality == "Very faithful (trustworthiness 0.970 of 1)"

    def test_songs_since_the_last_training_and_failures_need_somebody(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        plant(session, app.config["INSTANCE"], 12, 2)
        make_track(session)
        job = jobs.create(session, "ingest", {})
        jobs.claim(session, "worker")
        jobs.fail(session, job.id, "The file is damaged.")
        session.commit()
        needs = texts(client.get("/admin"), ".to-do .notice")
        assert "1 song has come in since the last training. Retrain" in needs
        assert "1 job failed in the last seven days. See why" in needs

    def test_small_jobs_are_not_among_the_latest(
        self, client: FlaskClient, session: Session, admin: User
    ) -> None:
        for kind in ("sleeve", "report"):
            job = jobs.create(session, kind, {})
            jobs.claim(session, "worker")
            jobs.cancelled(session, job.id, "")
        session.commit()
        assert texts(client.get("/admin"), "tbody th") == ["Report"]

    def test_admin_pages_are_not_cached(self, client: FlaskClient, admin: User) -> None:
        assert client.get("/admin").headers["Cache-Control"] == "no-store"


class TestUpload:
    """A catalogue file becomes a job."""

    def upload(self, client: FlaskClient, name: str, content: bytes = b"a,b\n", **more: str) -> Any:
        return client.post(
            "/admin/catalogue",
            data={"file": (io.BytesIO(content), name), **more},
            content_type="multipart/form-data",
        )

    def test_the_file_is_kept_and_queued(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        answer = self.upload(client, "my songs.csv", b"hello")
        job = last_job(session)
        assert answer.headers["Location"] == f"/admin/jobs/{job.public_id}"
        assert job.user_id == admin.id
        assert job.parameters["source"] == "my songs"
        assert Path(job.parameters["path"]).read_bytes() == b"hello"
        assert waiting_ids(session) == [job.id]
        page = client.get(answer.headers["Location"])
        assert texts(page, "main h1") == ["Catalogue import: my songs.csv"]

    @pytest.mark.parametrize(
        "name",
        ["../../evil.csv", "..\\evil.csv", "/etc/passwd", "C:\\x\\songs.csv", "\x00.csv", "é"],
    )
    def test_a_file_never_leaves_the_uploads_folder(
        self, app: Flask, client: FlaskClient, session: Session, admin: User, name: str
    ) -> None:
        assert self.upload(client, name).status_code == 303
        path = Path(last_job(session).parameters["path"]).resolve()
        assert path.is_file()
        assert path.is_relative_to(files.uploads(app.config["INSTANCE"]).resolve())

    def test_a_full_disk_is_said_and_leaves_nothing(
        self,
        app: Flask,
        client: FlaskClient,
        session: Session,
        admin: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def full(self: FileStorage, path: Path) -> None:
            path.write_text("half a f")
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(FileStorage, "save", full)
        answer = client.post(
            "/admin/catalogue",
            data={"file": (io.BytesIO(b"a,b\n"), "songs.csv")},
            follow_redirects=True,
        )
        assert "No space left on device" in answer.text
        assert list(files.uploads(app.config["INSTANCE"]).iterdir()) == []
        assert waiting_ids(session) == []

    def test_no_file_is_explained(self, client: FlaskClient, session: Session, admin: User) -> None:
        answer = client.post("/admin/catalogue", data={}, follow_redirects=True)
        assert "Choose a file first" in answer.text
        assert jobs.page(session, 1)[1] == 0

    def test_an_unknown_format_is_refused(self, client: FlaskClient, admin: User) -> None:
        answer = self.upload(client, "a.csv", dialect="klingon")
        assert "Unknown format" in client.get(answer.headers["Location"]).text

    def test_an_unknown_scale_is_refused(self, client: FlaskClient, admin: User) -> None:
        answer = self.upload(client, "a.csv", scale="dozens")
        assert "Unknown scale" in client.get(answer.headers["Location"]).text

    def test_the_scale_that_was_chosen_is_the_one_read_by(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        values = dict(zip(TWELVE, [0.5, 100, -7, 0, 50, *[1] * 7], strict=True))
        self.upload(client, "quiet.csv", as_text([values], TWELVE).encode(), scale="percent")
        tasks.ingest(session, last_job(session), no_progress)
        assert session.scalars(select(TrackAttributes.energy)).all() == [0.01]

    def test_the_job_says_which_column_became_what(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        content = as_text([song(author="Ada", price=1)], ("song", "author", "price", *TWELVE))
        self.upload(client, "songs.csv", content.encode())
        job = last_job(session)
        job.result = tasks.ingest(session, job, no_progress)
        job.state = "done"
        session.commit()
        text = BeautifulSoup(client.get(f"/admin/jobs/{job.public_id}").text, "html.parser")
        rows = [[cell.text for cell in row.find_all("td")] for row in text.select("tbody tr")]
        assert ["title", "song", "the format's column"] in rows
        assert ["tempo", "Tempo", "the format's column"] in rows
        assert [item.text for item in text.select("details li")] == ["author", "price"]
        alert = text.select_one("[role=alert]")
        assert alert is not None
        assert "No column was read as the artists, but 'author' may hold them: “Ada”" in alert.text
        assert "artists=author" in alert.text

    def test_a_catalogue_that_was_named_is_the_one_and_the_job_says_what_is_another_song_s(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        names = [("7", "Paper Moon", "Ada"), ("9", "Noon", "Bo"), ("8", "Rain", "Cy")]
        columns = ("id", "song", "artist", "Tempo", "Energy")

        def import_as(name: str, *songs: tuple[str, str, str], **fields: str) -> Job:
            rows = [dict(zip(columns, (*one, "99", "0.5"), strict=True)) for one in songs]
            self.upload(client, name, as_text(rows, columns).encode(), **fields)
            job = last_job(session)
            job.result = tasks.ingest(session, job, no_progress)
            job.state = "done"
            session.commit()
            return job

        import_as("songs.csv", *names, catalogue=" Ours ")
        assert session.scalars(select(Track.source).distinct()).all() == ["Ours"]
        changed = [*names[:2], ("8", "Gold Rush", "Dee")]
        job = import_as("songs (1).csv", *changed)
        page = client.get(f"/admin/jobs/{job.public_id}")
        assert "2 of 3 songs with the same ids are those of the catalogue" in page.text
        assert "1 rejected row has the id of another song; that song is unchanged" in page.text
        assert "Songs are known by the catalogue&#39;s own id (3)" in page.text
        import_as("songs.csv", *changed, trust_ids="yes")
        titles = session.scalars(select(Track.title).order_by(Track.id)).all()
        assert titles == ["Paper Moon", "Noon", "Gold Rush"]

    def test_the_job_says_what_was_assumed_and_which_cells_were_left_out(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        cells = ["227000", "long", "lang"]
        rows = [song(song=f"S{i}", duration=cell) for i, cell in enumerate(cells)]
        self.upload(client, "songs.csv", as_text(rows, ("song", "duration", *TWELVE)).encode())
        job = last_job(session)
        job.result = tasks.ingest(session, job, no_progress)
        job.state = "done"
        session.commit()
        text = BeautifulSoup(client.get(f"/admin/jobs/{job.public_id}").text, "html.parser")
        assert "duration: plain numbers, such as 227000, are milliseconds" in text.text
        table = text.select_one("[aria-label='Cells that could not be read']")
        assert table is not None
        cells = [cell.text for cell in table.find_all("td")]
        assert cells == ["duration", "2", "3", "long", "is not a duration"]

    def test_columns_that_were_chosen_are_read(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        content = as_text([song(author="Ada")], ("song", "author", *TWELVE)).encode()
        self.upload(client, "songs.csv", content, columns="artists = author\r\n\r\n")
        tasks.ingest(session, last_job(session), no_progress)
        assert session.scalars(select(Track.artists)).all() == ["Ada"]

    @pytest.mark.parametrize(
        ("columns", "reason"),
        [("author", "'author' is no choice of a column"), ("singer=author", "'singer'")],
    )
    def test_a_choice_of_columns_that_cannot_be_is_refused(
        self, client: FlaskClient, session: Session, admin: User, columns: str, reason: str
    ) -> None:
        answer = self.upload(client, "songs.csv", columns=columns)
        (notice,) = texts(client.get(answer.headers["Location"]), ".flashes .notice-bad")
        assert reason in notice
        assert jobs.page(session, 1)[1] == 0

    def test_an_uploaded_file_is_forgotten_and_others_are_not(self, tmp_path: Path) -> None:
        folder = files.upload_folder(tmp_path)
        (folder / "songs.csv").touch()
        elsewhere = tmp_path / "songs.csv"
        elsewhere.touch()
        for path in (folder / "songs.csv", elsewhere):
            files.forget_upload(tmp_path, path)
        assert not folder.exists()
        assert elsewhere.exists()


class TestRetrain:
    """The form comes from the registries and is checked against them."""

    @pytest.mark.parametrize("registry", [REPRESENTATIONS, CLUSTERINGS, PROJECTIONS])
    def test_every_parameter_has_a_field(
        self, client: FlaskClient, admin: User, registry: Any
    ) -> None:
        form = parse(client.get("/admin/train")).select_one("form.train-form")
        names = {field["name"] for field in form.select("[name]")}
        choices = {radio["value"] for radio in form.select("input[type=radio]")}
        for entry in registry:
            assert entry.name in choices
            for parameter in entry.parameters:
                ending = f".{entry.name}.{parameter.name}"
                assert [name for name in names if name.endswith(ending)]

    def test_a_recommended_setting_comes_first_with_the_time_that_it_takes(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        make_track(session)
        session.commit()
        page = client.get("/admin/train")
        (recommended,) = parse(page).select(".recommended")
        assert "Autoencoder of attributes, k-means" in recommended.get_text()
        assert "for 1 song." in recommended.get_text()
        fields = {field["name"] for field in recommended.select("[name]")}
        assert fields == {"csrf_token", "name", "publish"}
        assert not parse(page).select_one("details.other-settings").has_attr("open")
        a_run(app, session, "r-before")
        assert "for 1 song, going by earlier runs." in client.get("/admin/train").text
        wrong = client.post("/admin/train", data={"seed": "-1"})
        assert parse(wrong).select_one("details.other-settings").has_attr("open")

    def test_pressing_retrain_queues_the_defaults(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        assert client.post("/admin/train").status_code == 303
        job = last_job(session)
        assert waiting_ids(session) == [job.id]
        assert job.parameters == {
            "representation": "autoencoder",
            "clustering": "kmeans",
            "projection": "auto",
            "feature_set": "auto",
            "seed": 0,
            "publish": False,
            "parameters": {"representation": {}, "clustering": {}, "projection": {}},
        }

    def test_feature_sets_that_were_named_on_the_command_line_are_kept(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-sound").feature_set = "musicnn,timbre"
        runs.publish(session, "r-sound")
        session.commit()
        hidden = parse(client.get("/admin")).select_one("input[name=feature_set]")
        assert hidden["value"] == "musicnn,timbre"
        assert client.post("/admin/train", data={"feature_set": hidden["value"]}).status_code == 303
        assert last_job(session).parameters["feature_set"] == "musicnn,timbre"
        unknown = client.post("/admin/train", data={"feature_set": "musicnn,theremin"})
        assert unknown.status_code == 400

    def test_what_the_catalogue_lacks_is_disabled_with_the_reason(
        self, client: FlaskClient, session: Session, admin: User
    ) -> None:
        for _ in range(3):
            make_track(session, genres=("folk",))
        session.commit()
        form = parse(client.get("/admin/train")).select_one("form.train-form")
        disabled = {
            field["value"]: text_of(field.find_parent("label").select_one(".why-not"))
            for field in form.select("input[type=radio][disabled]")
        }
        assert disabled == {
            "conv_vae": "No song was analysed with Mel spectrogram.",
            "hybrid_conv_vae": "No song was analysed with Mel spectrogram.",
        }
        usable = form.select("select[name=feature_set] option:not([disabled])")
        assert [option["value"] for option in usable] == ["auto", "attributes"]
        labels = form.select("select[name='representation.cvae.condition'] option[disabled]")
        assert [option["value"] for option in labels] == ["emotion", "language"]

    def test_it_says_what_will_change(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        plant(session, app.config["INSTANCE"], 12, 2)
        session.commit()
        changes = texts(client.get("/admin/train"), ".changes li")
        assert changes[0] == "Songs: 12, as before"
        assert "Representation: Attributes as they are → Autoencoder" in changes

    def test_a_name_goes_with_the_training(
        self, client: FlaskClient, session: Session, admin: User
    ) -> None:
        client.post("/admin/train", data={"name": "  With  more\nsongs "})
        assert last_job(session).parameters["name"] == "With more songs"

    def test_pressing_three_times_trains_once(
        self, client: FlaskClient, session: Session, admin: User
    ) -> None:
        answers = [client.post("/admin/train", data={"seed": "5"}) for _ in range(3)]
        assert len({answer.location for answer in answers}) == 1
        assert len(jobs.active(session)) == 1
        page = client.get(answers[0].location).text
        assert "This is waiting for its turn already; it was not queued a second time." in page
        assert client.post("/admin/train", data={"seed": "6"}).location != answers[0].location
        assert len(jobs.active(session)) == 2

    def test_what_is_asked_for_is_what_training_takes(
        self, client: FlaskClient, session: Session, admin: User
    ) -> None:
        client.post(
            "/admin/train",
            data={
                "representation": "autoencoder",
                "representation.autoencoder.epochs": "5",
                "representation.autoencoder.hidden": "24,12",
                "clustering.kmeans.n_clusters": "8",
                "representation.pca.latent": "not read",
                "seed": "7",
                "publish": "yes",
            },
        )
        asked = last_job(session).parameters
        assert asked["parameters"]["representation"] == {"epochs": 5, "hidden": [24, 12]}
        assert asked["parameters"]["clustering"] == {"n_clusters": 8}
        assert (asked["seed"], asked["publish"]) == (7, True)
        assert CLUSTERINGS.parse("kmeans", asked["parameters"]["clustering"])["n_clusters"] == 8

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("representation.autoencoder.epochs", "many", "a whole number"),
            ("clustering.kmeans.n_clusters", "201", "from 1 to"),
            ("seed", "-1", "from 0 to"),
            ("representation", "vea", "No representation"),
        ],
    )
    def test_a_wrong_value_is_explained_beside_its_field_and_nothing_starts(
        self,
        client: FlaskClient,
        session: Session,
        admin: User,
        field: str,
        value: str,
        message: str,
    ) -> None:
        answer = client.post("/admin/train", data={field: value})
        assert answer.status_code == 400
        assert message in answer.text
        assert jobs.page(session, 1)[1] == 0

    def test_clusters_of_a_model_that_makes_none_are_refused_before_anything_starts(
        self, client: FlaskClient, session: Session, admin: User
    ) -> None:
        answer = client.post("/admin/train", data={"representation": "pca", "clustering": "vade"})
        assert answer.status_code == 400
        assert "choose --representation vade" in answer.text
        assert jobs.page(session, 1)[1] == 0
        asked = {"representation": "vade", "clustering": "vade", "representation.vade.beta": "0.2"}
        assert client.post("/admin/train", data=asked).status_code == 303
        assert last_job(session).parameters["parameters"]["representation"] == {"beta": 0.2}
