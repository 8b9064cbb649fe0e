import numpy as np
import pytest
from sklearn import metrics

from songrec.clustering import scores

RANDOM = np.random.default_rng(2)
LABELS = RANDOM.integers(0, 3, 300).astype(np.int32)
LATENT = (RANDOM.normal(size=(300, 2)) + LABELS[:, None]).astype(np.float32)


def test_scores_are_sklearns():
    found = scores.score(LATENT, LABELS, seed=0)
    assert found["silhouette"] == pytest.approx(metrics.silhouette_score(LATENT, LABELS))
    assert found["calinski_harabasz"] == pytest.approx(
        metrics.calinski_harabasz_score(LATENT, LABELS)
    )
    assert found["davies_bouldin"] == pytest.approx(metrics.davies_bouldin_score(LATENT, LABELS))
    assert found["sizes"] == {str(n): int((n == LABELS).sum()) for n in range(3)}
    assert "silhouette_sample" not in found


def test_noise_is_left_out_and_its_share_reported():
    labels = LABELS.copy()
    labels[:30] = -1
    found = scores.score(LATENT, labels, seed=0)
    assert found["noise_share"] == pytest.approx(0.1)
    assert found["silhouette"] == pytest.approx(metrics.silhouette_score(LATENT[30:], LABELS[30:]))


@pytest.mark.parametrize("labels", [np.zeros(300), np.full(300, -1), np.arange(300)])
def test_a_score_without_meaning_is_none(labels):
    found = scores.score(LATENT, labels.astype(np.int32), seed=0)
    assert [found[score.name] for score in scores.SCORES] == [None, None, None]


def test_a_large_silhouette_is_of_a_seeded_sample_and_says_so(monkeypatch):
    monkeypatch.setattr(scores, "SAMPLE", 100)
    first, again, other = (scores.score(LATENT, LABELS, seed=seed) for seed in (1, 1, 2))
    assert first["silhouette_sample"] == 100
    assert first["silhouette"] == again["silhouette"] != other["silhouette"]
