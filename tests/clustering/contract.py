"""The contract of a clustering as tests, for the registered ones and the documented example."""

import json

import numpy as np
import pytest

from songrec.clustering import label_alignment
from songrec.core.errors import Cancelled, NotReady
from songrec.evaluation.agreement import adjusted_rand_index

PLANTED = np.repeat(np.arange(4), 60)
LATENT = np.random.default_rng(0).normal(scale=0.1, size=(240, 3)).astype(np.float32)
LATENT += np.array([[0, 0, 0], [5, 0, 0], [0, 5, 0], [0, 0, 5]], np.float32)[PLANTED]


class ClusteringContract:
    """Tests of one registry entry: a subclass, or its module, has a fixture ``entry``."""

    def test_init_stores_its_parameters_untouched(self, entry):
        parameters = entry.resolve()
        clustering = entry.create()
        assert {key: getattr(clustering, key) for key in parameters} == parameters

    def test_planted_clusters_are_found_again(self, entry):
        parameters = {"n_clusters": 4} if entry.has_parameter("n_clusters") else {}
        found = entry.create(**parameters).fit(LATENT, seed=0)
        clustered = found.labels >= 0
        assert clustered.mean() > 0.9
        assert adjusted_rand_index(found.labels[clustered], PLANTED[clustered]) == 1.0

    def test_labels_and_confidence_have_the_promised_types_and_range(self, entry):
        found = entry.create().fit(LATENT, seed=0)
        assert found.labels.dtype == np.int32
        assert found.labels.shape == (240,)
        assert found.confidence.dtype == np.float32
        assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
        assert (found.confidence[found.labels < 0] == 0).all()
        if found.centres is not None:
            assert found.centres.dtype == np.float32
            assert len(found.centres) > found.labels.max()
        if found.probabilities is not None:
            assert found.probabilities.shape[1] > found.labels.max()
            np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
        assert json.loads(json.dumps(found.details, allow_nan=False)) == found.details

    def test_the_same_seed_gives_the_same_labels(self, entry):
        noise = np.random.default_rng(1).normal(size=(500, 4)).astype(np.float32)
        first, second = (entry.create().fit(noise, seed=9) for _ in range(2))
        np.testing.assert_array_equal(first.labels, second.labels)
        np.testing.assert_array_equal(first.confidence, second.confidence)

    def test_progress_rises_to_the_end_and_can_stop_the_work(self, entry):
        seen = []
        algorithm = entry.create()
        algorithm.fit(LATENT, seed=0, on_progress=lambda share, *_: seen.append(share))
        assert seen == sorted(seen)
        assert seen[-1] == pytest.approx(1.0)

        def stop(share, message, details=None):
            raise Cancelled

        with pytest.raises(Cancelled):
            algorithm.fit(LATENT, seed=0, on_progress=stop)

    def test_every_parameter_is_bounded(self, entry):
        for parameter in entry.parameters:
            if parameter.type in ("int", "float"):
                assert parameter.low is not None
                assert parameter.high is not None
                assert parameter.coerce(parameter.text()) == parameter.default

    def test_tracks_that_were_clustered_are_predicted_where_they_are(self, entry):
        noise = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
        for latent in (LATENT, noise):
            algorithm = entry.create()
            labels = algorithm.fit(latent, seed=0).labels
            predicted = algorithm.predict(latent)
            assert predicted.dtype == np.int32
            np.testing.assert_array_equal(predicted, labels)

    def test_new_tracks_are_predicted_in_the_clusters_that_they_lie_in(self, entry):
        parameters = {"n_clusters": 4} if entry.has_parameter("n_clusters") else {}
        algorithm = entry.create(**parameters)
        labels = algorithm.fit(LATENT, seed=0).labels
        corners = np.array([[0, 0, 0], [5, 0, 0], [0, 5, 0], [0, 0, 5]], np.float32)
        expected = [np.bincount(labels[(i == PLANTED) & (labels >= 0)]).argmax() for i in range(4)]
        assert algorithm.predict(corners).tolist() == expected
        assert algorithm.predict(np.empty((0, 3), np.float32)).shape == (0,)

    def test_a_restored_clustering_predicts_in_the_numbers_of_the_run(self, entry, tmp_path):
        parameters = {"n_clusters": 4} if entry.has_parameter("n_clusters") else {}
        algorithm = entry.create(**parameters)
        numbered = label_alignment.continuing(
            label_alignment.by_size(algorithm.fit(LATENT, seed=0)), {0: 3, 1: 2}
        )
        np.savez(tmp_path / "state.npz", **algorithm.state(numbered.labels))
        with np.load(tmp_path / "state.npz", allow_pickle=False) as arrays:
            state = dict(arrays)
        for saved in (state, {}):  # runs of older versions saved nothing
            restored = entry.create(**parameters).restore(saved, LATENT, numbered.labels)
            np.testing.assert_array_equal(restored.predict(LATENT), numbered.labels)

    @pytest.mark.parametrize("rows", [1, 2, 7])
    def test_few_or_identical_tracks_do_not_crash(self, entry, rows):
        for latent in (np.ones((rows, 3), np.float32), LATENT[:rows]):
            algorithm = entry.create()
            found = algorithm.fit(latent, seed=0)
            assert len(found.labels) == rows
            np.testing.assert_array_equal(algorithm.predict(latent), found.labels)
            assert np.isfinite(found.confidence).all()

    def test_no_tracks_says_what_to_do_first(self, entry):
        with pytest.raises(NotReady, match="ingest"):
            entry.create().fit(np.empty((0, 3), np.float32), seed=0)

    def test_auto_finds_the_planted_number_and_keeps_the_curve(self, entry):
        if not entry.has_parameter("criterion"):
            pytest.skip("the number of clusters is not selected")
        for criterion in entry.parameter("criterion").choices:
            settings = {"n_clusters": "auto", "criterion": criterion, "max_clusters": 6}
            found = entry.create(**settings).fit(LATENT, seed=0)
            curve = found.details["clusters_tried"]
            assert curve["chosen"] == 4 == len(set(found.labels.tolist()))
            assert curve["by"] == criterion
            assert [point[0] for point in curve["points"]] == [2, 3, 4, 5, 6]
            assert curve["sample"] is None
