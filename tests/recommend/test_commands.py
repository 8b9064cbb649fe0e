import json

import pytest

from tests.factories import make_track
from tests.recommend.planted import publish_run


@pytest.fixture
def catalogue(session, instance):
    calm = [
        make_track(
            session, f"Calm {i}", energy=0.1 + i / 100, acousticness=0.9, external_id=f"c{i}"
        )
        for i in range(6)
    ]
    loud = [
        make_track(session, f"Loud {i}", energy=0.9 - i / 100, acousticness=0.1) for i in range(6)
    ]
    publish_run(session, instance)
    session.commit()
    return calm, loud


def run(app, *words):
    return app.test_cli_runner().invoke(args=list(words))


def test_similar_lists_the_neighbours_with_reasons_that_add_up(app, catalogue):
    calm, _ = catalogue
    answer = run(app, "similar", calm[0].public_id, "-n", "5", "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert [one["title"] for one in found] == ["Calm 1", "Calm 2", "Calm 3", "Calm 4", "Calm 5"]
    assert found[0]["external_id"] == "c1"
    for one in found:
        assert sum(r["contribution"] for r in one["reasons"]) == pytest.approx(
            one["score"], abs=1e-5
        )


def test_recommend_accepts_catalogue_ids_and_dislikes(app, catalogue):
    _, loud = catalogue
    answer = run(
        app, "recommend", "--like", "c0", "--dislike", loud[0].public_id, "-n", "3", "--json"
    )
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert [one["title"] for one in found] == ["Calm 1", "Calm 2", "Calm 3"]
    assert {r["kind"] for r in found[0]["reasons"]} == {"feature", "disliked"}


def test_reasons_are_about_tracks_by_public_id(app, catalogue):
    calm, loud = catalogue
    answer = run(
        app,
        "recommend",
        "--like",
        "c0",
        "--dislike",
        loud[0].public_id,
        "--method",
        "distance",
        "-n",
        "11",
        "--json",
    )
    reasons = [reason for one in json.loads(answer.stdout) for reason in one["reasons"]]
    assert {(reason["kind"], reason["about"]) for reason in reasons} == {
        ("liked", calm[0].public_id),
        ("disliked", loud[0].public_id),
    }


@pytest.mark.parametrize("method", ["cosine", "distance", "cluster"])
def test_plain_output_names_the_song_and_says_why(app, catalogue, method):
    answer = run(app, "recommend", "--like", "c0", "--method", method)
    assert answer.exit_code == 0, answer.output
    assert "Calm 1 – Artist" in answer.stdout
    assert "calm, like “Calm 0”" in answer.stdout


@pytest.mark.parametrize("command", [["similar"], ["recommend", "--like"]])
def test_an_unknown_song_is_one_line_and_exit_code_1(app, catalogue, command):
    answer = run(app, *command, "nonesuch")
    assert answer.exit_code == 1
    assert "No track 'nonesuch' in the catalogue." in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "flask recommend --like TRACK"),
        (["--like", "c0", "--method", "cosin"], "Did you mean 'cosine'?"),
        (["--like", "c0", "--variety", "7"], "is not in the range"),
        (["--like", "c0", "-n", "0"], "is not in the range"),
    ],
)
def test_wrong_usage_is_exit_code_2(app, catalogue, words, says):
    answer = run(app, "recommend", *words)
    assert answer.exit_code == 2
    assert says in answer.stderr
    assert answer.stdout == ""


def test_without_a_published_run_the_message_says_to_train(app, session):
    make_track(session, "Alone", external_id="x")
    session.commit()
    answer = run(app, "similar", "x")
    assert answer.exit_code == 1
    assert "flask train" in answer.stderr


def test_recommend_names_its_method_and_re_ranks(app, catalogue):
    asked = ("recommend", "--like", "c0", "--like", "c1", "-n", "4")
    best = json.loads(run(app, *asked, "--json").stdout)
    assert {one["method"] for one in best} == {"taste"}
    for one in best:
        split = sum(reason["contribution"] for reason in one["per_like"])
        assert split == pytest.approx(one["score"], abs=1e-5)
    assert run(app, *asked).stdout.startswith("Your taste (taste):")
    assert run(app, *asked, "--method", "cosine").stdout.startswith("What they share (cosine):")
    wishes = ("--variety", "0.5", "--surprise", "3", "--json")
    drawn = json.loads(run(app, *asked, *wishes).stdout)
    kinds = {reason["about"] for one in drawn for reason in one["reasons"]}
    assert {"variety", "surprise"} <= kinds
    assert drawn == json.loads(run(app, *asked, *wishes).stdout)
