import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from songrec.tagging.measures import average_precision, majority, measures

TRUTH = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 1, 1]], dtype=bool)
SAID = np.array([[0.9, 0.1, 0.2], [0.8, 0.4, 0.1], [0.9, 0.2, 0.6], [0.1, 0.2, 0.3]], np.float32)


def test_known_answers():
    found = measures(TRUTH, SAID, ["a", "b", "c"])
    # Wrong tags of the four samples: 0, 1, 3, 3.
    assert found["samples"] == 4
    assert found["exact_match"] == 0.25
    assert found["hamming_accuracy"] == pytest.approx(1 - 7 / 12, abs=1e-4)
    assert found["wrong_tags"]["single"] == [
        {"wrong": 0, "samples": 1},
        {"wrong": 1, "samples": 1},
        {"wrong": 3, "samples": 2},
    ]
    grouped = [(one["from"], one["to"], one["samples"]) for one in found["wrong_tags"]["grouped"]]
    assert grouped == [(0, 0, 1), (1, 1, 1), (2, 2, 0), (3, 5, 2), (6, 10, 0), (11, None, 0)]
    right = np.where(TRUTH, SAID, 1 - SAID).astype(float)
    assert found["bce"] == pytest.approx(-np.log(right).mean(), abs=1e-4)
    assert found["average_precision"]["c"] == 0.5
    assert found["mean_average_precision"] == pytest.approx(
        np.mean(list(found["average_precision"].values())), abs=1e-4
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 9999), st.integers(2, 30), st.integers(1, 5))
def test_average_precision_is_that_of_scikit_learn_with_ties(seed, n, levels):
    random = np.random.default_rng(seed)
    truth = random.random(n) < 0.4
    truth[0] = True
    scores = (random.integers(0, levels, n) / levels).astype(np.float32)
    assert average_precision(truth, scores) == pytest.approx(average_precision_score(truth, scores))


def test_a_tag_that_never_occurs_has_no_average_precision():
    found = measures(np.zeros((3, 1), dtype=bool), np.zeros((3, 1), np.float32), ["never"])
    assert found["average_precision"] == {}
    assert found["mean_average_precision"] is None
    assert found["exact_match"] == 1


def test_the_majority_says_of_everything_what_most_are():
    said = majority(TRUTH, 2)
    assert said.tolist() == [[0.75, 0.75, 0.25]] * 2
    assert measures(TRUTH[:2], said, "abc")["average_precision"]["a"] == 1.0


def test_nothing_held_out_has_no_figures():
    assert measures(np.zeros((0, 2), dtype=bool), np.zeros((0, 2), np.float32), "ab") == {
        "samples": 0
    }
