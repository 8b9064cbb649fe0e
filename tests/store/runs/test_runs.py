import numpy as np
import pytest
from sqlalchemy import select

from songrec.core.errors import NotReady, UnknownName
from songrec.core.types import Clustering
from songrec.store.catalogue import training_data
from songrec.store.runs import runs
from songrec.store.tables import ClusterAssignment, Publication, Run
from tests.factories import make_track


def run_row(public_id):
    return Run(
        public_id=public_id,
        feature_set="attributes",
        representation="pca",
        clustering="kmeans",
        projection="pca",
        seed=0,
        track_count=2,
        cluster_count=1,
        data_fingerprint="f",
        parameters={},
        metrics={},
        seconds={},
    )


def insert(session, public_id, track_ids, labels):
    track_ids, labels = np.array(track_ids, np.int64), np.array(labels, np.int32)
    clusters = [
        runs.ClusterProfile(int(n), f"cluster {n}", int((labels == n).sum()), {})
        for n in np.unique(labels)
    ]
    ones = np.ones(len(labels), np.float32)
    return runs.insert_run(
        session,
        run_row(public_id),
        clusters,
        track_ids,
        Clustering(labels, ones),
        np.column_stack([ones, ones * 2]),
    )


def test_nothing_is_published_before_the_first_run(session):
    assert runs.published(session) is None
    assert runs.latest(session) is None
    with pytest.raises(NotReady, match="flask train"):
        runs.published_or_error(session)


def test_publishing_an_older_run_rolls_back(session):
    track = make_track(session)
    first, second = (insert(session, name, [track.id], [0]) for name in ("r1", "r2"))
    assert runs.publish(session, "r2") is second
    assert runs.published(session) is second
    runs.publish(session, "r1")
    assert runs.published(session) is first
    assert runs.latest(session) is second
    assert [run.public_id for run in runs.all_runs(session)] == ["r2", "r1"]


def test_publishing_what_is_published_changes_nothing(session):
    insert(session, "r1", [make_track(session).id], [0])
    runs.publish(session, "r1")
    when = session.get(Publication, 1).published_at
    runs.publish(session, "r1")
    assert session.get(Publication, 1).published_at == when


def test_an_unknown_run_suggests_the_nearest(session):
    insert(session, "20260101-1", [make_track(session).id], [0])
    with pytest.raises(UnknownName, match="Did you mean '20260101-1'"):
        runs.publish(session, "20260101-2")


def test_noise_is_listed_after_the_clusters(session):
    ids = [make_track(session).id for _ in range(3)]
    run = insert(session, "r1", ids, [1, 0, -1])
    assert [cluster.number for cluster in runs.clusters_of(session, run)] == [0, 1, -1]


def test_a_track_deleted_while_training_is_left_out(session):
    kept, gone = make_track(session), make_track(session)
    ids = [kept.id, gone.id]
    session.delete(gone)
    session.flush()
    insert(session, "r1", ids, [0, 0])
    rows = session.scalars(select(ClusterAssignment)).all()
    assert [(row.track_id, row.label, row.x, row.y) for row in rows] == [(kept.id, 0, 1.0, 2.0)]


def test_training_data_is_read_in_order_with_unknown_values_as_nan(session):
    second = make_track(session, tempo=None, year=1999, duration_ms=None, key=3, mode=0)
    first = make_track(session, tempo=90.0, song_key=-5, genres=("folk", "pop"))
    data = training_data.read(session)
    assert data.track_ids.tolist() == [second.id, first.id]
    assert data.song_keys.view(np.int64).tolist() == [second.song_key, -5]
    assert np.isnan(data.values[0, 1])
    assert data.values[1, 1] == 90.0
    assert data.year[0] == 1999
    assert np.isnan(data.year[1])
    assert np.isnan(data.duration_ms[0])
    assert (data.key.tolist(), data.mode.tolist()) == ([3, -1], [0, -1])
    tags = training_data.read_tags(session, "genre", data.track_ids)
    assert sorted(tags.names[tag] for tag in tags.tags) == ["folk", "pop"]
    assert tags.rows.tolist() == [1, 1]


def test_the_fingerprint_changes_with_the_data_and_only_then(session):
    track = make_track(session, tempo=90.0)
    before = training_data.read(session).fingerprint()
    assert training_data.read(session).fingerprint() == before
    track.attributes.tempo = 91.0
    session.flush()
    assert training_data.read(session).fingerprint() != before


def test_an_empty_catalogue_reads_as_empty_arrays(session):
    data = training_data.read(session)
    assert data.values.shape == (0, 12)
    assert training_data.read_tags(session, "genre", data.track_ids).rows.shape == (0,)
