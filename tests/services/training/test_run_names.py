"""Names of runs: their own, or one from models, clusters and day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from songrec.services.training.run_names import distinct_names, run_name
from songrec.store.db import now
from songrec.store.tables import Run


def a_run(public_id: str = "r", **values: Any) -> Run:
    fields = {
        "representation": "vae",
        "clustering": "kmeans",
        "cluster_count": 12,
        "created_at": datetime(2024, 11, 30, 9, 5, tzinfo=UTC),
    }
    return Run(public_id=public_id, **{**fields, **values})


def test_a_run_is_called_by_its_models_clusters_and_day() -> None:
    assert run_name(a_run()) == "Variational autoencoder + k-means, 12 clusters · 30 Nov 2024"
    today = now()
    assert run_name(a_run(created_at=today)).endswith(f"· {today:%-d %b}")
    assert ", 1 cluster ·" in run_name(a_run(cluster_count=1))


def test_its_own_name_goes_first_and_an_algorithm_that_is_gone_keeps_its_name() -> None:
    assert run_name(a_run(name="Winter")) == "Winter"
    assert run_name(a_run(representation="old")).startswith("old + k-means")


def test_runs_of_one_name_are_told_apart_by_their_time() -> None:
    later = datetime(2024, 11, 30, 17, 0, 1, tzinfo=UTC)
    names = distinct_names([a_run("a"), a_run("b", created_at=later), a_run("c", name="Winter")])
    assert names["a"].endswith("30 Nov 2024, 09:05:00")
    assert names["b"].endswith("30 Nov 2024, 17:00:01")
    assert names["c"] == "Winter"
