"""docs/adding-an-algorithm.md lists what the registries hold, and its example works."""

import re

import numpy as np
import pytest

from songrec.clustering import CLUSTERINGS
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS

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


def test_the_documented_example_does_what_it_says(document):
    code = re.findall(r"```python\n(.*?)```", document, re.DOTALL)[0]
    namespace = {"__name__": "bisecting"}
    exec(compile(code, "bisecting.py", "exec"), namespace)
    latent = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)
    found = namespace["Bisecting"](n_clusters=2).fit(latent, seed=0)
    assert found.labels[0] == found.labels[1] != found.labels[2] == found.labels[3]
