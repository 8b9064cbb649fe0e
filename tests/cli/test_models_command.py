import json
import wave
from pathlib import Path

import numpy as np
import pytest
from flask import Flask

from songrec.features.audio.musicnn_tags import MTT_TAGS
from songrec.store.models.published_weights import models_folder
from tests.features.musicnn_weights import random_values, save


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return random_values()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    samples = np.random.default_rng(0).normal(0, 3000, 16_000 * 7).astype("<i2")
    with wave.open(str(tmp_path / "clip.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return tmp_path / "clip.wav"


def run(app: Flask, *words: str | Path):
    return app.test_cli_runner().invoke(args=[str(word) for word in words])


def test_tags_are_printed_as_a_list_likeliest_first(app: Flask, weights, clip: Path) -> None:
    save(weights, models_folder(app.config["INSTANCE"]) / "musicnn" / "MTT_musicnn")
    done = run(app, "tags", clip, "--model", "MTT_musicnn", "-n", "10", "--json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [set(row) for row in rows] == [{"tag", "probability"}] * 10
    probabilities = [row["probability"] for row in rows]
    assert probabilities == sorted(probabilities, reverse=True)
    assert {row["tag"] for row in rows} <= set(MTT_TAGS)

    rows = json.loads(run(app, "tags", clip, "-n", "3", "--over-time", "--json").stdout)
    assert [row["start_s"] for row in rows] == [0.0, 2.992]
    top = [list(row["probabilities"]) for row in rows]
    assert top[0] == top[1]
    means = np.mean([list(row["probabilities"].values()) for row in rows], axis=0)
    np.testing.assert_allclose(means, probabilities[:3], atol=1e-6)

    done = run(app, "tags", clip, "-n", "2")
    assert [line.split("  ")[-1] for line in done.stdout.splitlines()] == top[0][:2]


def test_tags_without_weights_say_how_to_get_them(app: Flask, clip: Path) -> None:
    done = run(app, "tags", clip)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "flask models fetch musicnn" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nowhere.mp3"], "nowhere.mp3 is not a file"),
        ([__file__], "is not a readable audio file"),
        ([__file__, "--model", "MTT_vgg"], "No MusiCNN model 'MTT_vgg'"),
    ],
)
def test_what_cannot_be_tagged_is_told_in_one_line(app: Flask, words, reason: str) -> None:
    done = run(app, "tags", *words)
    assert done.exit_code == 1
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_status_says_what_is_missing_and_how_to_get_it(app: Flask) -> None:
    found = json.loads(run(app, "models", "status", "--json").stdout)
    assert [model["name"] for model in found] == ["musicnn", "vibenet", "mert", "encodecmae"]
    assert not any(model["ready"] for model in found)
    assert all(model["missing_files"] and model["advice"] for model in found)
    text = run(app, "models", "status").stdout
    for name in ("musicnn", "mert", "encodecmae"):
        assert f"flask models fetch {name}" in text


def test_fetching_from_a_file_that_is_no_wheel_fails(app: Flask) -> None:
    done = run(app, "models", "fetch", "musicnn", "--from", __file__)
    assert done.exit_code == 1
    assert "not the published musicnn==0.1.0" in done.stderr
