"""The combiner of base models is chosen by cross-validation of their out-of-fold predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from songrec.core.files import write_json
from songrec.prediction import folders, report, saving
from songrec.prediction.combiners import COMBINERS, choose_combiner
from songrec.prediction.folds import parts
from songrec.prediction.predictor import Predictor
from songrec.prediction.registry import BASE_MODELS, with_twins
from tests.prediction.planted import planted, table


def test_equal_models_are_averaged_and_a_useless_one_is_left_out_by_stacking() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    folds = parts(300, 5, seed=0)
    equal = y[:, None] + rng.normal(size=(300, 6))
    choice = choose_combiner([equal], y[:, None], folds)
    assert set(choice.r2) == set(COMBINERS)
    np.testing.assert_allclose(choice.weights, 1 / 6, atol=0.1)
    useless = np.column_stack([y + 0.3 * rng.normal(size=300), rng.normal(size=(300, 3))])
    choice = choose_combiner([useless], y[:, None], folds)
    assert choice.name == "stacking"
    assert choice.weights[0, 0] > 0.9
    assert np.abs(choice.weights[0, 1:]).max() < 0.05


def test_models_on_components_get_a_twin_on_all_columns_where_there_are_more() -> None:
    chosen = {name: BASE_MODELS.entry(name).resolve() for name in ("svm", "random_forest")}
    members = with_twins(chosen, 74)
    assert list(members) == ["svm", "svm:all", "random_forest"]
    assert members["svm:all"] == {**members["svm"], "components": "all"}
    assert list(with_twins({"svm": members["svm:all"]}, 74)) == ["svm", "svm:50"]
    assert list(with_twins(chosen, 50)) == ["svm", "random_forest"]
    assert report.model_label("svm:all") == "Support vector machine (all)"


@pytest.fixture(scope="module")
def wide() -> Predictor:
    """A predictor on 60 columns, so that its models have twins."""
    features, targets = planted(120)
    noise = np.random.default_rng(1).normal(size=(120, 52))
    values = np.hstack([features.values, noise])
    return Predictor(models=("ridge", "svm")).fit(
        table(values), {name: targets[name] for name in ("energy", "mode")}, trials=0
    )


def test_the_report_says_which_combiner_won(wide: Predictor, tmp_path: Path) -> None:
    name = saving.save(wide, tmp_path, source="a test")
    (row,) = report.combiners(folders.manifest(tmp_path, name)["ensembles"])
    assert row.targets == ("energy",)
    assert row.combiner == max(row.r2, key=lambda each: row.r2[each])
    assert row.text.startswith(f"Energy: combined by {report.COMBINERS[row.combiner]} (R² by ")
    assert set(report.COMBINERS) == set(COMBINERS)
    assert list(wide.scores_["energy"]) == ["ensemble", "ridge", "ridge:all", "svm", "svm:all"]


def test_predictors_of_earlier_versions_are_stacked_as_they_were(
    wide: Predictor, tmp_path: Path
) -> None:
    from sklearn.linear_model import Ridge
    from skops.io import dump, load

    name = saving.save(wide, tmp_path, source="a test")
    path = folders.root(tmp_path) / name
    manifest = json.loads((path / folders.MANIFEST).read_text())
    described = manifest["ensembles"]["energy_mood"]
    weights = list(described["weights"]["energy"].values())
    for key in ("combiner", "combiner_r2", "intercepts"):
        del described[key]
    ridge = Ridge().fit(np.eye(4), np.zeros(4))
    ridge.intercept_ = 0.5
    file = path / "energy_mood.skops"
    dump({**load(file, trusted=sorted(saving.TRUSTED)), "meta": [ridge]}, file)
    write_json(path / folders.MANIFEST, manifest)
    stack = saving.load(tmp_path, name).stacks_["energy_mood"]
    assert (stack.combiner_, stack.intercepts_.tolist()) == ("stacking", [0.25])
    assert stack.weights_.tolist() == [weights]
    assert "combined by stacking." in report.combiners(manifest["ensembles"])[0].text
