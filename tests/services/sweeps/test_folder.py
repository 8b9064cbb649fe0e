"""Grids that stay on the disk: by which code they were made, listing them, deleting them."""

import json
import shutil

import numpy as np
import pytest

from songrec.core.errors import UnknownName
from songrec.services.sweeps import folder
from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.specification import SweepSpec


@pytest.fixture
def sweep(instance):
    return SweepFolder.begin(instance, "0123456789ab", SweepSpec.from_mapping({"seeds": "0-1"}), 5)


@pytest.fixture
def damaged(sweep):
    path = sweep.path.with_name("ffffffffffff")
    path.mkdir()
    (path / "grid.json").write_text("{")
    return path


@pytest.fixture
def unknown(sweep):
    """Of an algorithm that there is no more, and of a parameter that was allowed once."""
    path = sweep.path.with_name("eeeeeeeeeeee")
    shutil.copytree(sweep.path, path)
    about = json.loads((path / "grid.json").read_text())
    about["grid"]["clustering"] = [{"kmeans": {"clusters": 1_000_000}}]
    (path / "grid.json").write_text(json.dumps(about))
    return path


def test_the_digest_of_the_code_ignores_comments_and_blank_lines(tmp_path):
    source = tmp_path / "clustering" / "kmeans.py"
    source.parent.mkdir()
    source.write_text("starts = 10\n")
    before = folder._digest_of_code(tmp_path)
    source.write_text("# how often\n\nstarts = 10\n")
    assert folder._digest_of_code(tmp_path) == before
    source.write_text("starts = 11\n")
    assert folder._digest_of_code(tmp_path) != before


def test_a_sweep_from_before_parameters_were_renamed_keeps_its_results(instance):
    path = folder.sweeps_folder(instance) / "0123456789ab"
    (path / "cells").mkdir(parents=True)
    (path / "labels").mkdir()
    former = [{"kmeans": {"clusters": 3}}]
    about = {"grid": {"clustering": former, "seeds": [0]}, "created_at": "2026-01-01T00:00:00"}
    (path / "grid.json").write_text(json.dumps(about))
    cell = {
        "features": "attributes",
        "representation": "pca",
        "clustering": former[0],
        "projection": "pca",
        "seed": 0,
        "baseline": False,
    }
    row = {"key": "aaaa", "cell": cell, "state": "done", "metrics": {}, "seconds": {}}
    (path / "cells" / "aaaa.json").write_text(json.dumps(row))
    (path / "agreement.json").write_text('{"aaaa": 0.5}')
    np.save(path / "labels" / "aaaa.npy", np.array([0, 1]))
    sweep = folder.find(instance, "0123456789ab")
    (row,) = sweep.rows()
    (trained,) = [one for one in sweep.spec.cells() if one.key == row["key"]]
    assert trained.clustering.parameters == {"n_clusters": 3}
    assert sweep.missing() == [one for one in sweep.spec.cells() if one != trained]
    assert sweep.labels(trained).tolist() == [0, 1]
    assert sweep.agreement() == {trained.key: 0.5}
    assert (sweep.made_by, sweep.is_current) == ({}, False)


def test_every_room_of_the_digest_holds_code():
    for room in folder._ROOMS:
        assert list((folder._ROOT / room).rglob("*.py")), room


def test_a_sweep_notes_the_libraries_that_it_computes_with(sweep):
    assert sweep.is_current
    assert {"songrec", "code", "numpy", "scikit-learn", "keras"} <= set(sweep.made_by)


def test_sweeps_that_cannot_be_read_are_told_apart(instance, sweep, damaged, unknown):
    assert [one.id for one in folder.all_sweeps(instance)] == [sweep.id]
    assert folder.unreadable(instance) == ["eeeeeeeeeeee", "ffffffffffff"]


def test_any_sweep_can_be_forgotten_and_none_else(instance, sweep, damaged, unknown):
    leftover = sweep.path.with_name(".cccccccccccc.gone")
    leftover.mkdir()
    for path in (damaged, unknown):
        folder.forget(instance, path.name)
    assert [path.name for path in folder.sweeps_folder(instance).iterdir()] == [sweep.id]
    for name in ("aaaaaaaaaaaa", "..", ".cccccccccccc.gone", ""):
        with pytest.raises(UnknownName, match="No grid"):
            folder.forget(instance, name)
    assert sweep.path.is_dir()


def test_the_command_lists_and_forgets(app, instance, sweep, damaged):
    run = app.test_cli_runner().invoke
    listed = run(args=["compare", "--list"]).output
    assert "0123456789ab" in listed
    assert "0 of 2 cells" in listed
    assert "ffffffffffff  cannot be read" in listed
    told = json.loads(run(args=["compare", "--list", "--json"]).output)
    assert [one["cells"] for one in told["grids"]] == [2]
    assert told["grids"][0]["bytes"] > 0
    mixed = run(args=["compare", "--forget", sweep.id, "--clustering", "gmm"])
    assert mixed.exit_code == 2
    gone = run(args=["compare", "--forget", sweep.id, "--forget", damaged.name])
    assert (gone.exit_code, sweep.path.exists(), damaged.exists()) == (0, False, False)
    assert run(args=["compare", "--forget", sweep.id]).exit_code == 1
    assert run(args=["compare", "--list"]).output == "There are no grids.\n"
