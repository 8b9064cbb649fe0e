from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from songrec.prediction import search as searching
from songrec.prediction.folds import parts
from songrec.prediction.registry import BASE_MODELS
from songrec.prediction.search import search
from tests.prediction.planted import planted


def look(trials: int, studies: Path | None, seed: int = 0, **changes: Any) -> dict[str, Any]:
    table, targets = planted(80)
    given = {
        "inputs": table.values,
        "targets": targets["speechiness"][:, None].astype(float),
        "folds": parts(80, 5, seed=1),
        "classes": 0,
        **changes,
    }
    return search("kernel_ridge", trials=trials, seed=seed, studies=studies, label="t", **given)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    fits: list[int] = []
    real = searching.out_of_fold

    def counting(*args: Any, **keywords: Any) -> Any:
        fits.append(keywords["fold"])
        return real(*args, **keywords)

    monkeypatch.setattr(searching, "out_of_fold", counting)
    return fits


def test_no_trials_give_the_defaults() -> None:
    assert look(0, None) == BASE_MODELS.entry("kernel_ridge").resolve()


def test_searching_beats_the_defaults_where_they_are_wrong() -> None:
    def quality(parameters: dict[str, Any]) -> float:
        table, targets = planted(80)
        wanted = targets["speechiness"][:, None].astype(float)
        folds = parts(80, 5, seed=1)
        held = searching.out_of_fold(
            "kernel_ridge", parameters, table.values, wanted, folds, classes=0, seed=0
        )
        return searching.quality(wanted, held, 0)

    assert quality(look(12, None)) >= quality(look(0, None))


def test_a_finished_study_is_read_and_not_repeated(tmp_path: Path, counted: list[int]) -> None:
    first = look(3, tmp_path)
    fits = len(counted)
    assert fits >= 3
    assert look(3, tmp_path) == first
    assert len(counted) == fits
    assert len(list(tmp_path.glob("t-kernel_ridge-*.jsonl"))) == 1


def test_a_continued_study_tries_what_an_uninterrupted_one_tries(
    tmp_path: Path, counted: list[int]
) -> None:
    look(3, tmp_path / "a")
    before = len(counted)
    continued = look(6, tmp_path / "a")
    assert len(counted) > before
    assert continued == look(6, tmp_path / "b") == look(6, None)


def test_other_data_or_another_seed_is_another_study(tmp_path: Path) -> None:
    look(1, tmp_path)
    look(1, tmp_path, seed=1)
    look(1, tmp_path, targets=np.random.default_rng(0).random((80, 1)))
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
