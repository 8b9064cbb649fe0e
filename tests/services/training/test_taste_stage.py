"""A training keeps who made each track and what the catalogue's playlists teach."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from songrec.core import config
from songrec.core.artist_credits import Credit
from songrec.recommend.lists.rerank import NO_RERANKING
from songrec.recommend.taste.prior import TastePrior
from songrec.services.catalogue.ingest import ingest_file
from songrec.services.recommendation.recommend import recommend_for
from songrec.services.training import additive_ranker, method_evaluation, two_tower
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.catalogue import artists, taste_data
from songrec.store.instance import Instance
from songrec.store.listeners import playlists, users
from songrec.store.runs import runs
from songrec.store.runs.run_folders import run_folder
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Track, TrackAttributes, User
from tests.services.evaluation.test_playlist_continuation import LENGTH, LISTS, write


def test_a_run_learns_from_the_catalogues_playlists_and_recommends_by_it(
    session, instance, tmp_path
):
    ingest_file(session, write(tmp_path / "lists.csv"))
    run = train(Instance(instance, session), TrainRequest(representation="identity"))
    session.commit()
    space = published_space(Instance(instance, session))
    assert space.artists is not None
    assert len(np.unique(space.artists)) == LISTS * LENGTH // 6
    assert len(np.unique(space.albums)) == LISTS * LENGTH // 3
    prior = TastePrior.from_json(space.taste_prior)
    assert prior.playlists == LISTS
    # A playlist of the file keeps to a year, and to nothing in liveness.
    assert prior.column("year").within < 0.3 < prior.column("liveness").within
    assert not (run_folder(instance, run.public_id) / "track_factors.npy").exists()
    liked = session.query(Track).filter(Track.title.like("Song 3 %")).limit(8).all()
    found = recommend_for(
        Instance(instance, session), [track.id for track in liked], by=NO_RERANKING, n=10
    )
    assert all(one.track.title.startswith("Song 3 ") for one in found)
    # The likes are six songs of one artist and two of the next: the four left come first.
    assert {one.track.title for one in found[:4]} == {f"Song 3 {number}" for number in range(8, 12)}
    reasons = [one.sentence.split(", also ")[0] for one in found]
    assert reasons[:4] == ["More by Artist 3 1"] * 4
    assert [reason for reason in reasons[4:] if "More by" in reason] == []


def test_what_playlists_teach_is_trained_twice_and_measured_on_others(
    session, instance, tmp_path, monkeypatch
):
    """Once to decide and to measure, without some of the playlists; once with all of them."""
    monkeypatch.setattr(method_evaluation, "MIN_PLAYLISTS", LISTS)
    for module in (two_tower, additive_ranker):
        monkeypatch.setattr(module, "MIN_PLAYLISTS", LISTS - 2)
    towers, curves = [], []
    fit_curves = additive_ranker.fit_curves

    def of_lists(space, lists, **options):
        towers.append(len(lists))
        near = np.eye(LISTS, dtype=np.float32)[np.arange(len(space.track_ids)) // LENGTH]
        return two_tower.Towers(near, 20.0)

    def counted(space, **options):
        curves.append(len(space.playlists))
        return fit_curves(space, **options)

    monkeypatch.setattr(two_tower, "train_towers", of_lists)
    monkeypatch.setattr(additive_ranker, "fit_curves", counted)
    ingest_file(session, write(tmp_path / "lists.csv"))
    run = train(Instance(instance, session), TrainRequest(representation="identity"))
    session.commit()
    measured = runs.manifest(instance, run)["recommendation"]
    assert (measured["playlists"], measured["trained_on"]) == (2, LISTS - 4)
    assert towers == [LISTS - 4, LISTS]
    assert curves[0] == LISTS - 4
    assert curves[1:] in ([], [LISTS])  # none where the ranker was no better
    # The same again comes from the cache.
    train(Instance(instance, session), TrainRequest(representation="identity"))
    assert len(towers) == 2


def test_a_catalogue_without_playlists_has_the_weak_prior(session, instance, tmp_path):
    path = write(tmp_path / "lists.csv", lists=range(3))
    ingest_file(session, path)
    train(Instance(instance, session), TrainRequest(representation="identity"))
    session.commit()
    space = published_space(Instance(instance, session))
    assert TastePrior.from_json(space.taste_prior) == TastePrior()
    assert space.track_factors is None


def test_names_and_playlists_follow_the_tracks_that_are_asked_for(session, tmp_path):
    ingest_file(session, write(tmp_path / "lists.csv", lists=range(2)))
    ids = np.array([row.id for row in session.query(Track.id).order_by(Track.id)])
    some = np.append(ids[::2], ids[-1] + 7)  # and one that is not there any more
    credited = list(taste_data.credited_tracks(session, some))
    assert len(credited) == len(some)
    first = session.get_one(Track, int(ids[0]))
    assert credited[0].title == first.title
    assert list(credited[0].names) == ["Artist 0 0"]
    artist = artists.find_artist(session, "Artist 0 0")
    assert (credited[0].artist_id, credited[0].album_id) == (artist.id, first.album_id)
    assert credited[-1] == taste_data.CreditedTrack()
    lists = taste_data.playlists(session, some)
    assert sorted(len(rows) for rows in lists) == [15, 15]
    assert {row for rows in lists for row in rows.tolist()} == set(range(30))
    assert taste_data.playlists(session, np.empty(0, dtype=np.int64)) == []


@pytest.fixture
def keep_lists(session):
    """Makes a listener, by default without an account, with playlists across the catalogue."""

    def keep(count: int, *, user: User | None = None) -> list[list[int]]:
        listener = users.create_listener(session, users.random_token(), user.id if user else None)
        ids = [row.id for row in session.query(Track.id).order_by(Track.id)]
        kept = [ids[number :: count + 7][:30] for number in range(count)]
        for number, tracks in enumerate(kept):
            playlists.create(session, listener, f"Mine {number}", track_ids=tracks)
        session.commit()
        return kept

    return keep


def trained_files(session: Session, instance: Path) -> dict[str, bytes]:
    """What a training writes, but for what names the run and counts seconds."""
    shutil.rmtree(instance / "tastes", ignore_errors=True)
    run = train(Instance(instance, session), TrainRequest(representation="identity"))
    session.commit()
    folder = run_folder(instance, run.public_id)
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"
    }


def test_private_playlists_change_no_byte_of_a_run_until_their_owner_shares_them(
    session, instance, tmp_path, keep_lists, monkeypatch
):
    monkeypatch.setenv("SONGREC_LEARN_FROM_ACCOUNTS", "1")
    ingest_file(session, write(tmp_path / "lists.csv"))
    anna = users.create(session, "Anna", "a good password")
    session.commit()
    before = trained_files(session, instance)
    assert {"taste.json", "space.npy", "clustering.npz"} <= set(before)
    keep_lists(15)  # without an account
    keep_lists(15, user=anna)
    assert trained_files(session, instance) == before
    anna.shares_playlists = True
    session.commit()
    shared = trained_files(session, instance)
    assert json.loads(shared["taste.json"])["playlists"] == LISTS + 15
    monkeypatch.setenv("SONGREC_LEARN_FROM_ACCOUNTS", "0")
    assert trained_files(session, instance) == before


def test_the_newest_playlists_of_an_account_that_shares_count_and_no_more(
    session, tmp_path, keep_lists
):
    ingest_file(session, write(tmp_path / "lists.csv", lists=range(2)))
    anna, bert = (users.create(session, name, "a good password") for name in ("Anna", "Bert"))
    kept = keep_lists(taste_data.MAX_SHARED + 3, user=anna)
    keep_lists(4, user=bert)
    keep_lists(5)
    ids = np.array([row.id for row in session.query(Track.id).order_by(Track.id)])
    anna.shares_playlists = True
    session.commit()
    assert len(taste_data.playlists(session, ids)) == 2
    shared = [ids[rows].tolist() for rows in taste_data.playlists(session, ids, shared=True)[2:]]
    assert shared == kept[3:]


@pytest.mark.parametrize(
    ("settings", "learns"),
    [
        ({}, False),  # on loopback sign-up is open
        ({"SONGREC_SIGN_UP": "invitation"}, True),
        ({"SONGREC_HOST": "0.0.0.0"}, True),
        ({"SONGREC_HOST": "0.0.0.0", "SONGREC_SIGN_UP": "open"}, False),
        ({"SONGREC_SIGN_UP": "closed", "SONGREC_LEARN_FROM_ACCOUNTS": "0"}, False),
        ({"SONGREC_LEARN_FROM_ACCOUNTS": "1"}, True),
    ],
)
def test_where_anybody_can_make_accounts_nothing_is_learnt_from_them(monkeypatch, settings, learns):
    for name in ("SONGREC_HOST", "SONGREC_SIGN_UP", "SONGREC_LEARN_FROM_ACCOUNTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert config.learns_from_accounts() == learns


def test_who_likes_a_song_is_not_shown_its_remaster_but_may_be_shown_it_live(
    session, instance, tmp_path
):
    ingest_file(session, write(tmp_path / "lists.csv", lists=range(3)))
    session.execute(update(TrackAttributes).values(speechiness=0.05))  # no spoken word
    liked, remaster, live, *_ = session.query(Track).order_by(Track.id)
    writer = artists.CreditWriter(session)
    writer.meet_artists([(Credit("Black Sabbath"), False)])
    for track, title in (
        (liked, "Iron Man"),
        (remaster, "Iron Man - 2014 Remaster"),
        (live, "Iron Man - Live"),
    ):
        track.artists, track.title = "Black Sabbath", title
        writer.write([(track.id, [Credit("Black Sabbath")])], fresh=False)
    session.commit()
    train(Instance(instance, session), TrainRequest(representation="identity"))
    session.commit()
    keys = published_space(Instance(instance, session)).song_keys
    assert keys[0] == keys[1] != keys[2]
    found = recommend_for(Instance(instance, session), [liked.id], by=NO_RERANKING, n=100)
    shown = [one.track.title for one in found]
    # All but the liked song and its remaster, each once.
    others = set(session.scalars(select(Track.title))) - {"Iron Man", "Iron Man - 2014 Remaster"}
    assert "Iron Man - Live" in others
    assert sorted(shown) == sorted(others)
