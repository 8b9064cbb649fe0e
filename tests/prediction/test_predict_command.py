from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.types import FeatureTable
from songrec.prediction import folders
from songrec.services.features import feature_sets
from songrec.services.prediction import attribute_prediction, training_samples
from songrec.store.instance import Instance
from songrec.store.tables import AudioFile
from tests.factories import make_track
from tests.prediction.planted import QUICK, planted


@pytest.fixture(autouse=True)
def _few_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from songrec.prediction import predictor

    monkeypatch.setattr(predictor.BASE_MODELS, "names", lambda: QUICK)


@pytest.fixture
def table_file(tmp_path: Path) -> Path:
    return write_table(tmp_path / "songs.csv", 150, 0)


def write_table(path: Path, n: int, seed: int) -> Path:
    table, targets = planted(n, seed)
    named = {
        "track_id": np.arange(n),
        **targets,
        **dict(zip(table.names, table.values.T, strict=True)),
    }
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(named)
        writer.writerows(zip(*(column.tolist() for column in named.values()), strict=True))
    return path


def run(app: Flask, *words: object) -> tuple[int, str, str]:
    result = app.test_cli_runner().invoke(args=["predict", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def test_train_then_evaluate_then_report(app: Flask, table_file: Path, tmp_path: Path) -> None:
    code, out, _ = run(app, "train", table_file, "--trials", 2, "--json")
    assert code == 0
    trained = json.loads(out)
    code, out, _ = run(app, "evaluate", table_file, "--json")
    assert code == 0
    found = json.loads(out)
    # The file that it was trained on: only what was held out counts, as it was said then.
    assert found["predictor"] == trained["predictor"]
    assert found["rows"] == {"total": 150, "held_out": 30, "new": 0}
    for name, score in trained["targets"].items():
        measure = "accuracy" if name == "mode" else "r2"
        assert found["targets"][name][measure] == pytest.approx(score[measure], abs=1e-4)
    assert set(found["groups"]) == {"energy_mood", "production", "structure"}
    assert found["groups"]["energy_mood"]["r2"] == pytest.approx(
        (found["targets"]["energy"]["r2"] + found["targets"]["valence"]["r2"]) / 2
    )
    assert set(found["targets"]["mode"]) >= {"accuracy", "f1_weighted"}

    code, out, _ = run(app, "report", "--csv", tmp_path / "report.csv", "--json")
    assert code == 0
    with (tmp_path / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(json.loads(out)["rows"]) == 5 * 2 * (len(QUICK) + 1)
    for row in rows:
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
    code, out, _ = run(app, "report")
    assert code == 0
    assert "Ensemble" in out


def test_tracks_that_are_new_are_all_scored(app: Flask, table_file: Path, tmp_path: Path) -> None:
    assert run(app, "train", table_file, "--trials", 0)[0] == 0
    code, out, _ = run(app, "evaluate", write_table(tmp_path / "new.csv", 60, 7), "--json")
    found = json.loads(out)
    assert code == 0
    assert found["rows"] == {"total": 60, "held_out": 0, "new": 60}
    assert found["targets"]["energy"]["r2"] > 0.9


def test_evaluating_without_a_predictor_trains_one_and_keeps_none(
    app: Flask, table_file: Path
) -> None:
    code, out, _ = run(app, "evaluate", table_file, "--trials", 0, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["predictor"] is None
    assert found["rows"]["held_out"] == 30
    assert folders.ids(app.config["INSTANCE"]) == []


def test_several_splits_give_means_and_deviations(app: Flask, table_file: Path) -> None:
    code, out, _ = run(app, "evaluate", table_file, "--trials", 0, "--splits", 2, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["splits"] == 2
    assert 0.8 < found["targets"]["energy"]["r2"] <= 1
    assert found["targets"]["energy"]["r2_std"] >= 0
    assert "r2_std" in found["groups"]["energy_mood"]


def test_what_cannot_be_done_ends_with_one_line(app: Flask, tmp_path: Path) -> None:
    for words, reason in [
        (("report",), "No predictor is trained yet. Run: flask predict train"),
        (("report", "x"), "No predictor 'x'"),
        (("train", write_table(tmp_path / "few.csv", 20, 0)), "needs 40 at least"),
        (("train",), "No track has"),
    ]:
        code, _, err = run(app, *words)
        assert code == 1
        assert reason in err
        assert err.count("\n") == 1


def test_the_catalogue_teaches_what_was_stated_and_not_what_was_estimated(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def audio(number: int, **values: object) -> int:
        track = make_track(session, source_key=f"audio:{number}", song_key=1000 + number, **values)
        info = {"attributes": {"energy": {"value": 0.9, "source": "predicted"}}}
        session.add(
            AudioFile(
                public_id=f"a{number}",
                track_id=track.id,
                root="/",
                path=f"/{number}",
                content_hash=f"{number}",
                size=1,
                modified_ns=0,
                state="analysed",
                info=info,
            )
        )
        session.flush()
        return track.id

    own = audio(1, energy=0.9, danceability=0.4, tempo=100.0)
    described = audio(2, energy=0.9, danceability=None)
    make_track(session, song_key=1002, energy=0.2, danceability=0.3, tempo=None, key=5)
    table = FeatureTable(np.array([own, described]), ("mfcc:a",), np.ones((2, 1), dtype=np.float32))
    monkeypatch.setattr(feature_sets, "table", lambda *_args, **_keywords: table)
    sample = training_samples.read_catalogue(Instance(app.config["INSTANCE"], session))
    assert sample.table.track_ids.tolist() == [own, described]
    assert np.isnan(sample.targets["energy"][0])
    assert sample.targets["energy"][1] == np.float32(0.2)
    assert sample.targets["danceability"].tolist() == [np.float32(0.4), np.float32(0.3)]
    assert sample.targets["tempo_bin"][0] == 2
    assert sample.targets["key"][1] == 5
    assert sample.groups is not None
    assert sample.groups.tolist() == [1001, 1002]


def test_estimates_come_under_the_catalogues_names(app: Flask, table_file: Path) -> None:
    instance = app.config["INSTANCE"]
    table, targets = planted(30, seed=3)
    assert attribute_prediction.load_estimator(instance, table.names) is None
    assert run(app, "train", table_file, "--trials", 0)[0] == 0
    found = attribute_prediction.load_estimator(instance, table.names)
    assert found is not None
    values = found.attributes(table)
    assert set(values) == {"energy", "positiveness", "speechiness", "loudness", "mode"}
    assert np.corrcoef(values["positiveness"], targets["valence"])[0, 1] > 0.9
    assert attribute_prediction.load_estimator(instance, ("mfcc:a",)) is None
