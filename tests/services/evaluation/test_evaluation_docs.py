"""The example of docs/adding-an-evaluation.md works as the page says."""

import json
import re

import numpy as np
import pytest

from songrec import evaluation
from songrec.cli import evaluate as evaluate_cli
from songrec.services import evaluation as evaluation_services
from songrec.services.training.run_metrics import LABEL_SCORES
from songrec.services.training.train import train
from songrec.store.instance import Instance, current_instance
from tests.documented_modules import module_in
from tests.services.training.test_train import QUICK, plant


@pytest.fixture
def document(request):
    return (request.config.rootpath / "docs" / "adding-an-evaluation.md").read_text()


@pytest.fixture
def example(document, tmp_path, monkeypatch):
    """Put the three pieces of the example where the page says."""
    task, service, command = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    monkeypatch.setattr(
        evaluate_cli.evaluate_group, "commands", dict(evaluate_cli.evaluate_group.commands)
    )
    exec(command, {**vars(evaluate_cli), "current_instance": current_instance})
    with (
        module_in(evaluation, "neighbour_labels", tmp_path / "task", task),
        module_in(evaluation_services, "genre_neighbours", tmp_path / "service", service),
    ):
        from songrec.evaluation import neighbour_labels

        yield neighbour_labels


def test_neighbours_of_separated_groups_have_their_label(example):
    labels = np.repeat([0, 1], 20)
    vectors = np.random.default_rng(0).normal(size=(40, 2)) + 100 * labels[:, None]
    assert example.evaluate(vectors, labels, k=5) == {
        "tracks": 40,
        "precision": 1.0,
        "chance": 0.4872,
    }
    # All alike: whatever cannot tell the tracks apart finds none.
    assert example.evaluate(np.zeros((40, 2)), labels, k=5)["precision"] == 0.0
    with pytest.raises(ValueError, match="more than 5 vectors"):
        example.evaluate(vectors[:3], labels[:3], k=5)


def test_the_documented_command_evaluates_the_published_run(example, app, session, instance):
    run = app.test_cli_runner().invoke
    result = run(args=["evaluate", "genres"])
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    plant(session)
    train(Instance(instance, session), QUICK)
    session.commit()
    result = run(args=["evaluate", "genres", "-k", "5", "--json"])
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert values["tracks"] == 75
    assert values["precision"] > 0.9 > values["chance"]
    assert run(args=["evaluate", "genres"]).output.startswith("Precision at 10: ")


def test_the_places_that_the_page_names_exist(document, request):
    root = request.config.rootpath
    for path in re.findall(r"`(songrec/[\w/]+\.py)`", document):
        if "TASK" not in path and path.rpartition("/")[2] not in (
            "neighbour_labels.py",
            "genre_neighbours.py",
        ):
            assert (root / path).is_file(), path
    assert {name for name, _, _ in LABEL_SCORES} == {"ari", "nmi", "purity"}
