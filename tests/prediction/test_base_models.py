"""The contract of every base model in the registry."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io

from songrec.prediction.fitting import fit, out_of_fold
from songrec.prediction.folds import parts
from songrec.prediction.metrics import r2
from songrec.prediction.registry import BASE_MODELS
from songrec.prediction.saving import TRUSTED
from tests.prediction.planted import planted

QUICKER = {"trees": 50, "rounds": 40}


def quick(name: str) -> dict[str, int]:
    known = {parameter.name for parameter in BASE_MODELS.entry(name).parameters}
    return {key: value for key, value in QUICKER.items() if key in known}


@pytest.mark.parametrize("name", BASE_MODELS.names())
def test_base_models_find_what_is_planted_in_two_numbers(name: str) -> None:
    table, targets = planted(160)
    wanted = np.column_stack([targets["energy"], targets["valence"]]).astype(float)
    fitted = fit(name, quick(name), table.values[:120], wanted[:120], classes=0, seed=0)
    scores = fitted.scores(table.values[120:])
    assert scores.shape == (40, 2)
    assert (r2(wanted[120:].T, scores.T) > 0.4).all()


@pytest.mark.parametrize("name", BASE_MODELS.names())
def test_class_shares_add_up_and_unseen_classes_get_none(name: str) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(150, 6)).astype(np.float32)
    # Classes 1, 4 and 9 of twelve, by the first feature.
    wanted = np.array([1, 4, 9])[np.digitize(inputs[:, 0], [-0.5, 0.5])][:, None].astype(float)
    fitted = fit(name, quick(name), inputs[:110], wanted[:110], classes=12, seed=0)
    shares = fitted.scores(inputs[110:])
    assert shares.shape == (40, 12)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert set(np.flatnonzero(shares.sum(axis=0))) == {1, 4, 9}
    assert (shares.argmax(axis=1) == wanted[110:, 0]).mean() > 0.6


@pytest.mark.parametrize("name", BASE_MODELS.names())
def test_base_models_take_gaps_constants_and_fewer_rows_than_components(name: str) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(30, 70)).astype(np.float32)
    inputs[::3, 0] = np.nan
    inputs[:, 1] = 5.0
    inputs[:, 2] = np.nan
    parameters = {**quick(name)}
    if any(p.name == "components" for p in BASE_MODELS.entry(name).parameters):
        parameters["components"] = "50"
    fitted = fit(name, parameters, inputs, rng.random((30, 1)), classes=0, seed=0)
    assert np.isfinite(fitted.scores(inputs)).all()


@pytest.mark.parametrize("name", BASE_MODELS.names())
@pytest.mark.parametrize("classes", [0, 3])
def test_base_models_hold_nothing_that_is_not_trusted(name: str, classes: int) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 5)).astype(np.float32)
    wanted = rng.integers(0, 3, (40, 1)).astype(float) if classes else rng.random((40, 2))
    options = [{}]
    for parameter in BASE_MODELS.entry(name).parameters:
        if parameter.type == "choice":
            options += [{parameter.name: choice} for choice in parameter.choices]
    for option in options:
        fitted = fit(name, {**quick(name), **option}, inputs, wanted, classes=classes, seed=0)
        written = skops.io.dumps(fitted.pipeline)
        assert set(skops.io.get_untrusted_types(data=written)) <= TRUSTED


def test_out_of_fold_scores_come_from_models_that_never_saw_the_fold() -> None:
    # A nearest-neighbour-like memory of single tracks would betray itself here: the target is
    # pure noise, so whoever predicts it has seen it.
    rng = np.random.default_rng(0)
    inputs, noise = rng.normal(size=(120, 4)).astype(np.float32), rng.random((120, 1))
    folds = parts(120, 5, seed=0)
    scores = out_of_fold(
        "svm", {"strength": 50.0, "gamma": 5.0}, inputs, noise, folds, classes=0, seed=0
    )
    assert r2(noise[:, 0], scores[:, 0]) < 0.05
