"""VaDE: its bound term by term, and groups that principal components with k-means cannot find."""

import numpy as np
import pytest

from songrec.clustering.kmeans import KMeans
from songrec.core.types import FeatureTable
from songrec.evaluation.agreement import adjusted_rand_index
from songrec.representation import mixture, training_loop
from songrec.representation.pca import PCA
from songrec.representation.vade import VaDE
from songrec.representation.variational import divergence_from_standard


def unequal_groups(seed, each=150):
    """A wide cloud and two tight ones inside it, in 4 of 8 directions that are none of the axes."""
    random = np.random.default_rng(seed)
    wide = random.normal(0, 1.5, (each, 4))
    tight = [random.normal(0, 0.12, (each, 4)) + at for at in ([1, 1, 0, 0], [-1, 0.5, 1, 0])]
    turned, _ = np.linalg.qr(random.normal(size=(8, 8)))
    values = np.concatenate([wide, *tight]) @ turned[:4] + random.normal(0, 0.05, (3 * each, 8))
    values = (values - values.mean(axis=0)) / values.std()
    table = FeatureTable(np.arange(3 * each), tuple("abcdefgh"), values.astype(np.float32))
    return table, np.repeat(np.arange(3), each)


@pytest.fixture(scope="module")
def trained():
    table, _ = unequal_groups(7)
    model = VaDE(
        n_clusters=3, hidden=(16,), latent=3, pretraining_epochs=2, epochs=2, batch_size=32
    )
    return model.fit(table, seed=1), table


def test_the_bound_is_equation_17_of_the_paper_term_by_term():
    random = np.random.default_rng(2)
    n, k, l = 5, 3, 4  # noqa: E741 - the letters of the docstrings
    mean, own = random.normal(size=(n, l)), random.uniform(0.2, 2, size=(n, l))
    gamma = random.dirichlet(np.ones(k), size=n)
    pi, mu, var = (
        random.dirichlet(np.ones(k)),
        random.normal(size=(k, l)),
        random.uniform(0.3, 2, (k, l)),
    )
    expected = np.zeros(n)
    for i in range(n):
        for c in range(k):
            for j in range(l):
                expected[i] += (
                    0.5
                    * gamma[i, c]
                    * (
                        np.log(var[c, j])
                        + own[i, j] / var[c, j]
                        + (mean[i, j] - mu[c, j]) ** 2 / var[c, j]
                    )
                )
            expected[i] -= gamma[i, c] * np.log(pi[c] / gamma[i, c])
        expected[i] -= 0.5 * sum(1 + np.log(own[i, j]) for j in range(l))
    of_latent, of_clusters = mixture.divergences_from_mixture(
        *(np.float32(x) for x in (mean, np.log(own), gamma, np.log(pi), mu, np.log(var)))
    )
    np.testing.assert_allclose(np.asarray(of_latent) + np.asarray(of_clusters), expected, rtol=1e-4)


def test_the_divergence_of_two_gaussians_is_the_hand_computed_one():
    # KL(N(1, 4) || N(0, 1)) = (log 1/4 + 4 + 1 - 1) / 2; N(3, 4) || N(1, 4) = 2² / (2 · 4).
    ones = np.ones((1, 1), np.float32)
    for (mean, var), (mu, prior), expected in (
        ((1, 4), (0, 1), (4 - np.log(4)) / 2),
        ((3, 4), (1, 4), 0.5),
    ):
        parts = mixture.divergences_from_mixture(
            ones * mean,
            np.log(ones * var),
            ones,
            np.zeros(1, np.float32),
            ones * mu,
            np.log(ones * prior),
        )
        np.testing.assert_allclose(np.asarray(parts), [[expected], [0.0]], atol=1e-6)


def test_a_mixture_of_one_standard_normal_is_the_plain_prior():
    random = np.random.default_rng(3)
    mean, log_variance = random.normal(size=(2, 6, 3)).astype(np.float32)
    nothing = np.zeros((1, 3), np.float32)
    of_latent, of_clusters = mixture.divergences_from_mixture(
        mean, log_variance, np.ones((6, 1), np.float32), np.zeros(1, np.float32), nothing, nothing
    )
    np.testing.assert_allclose(of_latent, divergence_from_standard(mean, log_variance), rtol=1e-4)
    np.testing.assert_allclose(of_clusters, np.zeros(6), atol=1e-6)


def test_the_joint_density_is_the_weighted_gaussians():
    sample, mu = np.float32([[0.5, -1.0]]), np.float32([[0, 0], [1, -1]])
    var, pi = np.float32([[1, 2], [0.5, 0.5]]), np.float32([0.3, 0.7])
    found = np.exp(mixture.log_joint(sample, np.log(pi), mu, np.log(var)))
    expected = pi * np.prod(
        np.exp(-0.5 * (sample - mu) ** 2 / var) / np.sqrt(2 * np.pi * var), axis=1
    )
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_principal_components_with_k_means_cannot(seed):
    table, planted = unequal_groups(seed)
    model = VaDE(
        n_clusters=3,
        latent=4,
        beta=0.1,
        pretraining_epochs=30,
        epochs=20,
        batch_size=32,
        learning_rate=3e-3,
        joint_learning_rate=1e-3,
    )
    own = adjusted_rand_index(model.fit(table, seed=seed).assign(table).labels, planted)
    linear = PCA(latent=4).fit(table, seed=seed).transform(table)
    usual = adjusted_rand_index(KMeans(n_clusters=3).fit(linear, seed=seed).labels, planted)
    assert usual < 0.7
    assert own > 0.9


def test_responsibilities_are_probabilities_and_decide_the_label(trained):
    model, table = trained
    found = model.assign(table)
    assert found.probabilities.shape == (450, 3)
    assert found.labels.dtype == np.int32
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(found.labels, found.probabilities.argmax(axis=1))
    np.testing.assert_array_equal(found.confidence, found.probabilities.max(axis=1))
    assert found.centres.shape == (3, 3)


def test_a_track_alone_is_assigned_as_among_the_others(trained, monkeypatch):
    model, table = trained
    together = model.assign(table).probabilities
    alone = model.assign(FeatureTable(np.arange(1), table.names, table.values[9:10]))
    np.testing.assert_allclose(alone.probabilities[0], together[9], atol=1e-5)
    monkeypatch.setattr(mixture, "SLICE", 7)
    np.testing.assert_allclose(model.assign(table).probabilities, together, atol=1e-5)


def test_a_loaded_model_has_the_same_mixture(trained, tmp_path):
    model, table = trained
    model.save(tmp_path)
    again = VaDE.load(tmp_path)
    np.testing.assert_allclose(
        again.assign(table).probabilities, model.assign(table).probabilities, atol=1e-5
    )
    np.testing.assert_array_equal(again.assign(table).centres, model.assign(table).centres)


def test_both_phases_are_in_one_curve(trained):
    model, _ = trained
    assert [row["epoch"] for row in model.history_] == [1, 2, 3, 4]
    assert [row["phase"] for row in model.history_] == ["pretraining"] * 2 + ["mixture"] * 2
    last = model.history_[-1]
    assert last["loss"] == pytest.approx(
        last["reconstruction"] + last["kl_weight"] * (last["kl"] + last["kl_clusters"]), rel=1e-6
    )


def test_the_first_mixture_covers_the_posteriors_and_not_only_their_middles():
    random = np.random.default_rng(0)
    middles = np.concatenate([random.normal(at, 0.1, (100, 1)) for at in (-2, 2)])
    weights, means, variances = mixture.first_mixture(middles, np.full((200, 1), 0.25), 2, 0)
    np.testing.assert_allclose(np.sort(means[:, 0]), [-2, 2], atol=0.05)
    np.testing.assert_allclose(weights, [0.5, 0.5], atol=0.01)
    np.testing.assert_allclose(variances, 0.01 + 0.25, atol=0.01)


def test_the_joint_phase_takes_its_own_steps_and_they_decay(monkeypatch, interpreted):
    table, _ = unequal_groups(7)
    rates = []
    train = training_loop.train

    def heard(*args, learning_rate=None, **more):
        optimizer = more["optimizer"]
        for epoch in train(*args, learning_rate=learning_rate, **more):
            rates.append(float(optimizer.learning_rate))
            yield epoch

    monkeypatch.setattr(training_loop, "train", heard)
    VaDE(
        n_clusters=3,
        hidden=(8,),
        pretraining_epochs=2,
        epochs=3,
        learning_rate=0.01,
        joint_learning_rate=0.004,
        learning_rate_decay=0.5,
    ).fit(table, seed=0)
    assert rates == pytest.approx([0.01, 0.01, 0.004, 0.002, 0.001])


def test_there_are_never_more_clusters_than_distinct_tracks(interpreted):
    values = np.repeat(np.eye(2, 4, dtype=np.float32), 20, axis=0)
    table = FeatureTable(np.arange(40), tuple("abcd"), values)
    model = VaDE(n_clusters=6, hidden=(8,), pretraining_epochs=1, epochs=1).fit(table, seed=0)
    assert model.metrics_["mixture_components"] == 2
    assert model.assign(table).probabilities.shape == (40, 2)
