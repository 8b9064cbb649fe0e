"""The rebuilt network against the published one: its graph, and the tags its authors printed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from songrec.core.backend import tf
from songrec.features.audio.musicnn_network import PREFIX, Network, load_weights
from songrec.services.features.audio_tags import tag_file

v1 = tf.compat.v1
ALONE = "SONGREC_TEST_ALONE"
ROOT = Path(__file__).resolve().parents[2]

# Nodes of the published graph that hold what our layers give.
PUBLISHED = {
    "timbral_38": "model/max_pooling2d/MaxPool",
    "timbral_67": "model/max_pooling2d_1/MaxPool",
    "temporal_128": "model/max_pooling2d_2/MaxPool",
    "temporal_64": "model/max_pooling2d_3/MaxPool",
    "temporal_32": "model/max_pooling2d_4/MaxPool",
    "front": "model/concat",
    "concatenation": "model/concat_1",
    "max_pool": "model/Max",
    "tags": "model/Sigmoid",
}


@pytest.fixture(scope="module", params=["MTT_musicnn", "MSD_musicnn"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def published_outputs(
    wheel: Path, name: str, checkpoint: Path, patches: np.ndarray
) -> dict[str, np.ndarray]:
    """What the graph in the package computes from ``patches``, not training."""
    meta = v1.MetaGraphDef()
    with zipfile.ZipFile(wheel) as archive:
        meta.ParseFromString(archive.read(f"musicnn/{name}/.meta"))
    nodes = {node.name: node for node in meta.graph_def.node}
    definition = v1.graph_util.extract_sub_graph(meta.graph_def, list(PUBLISHED.values()))
    variables = [node.name for node in definition.node if node.op == "VariableV2"]
    placeholders = [node.name for node in definition.node if node.op == "Placeholder"]
    training = next(
        n for n in placeholders if nodes[n].attr["dtype"].type == tf.bool.as_datatype_enum
    )
    sound = next(n for n in placeholders if n != training)
    reader = tf.train.load_checkpoint(str(checkpoint / PREFIX))
    with v1.Graph().as_default(), v1.Session() as session:
        found = v1.import_graph_def(
            definition, return_elements=[f"{node}:0" for node in [*PUBLISHED.values(), *variables]]
        )
        outputs, held = found[: len(PUBLISHED)], found[len(PUBLISHED) :]
        feed = {tensor: reader.get_tensor(v) for tensor, v in zip(held, variables, strict=True)}
        feed |= {f"import/{sound}:0": patches, f"import/{training}:0": False}
        return dict(zip(PUBLISHED, session.run(outputs, feed), strict=True))


def test_every_layer_computes_what_the_published_graph_computes(
    name: str, musicnn_wheel: Path, musicnn_models: Path, request: pytest.FixtureRequest
) -> None:
    # TensorFlow's sessions have crashed in a process that had run most other tests before.
    if not os.environ.get(ALONE):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", request.node.nodeid]
        alone = subprocess.run(
            [*command, "-p", "no:cacheprovider"],
            cwd=ROOT,
            env={**os.environ, ALONE: "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert alone.returncode == 0, alone.stdout[-4000:]
        return
    checkpoint = musicnn_models / "musicnn" / name
    patches = np.random.default_rng(5).uniform(0, 4, (2, 187, 96)).astype(np.float32)
    published = published_outputs(musicnn_wheel, name, checkpoint, patches)
    network = Network(load_weights(checkpoint))
    ours = network.layers(patches.reshape(-1, 96), np.array([0, 187]))
    for at, layers in enumerate(ours):
        for layer, value in published.items():
            expected = value[at].reshape(layers[layer].shape)
            np.testing.assert_allclose(layers[layer], expected, rtol=1e-3, atol=5e-4, err_msg=layer)


@pytest.mark.realdata
def test_the_documented_clip_has_the_ten_tags_that_its_authors_printed(
    real_data: Path, musicnn_models: Path
) -> None:
    clip = next((real_data / "audio" / "musicnn_reference").glob("*.mp3"))
    heard = tag_file(clip, musicnn_models.parent, model="MTT_musicnn")
    assert [tag for tag, _ in heard.top(10)] == [
        "techno",
        "electronic",
        "synth",
        "fast",
        "beat",
        "drums",
        "no vocals",
        "no vocal",
        "dance",
        "ambient",
    ]
