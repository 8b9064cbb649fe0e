"""What a grid is made of: cells, baseline, YAML, one clear line for what is wrong."""

import itertools

import pytest

from songrec.clustering import CLUSTERINGS
from songrec.core.errors import BadInput, SongrecError, UnknownName
from songrec.core.feature_spec import FeatureSpec
from songrec.representation import REPRESENTATIONS
from songrec.services.sweeps.specification import AlgorithmChoice, Cell, SweepSpec, fits, parse_yaml
from songrec.services.training.request import TrainRequest


def test_every_combination_once_for_each_seed_and_number_of_clusters():
    spec = SweepSpec.from_mapping(
        {
            "representation": ["identity", "pca"],
            "clustering": "kmeans",
            "seeds": [0, 1, 2],
            "clusters": [8, 9],
        }
    )
    cells = spec.cells()
    assert len(cells) == len({cell.key for cell in cells}) == 2 * 2 * 3
    assert {cell.clustering.parameters["n_clusters"] for cell in cells} == {8, 9}


def test_the_baseline_is_always_among_the_cells_and_marked():
    cells = SweepSpec.from_mapping({"representation": "identity", "seeds": "0-1"}).cells()
    assert [cell.baseline for cell in cells] == [True, True, False, False]
    assert {(str(c.representation), str(c.clustering)) for c in cells if c.baseline} == {
        ("pca", "kmeans")
    }
    asked_for = SweepSpec.from_mapping({"representation": "pca", "clustering": "kmeans"}).cells()
    assert [cell.baseline for cell in asked_for] == [True]


def test_a_number_of_clusters_in_the_choice_itself_stands():
    spec = SweepSpec.from_mapping({"clustering": [{"kmeans": {"clusters": 3}}], "clusters": [8]})
    assert {str(cell.clustering) for cell in spec.cells() if not cell.baseline} == {
        "kmeans (n_clusters 3)"
    }
    assert {str(cell.clustering) for cell in spec.cells() if cell.baseline} == {
        "kmeans (n_clusters 8)"
    }


def test_former_parameter_names_make_the_same_cells():
    former = {"clustering": [{"gmm": {"clusters": 3, "covariance": "diag", "starts": 1}}]}
    current = {"clustering": [{"gmm": {"n_clusters": 3, "covariance_type": "diag", "n_init": 1}}]}
    assert SweepSpec.from_mapping(former).cells() == SweepSpec.from_mapping(current).cells()


def test_clusterings_without_a_number_are_not_multiplied():
    without = [
        entry.name
        for entry in CLUSTERINGS
        if "n_clusters" not in {p.name for p in entry.parameters} and not entry.requires
    ]
    assert without
    for name in without:
        cells = SweepSpec.from_mapping({"clustering": name, "clusters": [8, 9]}).cells()
        assert sum(cell.clustering.name == name for cell in cells) == 1


def test_only_combinations_that_can_be_trained_are_cells():
    every = ("attributes", "mfcc", "melspectrogram")
    spec = SweepSpec.from_mapping(
        {
            "features": every,
            "representation": list(REPRESENTATIONS.names()),
            "clustering": list(CLUSTERINGS.names()),
        }
    )
    pairs = {
        (str(cell.features), cell.representation.name, cell.clustering.name)
        for cell in spec.cells()
    }
    for combination in itertools.product(every, REPRESENTATIONS.names(), CLUSTERINGS.names()):
        features, model, grouping = combination
        assert (combination in pairs) == fits(model, grouping, FeatureSpec.parse(features))
    for cell in spec.cells():
        TrainRequest.from_json(cell.request()).validated_parameters()
    needy = [entry.name for entry in CLUSTERINGS if entry.requires]
    assert needy
    assert all(("attributes", "pca", name) not in pairs for name in needy)


def test_beside_models_that_see_pictures_the_baseline_takes_vectors():
    spec = SweepSpec.from_mapping({"features": "melspectrogram", "representation": "conv_vae"})
    baseline, cell = spec.cells()
    assert (baseline.baseline, str(baseline.features)) == (True, "mfcc,statistical")
    assert (str(cell.features), cell.representation.name) == ("melspectrogram", "conv_vae")


def test_parameters_equal_to_the_defaults_are_the_same_cell():
    plain = SweepSpec.from_mapping({"clustering": "kmeans"})
    spelt = SweepSpec.from_mapping({"clustering": [{"kmeans": {"clusters": 10}}]})
    assert plain == spelt
    assert [cell.key for cell in plain.cells()] == [cell.key for cell in spelt.cells()]


def test_a_sweep_and_its_cells_survive_json():
    spec = SweepSpec.from_mapping(
        {
            "representation": [{"autoencoder": {"epochs": 2, "hidden": [8, 4]}}],
            "seeds": "3",
            "clusters": "auto",
            "quick": True,
        }
    )
    assert SweepSpec.from_mapping(spec.to_json()) == spec
    for cell in spec.cells():
        again = Cell.from_json(cell.to_json())
        assert again == cell
        assert again.key == cell.key


def test_yaml_is_read_as_the_documentation_writes_it(request):
    page = (request.config.rootpath / "docs" / "model-lab.md").read_text(encoding="utf-8")
    block = page.split("```yaml\n")[1].split("```")[0]
    spec = parse_yaml(block, "grid.yaml")
    assert AlgorithmChoice("autoencoder", {"epochs": 30}) in spec.representation
    assert len(spec.seeds) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("representation: [pca, vea]", r"^g\.yaml: No representation 'vea'\. Did you mean 'vae'"),
        ("representation: [pca", r"^g\.yaml, line 1: this is not YAML"),
        ("- pca", r"^g\.yaml must be keys and values"),
        ("clusterings: kmeans", r"No part of a grid 'clusterings'\. Did you mean 'clustering'"),
        ("seeds: [0, -1]", r"'seeds' takes whole numbers .* it was given -1"),
        ("seeds: 1.5", r"'seeds' takes whole numbers"),
        ("seeds: 9-2", r"'seeds' takes whole numbers"),
        ("clusters: many", r"'clusters' takes whole numbers"),
        ("clustering: [{kmeans: {cluster: 3}}]", r"Did you mean 'n_clusters'"),
        ("clustering: [{kmeans: {clusters: 100000}}]", r"'n_clusters' of kmeans must be"),
        ("clustering: [{kmeans: {}, gmm: {}}]", r"'clustering' in a grid takes a name or"),
        ("clustering: [[kmeans]]", r"'clustering' in a grid takes a name or"),
        ("features: mfc", r"No feature set 'mfc'"),
        ("features: 3", r"'features' in a grid takes names"),
        ("projection: []", r"'projection' is empty"),
        ("quick: often", r"'quick' in a grid is true or false"),
        ("seeds: 0-99\nclusters: 2-101", r"10,000 cells; at most 5,000"),
        ("x: !!python/object/apply:os.system [ls]", r"^g\.yaml, line 1: this is not YAML"),
    ],
)
def test_what_is_wrong_with_a_sweep_is_one_line(text, said):
    with pytest.raises(SongrecError, match=said) as caught:
        parse_yaml(text, "g.yaml")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, BadInput | UnknownName)


def test_an_empty_file_is_the_baseline_alone():
    assert [cell.baseline for cell in parse_yaml("", "g.yaml").cells()] == [True]
