import numpy as np
import pytest

from songrec.evaluation.retrieval import retrieve


def test_clips_that_are_their_others_neighbours_are_found_first():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(9, 5))
    found = retrieve(a, a + 0.01 * rng.normal(size=a.shape)).to_json()
    assert found == {"pairs": 9, "top1": 1.0, "top5": 1.0, "mrr": 1.0}


def test_measures_of_known_places():
    # On a circle each asks from where the answer is so many steps further on.
    at = 2 * np.pi * np.arange(10) / 10
    circle = np.column_stack([np.cos(at), np.sin(at)])
    found = retrieve(circle, np.roll(circle, 1, axis=0))
    # One neighbour sits on the spot, the other side's is as near as the right one: third at worst.
    assert found.ranks.tolist() == [3] * 10
    assert found.to_json()["top1"] == 0.0
    assert found.to_json()["top5"] == 1.0
    assert found.to_json()["mrr"] == pytest.approx(1 / 3, abs=1e-4)


def test_a_set_that_knows_nothing_is_not_called_good():
    same = np.ones((8, 3))
    assert retrieve(same, same).to_json() == {"pairs": 8, "top1": 0.0, "top5": 0.0, "mrr": 0.125}


def test_a_scale_of_its_own_changes_nothing():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(12, 4)), rng.normal(size=(12, 4))
    scale, shift = np.array([1e-3, 1, 1e4, 7]), np.array([5, -2, 1e3, 0])
    np.testing.assert_array_equal(
        retrieve(a, b).ranks, retrieve(a * scale + shift, b * scale + shift).ranks
    )


def test_each_question_needs_its_answer():
    with pytest.raises(ValueError, match="must have one shape"):
        retrieve(np.ones((3, 2)), np.ones((2, 2)))
