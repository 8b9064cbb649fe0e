"""Grids trained by real processes: whole, killed and resumed, failing in parts."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from songrec.core.errors import BadInput, Cancelled, NotReady
from songrec.core.feature_spec import ATTRIBUTES_ONLY
from songrec.core.types import FeatureTable
from songrec.evaluation import stability
from songrec.services.sweeps import cell_metrics, folder, results, runner, worker
from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.results import spread_text, sweep_table
from songrec.services.sweeps.runner import run_sweep
from songrec.services.sweeps.specification import AlgorithmChoice, Cell, SweepSpec
from songrec.services.training import train as training
from songrec.store.instance import Instance
from songrec.store.runs import runs
from tests.services.training.test_train import plant

SPEC = SweepSpec.from_mapping(
    {
        "representation": "identity",
        "clustering": "kmeans",
        "seeds": "0-1",
        "clusters": 3,
        "quick": True,
    }
)
ROOT = Path(__file__).resolve().parents[3]
DEADLINE = 120.0


@pytest.fixture
def catalogue(session):
    planted = plant(session, per_genre=16)
    session.commit()
    return planted


def files_of(sweep):
    return {path.name: path.stat().st_mtime_ns for path in (sweep.path / "cells").iterdir()}


def test_a_sweep_measures_every_cell_publishes_nothing_and_is_not_trained_twice(
    session, instance, catalogue, monkeypatch
):
    said = []
    # Two latents, one a seed, with two groupings each: a process for each of the two.
    spec = SweepSpec.from_mapping(
        {**SPEC.to_json(), "representation": "pca", "clustering": ["kmeans", "agglomerative"]}
    )
    sweep = run_sweep(Instance(instance, session), spec, lambda *progress: said.append(progress))
    found = sweep_table(sweep)
    assert (found.cells, found.done, found.failed) == (4, 4, 0)
    assert runs.all_runs(session) == []
    assert [one.cell.baseline for one in found.configurations] == [True, False]
    # Three genres planted far apart: whatever the seed, both find exactly them.
    for one in found.configurations:
        assert one.figures["ari_genre"].mean == pytest.approx(1.0)
        assert one.figures["seed_agreement"].mean == pytest.approx(1.0)
        assert one.figures["silhouette"].seeds == 2
        assert sorted(one.dots) == [0, 1, 2]
    assert [share for share, *_ in said] == sorted(share for share, *_ in said)
    assert {"grid_id": sweep.id} in [details for *_, details in said]
    assert (sweep.path / "clustering_metrics.csv").is_file()

    before = files_of(sweep)
    monkeypatch.setattr(runner, "command", ["/bin/false"])
    again = run_sweep(Instance(instance, session), spec)
    assert (again.id, files_of(again)) == (sweep.id, before)


def test_a_changed_catalogue_is_another_sweep(session, instance, catalogue, monkeypatch):
    monkeypatch.setattr(runner._GroupProcesses, "run", lambda fleet: None)
    first = run_sweep(Instance(instance, session), SPEC)
    plant(session, per_genre=11)
    assert run_sweep(Instance(instance, session), SPEC).id != first.id


def test_a_sweep_does_not_go_on_with_other_code(session, instance, catalogue, monkeypatch):
    monkeypatch.setattr(runner._GroupProcesses, "run", lambda fleet: None)
    first = run_sweep(Instance(instance, session), SPEC)
    assert first.is_current
    newer = {**folder.current_versions(), "code": "other"}
    monkeypatch.setattr(folder, "current_versions", lambda: newer)
    assert not folder.find(instance, first.id).is_current
    assert run_sweep(Instance(instance, session), SPEC).id != first.id


def test_a_sweep_is_held_while_it_is_trained(session, instance, catalogue, monkeypatch):
    refused = []

    def meanwhile(fleet):
        for other in (run_sweep, lambda *given: folder.forget(instance, fleet.sweep.id)):
            with pytest.raises(NotReady, match="is being trained"):
                other(Instance(instance, session), SPEC)
            refused.append(other)

    monkeypatch.setattr(runner._GroupProcesses, "run", meanwhile)
    sweep = run_sweep(Instance(instance, session), SPEC)
    assert len(refused) == 2
    folder.forget(instance, sweep.id)
    assert list(folder.sweeps_folder(instance).iterdir()) == []


def test_a_sweep_that_was_killed_leaves_no_process_and_goes_on_where_it_was(
    app, session, instance, catalogue
):
    script = (
        "import json, sys\n"
        "from songrec import create_app\n"
        "from songrec.services.sweeps.specification import SweepSpec\n"
        "from songrec.services.sweeps.runner import run_sweep\n"
        "from songrec.store.instance import current_instance\n"
        "app = create_app()\n"
        "with app.app_context():\n"
        "    spec = SweepSpec.from_mapping(json.loads(sys.argv[1]))\n"
        "    run_sweep(current_instance(), spec)\n"
    )
    many = SweepSpec.from_mapping({"representation": "pca", "clusters": "2-11", "quick": True})
    killed = subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(many.to_json())],
        cwd=ROOT,
        env={**os.environ, "SONGREC_INSTANCE": str(instance)},
    )
    cells = folder.sweeps_folder(instance)
    until(lambda: any(cells.glob("*/cells/*.json")))
    children = children_of(killed.pid)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert children
    until(lambda: not any(is_alive(child) for child in children))

    (sweep,) = folder.all_sweeps(instance)
    # A quick machine may have written the last ones by then: those are then never written.
    for row in sorted((sweep.path / "cells").iterdir())[8:]:
        row.unlink()
    before = files_of(sweep)
    assert 0 < len(before) < 10
    done = run_sweep(Instance(instance, session), many)
    assert done.id == sweep.id
    after = files_of(done)
    assert len(after) == 10
    assert {name: after[name] for name in before} == before


def test_what_stops_a_sweep_stops_its_processes(session, instance, catalogue):
    others = set(children_of(os.getpid()))  # a browser's driver, from another test
    children = []

    def stop(share, message, details):
        children.extend(set(children_of(os.getpid())) - others)
        if share > 0:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        run_sweep(Instance(instance, session), SPEC, stop)
    assert children
    assert not any(is_alive(child) for child in children)


def test_features_that_are_not_there_make_failed_rows_with_the_reason(session, instance, catalogue):
    spec = SweepSpec.from_mapping({"features": "mfcc", "quick": True, "clusters": "2-3"})
    found = sweep_table(run_sweep(Instance(instance, session), spec))
    assert (found.done, found.failed) == (0, 2)  # the latent is missing: one process says so
    for one in found.configurations:
        assert "flask analyze DIR --features mfcc" in one.failed[0][1]


@pytest.mark.parametrize(
    ("number", "reason", "processes"),
    [
        # Two groups of two cells, a process for each cell.
        (9, "Its process was ended by SIGKILL, most likely for want of memory.", 4),
        # Each group once more after its first crash.
        (11, "Its process was ended by SIGSEGV, a fault in compiled code.", 6),
    ],
)
def test_a_process_that_dies_costs_the_cell_it_was_at(
    session, instance, catalogue, monkeypatch, number, reason, processes
):
    # At its first cell this process says that the latent is there, and dies.
    spec = SweepSpec.from_mapping({**SPEC.to_json(), "seeds": 0, "clusters": [2, 3]})
    keys = [[cell.to_json(), cell.key] for cell in spec.cells()]
    dies = (
        "import json, os, sys\n"
        "first = json.loads(sys.stdin.readline())['cells'][0]\n"
        "(key,) = [key for cell, key in json.loads(sys.argv[1]) if cell == first]\n"
        "print(json.dumps({'cell': key, 'shared': False, 'progress': 0.7, 'message': ''}),"
        " flush=True)\n"
        f"os.kill(os.getpid(), {number})\n"
    )
    monkeypatch.setattr(runner, "command", [sys.executable, "-c", dies, json.dumps(keys)])
    started = []
    start = runner._GroupProcesses._start
    monkeypatch.setattr(
        runner._GroupProcesses,
        "_start",
        lambda fleet, group: (started.append(1), start(fleet, group)),
    )
    sweep = run_sweep(Instance(instance, session), spec)
    assert [row["reason"] for row in sweep.rows()] == [reason] * 4
    assert len(started) == processes


def test_a_cell_that_fails_is_a_row_and_the_others_go_on(session, instance, catalogue, monkeypatch):
    run_stages = training.run_stages

    def failing(instance, request, progress, cache):
        if request.parameters["clustering"].get("n_clusters") == 3:
            with progress.stage("clustering", "Clustering", 0.75):
                raise BadInput("three is too many")
        return run_stages(instance, request, progress, cache)

    monkeypatch.setattr(training, "run_stages", failing)
    spec = SweepSpec.from_mapping({**SPEC.to_json(), "seeds": 0, "clusters": [3, 2]})
    sweep = SweepFolder.begin(instance, "0123456789ab", spec, 1)
    cells = [cell for cell in spec.cells() if not cell.baseline]
    messages = []
    worker.train_cells(Instance(instance, session), sweep, cells, messages.append, keep=False)
    failed, done = sweep.rows()
    assert (failed["state"], failed["reason"]) == ("failed", "three is too many")
    assert (done["state"], done["clusters"]) == ("done", 2)
    assert sweep.missing() == [cell for cell in spec.cells() if cell.baseline]
    assert cells[0] in sweep.missing(retry=True)
    assert [message["done"] for message in messages if "done" in message] == [
        cell.key for cell in cells
    ]


def test_kept_cells_are_runs_that_nobody_published(session, instance, catalogue):
    spec = SweepSpec.from_mapping(
        {"representation": "identity", "clustering": "kmeans", "quick": True}
    )
    sweep = SweepFolder.begin(instance, "0123456789ab", spec, 1)
    worker.train_cells(Instance(instance, session), sweep, spec.cells()[1:], [].append, keep=True)
    (row,) = sweep.rows()
    (run,) = runs.all_runs(session)
    assert (row["run_id"], run.representation) == (run.public_id, "identity")
    # The latent is the features: both silhouettes are the same.
    metrics = row["metrics"]
    assert metrics["silhouette_features"] == pytest.approx(metrics["silhouette"], abs=1e-5)
    assert runs.published(session) is None
    np.testing.assert_array_equal(
        sweep.labels(spec.cells()[1]),
        np.load(instance / "runs" / run.public_id / "clustering.npz")["labels"],
    )


def test_the_dearer_measures(session, instance, catalogue):
    spec = SweepSpec.from_mapping({"clustering": [{"kmeans": {"clusters": 3}}], "clusters": 3})
    sweep = SweepFolder.begin(instance, "0123456789ab", spec, 1)
    worker.train_cells(Instance(instance, session), sweep, spec.cells(), [].append)
    metrics = sweep.rows()[0]["metrics"]
    # Three groups far apart are found in every bootstrap sample.
    assert metrics["bootstrap_agreement_same_latent"] == pytest.approx(1.0)
    assert 0 < metrics["held_out_mse"] < 1
    assert metrics["held_out_mse"] > metrics["reconstruction_mse"]


def test_bootstraps_with_the_latent_learnt_anew(session, instance, catalogue):
    spec = SweepSpec.from_mapping(
        {"clustering": [{"kmeans": {"clusters": 3}}], "clusters": 3, "bootstrap_refit": True}
    )
    sweep = SweepFolder.begin(instance, "0123456789ab", spec, 1)
    worker.train_cells(Instance(instance, session), sweep, spec.cells(), [].append)
    metrics = sweep.rows()[0]["metrics"]
    assert metrics["bootstrap_agreement_latent_anew"] == pytest.approx(1.0)
    cells, _ = results.as_csv(sweep)
    assert "bootstrap_agreement_latent_anew" in cells.splitlines()[0]


def test_a_model_that_groups_by_itself_agrees_with_itself_over_samples_too():
    class Halves:
        def assign(self, table):
            labels = (table.values[:, 0] > 0).astype(np.int32)
            return SimpleNamespace(labels=labels)

    cell = Cell(
        ATTRIBUTES_ONLY, AlgorithmChoice("vade"), AlgorithmChoice("vade"), AlgorithmChoice("pca"), 0
    )
    values = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    samples = [
        cell_metrics.RefitSample(
            rows, Halves(), values[rows], FeatureTable(rows, ("x",), values[rows]), {}
        )
        for rows in stability.bootstraps(40, 3, seed=0)
    ]
    assert cell_metrics.refit_agreement(cell, samples) == pytest.approx(1.0)


def test_rows_of_what_a_model_needs_may_stand_twice():
    pictures = np.arange(8, dtype=np.float32).reshape(4, 2, 1)
    whole = SimpleNamespace(shape=pictures.shape, read=lambda rows: pictures[rows])
    table = FeatureTable(np.arange(4), ("x",), np.arange(4, dtype=np.float32)[:, None])
    part, besides = cell_metrics._subset(
        table, {"labels": ["a", None, "b", "c"], "spectrograms": whole}, np.array([1, 3, 3])
    )
    assert part.values[:, 0].tolist() == [1, 3, 3]
    assert besides["labels"] == [None, "c", "c"]
    assert besides["spectrograms"].shape == (3, 2, 1)
    np.testing.assert_array_equal(besides["spectrograms"].read(np.array([2, 0])), pictures[[3, 1]])


def test_the_csv_has_a_line_a_cell_and_a_line_a_configuration(session, instance):
    spec = SweepSpec.from_mapping({"representation": "identity", "seeds": "0-2"})
    sweep = SweepFolder.begin(instance, "0123456789ab", spec, 1)
    for cell in spec.cells():
        row = {**runner.failed_row(cell, "no"), "state": "done", "reason": None, "clusters": 2}
        row["metrics"] = {"silhouette": 0.1 * cell.seed, "sizes": {"0": 3}, "part": {"x": 2}}
        sweep.write_row(cell, row, None)
    cells, summary = (list(csv.DictReader(io.StringIO(text))) for text in results.as_csv(sweep))
    assert len(cells) == 6
    assert [row["baseline"] for row in cells] == ["1"] * 3 + ["0"] * 3
    assert [row["part.x"] for row in cells] == ["2"] * 6
    assert "sizes" not in cells[0]
    assert [row["representation"] for row in summary] == ["pca", "identity"]
    for row in summary:
        assert float(row["silhouette_mean"]) == pytest.approx(0.1)
        assert float(row["silhouette_std"]) == pytest.approx(0.1)  # of a sample: n - 1


def test_an_empty_catalogue_cannot_be_compared(session, instance):
    with pytest.raises(NotReady, match="too few tracks"):
        run_sweep(Instance(instance, session), SPEC)


def until(true):
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of(pid):
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def is_alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.parametrize(
    ("spread", "said"),
    [
        (4.3e-9, "4.3e-09"),
        (4.5e-5, "0.000045"),
        (0.0123, "0.012"),
        (0.0, "0"),
        (1234.5, "1,234"),
    ],
)
def test_a_spread_has_two_digits_that_count_and_no_exponent(spread, said):
    assert spread_text(spread) == said
