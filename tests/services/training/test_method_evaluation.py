"""A training measures its methods on playlists that it held out, and the best one answers."""

from dataclasses import replace

import numpy as np
import pytest

from songrec.core.types import Space
from songrec.recommend.ranking import method_used
from songrec.services.catalogue.ingest import ingest_file
from songrec.services.training import method_evaluation
from songrec.services.training.method_evaluation import measure_methods
from songrec.services.training.request import TrainRequest
from songrec.services.training.run_metrics import measured_methods
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from tests.services.evaluation.test_playlist_continuation import LISTS, write

SONGS, LENGTH, MANY = 40, 20, 40


@pytest.fixture(scope="module")
def space():
    """Forty groups of songs that sound alike, each by two artists."""
    random = np.random.default_rng(0)
    n = MANY * SONGS
    group = np.repeat(np.arange(MANY), SONGS)
    matrix = random.normal(size=(MANY, 4))[group] + random.normal(scale=0.3, size=(n, 4))
    matrix = matrix.astype(np.float32)
    return Space(
        run_id="test",
        track_ids=np.arange(n, dtype=np.int64),
        matrix=matrix,
        columns=("energy", "danceability", "valence", "tempo"),
        values=matrix,
        value_names=("energy", "danceability", "valence", "tempo"),
        latent=matrix,
        labels=np.zeros(n, dtype=np.int32),
        coordinates=np.zeros((n, 2), dtype=np.float32),
        song_keys=np.arange(n, dtype=np.uint64),
        artists=(1 + np.arange(n) // (SONGS // 2)).astype(np.uint64),
        albums=np.zeros(n, dtype=np.uint64),
    )


@pytest.fixture(scope="module")
def playlists():
    random = np.random.default_rng(1)
    return [number * SONGS + random.choice(SONGS, LENGTH, replace=False) for number in range(MANY)]


def test_every_method_is_measured_on_playlists_that_it_was_not_trained_on(space, playlists):
    trained_on, validated = [], []

    def fit(space, lists, validation):
        trained_on.extend(lists)
        validated.extend(validation)
        return space

    found = measure_methods(space, [*playlists, playlists[0][:15]], fit, seed=0)
    assert (found["playlists"], found["trained_on"]) == (8, len(trained_on))
    keys = {frozenset(rows.tolist()) for rows in (*trained_on, *validated)}
    assert len(keys) == len(trained_on) + len(validated)
    assert len(validated) in (7, 8)  # a part of a tested one is left out
    tested = [rows for rows in playlists if frozenset(rows.tolist()) not in keys]
    assert len(tested) in (7, 8, 9)  # the copy's part may be tested itself, or the copy left out
    assert set(found["methods"]) == {"cosine", "distance", "cluster", "taste"}
    for measures in found["methods"].values():
        for value, low, high in measures.values():
            assert 0 <= low <= value <= high <= 1
    taste = found["methods"]["taste"]
    # 10 of the 39 songs that sound alike are on the playlist, and the artists' songs come first.
    assert taste["p_at_10_of_10"][0] > 0.25 > 10 * LENGTH / len(space.track_ids)
    assert taste["discovery_p_at_10"][0] < 0.05  # nobody else's songs are on the playlist
    assert found == measure_methods(space, [*playlists, playlists[0][:15]], fit, seed=0)


def test_too_few_playlists_are_counted_and_not_measured(space, playlists):
    found = measure_methods(space, playlists[:3], lambda space, *lists: space)
    assert found == {"playlists": 0, "available": 3, "needed": 30, "songs": 12}
    assert measured_methods(found) == []


def test_another_than_the_default_method_has_to_be_better_beyond_chance():
    draws = np.random.default_rng(0).integers(0, 20, (200, 20))
    noise = np.random.default_rng(1).normal(scale=0.2, size=20)
    taste = {"p_at_10_of_1": np.full(20, 0.3), "p_at_10_of_10": np.full(20, 0.3)}
    little = {name: of + 0.01 + noise - noise.mean() for name, of in taste.items()}
    much = {name: of + 0.2 + noise - noise.mean() for name, of in taste.items()}
    for other, best in ((little, "taste"), (much, "cosine")):
        found = method_evaluation._best({"taste": taste, "cosine": other}, "taste", draws)
        assert found == best


def test_the_best_measured_method_answers(space):
    best = replace(space, taste_prior={"measured": {"best": "cosine"}})
    assert method_used(best) == "cosine"
    assert method_used(best, "distance") == "distance"
    unknown = replace(space, taste_prior={"measured": {"best": "no longer there"}})
    assert method_used(unknown) == method_used(space) == "taste"


def test_a_run_holds_what_was_measured(session, instance, tmp_path, monkeypatch):
    monkeypatch.setattr(method_evaluation, "MIN_PLAYLISTS", LISTS)
    ingest_file(session, write(tmp_path / "lists.csv"))
    run = train(
        Instance(instance, session), TrainRequest(representation="identity", projection="pca")
    )
    session.commit()
    measured = runs.manifest(instance, run)["recommendation"]
    best = measured["methods"][measured["best"]]
    assert run.metrics["p_at_10_of_10"] == best["p_at_10_of_10"][0] > 0
    assert method_used(published_space(Instance(instance, session))) == measured["best"]
    first, *others = measured_methods(measured)
    assert first.is_best
    assert not any(row.is_best for row in others)
