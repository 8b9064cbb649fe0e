import numpy as np

from songrec.clustering.label_alignment import by_size, continuing
from songrec.core.types import Clustering


def clustering(labels, centres=None):
    labels = np.array(labels, dtype=np.int32)
    if centres is not None:
        centres = np.array(centres, np.float32)
    return Clustering(labels, np.ones(len(labels), np.float32), centres)


def test_the_largest_cluster_is_number_zero_and_centres_follow():
    found = by_size(clustering([0, 1, 1, 2, 2, 2, -1], [[0], [1], [2]]))
    assert found.labels.tolist() == [2, 1, 1, 0, 0, 0, -1]
    assert found.centres.tolist() == [[2], [1], [0]]


def test_of_equal_clusters_the_one_that_starts_earlier_comes_first():
    assert by_size(clustering([1, 0, 1, 0])).labels.tolist() == [0, 1, 0, 1]


def test_a_cluster_without_tracks_disappears_with_its_centre():
    found = by_size(clustering([0, 2, 2], [[0], [1], [2]]))
    assert found.labels.tolist() == [1, 0, 0]
    assert found.centres.tolist() == [[2], [0]]


def test_matched_clusters_keep_their_number_and_the_others_take_the_free_ones():
    found = continuing(clustering([0, 0, 1, 1, 2], [[0], [1], [2]]), {0: 2, 1: 0})
    assert found.labels.tolist() == [2, 2, 0, 0, 1]
    assert found.centres.tolist() == [[1], [2], [0]]


def test_numbers_stay_without_gaps_when_there_are_fewer_clusters_than_before():
    assert continuing(clustering([0, 0, 1]), {0: 7, 1: 0}).labels.tolist() == [1, 1, 0]


def test_noise_stays_noise():
    assert by_size(clustering([-1, -1])).labels.tolist() == [-1, -1]
    assert continuing(clustering([-1, 0]), {0: 0}).labels.tolist() == [-1, 0]
