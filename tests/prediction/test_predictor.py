from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skops.io

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import FeatureTable
from songrec.prediction import folders, saving
from songrec.prediction.predictor import Predictor
from songrec.prediction.stacking import ENSEMBLE
from tests.prediction.planted import QUICK, planted, table


@pytest.fixture(scope="module")
def trained() -> Predictor:
    features, targets = planted()
    return Predictor(models=QUICK).fit(features, targets, trials=0)


def test_planted_targets_are_found_on_held_out_tracks(trained: Predictor) -> None:
    scores = {name: models[ENSEMBLE] for name, models in trained.scores_.items()}
    assert scores["energy"]["r2"] > 0.9
    assert scores["valence"]["r2"] > 0.9
    assert scores["loudness"]["r2"] > 0.9
    assert scores["speechiness"]["r2"] > 0.4
    assert scores["mode"]["accuracy"] > 0.8


def test_the_ensemble_is_no_worse_than_the_best_single_model(trained: Predictor) -> None:
    for name, models in trained.scores_.items():
        measure = "accuracy" if name == "mode" else "r2"
        best = max(score[measure] for model, score in models.items() if model != ENSEMBLE)
        assert models[ENSEMBLE][measure] >= best - 0.05, name


def test_a_bend_that_no_line_can_follow_is_left_to_the_models_that_can(trained: Predictor) -> None:
    weights = trained.stacks_["speech"].weights()
    assert weights is not None
    assert weights["speechiness"]["ridge"] < 0.1
    alone = {model: score["r2"] for model, score in trained.scores_["speechiness"].items()}
    assert alone[ENSEMBLE] > alone["ridge"] + 0.2


def test_the_same_data_and_seed_give_the_same_predictor(trained: Predictor) -> None:
    features, targets = planted()
    again = Predictor(models=QUICK).fit(features, targets, trials=0)
    assert again.scores_ == trained.scores_
    fresh, _ = planted(30, seed=5)
    for name, values in again.predict(fresh).items():
        np.testing.assert_array_equal(values, trained.predict(fresh)[name])


def test_noise_stays_unpredictable_even_with_the_fold_as_a_feature() -> None:
    rng = np.random.default_rng(1)
    n = 250
    from songrec.prediction.folds import parts

    folds = parts(n, 5, seed=0)
    values = np.column_stack([folds, folds == 0, np.arange(n), rng.normal(size=(n, 5))])
    noise = {"energy": rng.random(n), "mode": rng.integers(0, 2, n).astype(float)}
    found = Predictor(models=(*QUICK, "extra_trees")).fit(table(values), noise, trials=0)
    assert found.scores_["energy"][ENSEMBLE]["r2"] < 0.1
    low, _ = found.scores_["mode"][ENSEMBLE]["intervals"]["accuracy"]
    assert low < 0.55


def test_what_held_out_tracks_are_changes_nothing_that_is_learned_for_their_scores() -> None:
    features, targets = planted()
    one = Predictor(models=QUICK).fit(features, targets, trials=0)
    digests_held_out = one.rows_.held_out.sum()
    assert digests_held_out == 40
    from songrec.prediction.folds import parts

    test = parts(200, 5, seed=0) == 0
    changed = {name: values.copy() for name, values in targets.items()}
    changed["energy"][test] = 1 - changed["energy"][test]
    other = Predictor(models=QUICK).fit(features, changed, trials=0)
    # What was said of the held-out tracks before their scoring is the same, whatever they are.
    np.testing.assert_array_equal(
        one.rows_.predictions["energy"], other.rows_.predictions["energy"]
    )
    assert other.scores_["energy"][ENSEMBLE]["r2"] < 0


def test_recordings_of_one_song_are_held_out_together() -> None:
    features, targets = planted(120)
    twice = FeatureTable(
        np.arange(240),
        features.names,
        np.repeat(features.values, 2, axis=0)
        + np.tile([[0.0], [1e-3]], (120, 1)).astype(np.float32),
    )
    both = {"energy": np.repeat(targets["energy"], 2)}
    found = Predictor(models=("ridge",)).fit(
        twice, both, trials=0, groups=np.repeat(np.arange(120), 2)
    )
    from songrec.prediction.predictor import row_digests

    order = np.argsort(row_digests(twice.values), kind="stable")
    held = np.empty(240, dtype=bool)
    held[order] = found.rows_.held_out
    assert (held.reshape(120, 2)[:, 0] == held.reshape(120, 2)[:, 1]).all()


def test_gaps_infinities_other_orders_and_more_columns_are_taken(trained: Predictor) -> None:
    features, targets = planted(60, seed=9)
    order = np.random.default_rng(0).permutation(8)
    shuffled = FeatureTable(
        features.track_ids,
        (*(features.names[at] for at in order), "unknown"),
        np.column_stack([features.values[:, order], np.full(60, 7.0)]).astype(np.float32),
    )
    plain = trained.predict(features)
    np.testing.assert_array_equal(trained.predict(shuffled)["energy"], plain["energy"])
    holes = features.values.copy()
    holes[::2, 6] = np.nan
    holes[1::2, 7] = np.inf
    found = trained.predict(FeatureTable(features.track_ids, features.names, holes))
    assert np.isfinite(found["energy"]).all()
    assert np.corrcoef(found["energy"], targets["energy"])[0, 1] > 0.9


def test_missing_columns_are_an_error_that_names_them(trained: Predictor) -> None:
    features, _ = planted(5)
    part = FeatureTable(features.track_ids, features.names[:-1], features.values[:, :-1])
    with pytest.raises(BadInput, match=r"needs 1 missing feature columns: f7"):
        trained.predict(part)


def test_predictions_stay_within_what_the_attributes_may_be(trained: Predictor) -> None:
    far = table(np.full((4, 8), 1e4))
    found = trained.predict(far)
    assert set(found) == {"energy", "valence", "speechiness", "loudness", "mode"}
    assert ((found["energy"] >= 0) & (found["energy"] <= 1)).all()
    assert set(found["mode"]) <= {0.0, 1.0}
    assert trained.predict(table(np.empty((0, 8))))["energy"].shape == (0,)


def test_targets_that_few_tracks_have_are_left_out_and_named() -> None:
    features, targets = planted()
    targets["valence"][30:] = np.nan
    targets["key"] = np.zeros(200, dtype=np.float32)
    found = Predictor(models=("ridge",)).fit(features, targets, trials=0)
    assert "valence" not in found.targets
    assert "key" not in found.targets
    assert any(note.startswith("valence: left out, 30 tracks") for note in found.notes_)


def test_nothing_to_learn_and_values_out_of_bounds_are_errors() -> None:
    features, targets = planted(60)
    with pytest.raises(BadInput, match="No attribute has different values"):
        Predictor().fit(features, {"energy": np.full(60, np.nan)}, trials=0)
    with pytest.raises(BadInput, match="energy must be a number from 0 to 1"):
        Predictor().fit(features, {"energy": targets["energy"] * 100}, trials=0)


class TestSaving:
    def test_a_predictor_read_back_predicts_the_same(
        self, trained: Predictor, tmp_path: Path
    ) -> None:
        name = saving.save(trained, tmp_path, source="a test")
        again = saving.load(tmp_path, name)
        fresh, _ = planted(30, seed=5)
        expected = trained.predict(fresh)
        for target, values in again.predict(fresh).items():
            np.testing.assert_array_equal(values, expected[target])
        assert again.scores_ == trained.scores_
        assert again.targets == trained.targets
        np.testing.assert_array_equal(again.rows_.digests, trained.rows_.digests)
        assert folders.newest(tmp_path) == name
        assert folders.newest(tmp_path, fresh.names) == name
        assert folders.newest(tmp_path, fresh.names[:3]) is None
        assert not list(folders.root(tmp_path).glob("*.partial"))

    def test_every_base_model_survives_the_way_to_disk_and_back(self, tmp_path: Path) -> None:
        features, targets = planted(80)
        chosen = {name: targets[name] for name in ("energy", "mode")}
        predictor = Predictor().fit(features, chosen, trials=0)
        again = saving.load(tmp_path, saving.save(predictor, tmp_path, source="a test"))
        for target, values in again.predict(features).items():
            np.testing.assert_array_equal(values, predictor.predict(features)[target])

    def test_a_file_with_anything_else_in_it_is_not_read(
        self, trained: Predictor, tmp_path: Path
    ) -> None:
        name = saving.save(trained, tmp_path, source="a test")
        path = folders.root(tmp_path) / name / "speech.skops"
        skops.io.dump({"bases": {}, "meta": [table]}, path)
        with pytest.raises(BadInput, match=r"tests\.prediction\.planted\.table"):
            saving.load(tmp_path, name)

    def test_another_version_of_the_libraries_is_named(
        self, trained: Predictor, tmp_path: Path
    ) -> None:
        name = saving.save(trained, tmp_path, source="a test")
        path = folders.root(tmp_path) / name / folders.MANIFEST
        manifest = json.loads(path.read_text())
        manifest["versions"]["scikit-learn"] = "1.2.0"
        path.write_text(json.dumps(manifest))
        with pytest.raises(NotReady, match=r"trained with scikit-learn 1\.2\.0"):
            saving.load(tmp_path, name)

    def test_a_predictor_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(NotReady, match="No predictor 'x'"):
            saving.load(tmp_path, "x")
