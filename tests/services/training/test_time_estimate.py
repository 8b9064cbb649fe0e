from datetime import datetime

import pytest

from songrec.services.training.request import TrainRequest
from songrec.services.training.time_estimate import STAGE_COSTS, estimate_time
from songrec.store.tables import Run


def run_of(tracks, factor, **fields):
    given = {
        "public_id": "a",
        "created_at": datetime(2026, 1, 1),
        "representation": "autoencoder",
        "clustering": "kmeans",
        "projection": "umap",
        "track_count": tracks,
        "parameters": {"representation": {"hidden": [12], "latent": 6}},
        "seconds": {
            stage: factor * (start + part * tracks / 1000)
            for stage, (start, part) in STAGE_COSTS.items()
        },
    }
    return Run(**{**given, **fields})


def test_without_runs_it_grows_with_the_catalogue_from_what_starting_takes():
    none, few, many = (estimate_time(TrainRequest(), n, []) for n in (0, 1000, 100_000))
    assert 0 < none.seconds < few.seconds < many.seconds < 100 * few.seconds
    assert not few.measured


@pytest.mark.parametrize("tracks", [100, 50_000])
def test_a_machine_half_as_fast_takes_twice_as_long_at_any_size(tracks):
    usual = estimate_time(TrainRequest(), tracks, [])
    slow = estimate_time(TrainRequest(), tracks, [run_of(2000, 2.0), run_of(2000, 5.0)])
    assert slow.seconds == pytest.approx(2 * usual.seconds)
    assert slow.measured


def test_a_run_tells_of_the_stages_that_did_the_same():
    usual = estimate_time(TrainRequest(), 1000, []).seconds
    other = run_of(1000, 3.0, representation="pca", projection="pca")
    extra = sum(
        2 * (start + part)
        for stage, (start, part) in STAGE_COSTS.items()
        if stage not in ("representation", "projection")
    )
    assert estimate_time(TrainRequest(), 1000, [other]).seconds == pytest.approx(usual + extra)
    longer = TrainRequest(parameters={"representation": {"epochs": 500}})
    of_another = estimate_time(longer, 1000, [run_of(1000, 3.0)]).seconds
    start, part = STAGE_COSTS["representation"]
    assert of_another == pytest.approx(3 * usual - 2 * (start + part))
