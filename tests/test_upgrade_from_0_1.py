"""An instance made by version 0.1 is upgraded and answers as before, with artists as entities.

``tests/fixtures/instance_0_1.tar.gz`` was made by that version, ``answers_0_1.json.gz`` is what it
answered, ``make_old_instance.py`` made both. Sentences may have been reworded since; tracks, their
order and their scores may not, except where a test says what changed and why.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.core.artist_credits import display_line
from songrec.core.errors import SongrecError
from songrec.recommend.lists.rerank import DEFAULT_RERANKING
from songrec.recommend.query import Query
from songrec.recommend.space_statistics import SpaceStatistics
from songrec.recommend.taste.scorer import TasteModel, TasteScorer, TasteSettings
from songrec.services.recommendation import for_listener, stations
from songrec.services.recommendation.blends import blend
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.recommendation.paths import song_path
from songrec.services.recommendation.recommend import method_used
from songrec.services.similarity.audio_similarity import similar_by
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.services.similarity.word_search import search_words
from songrec.store.catalogue import artists, merging, tracks
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.listeners import playlists, unmatched_imports
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Album, Artist, Listener, Playlist, Track, TrackMerge, Upload, User
from tests.databases import close_databases

FIXTURES = Path(__file__).parent / "fixtures"
LISTENERS = ("admin", "user", "anonymous")


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """What version 0.1 answered on the instance."""
    return json.loads(gzip.decompress((FIXTURES / "answers_0_1.json.gz").read_bytes()))


@pytest.fixture(scope="module")
def old_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The instance of version 0.1 after ``flask db upgrade``."""
    folder = tmp_path_factory.mktemp("upgraded")
    with tarfile.open(FIXTURES / "instance_0_1.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    with create_app({"INSTANCE": folder, "TESTING": True}).app_context():
        upgrade()
        db.engine.dispose()
    return folder


@pytest.fixture
def app(old_instance: Path) -> Iterator[Flask]:
    """The application on the upgraded instance; nothing that a test writes is kept."""
    app = create_app({"INSTANCE": old_instance, "TESTING": True, "WTF_CSRF_ENABLED": False})
    with app.app_context():
        yield app
        db.session.rollback()
        close_databases(app)


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session


def same_list(
    found: Sequence[RankedTrack], expected: list[dict[str, Any]], tolerance: float = 1e-5
) -> None:
    """Compare ids, order and scores; contributions of reasons where they were recorded."""
    assert [one.track.public_id for one in found] == [one["track_id"] for one in expected]
    for one, old in zip(found, expected, strict=True):
        assert one.score == pytest.approx(old["score"], abs=tolerance)
        if one.reasons:
            parts = sum(reason.contribution for reason in one.reasons)
            assert parts == pytest.approx(one.score, abs=1e-5)


def listener_of(session: Session, answers: dict[str, Any], name: str) -> Listener:
    made = answers["made"]
    if name == "anonymous":
        token = made["anonymous_cookie"]["listener"]
        return session.scalars(select(Listener).where(Listener.token == token)).one()
    account = made["accounts"][name]["name"]
    user = session.scalars(select(User).where(User.name == account)).one()
    return session.scalars(select(Listener).where(Listener.user_id == user.id)).one()


def track_of(session: Session, public_id: str) -> Track:
    return session.scalars(select(Track).where(Track.public_id == public_id)).one()


MORE_CANDIDATES = {("admin", "distance"): 2e-3}
"""Since 0.1 a track that others were merged into is a candidate at once, before the next training.

Scores that are relative to all candidates move a little where it counts among them."""


ONE_TASTE = replace(DEFAULT_RERANKING, every_taste=False)
"""In 0.1 few likes were one taste, however different they were."""


@contextmanager
def unknown_values_at_the_middle() -> Iterator[None]:
    """As in 0.1, an unknown value counts like the catalogue's mean.

    Since then it adds nothing to a taste score, and a like does not count where it is unknown. For
    ``distance`` it is as far as chance, for ``cosine`` the likes' mean is that of known values.
    """

    def all_known(statistics: SpaceStatistics) -> NDArray[np.bool_]:
        return np.zeros(len(statistics.space.values), dtype=bool)

    with pytest.MonkeyPatch.context() as patch:
        # A property goes before what a model has cached.
        patch.setattr(TasteModel, "unknown", property(lambda model: None))
        patch.setattr(SpaceStatistics, "unknown", property(lambda statistics: None))
        patch.setattr(SpaceStatistics, "unknown_popularity", property(all_known))
        yield


@pytest.mark.parametrize("name", LISTENERS)
def test_recommendations_are_the_same(
    session: Session, old_instance: Path, answers: dict[str, Any], name: str
) -> None:
    """All answers are those of 0.1 but for what unknown values add (see the next two tests)."""
    expected = answers["listeners"][name]
    feedback = ListenerFeedback.load(session, listener_of(session, answers, name))
    assert method_used(Instance(old_instance, session)) == expected["method_used"]
    asked = {method: {"method": method} for method in expected["recommendations"]}
    asked |= {
        "variety=0.7": {"by": replace(ONE_TASTE, variety=0.7)},
        "novelty=0.5,per_artist=1": {"by": replace(ONE_TASTE, novelty=0.5, per_artist=1)},
        "surprise=7": {"by": replace(ONE_TASTE, surprise=7)},
    }
    for key, old in {**expected["recommendations"], **expected["reranked"]}.items():
        options = {"by": ONE_TASTE, "n": 10, **asked[key]}
        if isinstance(old, dict):
            with pytest.raises(SongrecError):
                for_listener.recommend_for_listener(
                    Instance(old_instance, session), feedback, **options
                )
            continue
        with unknown_values_at_the_middle():
            found = for_listener.recommend_for_listener(
                Instance(old_instance, session), feedback, **options
            )
        if (name, key) == ("admin", "surprise=7"):
            # One candidate more (see below) draws other songs: as many, each once.
            assert len({one.track.public_id for one in found}) == len(old)
            continue
        same_list(found, old, MORE_CANDIDATES.get((name, key), 1e-5))


# Largest change of a score, and the songs' positions in the answer of 0.1. Admin's and user's likes
# include one song of which popularity and seven attributes are unknown; of the anonymous listener's
# ten songs by taste, one has no year. Other scores move a little because skips and double likes
# count in spreads of the scores, from the best to the median.
MOVED_BY_UNKNOWN_VALUES = {
    ("admin", "taste"): (0.3205, [1, 2, 0, 3, 4, 5, 6, 8, 7, 9]),
    ("admin", "learned"): (0.0951, [0, 1, 3, 2, 4, 5, 6, 7, 8, 9]),
    ("user", "taste"): (0.1492, [0, 1, 2, 4, 3, 5, 6, 7, 9, 8]),
    ("user", "learned"): (0.0930, [0, 1, 2, 4, 3, 5, 6, 7, 8, 9]),
    ("anonymous", "taste"): (0.1450, list(range(10))),
    ("anonymous", "learned"): (0.0, list(range(10))),
}


@pytest.mark.parametrize(("name", "method"), MOVED_BY_UNKNOWN_VALUES)
def test_unknown_values_move_few_songs(
    session: Session, old_instance: Path, answers: dict[str, Any], name: str, method: str
) -> None:
    largest, positions = MOVED_BY_UNKNOWN_VALUES[name, method]
    feedback = ListenerFeedback.load(session, listener_of(session, answers, name))
    found = for_listener.recommend_for_listener(
        Instance(old_instance, session), feedback, method=method, by=ONE_TASTE, n=10
    )
    recommended = answers["listeners"][name]["recommendations"][method]
    old = {one["track_id"]: one["score"] for one in recommended}
    assert [list(old).index(one.track.public_id) for one in found] == positions
    changes = [abs(one.score - old[one.track.public_id]) for one in found]
    assert max(changes) == pytest.approx(largest, abs=1e-4)


@pytest.mark.parametrize("name", LISTENERS)
def test_taste_scores_differ_only_where_values_are_unknown(
    session: Session, old_instance: Path, answers: dict[str, Any], name: str
) -> None:
    feedback = ListenerFeedback.load(session, listener_of(session, answers, name))
    space = published_space(Instance(old_instance, session))
    query = Query.of(space, feedback.likes, feedback.dislikes)
    rows = np.arange(len(space.track_ids))
    with unknown_values_at_the_middle():
        old = TasteScorer(query, TasteSettings()).terms(rows)
    scorer = TasteScorer(query, TasteSettings())
    new = scorer.terms(rows)
    unknown = scorer.model.unknown
    assert unknown is not None
    assert (new.features[unknown] == 0).all()
    may_differ = unknown | unknown[query.likes].any(axis=0)
    np.testing.assert_array_equal(new.group, old.group)
    assert (new.features != old.features).any()
    np.testing.assert_array_equal(new.features[~may_differ], old.features[~may_differ])
    assert (~may_differ).any()


@pytest.mark.parametrize("name", LISTENERS)
def test_what_a_listener_said_is_kept(session: Session, answers: dict[str, Any], name: str) -> None:
    expected = answers["listeners"][name]
    listener = listener_of(session, answers, name)
    feedback = ListenerFeedback.load(session, listener)
    public = dict(session.execute(select(Track.id, Track.public_id)).all())
    assert [public[i] for i in feedback.likes] == expected["liked"]
    assert [public[i] for i in feedback.dislikes] == expected["disliked"]
    assert {public[i]: weight for i, weight in feedback.weights.items()} == expected["weights"]
    assert {public[i]: times for i, times in feedback.skips.items()} == expected["skips"]
    mine = [one.playlist.public_id for one in playlists.of_listener(session, listener)]
    assert mine == expected["playlists"]
    waiting = [
        {name: getattr(one, name) for name in unmatched_imports.FIELDS}
        for one in unmatched_imports.of_listener(session, listener)
    ]
    assert waiting == expected["waiting"]


def test_every_track_keeps_names_labels_and_attributes(
    session: Session, answers: dict[str, Any]
) -> None:
    public_ids = list(answers["tracks"])
    views = {view.public_id: view for view in tracks.tracks_by_public_id(session, public_ids)}
    assert set(views) == set(public_ids)
    for public_id, old in answers["tracks"].items():
        view = views[public_id]
        # The one correction: a thousands' comma was taken for a list's.
        line = old["artists"].replace("10, 000 Maniacs", "10,000 Maniacs")
        assert (view.title, view.artists, view.album) == (old["title"], line, old["album"])
        assert (view.year, view.duration_ms, view.key) == (
            old["year"],
            old["duration_ms"],
            old["key"],
        )
        assert sorted(view.genres) == sorted(old["tags"].get("genre", []))
        assert sorted(view.emotions) == sorted(old["tags"].get("emotion", []))
        assert display_line(view.credits) == view.artists
        if old["attributes"] is not None:
            assert view.attributes == old["attributes"]


CREDITED = {
    "10,000 Maniacs": ["10,000 Maniacs"],
    "AC/DC": ["AC/DC"],
    "Beyoncé feat. JAY-Z": ["Beyoncé", "JAY-Z"],
    "Brian Eno & David Byrne": ["Brian Eno", "David Byrne"],
    "Crosby, Stills, Nash & Young": ["Crosby, Stills, Nash & Young"],
    "Crosby, Stills, Nash & Young, Simon & Garfunkel": [
        "Crosby, Stills, Nash & Young",
        "Simon & Garfunkel",
    ],
    "Dua Lipa, Elton John": ["Dua Lipa", "Elton John"],
    "Earth, Wind & Fire": ["Earth, Wind & Fire"],
    "Earth, Wind & Fire, Beyoncé": ["Earth, Wind & Fire", "Beyoncé"],
    "Jay-Z / Linkin Park": ["Jay-Z", "Linkin Park"],
    "Juniper & the Clocks": ["Juniper & the Clocks"],
    "Kygo, Selena Gomez": ["Kygo", "Selena Gomez"],
    "Lil Nas X": ["Lil Nas X"],
    "Marrow, Pine and Sons": ["Marrow, Pine and Sons"],
    "Queen & David Bowie": ["Queen", "David Bowie"],
    "Queen, David Bowie": ["Queen", "David Bowie"],
    "Simon & Garfunkel": ["Simon & Garfunkel"],
    "Tyler, The Creator": ["Tyler, The Creator"],
    "Tyler, The Creator, Selena Gomez": ["Tyler, The Creator", "Selena Gomez"],
    "Wren + Anchor": ["Wren + Anchor"],
}


def test_artists_are_entities(session: Session) -> None:
    lines = dict(session.execute(select(Track.artists, Track.id)).all())
    names = artists.names_of_tracks(session, list(lines.values()))
    for line, track_id in lines.items():
        spelt = [name.casefold() for name in names.get(track_id, [])]
        assert spelt == [name.casefold() for name in CREDITED.get(line, [line])]


def test_one_artist_in_several_spellings_has_all_its_songs(session: Session) -> None:
    queen = artists.find_artist(session, "Queen")
    lines = {
        view.artists
        for view in tracks.tracks_by_id(session, artists.track_ids(session, queen.id, 99))
    }
    assert lines == {"Queen", "Queen & David Bowie", "Queen, David Bowie"}


def test_similar_songs_are_the_same(
    session: Session, old_instance: Path, answers: dict[str, Any]
) -> None:
    """But for unknown values, which are now neither near nor far."""
    run = runs.published(session)
    for public_id, by in answers["similar"].items():
        track = tracks.find_track(session, public_id, run)
        for name, old in by.items():
            if isinstance(old, dict):
                with pytest.raises(SongrecError):
                    similar_by(Instance(old_instance, session), track, 10, by=name)
                continue
            with unknown_values_at_the_middle():
                found = similar_by(Instance(old_instance, session), track, 10, by=name)
            same_list(found, old)


def test_radio_goes_on(session: Session, old_instance: Path, answers: dict[str, Any]) -> None:
    """Moods have nearly the same songs; around songs the method that recommends best decides."""
    user = listener_of(session, answers, "user")
    for place, old in answers["stations"].items():
        kind, key, cursor = place.split("|")
        if kind == "artist":
            continue
        page = stations.station_page(
            Instance(old_instance, session), user, kind, key, cursor=cursor, n=10
        )
        # What the listener dislikes is left out, merged tracks and seasonal songs are, too.
        played = {one.track.public_id for one in page.items}
        assert 8 <= len(played) <= 10
        if kind == "mood":
            assert len(played & {one["track_id"] for one in old["items"]}) >= 7
        if kind == "song":
            assert page.items[0].track.public_id == old["items"][0]["track_id"]
        assert page.cursor == old["cursor"]


def test_radio_of_an_artist_starts_from_all_of_its_songs(
    session: Session, old_instance: Path, answers: dict[str, Any]
) -> None:
    """Its songs are those that credit it; they were those whose line began with its name."""
    user = listener_of(session, answers, "user")
    keys = {place.split("|")[1] for place in answers["stations"] if place.startswith("artist|")}
    assert "Brian Eno & David Byrne" in keys
    for key in keys - {"Brian Eno & David Byrne"}:  # two artists, not one
        artist = artists.find_artist(session, key.replace("10, 000", "10,000"))
        assert artist is not None
        page = stations.station_page(
            Instance(old_instance, session), user, "artist", artist.public_id, cursor="1-0", n=10
        )
        assert page.title == artist.name
        assert page.items


def test_paths_blends_and_more_like_are_answered(
    session: Session, old_instance: Path, answers: dict[str, Any]
) -> None:
    def ids(names: list[str]) -> list[int]:
        return [track_of(session, name).id for name in names]

    old = answers["blend"]
    found = blend(Instance(old_instance, session), ids(old["plus"]), ids(old["minus"]), 10)
    assert len(found) == len(old["items"])
    assert not {one.track.public_id for one in found} & {*old["plus"], *old["minus"]}
    old = answers["path"]
    start, end = track_of(session, old["from"]), track_of(session, old["to"])
    found = song_path(Instance(old_instance, session), start, end, old["between"])[0]
    assert len(found) == len(old["items"])
    assert (found[0].track.id, found[-1].track.id) == (start.id, end.id)
    old = answers["more_like"]
    feedback = ListenerFeedback.load(session, listener_of(session, answers, old["listener"]))
    track = track_of(session, old["track"])
    found = for_listener.more_like_song(Instance(old_instance, session), track, feedback, 10)
    assert len(found) == len(old["items"])
    rated = {track.id, *feedback.likes, *feedback.dislikes}
    assert not {one.track.id for one in found} & rated


def test_search_finds_the_same(session: Session, answers: dict[str, Any]) -> None:
    run = runs.published(session)
    queries = {name: TrackQuery(text=name) for name in answers["search"]}
    for wanted in answers["filtered"]:
        field, _, value = wanted.partition("=")
        queries[wanted] = TrackQuery(**{field: int(value) if field == "cluster" else value})
    for name, query in queries.items():
        if "000" in name:
            continue  # those names were stored wrongly: see below
        page = tracks.search(session, query, run)
        old = answers["search"].get(name) or answers["filtered"][name]
        assert page.total == old["total"], name
        found = [view.public_id for view in page.tracks]
        if name == "sort=artist":
            found, old = found[20:], {"tracks": old["tracks"][20:]}  # below the Maniacs
        assert found == old["tracks"], name
    maniacs = tracks.search(session, TrackQuery(text="10,000 maniacs"), run)
    assert maniacs.total == answers["search"]["10,000 maniacs"]["total"]
    assert {view.artists for view in maniacs.tracks} == {"10,000 Maniacs"}
    for words, old in answers["words"].items():
        found_words = search_words(session, words, 10)
        assert [one.track.public_id for one in found_words] == [one["track"] for one in old]


def test_playlists_are_the_same(session: Session, answers: dict[str, Any]) -> None:
    public = dict(session.execute(select(Track.id, Track.public_id)).all())
    rows = session.scalars(select(Playlist)).all()
    assert {row.public_id for row in rows} == set(answers["playlists"])
    for row in rows:
        old = answers["playlists"][row.public_id]
        assert (row.name, row.description, row.external_id) == (
            old["name"],
            old["description"],
            old["external_id"],
        )
        assert [public[i] for i in playlists.tracks(session, row)] == old["tracks"]


def test_runs_keep_clusters_and_labels(session: Session, answers: dict[str, Any]) -> None:
    assert runs.published(session).public_id == answers["published"]
    public = dict(session.execute(select(Track.id, Track.public_id)).all())
    for run in runs.all_runs(session):
        old = answers["runs"][run.public_id]
        rows = session.execute(
            text("SELECT track_id, label FROM cluster_assignment WHERE run_id = :run"),
            {"run": run.id},
        )
        assert {public[i]: label for i, label in rows if i in public} == old["labels"]


def test_tokens_open_the_same(app: Flask, answers: dict[str, Any]) -> None:
    for name, old in answers["api"].items():
        headers = {"Authorization": f"Bearer {answers['made']['tokens'][name]}"}
        answer = app.test_client().get("/api/v1/recommendations?n=10", headers=headers)
        assert answer.status_code == old["status"]
        body = answer.get_json()
        if old["status"] == 200:
            assert body["method"] == old["method"]
            # The likes of different tastes take turns now.
            assert len({one["track"]["id"] for one in body["items"]}) == len(old["tracks"])


def test_uploads_wait_where_they_were(session: Session, answers: dict[str, Any]) -> None:
    rows = session.scalars(select(Upload).order_by(Upload.id)).all()
    assert [(row.name, row.kept) for row in rows] == [
        (old["name"], old["kept"]) for old in answers["uploads"]
    ]


def test_a_merge_of_then_is_undone_with_artist_and_album(
    session: Session, answers: dict[str, Any]
) -> None:
    (merge,) = session.scalars(select(TrackMerge)).all()
    row = merging.undo(session, merge.id)
    (view,) = tracks.tracks_by_id(session, [row.merged_id])
    assert (view.artists, display_line(view.credits)) == ("Simon & Garfunkel",) * 2
    assert view.album_id is not None
    assert view.public_id == answers["merges"][0]["merged"]


@pytest.mark.parametrize("page", ["/", "/tracks", "/likes", "/stations", "/map", "/playlists"])
def test_pages_answer(app: Flask, page: str) -> None:
    assert app.test_client().get(page).status_code == 200


def test_every_artist_and_album_has_a_page(app: Flask, session: Session) -> None:
    client = app.test_client()
    for public_id in session.scalars(select(Artist.public_id)).all():
        assert client.get(f"/artists/{public_id}").status_code == 200
    for public_id in session.scalars(select(Album.public_id).join(Track).distinct()).all():
        assert client.get(f"/albums/{public_id}").status_code == 200


def test_the_upgrade_can_be_taken_back(tmp_path: Path, answers: dict[str, Any]) -> None:
    with tarfile.open(FIXTURES / "instance_0_1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with create_app({"INSTANCE": tmp_path, "TESTING": True}).app_context():
        upgrade()
        downgrade(revision="0007")
        rows = db.session.execute(text("SELECT public_id, album, genre FROM track")).all()
        found = {public_id: (album, genre) for public_id, album, genre in rows}
        db.session.remove()
        db.engine.dispose()
    for public_id, old in answers["tracks"].items():
        album, genre = found[public_id]
        assert album == old["album"]
        assert sorted((genre or "").split(", ")) == sorted((old["genre"] or "").split(", "))
