"""The model lab in the browser: count, start, read, sort; a run's report."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.files import write_json
from songrec.jobs.files import report_folder
from songrec.services.sweeps import folder, runner
from songrec.services.sweeps.folder import SweepFolder, training
from songrec.services.sweeps.specification import Cell, SweepSpec
from songrec.store.tables import Job, User
from tests.planted_run import plant
from tests.web.accounts import admin, quick_hashes
from tests.web.admin_runs import a_run
from tests.web.html import links, parse, text_of, texts

__all__ = ["admin", "quick_hashes"]  # fixtures

ASKED = {
    "features": "attributes",
    "representation": ["identity", "pca"],
    "clustering": "kmeans",
    "projection": "pca",
    "seeds": "0-2",
    "clusters": "",
}
SILHOUETTES = {"pca": (0.1, 0.2, 0.3), "identity": (0.5, 0.6, 0.7), "vae": (0.2, 0.25, 0.3)}


@pytest.fixture
def grid(app: Flask) -> SweepFolder:
    """A grid that is done but for one cell that failed, with figures one can check by hand."""
    spec = SweepSpec.from_mapping({"representation": ["identity", "vae"], "seeds": "0-2"})
    folder = SweepFolder.begin(Path(app.config["INSTANCE"]), "0123456789ab", spec, 17_390)
    for cell in spec.cells():
        row = runner.failed_row(cell, "no memory")
        name = cell.representation.name
        if (name, cell.seed) != ("vae", 2):
            row |= {
                "state": "done",
                "reason": None,
                "clusters": 10,
                "seconds": {"total": 1.5},
                "metrics": {"silhouette": SILHOUETTES[name][cell.seed]},
                "dots": {"0": "M4 4h0", "-1": "M9 9h0"},
            }
        folder.write_row(cell, row, None)
    agreement = {cell.key: 0.9 for cell in spec.cells() if cell.seed == 0}
    write_json(folder.path / "agreement.json", agreement)
    return folder


def jobs_of(session: Session, kind: str) -> list[Job]:
    return list(session.scalars(select(Job).where(Job.kind == kind)))


def test_the_number_of_cells_is_seen_before_a_grid_starts(
    client: FlaskClient, session: Session, admin: User
) -> None:
    unseen = client.post("/admin/grids", data={**ASKED, "action": "start"})
    assert unseen.status_code == 200
    assert "Start 6 cells" in texts(unseen, "button")
    assert jobs_of(session, "grid") == []
    another = {**ASKED, "seeds": "0", "action": "start", "counted": "6"}
    assert "Start 2 cells" in texts(client.post("/admin/grids", data=another), "button")
    assert jobs_of(session, "grid") == []

    started = client.post("/admin/grids", data={**ASKED, "action": "start", "counted": "6"})
    (job,) = jobs_of(session, "grid")
    assert (started.status_code, started.location) == (303, f"/admin/jobs/{job.public_id}")
    assert len(SweepSpec.from_mapping(job.parameters["grid"]).cells()) == 6
    again = client.post("/admin/grids", data={**ASKED, "action": "start", "counted": "6"})
    assert again.location == started.location  # pressed twice is one job
    assert client.get(started.location).status_code == 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seeds": "x"}, "takes whole numbers"),
        ({"representation": []}, "Choose at least one under"),
        ({"clustering": ["keans"]}, "Did you mean"),
        ({"seeds": "0-99", "clusters": "2-101"}, "at most 5,000"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_ticked_stays(
    client: FlaskClient, session: Session, admin: User, change: dict[str, object], said: str
) -> None:
    answer = client.post("/admin/grids", data={**ASKED, **change, "action": "start"})
    assert answer.status_code == 400
    (alert,) = texts(answer, "[role=alert]")
    assert said in alert
    ticked = parse(answer).select("input[name=features][checked]")
    assert [box["value"] for box in ticked] == ["attributes"]
    assert jobs_of(session, "grid") == []


def test_the_table_says_which_is_best_and_whether_that_exceeds_the_spread(
    client: FlaskClient, admin: User, grid: SweepFolder
) -> None:
    page = client.get(f"/admin/grids/{grid.id}")
    # 0.6 against 0.2, each ± 0.1: the spread of the difference is √(0.01 + 0.01).
    assert texts(page, ".verdicts li") == [
        "Silhouette (higher is better): identity + kmeans on attributes, 0.6 ± 0.1; "
        "the baseline 0.2 ± 0.1. The difference, 0.4, exceeds the spread over the seeds (0.14)."
    ]
    assert texts(page, ".grid-table .state-done") == ["best"]
    assert texts(page, ".grid-table .error") == ["Seed 2 failed: no memory"]
    assert texts(page, ".lead")[0].startswith("8 of 9 cells trained, 1 failed; 3 seeds, ")
    assert len(parse(page).select('svg[viewBox="0 0 240 160"]')) == 3
    assert texts(page, ".grid-table tr.is-baseline th") == ["pca baseline"]
    assert parse(page).select("main [style]") == []


def test_a_difference_within_the_spread_is_called_no_better(
    client: FlaskClient, admin: User, grid: SweepFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cell in grid.spec.cells():
        if cell.representation.name == "identity":
            row = {**grid.rows()[0], "key": cell.key, "cell": cell.to_json()}
            row["metrics"] = {"silhouette": 0.15 + 0.1 * cell.seed}
            grid.write_row(cell, row, None)
    (verdict,) = texts(client.get(f"/admin/grids/{grid.id}"), ".verdicts li")
    assert verdict.endswith("lies within the spread over the seeds (0.14): no better.")


def test_what_leaves_most_songs_apart_is_called_best_by_nothing(
    client: FlaskClient, admin: User, grid: SweepFolder
) -> None:
    for row in grid.rows():
        cell = Cell.from_json(row["cell"])
        if cell.representation.name == "identity":
            row["metrics"]["noise_share"] = 0.51
            grid.write_row(cell, row, None)
    (verdict,) = texts(client.get(f"/admin/grids/{grid.id}"), ".verdicts li")
    assert verdict.startswith(
        "Silhouette (higher is better): vae + kmeans on attributes, 0.225 ± 0.035; "
    )


def test_the_table_sorts_without_a_script(
    client: FlaskClient, admin: User, grid: SweepFolder
) -> None:
    def order(query: str) -> list[str]:
        page = client.get(f"/admin/grids/{grid.id}?{query}")
        return [text.split()[0] for text in texts(page, ".grid-table tbody th")]

    assert order("sort=silhouette&order=desc") == ["identity", "vae", "pca"]
    assert order("sort=silhouette&order=asc") == ["pca", "vae", "identity"]
    assert order("sort=representation") == ["identity", "pca", "vae"]
    assert order("sort=nothing") == ["pca", "identity", "vae"]
    page = client.get(f"/admin/grids/{grid.id}?sort=silhouette&order=desc")
    assert texts(page, '[aria-sort="descending"]') == ["Silhouette ↓"]


def test_both_tables_are_files(client: FlaskClient, admin: User, grid: SweepFolder) -> None:
    address = f"/admin/grids/{grid.id}/clustering_metrics"
    cells, summary = (client.get(f"{address}{end}.csv") for end in ("", "_summary"))
    assert len(cells.text.splitlines()) == 1 + 9
    assert len(summary.text.splitlines()) == 1 + 3
    assert "attachment" in cells.headers["Content-Disposition"]
    failed = [row for row in csv.DictReader(cells.text.splitlines()) if row["state"] == "failed"]
    assert [row["reason"] for row in failed] == ["no memory"]


def test_a_grid_is_deleted_from_its_page_unless_it_is_being_trained(
    client: FlaskClient, admin: User, grid: SweepFolder
) -> None:
    address = f"/admin/grids/{grid.id}"
    assert parse(client.get(address)).select(f'form[action="{address}/forget"]')
    with training(grid.path):
        refused = client.post(f"{address}/forget", follow_redirects=True)
    assert texts(refused, ".notice-bad") == [f"Grid {grid.id} is being trained: stop that first."]
    assert grid.path.is_dir()
    gone = client.post(f"{address}/forget", follow_redirects=True)
    assert texts(gone, ".notice-good") == ["The grid is deleted."]
    assert not grid.path.exists()
    assert client.post(f"{address}/forget").status_code == 404


def test_the_page_says_that_a_grid_of_another_version_does_not_go_on(
    client: FlaskClient, admin: User, grid: SweepFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert texts(client.get(f"/admin/grids/{grid.id}"), "main .notice") == []
    newer = {**folder.current_versions(), "numpy": "99"}
    monkeypatch.setattr(folder, "current_versions", lambda: newer)
    (notice,) = texts(client.get(f"/admin/grids/{grid.id}"), "main .notice")
    assert notice.startswith("This grid was started with another version of songrec")


def test_what_is_missing_is_trained_on_request(
    client: FlaskClient, session: Session, admin: User, grid: SweepFolder
) -> None:
    address = f"/admin/grids/{grid.id}"
    assert "Train missing and failed cells" in texts(client.get(address), "button")
    client.post(f"/admin/grids/{grid.id}/again")
    (job,) = jobs_of(session, "grid")
    assert job.parameters["retry"] is True
    page = client.get(address)
    assert links(page)["Training: progress and cancel"] == f"/admin/jobs/{job.public_id}"
    assert "Train missing and failed cells" not in texts(page, "button")


def test_grids_are_listed_and_damaged_ones_left_out(
    app: Flask, client: FlaskClient, admin: User, grid: SweepFolder
) -> None:
    damaged = grid.path.with_name("ffffffffffff")
    damaged.mkdir()
    (damaged / "grid.json").write_text("{")
    page = client.get("/admin/grids")
    assert f"/admin/grids/{grid.id}" in links(page).values()
    assert "/admin/grids/ffffffffffff" not in links(page).values()
    assert parse(page).select('form[action="/admin/grids/ffffffffffff/forget"]')
    assert client.get("/admin/grids/ffffffffffff").status_code == 503
    assert client.get("/admin/grids/..%2f..%2fsongrec.db").status_code == 404


def test_a_run_shows_the_parts_of_its_loss_and_what_sets_its_clusters_apart(
    app: Flask, client: FlaskClient, session: Session, admin: User
) -> None:
    planted = plant(session, app.config["INSTANCE"])
    session.commit()
    folder = Path(app.config["INSTANCE"]) / "runs" / planted.run.public_id
    history = [{"epoch": n, "loss": 1 / n, "kl": 0.5 / n} for n in range(1, 4)]
    write_json(folder / "history.json", history)
    page = client.get(f"/admin/runs/{planted.run.public_id}")
    labels = [element["aria-label"] for element in parse(page).select("[aria-label]")]
    assert [label for label in labels if label.startswith("KL per epoch")]
    (table,) = (
        table
        for table in parse(page).select("table")
        if "Distinguished by" in texts(str(table), "thead th")
    )
    column = texts(str(table), "thead th").index("Distinguished by")
    for row in table.select("tbody tr"):
        traits = text_of(row.select("th, td")[column])
        assert re.match(r"\w[\w ]* [+-]\d\.\d\d, ", traits)


def test_a_report_is_a_job_and_then_pictures_on_the_page(
    app: Flask, client: FlaskClient, session: Session, admin: User
) -> None:
    run = a_run(app, session, "r-one")
    address = f"/admin/runs/{run.public_id}/report"
    assert "Make report" in texts(client.get(f"/admin/runs/{run.public_id}"), "button")
    asked = client.post(address)
    (job,) = jobs_of(session, "report")
    assert asked.location == f"/admin/jobs/{job.public_id}"
    assert client.post(address).location == asked.location

    folder = report_folder(Path(app.config["INSTANCE"]), run.public_id)
    folder.mkdir(parents=True)
    for name in ("report.html", "map_pca.png", "map_pca.svg", "example_1_before.wav"):
        (folder / name).write_bytes(b"x")
    page = client.get(f"/admin/runs/{run.public_id}")
    assert [image["src"] for image in parse(page).select("main img")] == [f"{address}/map_pca.png"]
    assert "Make report again" in texts(page, "button")
    # Shown here, its own styles would be refused: it is a file to keep.
    with client.get(f"{address}/report.html") as page:
        assert "attachment" in page.headers["Content-Disposition"]
    with client.get(f"{address}/map_pca.svg") as picture:
        assert picture.mimetype == "image/svg+xml"
    assert client.get(f"{address}/secret.txt").status_code == 404


def test_no_report_of_a_run_whose_files_are_gone(
    app: Flask, client: FlaskClient, session: Session, admin: User
) -> None:
    a_run(app, session, "r-gone", with_files=False)
    assert client.post("/admin/runs/r-gone/report").status_code == 503
    assert jobs_of(session, "report") == []
