"""The number of clusters that a training has where none is requested."""

import pytest

from songrec.core.types import Clustering
from songrec.services.sweeps.specification import SweepSpec
from songrec.services.training.algorithms import CLUSTERINGS, REPRESENTATIONS
from songrec.services.training.cluster_count import default_n_clusters, with_n_clusters
from songrec.services.training.request import TrainRequest
from songrec.web.admin.clustering_details import number_source

KMEANS = CLUSTERINGS.entry("kmeans")


@pytest.mark.parametrize(
    ("tracks", "clusters"),
    [(0, 2), (10, 2), (28, 4), (100, 7), (180, 9), (181, 10), (17_390, 10), (114_000, 10)],
)
def test_small_libraries_get_fewer_clusters(tracks, clusters):
    assert default_n_clusters(KMEANS, tracks) == clusters
    request = TrainRequest().with_resolved_clusters(tracks)
    assert request.validated_parameters()["clustering"]["n_clusters"] == clusters


def test_a_requested_number_is_kept_by_its_former_name_too():
    for given in ({"n_clusters": "8"}, {"clusters": "8"}, {"n_clusters": 8}):
        request = TrainRequest(parameters={"clustering": given})
        assert request.n_clusters_source == "request"
        parameters = request.with_resolved_clusters(28).validated_parameters()
        assert parameters["clustering"]["n_clusters"] == 8
    auto = TrainRequest(parameters={"clustering": {"n_clusters": "auto"}})
    assert auto.with_resolved_clusters(28).validated_parameters()["clustering"]["n_clusters"] == 0


def test_algorithms_without_a_number_and_models_that_cluster():
    assert with_n_clusters(CLUSTERINGS.entry("hdbscan"), {}, 28) == {}
    assert TrainRequest(clustering="hdbscan").n_clusters_source is None
    vade = TrainRequest(representation="vade", clustering="vade")
    assert vade.n_clusters_source == "size"
    assert vade.with_resolved_clusters(28).parameters["representation"] == {"n_clusters": 4}
    assert with_n_clusters(REPRESENTATIONS.entry("pca"), None, 28) == {}


def test_sweeps_take_the_same_number_whatever_the_size():
    spec = SweepSpec.from_mapping({"representation": "pca", "clustering": "kmeans", "seeds": "0"})
    request = TrainRequest.from_json(spec.cells()[0].request())
    assert request.with_resolved_clusters(28).parameters["clustering"]["n_clusters"] == 10


def test_a_run_says_where_its_number_comes_from():
    def manifest(source, number, tracks):
        details = Clustering(None, None, details={"n_clusters_source": source}).details
        parameters = {"representation": {"epochs": 40}, "clustering": {"n_clusters": number}}
        return {"clustering_details": details, "parameters": parameters, "tracks": tracks}

    assert number_source(manifest("size", 4, 28)).startswith("4, the default for 28 songs: the sq")
    assert number_source(manifest("size", 10, 17_390)) == "10, the default for 17,390 songs."
    assert number_source(manifest("request", 8, 28)) == "8, as set for this training."
    assert number_source({"tracks": 28}) == ""
