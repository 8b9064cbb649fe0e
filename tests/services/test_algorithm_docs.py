"""docs/adding-an-algorithm.md lists what the registries hold, and its example works."""

import re

import pytest

from songrec import clustering
from songrec.clustering import CLUSTERINGS, model_selection
from songrec.core.registry import Entry
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS
from tests.clustering.contract import ClusteringContract
from tests.documented_modules import module_in

REGISTRIES = {
    "representation": REPRESENTATIONS,
    "clustering": CLUSTERINGS,
    "projection": PROJECTIONS,
}


@pytest.fixture
def document(request):
    return (request.config.rootpath / "docs" / "adding-an-algorithm.md").read_text()


def test_every_algorithm_is_listed_with_its_parameters_and_defaults(document):
    rows = set(re.findall(r"^\| (\w+) \| `(\w+)` \| (.*) \|$", document, re.MULTILINE))
    expected = set()
    for kind, registry in REGISTRIES.items():
        for entry in registry:
            parameters = ", ".join(f"`{p.name}` ({p.text()})" for p in entry.parameters)
            expected.add((kind, entry.name, parameters or "none"))
    assert rows == expected


class TestDocumentedExample(ClusteringContract):
    """The example of the page, put where the page says, passes the contract of a clustering."""

    @pytest.fixture
    def entry(self, document, tmp_path):
        file, entry = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
        with module_in(clustering, "kmedoids", tmp_path, file):
            yield eval(entry, {"Entry": Entry, "numbers": model_selection.parameters})
