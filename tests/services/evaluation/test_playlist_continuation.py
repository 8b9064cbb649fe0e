"""Playlist continuation on synthetic playlists with a known answer, and on real ones."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from songrec.core.errors import BadInput, UnknownName
from songrec.evaluation.playlists import MEASURES
from songrec.recommend.taste import prior
from songrec.services.evaluation import playlist_splits
from songrec.services.evaluation.playlist_catalogue import read_playlists
from songrec.services.evaluation.playlist_continuation import (
    EVALUATED_METHODS,
    ContinuationRequest,
    evaluate_playlists,
    parse_methods,
    search_for,
)
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks
from tests.playlist_file import HEADER, LENGTH, LISTS, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "lists.csv")


def test_the_command_measures_every_method_with_intervals(app, file):
    result = app.test_cli_runner().invoke(
        args=["evaluate", "playlists", str(file), "--draws", "2", "--json"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["playlists"], found["questions"], found["tracks"]) == (12, 24, 360)
    methods = found["methods"]
    assert tuple(methods) == tuple(EVALUATED_METHODS)
    for figures in methods.values():
        assert set(figures) == {*MEASURES, "intervals"}
        low, high = figures["intervals"]["p_at_10"]
        assert low <= figures["p_at_10"] <= high
    # 20 of 350 candidates are right.
    assert methods["random"]["p_at_10"] < 0.15
    for name in ("cosine", "distance", "cluster"):
        assert methods[name]["p_at_10"] > 0.15
    assert methods["taste_content"]["p_at_10"] > methods["cosine"]["p_at_10"]
    assert methods["taste_content"]["p_at_10"] > 0.8
    assert methods["taste"]["p_at_10"] > 0.9
    ratio, low, high = found["p_at_10_times"]["cosine"]["taste_content"]
    assert low <= ratio <= high
    assert ratio == pytest.approx(
        methods["taste_content"]["p_at_10"] / methods["cosine"]["p_at_10"], rel=0.01
    )
    assert set(found["p_at_10_times"]) == {"cosine", "distance"}
    # Six songs an artist, all of one playlist: a content method need not know.
    assert methods["taste"]["hits_per_artist"] > 1.5


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(file):
    def measured(seed):
        return evaluate_playlists(
            ContinuationRequest(file, ("cosine", "random"), draws=1, seed=seed)
        )

    assert measured(1) == measured(1)
    assert measured(1)["methods"] != measured(2)["methods"]


def test_genre_columns_are_not_features(file, tmp_path):
    other = write(tmp_path / "other.csv", genre="rock")
    one, two = (evaluate_playlists(ContinuationRequest(f, ("taste",))) for f in (file, other))
    assert one["methods"] == two["methods"]
    assert not {"genre", "subgenre"} & set(one["columns"])


def record_training(monkeypatch):
    """Record the playlists, as sets of rows, of every training."""
    trainings = []
    fit_prior = prior.fit_prior

    def recording(space, lists, **options):
        lists = list(lists)
        trainings.append([frozenset(rows.tolist()) for rows in lists])
        return fit_prior(space, lists, **options)

    monkeypatch.setattr(prior, "fit_prior", recording)
    return trainings


def test_no_method_is_trained_on_a_playlist_that_it_is_tested_on(file, monkeypatch):
    tested = []
    answers = ContinuationTasks.answers

    def recording(self, search, space, numbers):
        tested.append({frozenset(self.playlists[number].rows.tolist()) for number in numbers})
        return answers(self, search, space, numbers)

    monkeypatch.setattr(ContinuationTasks, "answers", recording)
    trainings = record_training(monkeypatch)
    evaluate_playlists(ContinuationRequest(file, ("taste_content",), draws=1))
    assert len(tested) == len(trainings) == 5
    assert sum(len(fold) for fold in tested) == LISTS
    for training, fold in zip(trainings, tested, strict=True):
        assert not fold & set(training)
        assert len(fold) + len(training) == LISTS


def test_a_tested_playlist_is_left_out_of_the_training_file(file, tmp_path, monkeypatch):
    # The same songs in lists 0 to 8; more than half of a list is enough to leave it out.
    train = write(tmp_path / "train.csv", lists=range(9))
    tested = write(tmp_path / "tested.csv", lists=range(6, 12))
    trainings = record_training(monkeypatch)
    found = evaluate_playlists(
        ContinuationRequest(tested, ("taste_content",), draws=1, train=train)
    )
    assert [len(part) for part in trainings] == [6]
    assert found["playlists"] == 6


def test_the_tested_file_as_training_file_is_split_into_folds(file, monkeypatch):
    trainings = record_training(monkeypatch)
    evaluate_playlists(ContinuationRequest(file, ("taste_content",), draws=1, train=file))
    assert sorted(len(part) for part in trainings) == [9, 9, 10, 10, 10]


def test_a_short_playlist_of_popular_songs_overlaps_with_no_other(file):
    # A playlist of one song of each list overlaps with none, though all share a song with it.
    rows = file.read_text().splitlines()
    hits = [row.replace("List ", "Hits ").split(",") for row in rows[1::LENGTH]]
    for row in hits:
        row[HEADER.index("playlist_id")] = "hits"
    file.write_text("\n".join([*rows, *(",".join(row) for row in hits)]) + "\n")
    catalogue = read_playlists([file])
    lists = catalogue.playlists
    assert len(lists) == LISTS + 1
    assert (
        playlist_splits.overlapping(catalogue, lists, lists).tolist() == np.eye(LISTS + 1).tolist()
    )
    folds = playlist_splits.leakage_free_folds(catalogue, lists, same_file=True)
    assert [len(tested) + len(training) for tested, training in folds] == [LISTS + 1] * 5


def test_a_single_playlist_is_tested_without_training(tmp_path):
    path = write(tmp_path / "one.csv", lists=range(1))
    found = evaluate_playlists(ContinuationRequest(path, ("taste_content", "random"), draws=1))
    assert (found["playlists"], found["learned_from"]) == (1, [0])
    assert found["methods"]["taste_content"]["p_at_10"] == 1.0  # there are no other songs


def without(path: Path, *columns: str) -> Path:
    keep = [at for at, name in enumerate(HEADER) if name not in columns]
    made = path.with_name("without.csv")
    with path.open(newline="") as given, made.open("w", newline="") as out:
        csv.writer(out).writerows([row[at] for at in keep] for row in csv.reader(given))
    return made


def test_without_artists_years_or_albums_the_rest_is_measured(file):
    bare = without(
        file, "track_artist", "track_album_release_date", "track_album_name", "track_popularity"
    )
    names = ("popularity", "taste_content", "taste")
    found = evaluate_playlists(ContinuationRequest(bare, names, draws=1))
    assert "year" not in found["columns"]
    for figures in found["methods"].values():
        for name in ("new_artist_p_at_10", "discovery_p_at_10", "hits_per_artist"):
            assert figures[name] is None
    assert found["methods"]["taste_content"] == found["methods"]["taste"]


def test_of_repeated_tracks_the_first_row_counts(file):
    rows = file.read_text().splitlines()
    again = [row.split(",") for row in rows[1:]]
    for row in again:
        row[HEADER.index("energy")] = "0.5"
    once = read_playlists([file])
    file.write_text("\n".join([*rows, *(",".join(row) for row in again)]) + "\n")
    twice = read_playlists([file])
    np.testing.assert_array_equal(twice.values, once.values)
    assert [p.rows.tolist() for p in twice.playlists] == [p.rows.tolist() for p in once.playlists]


def test_a_remaster_has_the_song_key_of_the_original(file):
    rows = file.read_text().splitlines()
    again = rows[1].split(",")
    again[0], again[1] = "new", "Song 0 0 - 2011 Remaster"
    file.write_text("\n".join([*rows, ",".join(again)]) + "\n")
    catalogue = read_playlists([file])
    assert len(catalogue.playlists[0].rows) == LENGTH + 1
    assert len(np.unique(catalogue.song_keys)) == LISTS * LENGTH


def test_the_tracks_of_the_training_file_are_candidates_too(tmp_path):
    train = write(tmp_path / "train.csv", lists=range(6))
    tested = write(tmp_path / "tested.csv", lists=range(6, 12))
    found = evaluate_playlists(ContinuationRequest(tested, ("random",), draws=1, train=train))
    assert found["tracks"] == LISTS * LENGTH


def test_a_hit_is_a_song_that_was_not_liked(file):
    tasks = continuation_tasks(file, draws=1)
    (answer,) = tasks.answers(search_for(EVALUATED_METHODS["distance"]), tasks.space, [0])
    likes = tasks.likes[0][0]
    assert len(likes) == 10
    assert answer.rest == LENGTH - 10
    assert not set(answer.rows.tolist()) & set(likes.tolist())
    inside = np.isin(answer.rows, tasks.playlists[0].rows)
    assert answer.right.tolist() == inside.tolist()


def test_discovery_is_among_artists_of_none_of_the_likes(file):
    tasks = continuation_tasks(file, draws=1)
    artists = tasks.catalogue.artists
    calls = []

    def search(space, query, count):
        rows = search_for(EVALUATED_METHODS["distance"])(space, query, count)
        calls.append((count, rows))
        return rows

    answers = list(tasks.answers(search, tasks.space, range(3)))
    for number, answer in enumerate(answers):
        (_, rows), (count, others) = calls[2 * number : 2 * number + 2]
        likes, playlist = tasks.likes[number][0], tasks.playlists[number].rows
        assert len(rows) == LISTS * LENGTH - 10
        assert count == len(others) == 10
        assert not np.isin(artists[others], artists[likes]).any()
        assert answer.discovery.tolist() == np.isin(others, playlist).tolist()
        to_find = np.setdiff1d(playlist, likes)
        assert len(answer.rest_artists) == len(np.unique(artists[to_find]))


def test_a_track_in_several_playlists_is_one_track(tmp_path):
    path = write(tmp_path / "lists.csv", lists=range(2))
    rows = path.read_text().splitlines()
    copies = [row.replace("List 0", "List X").replace("list0", "listX") for row in rows[1:6]]
    path.write_text("\n".join([*rows, *copies]) + "\n")
    catalogue = read_playlists([path])
    assert len(catalogue.values) == 60
    assert [len(p.rows) for p in catalogue.playlists] == [30, 30, 5]
    assert catalogue.playlists[2].rows.tolist() == catalogue.playlists[0].rows[:5].tolist()


def test_files_and_methods_that_cannot_be_evaluated_are_refused(file):
    with pytest.raises(BadInput, match="no playlist has over 30 songs"):
        evaluate_playlists(ContinuationRequest(file, ("random",), likes=30))
    bare = without(file, *(name for name in HEADER if name.startswith("playlist")))
    with pytest.raises(BadInput, match="holds no playlists"):
        evaluate_playlists(ContinuationRequest(bare, ("random",)))
    with pytest.raises(UnknownName, match="cosine"):
        parse_methods(["cosinus"])
    assert parse_methods(["cosine,taste", "cosine"]) == ("cosine", "taste")
    assert parse_methods(["taste_metadata"]) == ("taste",)  # its former name


@pytest.mark.realdata
def test_real_playlists_are_found_again(real_data):
    path = real_data / "catalogues" / "tidytuesday_spotify_songs.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    names = ("random", "cosine", "distance", "taste_content", "taste")
    found = evaluate_playlists(ContinuationRequest(path, names, draws=1))["methods"]
    assert found["random"]["p_at_10"] < 0.01
    assert found["taste_content"]["p_at_10"] >= 0.09
    assert (
        found["taste_content"]["p_at_10"]
        > found["cosine"]["p_at_10"]
        > found["distance"]["p_at_10"]
    )
    assert found["taste"]["p_at_10"] >= 0.3
