"""MusiCNN's published weights, fetched once for the tests that need them."""

from __future__ import annotations

from pathlib import Path

import pytest

from songrec.core.errors import NotReady
from songrec.store.models.fetching import download_wheel, fetch
from songrec.store.models.published_weights import model, models_folder


@pytest.fixture(scope="session")
def musicnn_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published package as pip downloads it, or a skip with pip's reason."""
    try:
        return download_wheel(model("musicnn").source, tmp_path_factory.mktemp("wheel"))
    except NotReady as error:
        pytest.skip(f"MusiCNN's weights cannot be fetched: {error}")


@pytest.fixture(scope="session")
def musicnn_models(musicnn_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of model files with MusiCNN's published weights."""
    instance = tmp_path_factory.mktemp("instance")
    assert fetch(instance, "musicnn", musicnn_wheel).ready
    return models_folder(instance)
