"""VibeNet: its log-mel spectrogram by known answers, and a tiny ONNX network in its place."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Audio, Floats
from songrec.features.audio import vibenet
from songrec.features.audio.vibenet import (
    ATTRIBUTES,
    BANDS,
    FILE,
    SAMPLE_RATE,
    VibeNet,
    from_outputs,
    log_mel,
)

has_runtime = importlib.util.find_spec("onnxruntime") is not None
needs_runtime = pytest.mark.skipif(
    not has_runtime, reason="onnxruntime is optional: requirements/vibenet.txt"
)


def audio(samples: Floats, rate: int = SAMPLE_RATE) -> Audio:
    return Audio(samples.astype(np.float32), rate, 0.0, len(samples) / rate)


def noise(seconds: float, rate: int = SAMPLE_RATE) -> Audio:
    return audio(np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)), rate)


def test_a_long_sound_is_transformed_in_parts_without_a_seam(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = log_mel(noise(1.0))
    monkeypatch.setattr(vibenet, "FRAMES_AT_ONCE", 7)
    np.testing.assert_allclose(log_mel(noise(1.0)), whole, atol=1e-4)


def test_values_are_at_most_80_decibels_below_the_loudest() -> None:
    at = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    mel = log_mel(audio(np.sin(2 * np.pi * 1000 * at)))
    assert mel.max() - mel.min() == pytest.approx(80.0)
    assert 35 < int(mel.mean(axis=1).argmax()) < 45  # 1 kHz is mel 15 of 45 on Slaney's scale


def test_the_sound_is_resampled_and_a_short_one_is_padded() -> None:
    assert log_mel(noise(1.0, rate=22_050)).shape == (128, 49)
    assert log_mel(noise(0.01)).shape == (128, 1)


def test_probabilities_are_logits_and_descriptions_are_limited() -> None:
    values = dict(
        zip(ATTRIBUTES, from_outputs(np.array([0, 1.2, 0.4, 100, -2, -0.1, 0.5])), strict=True)
    )
    assert values == pytest.approx(
        {
            "acousticness": 0.5,
            "danceability": 1.0,
            "energy": 0.4,
            "instrumentalness": 1.0,
            "liveness": 1 / (1 + np.exp(2)),
            "speechiness": 0.0,
            "positiveness": 0.5,
        }
    )


def test_what_is_absent_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    message = "flask models fetch vibenet" if has_runtime else "requirements/vibenet.txt"
    with pytest.raises(NotReady, match=message):
        VibeNet(models=tmp_path).extract(noise(1.0))


@needs_runtime
def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vibenet").mkdir()
    (tmp_path / "vibenet" / FILE).write_bytes(b"no network")
    with pytest.raises(BadInput, match=FILE):
        VibeNet(models=tmp_path).warm()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A network whose outputs are the means over time of the first seven bands, over 100."""
    onnx = pytest.importorskip("onnx", reason="makes the network of this test; optional")
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, values: list[int] | list[float], kind: type) -> object:
        return numpy_helper.from_array(np.array(values, dtype=kind), name)

    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["x", "first", "last", "axis"], ["bands"]),
            helper.make_node("ReduceMean", ["bands", "time"], ["means"], keepdims=0),
            helper.make_node("Div", ["means", "hundred"], ["y"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, BANDS, "frames"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 7])],
        [
            constant("first", [0], np.int64),
            constant("last", [7], np.int64),
            constant("axis", [1], np.int64),
            constant("time", [2], np.int64),
            constant("hundred", [100.0], np.float32),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "vibenet").mkdir()
    onnx.save(made, tmp_path / "vibenet" / FILE)
    return tmp_path


@needs_runtime
def test_a_network_is_run_on_the_spectrogram(models: Path) -> None:
    sound = noise(3.0, rate=22_050)
    values = VibeNet(models=models).extract(sound)
    expected = from_outputs(log_mel(sound)[:7].mean(axis=1) / 100)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, atol=1e-5)


@needs_runtime
def test_silence_has_no_attributes(models: Path) -> None:
    assert np.isnan(VibeNet(models=models).extract(audio(np.zeros(SAMPLE_RATE)))).all()
