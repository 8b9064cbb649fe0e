"""A training learns artist vectors from imported counts, and from accounts that let it."""

from datetime import UTC, datetime

import numpy as np
import pytest

from songrec.recommend.ranking import method_used
from songrec.recommend.taste.artist_nearness import artist_vectors_of
from songrec.services.catalogue.artist_affinities import import_file
from songrec.services.catalogue.ingest import ingest_file
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.catalogue import taste_data
from songrec.store.instance import Instance
from songrec.store.listeners import listens, reactions, users
from songrec.store.runs.run_folders import run_folder
from songrec.store.runs.spaces import load_space
from songrec.store.tables import Track
from tests.factories import make_track
from tests.playlist_file import write


def test_a_run_stores_vectors_of_artists_with_the_same_listeners(session, instance, tmp_path):
    ingest_file(session, write(tmp_path / "lists.csv", lists=range(3)))
    session.commit()
    at = Instance(instance, session)
    before = train(at, TrainRequest(representation="identity"))
    lines = ["listener,artist,count"]
    for listener in range(45):
        # Artists 0 and 1 of all lists have the same listeners, so have 2 and 3; 4 has none.
        scene = 2 * (listener % 2)
        lines += [
            f"{listener},ARTIST {(listener + step) % 3} {scene + step % 2},9" for step in range(4)
        ]
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = import_file(session, path)
    assert (report.matched, report.catalogue_artists) == (12, 15)
    run = train(at, TrainRequest(representation="identity"))
    session.commit()
    assert artist_vectors_of(load_space(run_folder(instance, before.public_id))) is None
    space = load_space(run_folder(instance, run.public_id))
    near = artist_vectors_of(space)
    names = {track.id: track.artists for track in session.query(Track)}
    scenes = np.array([int(names[i].rpartition(" ")[2]) // 2 for i in space.track_ids.tolist()])
    rows = np.arange(len(scenes))
    like = rows[scenes == 0][:1]
    np.testing.assert_array_equal(near.has_vector_of(rows), scenes < 2)
    similarity = near.similarities(like, rows)[:, 0]
    assert similarity[scenes == 0].min() > 0.4
    assert similarity[scenes == 1].max() < 0.1
    assert not near.nearness(like, rows[scenes == 2]).any()
    # Without enough playlists to learn from, the score rests on them all the same.
    assert method_used(space) == "additive_ranker"


@pytest.fixture
def listening(session):
    """Anna and Bert, who each like a song of Low and have played one of Wire thrice."""
    low, wire, disliked = (
        make_track(session, artists=name).id for name in ("Low", "Wire feat. Can", "Abba")
    )
    accounts = []
    for name in ("Anna", "Bert"):
        user = users.create(session, name, "a good password")
        listener = users.require_listener(session, user)
        now = datetime.now(UTC)
        reactions.react_all(session, listener, [(low, 1, 2), (disliked, -1, 1)])
        rows = [
            {"track_id": wire, "key": f"{n}", "played_at": now, "is_skip": n > 2} for n in range(5)
        ]
        listens.record(session, listener, rows)
        accounts.append(user)
    session.commit()
    return accounts


def test_likes_and_plays_of_accounts_that_share_them_count_by_artist(session, listening):
    assert not len(taste_data.artists_listened_to(session).weights)
    anna, _ = listening
    anna.shares_listening = True
    anna.shares_playlists = False
    session.commit()
    found = taste_data.artists_listened_to(session)
    counts = {found.artists[at].name: n for at, n in zip(found.columns, found.weights, strict=True)}
    assert counts == {"Low": 2 * taste_data.PLAYS_PER_LIKE, "Wire": 3}
    assert len(found.group_names) == 1
