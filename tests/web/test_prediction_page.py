"""The admin's page on the predictor: charts, figures as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.jobs import tasks
from songrec.prediction import folders, saving
from songrec.prediction.predictor import Predictor
from songrec.prediction.report import ScoreRow
from songrec.services.prediction import attribute_estimates, attribute_prediction, training_samples
from songrec.store import jobs
from songrec.store.tables import Job, Track, User
from songrec.web.admin.prediction import LEFT, RIGHT, WIDTH, chart
from tests.factories import make_track
from tests.prediction.planted import planted
from tests.sounding import add_sound, write_wav
from tests.web.accounts import admin, quick_hashes
from tests.web.html import links, parse, texts

__all__ = ["admin", "quick_hashes"]  # fixtures


def train(app: Flask) -> str:
    table, targets = planted(100)
    chosen = {name: targets[name] for name in ("energy", "mode")}
    predictor = Predictor(models=("ridge", "svm")).fit(table, chosen, trials=0)
    return saving.save(predictor, app.config["INSTANCE"], source="songs.csv")


def test_without_a_predictor_the_page_says_how_to_get_one(client: FlaskClient, admin: User) -> None:
    page = client.get("/admin/prediction")
    assert texts(page, "main .empty code")[-2:] == [
        "flask predict train",
        "flask predict train FILE",
    ]
    assert client.get("/admin/prediction/report.csv").status_code == 404


def test_the_page_draws_every_model_beside_the_ensemble(
    app: Flask, client: FlaskClient, admin: User
) -> None:
    name = train(app)
    page = client.get("/admin/prediction")
    (summary,) = (text for text in texts(page, "main p") if text.startswith("Predictor "))
    assert summary.startswith(f"Predictor {name}: trained on songs.csv, 100 songs, 20 of them")
    # R² and error of energy, accuracy and F1 of mode: three models each.
    figures = parse(page).select("figure.forest")
    assert len(figures) == 4
    for figure in figures:
        assert len(figure.select("svg.chart .forest-mark.is-ensemble")) == 1
        assert len(figure.select("svg.chart circle.dot")) == 3
        models = texts(str(figure), "details table tbody th")
        assert sorted(models) == ["Ensemble", "Ridge", "Support vector machine"]
    assert parse(page).select("[style]") == []
    assert client.get(f"/admin/prediction?predictor={name}").status_code == 200
    assert client.get("/admin/prediction?predictor=../secret_key").status_code == 404


def test_the_download_holds_the_pages_figures(app: Flask, client: FlaskClient, admin: User) -> None:
    train(app)
    answer = client.get("/admin/prediction/report.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {(row["target"], row["measure"]) for row in rows} == {
        ("energy", "r2"),
        ("energy", "mae"),
        ("mode", "accuracy"),
        ("mode", "f1_weighted"),
    }
    assert {row["model"] for row in rows} == {"ensemble", "ridge", "svm"}


def test_a_chart_places_figures_in_proportion_and_keeps_them_inside() -> None:
    def row(model: str, value: float, low: float, high: float, is_best: bool = False) -> ScoreRow:
        return ScoreRow("energy_mood", "energy", model, "r2", value, low, high, is_best)

    drawn = chart([row("ensemble", 0.8, 0.6, 1.0, True), row("ridge", 0.4, -40.0, 0.5)])
    first, second = drawn.marks
    assert [first.label, second.label] == ["Ensemble", "Ridge"]
    assert first.end == WIDTH - RIGHT
    # A hopeless lower end is cut off at -0.5, where the axis begins.
    assert second.start == LEFT
    zero = LEFT + (0.5 / 1.5) * (WIDTH - RIGHT - LEFT)
    assert abs((first.x - zero) / (second.x - zero) - 2) < 0.01
    assert "Best: Ensemble" in drawn.summary


def asked(session: Session) -> list[Job]:
    return [job for job in jobs.active(session) if job.kind == "predict"]


def test_a_training_is_asked_for_once(client: FlaskClient, session: Session, admin: User) -> None:
    answer = client.post("/admin/prediction", data={"trials": "3"})
    (job,) = asked(session)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/admin/jobs/{job.public_id}"
    assert job.parameters == {"trials": 3}
    shown = client.get(f"/admin/jobs/{job.public_id}")
    assert texts(shown, "main h1") == ["Training the predictor"]
    page = client.get("/admin/prediction")
    assert links(page)["A training is waiting"] == f"/admin/jobs/{job.public_id}"
    assert parse(page).select("[name=trials]") == []
    assert client.post("/admin/prediction", data={"trials": "5"}).status_code == 303
    assert asked(session) == [job]
    assert client.post(f"/admin/jobs/{job.public_id}/cancel").status_code == 303
    assert asked(session) == []


@pytest.mark.parametrize("trials", ["", "-1", "1001", "ten", "1.5", "٣"])
def test_trials_that_are_none_are_refused_beside_the_field(
    client: FlaskClient, session: Session, admin: User, trials: str
) -> None:
    answer = client.post("/admin/prediction", data={"trials": trials})
    assert answer.status_code == 400
    assert texts(answer, "#trials-error") == ["Give a whole number from 0 to 1,000."]
    assert asked(session) == []


def test_the_job_trains_estimates_and_says_how_well(
    app: Flask,
    client: FlaskClient,
    session: Session,
    admin: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table, targets = planted(100)
    sample = training_samples.Sample(table, {"energy": targets["energy"]}, "catalogue")
    monkeypatch.setattr(training_samples, "read_catalogue", lambda *_: sample)
    monkeypatch.setattr(attribute_estimates, "refresh", lambda *_: 12)
    monkeypatch.setattr(
        attribute_prediction, "Predictor", lambda: Predictor(models=("ridge", "svm"))
    )
    client.post("/admin/prediction", data={"trials": "0"})
    (job,) = asked(session)
    assert jobs.claim(session, "worker")
    shares: list[float] = []
    result = tasks.predict(session, job, lambda share, *_: shares.append(share))
    assert jobs.finish(session, job.id, result, log="", details={})
    session.commit()
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] <= shares[-1] < 1.0
    assert folders.ids(app.config["INSTANCE"]) == [result["predictor"]]
    assert (result["tracks"], result["held_out"], result["estimated"]) == (100, 20, 12)
    assert result["groups"]["energy_mood"]["r2"] > 0.8
    assert (
        f"Predictor {result['predictor']} was trained on 100 songs, 20 of them held out; "
        "12 songs have new estimates."
    ) in texts(client.get(f"/admin/jobs/{job.public_id}"), ".panel p")


def test_a_songs_page_says_what_was_measured_and_what_estimated(
    client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    heard, silent = make_track(session), make_track(session)
    sources = {"tempo": "measured", "key": "measured", "energy": "musicnn", "liveness": "predicted"}
    known = {name: {"value": 0.5, "source": source} for name, source in sources.items()}
    add_sound(session, heard, write_wav(tmp_path / "a.wav"), info={"attributes": known})
    session.commit()

    def origins(track: Track) -> set[str]:
        notes = texts(client.get(f"/tracks/{track.public_id}"), "main p.quiet")
        return {note for note in notes if note.startswith(("Measured", "Estimated"))}

    assert origins(heard) == {
        "Measured from the sound: Tempo, Key.",
        "Estimated from the sound: Liveness.",
        "Estimated from the tags that MusiCNN hears: Energy.",
    }
    assert origins(silent) == set()
