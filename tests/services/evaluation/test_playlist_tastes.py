"""Lists for several tastes on synthetic playlists with a known answer."""

import json

import pytest

from songrec.core.errors import BadInput
from songrec.services.evaluation.playlist_continuation import ContinuationRequest
from songrec.services.evaluation.playlist_tastes import evaluate_tastes
from tests.playlist_file import LENGTH, LISTS, write


def test_the_command_measures_sets_of_five_planted_tastes(app, tmp_path):
    tested = write(tmp_path / "tested.csv", lists=range(6))
    train = write(tmp_path / "train.csv", lists=range(6, 12))
    arguments = ["--train", str(train), "--method", "random,taste", "--draws", "2", "--json"]
    result = app.test_cli_runner().invoke(args=["evaluate", "tastes", str(tested), *arguments])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["tastes"], found["list"]) == (5, 20)
    assert found["tracks"] == LISTS * LENGTH
    by_chance, taste = found["methods"]["random"], found["methods"]["taste"]
    for figures in (by_chance, taste):
        assert 0 <= figures["tastes_served"] <= 1
        assert figures["p_at_20"] <= figures["best_single_p_at_20"] + 1
        assert set(figures["intervals"]) == set(figures) - {"intervals"}
    # 145 of 355 candidates are right.
    assert by_chance["p_at_20"] == pytest.approx(145 / 355, abs=0.15)
    # The five tastes differ in sound, year and artists: all of them are served.
    assert taste["tastes_served"] >= 0.95
    assert taste["of_best_single"] >= 0.9 > by_chance["of_best_single"]
    plain = app.test_cli_runner().invoke(args=["evaluate", "tastes", str(tested), *arguments[:-1]])
    assert "sets of 5 playlists" in plain.output
    assert "served" in plain.output


def test_five_playlists_are_needed_in_a_part(tmp_path):
    path = write(tmp_path / "lists.csv", lists=range(4))
    with pytest.raises(BadInput, match="too few playlists for sets of 5"):
        evaluate_tastes(ContinuationRequest(path, ("random",), draws=1))
