import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from songrec.evaluation.agreement import against_labels
from songrec.evaluation.held_out import reconstruction_error, split
from songrec.evaluation.stability import between, over_bootstraps

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("kept", [0.0, 0.5, 1.0])
def test_mutual_information_is_sklearns(kept):
    a, b = RANDOM.integers(0, 5, 300), RANDOM.integers(0, 3, 300)
    b = np.where(RANDOM.random(300) < kept, a % 3, b)
    found = against_labels(a, b, seed=0).values["nmi"]
    assert found == pytest.approx(normalized_mutual_info_score(a, b), abs=1e-9)


def test_labels_that_depend_on_nothing_share_no_information_and_the_same_share_all():
    two = np.array([0, 0, 1, 1])
    assert against_labels(np.zeros(4, int), two, seed=0).values["nmi"] == 0.0
    assert against_labels(1 - two, two, seed=0).values["nmi"] == 1.0


def test_purity_counts_the_commonest_class_of_each_cluster():
    # The example of Manning, Raghavan & Schütze 2008, figure 16.4: (5 + 4 + 3) / 17.
    clusters = np.repeat([0, 1, 2], [6, 6, 5])
    classes = np.array([0] * 5 + [1] + [0] + [1] * 4 + [2] + [0] * 2 + [2] * 3)
    found = against_labels(clusters, classes, seed=0)
    assert found.values["purity"] == pytest.approx(12 / 17)


def test_a_clustering_that_is_the_labels_is_far_above_chance():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    found = against_labels(labels, labels, seed=0)
    assert (found.tracks, found.classes) == (100, 3)
    assert found.values == {"ari": 1.0, "nmi": pytest.approx(1.0), "purity": 1.0}
    assert abs(found.random["ari"]) < 0.05
    assert found.random["nmi"] < 0.1
    assert 0.5 <= found.random["purity"] < 0.6  # the largest class has half of all tracks


def test_a_clustering_drawn_blindly_is_as_good_as_chance():
    clusters, classes = RANDOM.integers(0, 8, 4000), RANDOM.integers(0, 5, 4000)
    found = against_labels(clusters, classes, seed=1)
    for name, value in found.values.items():
        assert value == pytest.approx(found.random[name], abs=0.02)
    assert found == against_labels(clusters, classes, seed=1)


def test_noise_and_unlabelled_tracks_are_left_out():
    clusters = np.array([0, 0, 1, 1, -1, 0])
    classes = np.array([7, 7, 4, 4, 7, -1])
    found = against_labels(clusters, classes, seed=0)
    assert found.tracks == 4
    assert found.values["ari"] == adjusted_rand_score([0, 0, 1, 1], [7, 7, 4, 4])
    assert against_labels(clusters, np.full(6, 3), seed=0) is None
    assert against_labels(np.full(6, -1), classes, seed=0) is None


def test_labels_that_do_not_depend_on_the_seed_are_stable_and_random_ones_are_not():
    planted = np.repeat([0, 1], 50)
    assert between((planted + seed) % 2 for seed in range(4)).mean == 1.0
    blind = between(np.random.default_rng(seed).integers(0, 2, 100) for seed in range(6))
    assert len(blind.values) == 15
    assert abs(blind.mean) < 0.1
    assert blind.spread > 0
    assert between([planted]).mean is None
    assert between([planted, planted]).spread is None


def test_bootstrap_samples_are_compared_on_the_tracks_they_share():
    values = np.concatenate([RANDOM.normal(size=60), 20 + RANDOM.normal(size=60)])
    seen = []

    def fit(rows, seed):
        seen.append(rows)
        return (values[rows] > 10).astype(int)

    stable = over_bootstraps(fit, 120, samples=4, seed=2)
    assert stable.values == (1.0,) * 6
    assert all(len(rows) == 120 > len(np.unique(rows)) for rows in seen)
    random = np.random.default_rng(0)
    blind = over_bootstraps(lambda rows, seed: random.integers(0, 2, len(rows)), 120, samples=4)
    assert abs(blind.mean) < 0.15


def test_held_out_tracks_are_restored_worse_by_a_model_that_learns_by_heart():
    values = RANDOM.normal(size=(200, 4)).astype(np.float32)

    def by_heart(rows):
        known = set(rows.tolist())
        return lambda asked: np.stack([values[r] if r in known else np.zeros(4) for r in asked])

    seen, unseen = reconstruction_error(by_heart, values, share=0.25, seed=1)
    assert seen == 0.0
    held = split(200, share=0.25, seed=1)[1]
    assert len(held) == 50
    assert unseen == pytest.approx(np.square(values[held]).mean(), rel=1e-6)
    assert reconstruction_error(by_heart, values[:1]) is None
