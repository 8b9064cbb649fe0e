import json
import shutil

import pytest

from songrec.cli.runs import parse_settings
from songrec.core.errors import BadInput, UnknownName
from songrec.store.runs import runs
from tests.factories import make_track

CHOSEN = {"representation": "autoencoder", "clustering": "kmeans", "projection": "pca"}
TRAIN = ("train", "--representation", "pca", "--clusters", "2")


@pytest.fixture
def flask(app, session):
    for number in range(12):
        make_track(session, tempo=90.0 + 50 * (number % 2))
    session.commit()
    runner = app.test_cli_runner()

    def invoke(*words, code=0):
        result = runner.invoke(args=words)
        assert result.exit_code == code, result.output
        return result

    return invoke


def test_training_prints_one_json_document_and_publishes(flask, session):
    printed = json.loads(flask(*TRAIN, "--json").stdout)
    assert set(printed) == {"run_id", "metrics", "seconds"}
    assert printed["metrics"]["sizes"] == {"0": 6, "1": 6}
    assert runs.published(session).public_id == printed["run_id"]


def test_the_story_of_two_runs(flask):
    first = json.loads(flask(*TRAIN, "--json").stdout)["run_id"]
    flask(*TRAIN, "--no-publish", "--seed", "3")
    listed = json.loads(flask("runs", "--json").stdout)
    assert [row["published"] for row in listed] == [False, True]
    second = listed[0]["run_id"]
    assert json.loads(flask("publish", second, "--json").stdout) == {
        "run_id": second,
        "published": True,
    }
    compared = json.loads(flask("compare", first, second, "--json").stdout)
    assert (compared["shared"], compared["moved"]) == (12, 0)
    assert "12 tracks in both; 0 (0.0%) changed company" in flask("compare", first, second).stdout
    assert f"* {second}" in flask("runs").stdout


def test_words_for_people(flask):
    said = flask(*TRAIN).stdout
    assert "12 tracks in 2 clusters" in said
    assert "Silhouette" in said
    assert "Reconstruction error" in said
    asked = flask("train", "--representation", "pca", "--clusters", "5").stdout
    assert "Note: 5 clusters were asked for, but only 2 tracks differ" in asked
    assert "Not published: flask publish" in flask(*TRAIN, "--no-publish").stdout


def test_wrong_values_of_options_are_wrong_usage(flask):
    for words, said in [
        (("train", "--representation", "vea"), "No representation 'vea'"),
        (("train", "--features", "vea"), "No feature set 'vea'"),
        ((*TRAIN, "--epochs", "3"), "No parameter of pca 'epochs'"),
        (("train", "--clusters", "-1"), "must be auto, or a whole number from 1 to 200"),
        (("train", "--set", "nonsense=1"), "--set nonsense: no such parameter"),
        (("train", "--seed", "-1"), "is not in the range"),
    ]:
        result = flask(*words, code=2)
        assert said in result.stderr
        assert result.stdout == ""


def test_what_cannot_be_done_is_one_line_and_exit_code_1(flask):
    for words, said in [
        (("publish", "nope"), "No run 'nope'"),
        (("compare", "nope", "nope"), "No run 'nope'"),
    ]:
        result = flask(*words, code=1)
        assert said in result.stderr
        assert result.stderr.startswith("songrec: ")
        assert result.stderr.count("\n") == 1


def test_a_run_without_its_files_is_not_published(flask, session, instance):
    first = json.loads(flask(*TRAIN, "--json").stdout)["run_id"]
    second = json.loads(flask(*TRAIN, "--json").stdout)["run_id"]
    shutil.rmtree(instance / "runs" / first)
    said = flask("publish", first, code=1).stderr
    assert "are missing" in said
    assert said.count("\n") == 1
    assert runs.published(session).public_id == second


def test_an_empty_list_says_what_to_do(flask):
    assert flask("runs").stdout == "No runs yet: flask train\n"


def test_help_lists_every_parameter_with_default_and_range(flask):
    text = flask("train", "--help").stdout
    assert "learning_rate = 0.001" in text
    assert "n_clusters = 10 (auto, or a whole number from 1 to 200)" in text


def test_settings_find_the_stage_that_has_them():
    assert parse_settings(CHOSEN, ("clusters=4", "representation.latent=3")) == {
        "representation": {"latent": "3"},
        "clustering": {"n_clusters": "4"},
        "projection": {},
    }


def test_further_maps_have_settings_by_their_names():
    found = parse_settings(CHOSEN, ("tsne.perplexity=50", "neighbours=5"), ("tsne", "umap"))
    assert found["tsne"] == {"perplexity": "50"}
    assert found["umap"] == {"n_neighbors": "5"}
    assert found["projection"] == {}


@pytest.mark.parametrize(
    ("setting", "said"),
    [("clusters", "KEY=VALUE"), ("clusterz=3", "no such parameter"), ("map.x=3", "none of")],
)
def test_settings_that_fit_nowhere_are_refused(setting, said):
    with pytest.raises(BadInput, match=said):
        parse_settings(CHOSEN, (setting,))


def test_a_misspelt_setting_of_a_named_stage_suggests_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'latent'"):
        parse_settings(CHOSEN, ("representation.latnt=3",))
