"""Playlist continuation on made-up playlists whose answer is known, and on the real ones."""

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
    EVALUATED,
    Request,
    evaluate_playlists,
    parse,
    search_of,
)
from songrec.services.evaluation.playlist_tasks import Questions, questions
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
    assert tuple(methods) == tuple(EVALUATED)
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
        return evaluate_playlists(Request(file, ("cosine", "random"), draws=1, seed=seed))

    assert measured(1) == measured(1)
    assert measured(1)["methods"] != measured(2)["methods"]


def test_columns_that_come_from_playlists_are_no_features(file, tmp_path):
    other = write(tmp_path / "other.csv", genre="rock")
    one, two = (evaluate_playlists(Request(f, ("taste",))) for f in (file, other))
    assert one["methods"] == two["methods"]
    assert not {"genre", "subgenre"} & set(one["columns"])


def learnt_from(monkeypatch):
    """The playlists, as sets of rows, of every learning."""
    seen = []
    learn = prior.fit_prior

    def noted(space, lists, **options):
        lists = list(lists)
        seen.append([frozenset(rows.tolist()) for rows in lists])
        return learn(space, lists, **options)

    monkeypatch.setattr(prior, "fit_prior", noted)
    return seen


def test_nothing_is_learnt_from_a_playlist_that_is_asked_about(file, monkeypatch):
    asked = []
    answers = Questions.answers

    def noted(self, search, known, about):
        asked.append({frozenset(self.asked[number].rows.tolist()) for number in about})
        return answers(self, search, known, about)

    monkeypatch.setattr(Questions, "answers", noted)
    seen = learnt_from(monkeypatch)
    evaluate_playlists(Request(file, ("taste_content",), draws=1))
    assert len(asked) == len(seen) == 5
    assert sum(len(part) for part in asked) == LISTS
    for learned, inside in zip(seen, asked, strict=True):
        assert not inside & set(learned)
        assert len(inside) + len(learned) == LISTS


def test_a_playlist_that_stands_in_the_training_file_as_well_is_not_learnt_from(
    file, tmp_path, monkeypatch
):
    # The same songs in lists 0 to 8; more than half of a list is enough to leave it out.
    train = write(tmp_path / "train.csv", lists=range(9))
    asked = write(tmp_path / "asked.csv", lists=range(6, 12))
    seen = learnt_from(monkeypatch)
    found = evaluate_playlists(Request(asked, ("taste_content",), draws=1, train=train))
    assert [len(part) for part in seen] == [6]
    assert found["playlists"] == 6


def test_the_file_itself_to_learn_from_is_learnt_from_in_parts(file, monkeypatch):
    seen = learnt_from(monkeypatch)
    evaluate_playlists(Request(file, ("taste_content",), draws=1, train=file))
    assert sorted(len(part) for part in seen) == [9, 9, 10, 10, 10]


def test_a_short_list_of_well_known_songs_ties_no_others_together(file):
    # One song of each list, as a list of its own: kin of nobody, though all share with it.
    rows = file.read_text().splitlines()
    hits = [row.replace("List ", "Hits ").split(",") for row in rows[1::LENGTH]]
    for row in hits:
        row[HEADER.index("playlist_id")] = "hits"
    file.write_text("\n".join([*rows, *(",".join(row) for row in hits)]) + "\n")
    catalogue = read_playlists([file])
    lists = catalogue.playlists
    assert len(lists) == LISTS + 1
    assert playlist_splits.kin(catalogue, lists, lists).tolist() == np.eye(LISTS + 1).tolist()
    parts = playlist_splits.parts(catalogue, lists, own=True)
    assert [len(about) + len(taught) for about, taught in parts] == [LISTS + 1] * 5


def test_one_playlist_alone_is_asked_about_with_nothing_learnt(tmp_path):
    path = write(tmp_path / "one.csv", lists=range(1))
    found = evaluate_playlists(Request(path, ("taste_content", "random"), draws=1))
    assert (found["playlists"], found["learned_from"]) == (1, [0])
    assert found["methods"]["taste_content"]["p_at_10"] == 1.0  # nothing else is there


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
    found = evaluate_playlists(Request(bare, names, draws=1))
    assert "year" not in found["columns"]
    for figures in found["methods"].values():
        assert figures["new_artist_p_at_10"] is figures["hits_per_artist"] is None
    assert found["methods"]["taste_content"] == found["methods"]["taste"]


def test_a_track_that_is_told_twice_is_the_one_that_was_told_first(file):
    rows = file.read_text().splitlines()
    again = [row.split(",") for row in rows[1:]]
    for row in again:
        row[HEADER.index("energy")] = "0.5"
    once = read_playlists([file])
    file.write_text("\n".join([*rows, *(",".join(row) for row in again)]) + "\n")
    twice = read_playlists([file])
    np.testing.assert_array_equal(twice.values, once.values)
    assert [p.rows.tolist() for p in twice.playlists] == [p.rows.tolist() for p in once.playlists]


def test_a_remaster_of_what_is_liked_is_no_hit(file):
    rows = file.read_text().splitlines()
    again = rows[1].split(",")
    again[0], again[1] = "new", "Song 0 0 - 2011 Remaster"
    file.write_text("\n".join([*rows, ",".join(again)]) + "\n")
    catalogue = read_playlists([file])
    assert len(catalogue.playlists[0].rows) == LENGTH + 1
    assert len(np.unique(catalogue.song_keys)) == LISTS * LENGTH


def test_the_tracks_of_the_training_file_are_candidates_too(tmp_path):
    train = write(tmp_path / "train.csv", lists=range(6))
    asked = write(tmp_path / "asked.csv", lists=range(6, 12))
    found = evaluate_playlists(Request(asked, ("random",), draws=1, train=train))
    assert found["tracks"] == LISTS * LENGTH


def test_a_hit_is_a_song_that_was_not_liked(file):
    asking = questions(file, draws=1)
    (answer,) = asking.answers(search_of(EVALUATED["distance"]), asking.space, [0])
    likes = asking.likes[0][0]
    assert len(likes) == 10
    assert answer.rest == LENGTH - 10
    assert not set(answer.rows.tolist()) & set(likes.tolist())
    inside = np.isin(answer.rows, asking.asked[0].rows)
    assert answer.right.tolist() == inside.tolist()


def test_a_track_in_several_playlists_is_one_track(tmp_path):
    path = write(tmp_path / "lists.csv", lists=range(2))
    rows = path.read_text().splitlines()
    copies = [row.replace("List 0", "List X").replace("list0", "listX") for row in rows[1:6]]
    path.write_text("\n".join([*rows, *copies]) + "\n")
    catalogue = read_playlists([path])
    assert len(catalogue.values) == 60
    assert [len(p.rows) for p in catalogue.playlists] == [30, 30, 5]
    assert catalogue.playlists[2].rows.tolist() == catalogue.playlists[0].rows[:5].tolist()


def test_what_cannot_be_measured_says_why(file):
    with pytest.raises(BadInput, match="no playlist has over 30 songs"):
        evaluate_playlists(Request(file, ("random",), likes=30))
    bare = without(file, *(name for name in HEADER if name.startswith("playlist")))
    with pytest.raises(BadInput, match="holds no playlists"):
        evaluate_playlists(Request(bare, ("random",)))
    with pytest.raises(UnknownName, match="cosine"):
        parse(["cosinus"])
    assert parse(["cosine,taste_content", "cosine"]) == ("cosine", "taste_content")
    assert parse(["taste_metadata", "taste_metadata_capped"]) == ("taste", "taste_capped")


@pytest.mark.realdata
def test_real_playlists_are_found_again(real_data):
    path = real_data / "catalogues" / "tidytuesday_spotify_songs.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    names = ("random", "cosine", "distance", "taste_content", "taste")
    found = evaluate_playlists(Request(path, names, draws=1))["methods"]
    assert found["random"]["p_at_10"] < 0.01
    assert found["taste_content"]["p_at_10"] >= 0.09
    assert (
        found["taste_content"]["p_at_10"]
        > found["cosine"]["p_at_10"]
        > found["distance"]["p_at_10"]
    )
    assert found["taste"]["p_at_10"] >= 0.3
