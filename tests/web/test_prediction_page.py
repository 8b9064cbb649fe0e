"""The admin's page on the predictor: charts, figures as CSV."""

from __future__ import annotations

import csv
import io
import re

from flask import Flask
from flask.testing import FlaskClient

from songrec.prediction import saving
from songrec.prediction.predictor import Predictor
from songrec.prediction.report import Row
from songrec.store.tables import User
from songrec.web.admin.prediction import LEFT, RIGHT, WIDTH, chart
from tests.prediction.planted import planted
from tests.web.accounts import admin, quick_hashes

__all__ = ["admin", "quick_hashes"]  # fixtures


def train(app: Flask) -> str:
    table, targets = planted(100)
    chosen = {name: targets[name] for name in ("energy", "mode")}
    predictor = Predictor(models=("ridge", "svm")).fit(table, chosen, trials=0)
    return saving.save(predictor, app.config["INSTANCE"], source="songs.csv")


def test_without_a_predictor_the_page_says_how_to_get_one(client: FlaskClient, admin: User) -> None:
    assert "flask predict train" in client.get("/admin/prediction").text
    assert client.get("/admin/prediction/report.csv").status_code == 404


def test_the_page_draws_every_model_beside_the_ensemble(
    app: Flask, client: FlaskClient, admin: User
) -> None:
    name = train(app)
    text = client.get("/admin/prediction").text
    assert f"Predictor {name}" in text
    assert "songs.csv" in text
    # R² and error of energy, accuracy and F1 of mode: three models each.
    assert text.count('<svg class="chart"') == 4
    assert text.count("forest-mark is-ensemble") == 4
    assert len(re.findall(r'<circle class="dot"', text)) == 12
    assert "Ridge" in text
    assert "style=" not in text
    assert client.get(f"/admin/prediction?predictor={name}").status_code == 200
    assert client.get("/admin/prediction?predictor=../secret_key").status_code == 404


def test_the_download_holds_the_pages_figures(app: Flask, client: FlaskClient, admin: User) -> None:
    train(app)
    answer = client.get("/admin/prediction/report.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {(row["target"], row["measure"]) for row in rows} == {
        ("energy", "r2"), ("energy", "mae"), ("mode", "accuracy"), ("mode", "f1_weighted"),
    }  # fmt: skip
    assert {row["model"] for row in rows} == {"ensemble", "ridge", "svm"}


def test_a_chart_places_figures_in_proportion_and_keeps_them_inside() -> None:
    def row(model: str, value: float, low: float, high: float, is_best: bool = False) -> Row:
        return Row("energy_mood", "energy", model, "r2", value, low, high, is_best)

    drawn = chart([row("ensemble", 0.8, 0.6, 1.0, True), row("ridge", 0.4, -40.0, 0.5)])
    first, second = drawn.marks
    assert [first.label, second.label] == ["Ensemble", "Ridge"]
    assert first.end == WIDTH - RIGHT
    # A hopeless lower end is cut off at -0.5, where the axis begins.
    assert second.start == LEFT
    zero = LEFT + (0.5 / 1.5) * (WIDTH - RIGHT - LEFT)
    assert abs((first.x - zero) / (second.x - zero) - 2) < 0.01
    assert "Best: Ensemble" in drawn.summary
