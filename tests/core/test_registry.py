import subprocess
import sys

import pytest

from songrec.core.errors import BadInput, UnknownName
from songrec.core.registry import Entry, Parameter, Registry

COUNT = Parameter("count", "int", 3, "Count", low=1, high=9)
RATE = Parameter("rate", "float", 0.5, "Rate", low=0.0)
DEEP = Parameter("deep", "bool", False, "Deep")
KIND = Parameter("kind", "choice", "a", "Kind", choices=("a", "b"))
SIZES = Parameter("sizes", "ints", (12,), "Sizes", low=1)
ENTRY = Entry("counter", "collections:Counter", "Counter", "Counts.", (COUNT, RATE))
REGISTRY = Registry("tally", (ENTRY,))


@pytest.mark.parametrize(
    ("parameter", "given", "expected"),
    [
        (COUNT, " 7 ", 7),
        (COUNT, 7.0, 7),
        (RATE, "1e-3", 0.001),
        (DEEP, "on", True),
        (DEEP, "", False),
        (KIND, "b", "b"),
        (SIZES, "64, 32", (64, 32)),
        (SIZES, [64, 32], (64, 32)),
        (SIZES, 8, (8,)),
    ],
)
def test_a_parameter_takes_text_or_typed_values(parameter, given, expected):
    assert parameter.coerce(given) == expected


@pytest.mark.parametrize(
    ("parameter", "given"),
    [
        (COUNT, "seven"),
        (COUNT, 0),
        (COUNT, 10),
        (COUNT, 2.5),
        (COUNT, True),
        (COUNT, None),
        (RATE, "nan"),
        (RATE, "inf"),
        (RATE, -1),
        (DEEP, "perhaps"),
        (KIND, "c"),
        (SIZES, ""),
        (SIZES, "64,x"),
        (SIZES, "0"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_would(parameter, given):
    with pytest.raises(BadInput) as error:
        parameter.coerce(given, "counter")
    assert parameter.name in str(error.value)
    assert parameter.expectation() in str(error.value)


def test_expectations_read_as_words():
    assert COUNT.expectation() == "a whole number from 1 to 9"
    assert RATE.expectation() == "a number of at least 0"
    assert SIZES.expectation() == "whole numbers separated by commas, each of at least 1"


def test_the_text_of_a_default_is_taken_back_as_that_default():
    for parameter in (COUNT, RATE, DEEP, KIND, SIZES):
        assert parameter.coerce(parameter.text()) == parameter.default


def test_what_is_not_given_is_the_default():
    assert REGISTRY.parse("counter", {"count": "4"}) == {"count": 4, "rate": 0.5}


def test_an_unknown_algorithm_suggests_the_nearest():
    with pytest.raises(UnknownName, match=r"No tally 'countr'\. Did you mean 'counter'"):
        REGISTRY.create("countr")


def test_an_unknown_parameter_suggests_the_nearest():
    with pytest.raises(
        UnknownName, match=r"No parameter of counter 'cuont'\. Did you mean 'count'"
    ):
        REGISTRY.create("counter", cuont=3)


def test_create_makes_one_with_checked_parameters():
    assert REGISTRY.create("counter", count="2") == {"count": 2, "rate": 0.5}


def test_two_entries_of_one_name_are_a_programming_error():
    with pytest.raises(ValueError, match="same name"):
        Registry("tally", (ENTRY, ENTRY))


def test_a_former_parameter_name_is_read_as_the_current_one():
    entry = Entry(
        "grouper",
        "tests.core.test_registry:Grouper",
        "Grouper",
        "For tests.",
        (Parameter("n_groups", "int", 3, "Groups", low=1, high=9, aliases=("groups",)),),
    )
    assert entry.parameter("groups").name == "n_groups"
    assert entry.has_parameter("groups")
    assert not entry.has_parameter("group")
    assert entry.resolve({"groups": "4"}) == {"n_groups": 4}
    assert entry.with_current_names({"groups": 4, "gone": 1}) == {"n_groups": 4, "gone": 1}
    with pytest.raises(BadInput, match="'n_groups' of grouper is given twice"):
        entry.resolve({"groups": 4, "n_groups": 4})
    with pytest.raises(BadInput, match="'n_groups' of grouper must be a whole number from 1 to 9"):
        entry.resolve({"groups": 10})


def test_parameters_of_older_runs_and_grids_are_still_understood():
    from songrec.clustering import CLUSTERINGS
    from songrec.projection import PROJECTIONS
    from songrec.representation import REPRESENTATIONS

    old = {"clusters": 8, "choose_by": "gap", "fewest": 3, "most": 9, "starts": 2}
    assert CLUSTERINGS.parse("kmeans", old) == {
        "n_clusters": 8,
        "criterion": "gap",
        "min_clusters": 3,
        "max_clusters": 9,
        "n_init": 2,
    }
    assert CLUSTERINGS.parse("gmm", {"covariance": "diag"})["covariance_type"] == "diag"
    hdbscan = CLUSTERINGS.parse("hdbscan", {"selection": "leaf"})
    assert hdbscan["cluster_selection_method"] == "leaf"
    old = {"clusters": 3, "warm_up": 1, "pretraining": 2, "joint_rate": 0.01, "decay": 0.5}
    assert (
        REPRESENTATIONS.parse("vade", old).items()
        >= {
            "n_clusters": 3,
            "kl_warmup_epochs": 1,
            "pretraining_epochs": 2,
            "joint_learning_rate": 0.01,
            "learning_rate_decay": 0.5,
        }.items()
    )
    assert REPRESENTATIONS.parse("cvae", {"most_labels": 5})["max_labels"] == 5
    hybrid = REPRESENTATIONS.parse("hybrid_conv_vae", {"dropped": 0.1, "alignment": 2})
    assert (hybrid["modality_dropout"], hybrid["alignment_weight"]) == (0.1, 2.0)
    assert PROJECTIONS.parse("tsne", {"iterations": 300})["n_iter"] == 300
    umap = PROJECTIONS.parse("umap", {"neighbours": 7, "epochs": 20})
    assert (umap["n_neighbors"], umap["n_epochs"]) == (7, 20)


def test_an_entry_is_found_by_its_class():
    assert REGISTRY.entry_of(ENTRY.load()) is ENTRY
    with pytest.raises(UnknownName, match="class of a"):
        REGISTRY.entry_of(int)


def test_listing_all_registries_imports_no_heavy_library():
    code = (
        "import sys\n"
        "from songrec.representation import REPRESENTATIONS\n"
        "from songrec.clustering import CLUSTERINGS\n"
        "from songrec.projection import PROJECTIONS\n"
        "import songrec.cli.runs, songrec.services.reports.run_comparison\n"
        "for registry in (REPRESENTATIONS, CLUSTERINGS, PROJECTIONS):\n"
        "    for entry in registry:\n"
        "        registry.parse(entry.name)\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
