"""EnCodecMAE on a tiny network of its architecture, under the published checkpoint's names."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Audio
from songrec.features.audio.encodecmae import SAMPLE_RATE, EncodecMae
from tests.features.test_mert import noise

HAVE_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))
needs_torch = pytest.mark.skipif(
    not HAVE_TORCH, reason="torch and transformers are optional: requirements/embeddings.txt"
)


def published_name(name: str) -> str:
    """transformers' name of an EnCodec weight → the one in EnCodec's own package."""
    name = name.replace("layers.", "model.", 1).replace(".conv.", ".conv.conv.")
    name = name.replace(".parametrizations.weight.original0", ".weight_g")
    return name.replace(".parametrizations.weight.original1", ".weight_v")


def tiny_weights(size: int = 768, layers: int = 2) -> dict[str, Any]:
    """Random weights under the names of the published training checkpoint."""
    import torch
    from transformers import EncodecConfig, EncodecModel

    torch.manual_seed(0)
    encoder = EncodecModel(EncodecConfig(num_filters=2)).encoder
    weights = {
        f"wav_encoder.model.{published_name(name)}": value.clone()
        for name, value in encoder.state_dict().items()
    }

    def linear(name: str, out: int, into: int, bias: bool = True) -> None:
        weights[f"{name}.weight"] = torch.randn(out, into) / into**0.5
        if bias:
            weights[f"{name}.bias"] = torch.randn(out) / 10

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = 1 + torch.randn(size) / 10
        weights[f"{name}.bias"] = torch.randn(size) / 10

    linear("feat_projector", size, 128)
    weights["positional_encoder.scale"] = torch.tensor(0.7)
    for number in range(layers):
        layer = f"visible_encoder.encoder_layers.{number}"
        for part in ("wq", "wk", "wv", "wo"):
            linear(f"{layer}.att_layer.{part}", size, size, bias=False)
        linear(f"{layer}.ff_layer.0", 96, size)
        linear(f"{layer}.ff_layer.2", size, 96)
        norm(f"{layer}.norm1")
        norm(f"{layer}.norm2")
    norm("visible_encoder.final_norm")
    weights["decoder.encoder_layers.0.norm1.weight"] = torch.ones(size)  # of the training only
    return weights


def save(weights: dict[str, Any], folder: Path) -> Path:
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    return tiny_weights()


@pytest.fixture(scope="module")
def models(weights: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save(weights, folder / "encodecmae")
    return folder


def open_network(folder: Path) -> Any:
    from songrec.features.audio.encodecmae_network import EncodecMaeNetwork

    return EncodecMaeNetwork(folder)


@needs_torch
@pytest.mark.parametrize("seconds", [0.01, 1.0, 6.0])
def test_any_length_gives_768_values(models: Path, seconds: float) -> None:
    embedding = EncodecMae(models=models).extract(noise(seconds, rate=22_050))
    assert embedding.shape == (len(set(EncodecMae().names())),) == (768,)
    assert embedding.dtype == np.float32
    assert np.isfinite(embedding).all()
    assert embedding.std() > 0


@needs_torch
def test_the_embedding_is_the_mean_over_frames_of_all_windows(models: Path) -> None:
    sound = noise(6)
    network = open_network(models / "encodecmae")
    halves = [network.embed(half) for half in np.split(sound.samples, 2)]
    assert [len(half) for half in halves] == [3 * 75] * 2
    expected = np.concatenate(halves).mean(axis=0)
    made = EncodecMae(models=models).extract(sound)
    np.testing.assert_allclose(made, expected, atol=1e-5)


@needs_torch
def test_the_first_part_is_encodec_as_transformers_runs_it(weights, models: Path) -> None:
    import torch
    from transformers import EncodecConfig, EncodecModel

    torch.manual_seed(0)
    encoder = EncodecModel(EncodecConfig(num_filters=2)).encoder.eval()
    network = open_network(models / "encodecmae")
    sound = torch.from_numpy(noise(1).samples[: 320 * 75])
    with torch.no_grad():
        features = encoder(sound[None, None])[0].T
        expected = network.transform(features).numpy()
    np.testing.assert_allclose(network.embed(sound.numpy()), expected, atol=1e-5)


@needs_torch
def test_a_layer_computes_residual_attention_as_the_papers_write_it(tmp_path: Path) -> None:
    import torch

    weights = tiny_weights(size=128, layers=1)
    network = open_network(save(weights, tmp_path))
    features = torch.randn(5, 128)
    w = {name: value.double().numpy() for name, value in weights.items()}
    expected = by_hand(features.double().numpy(), w)
    np.testing.assert_allclose(network.transform(features).numpy(), expected, atol=1e-4)


def by_hand(features: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    """One ResiDual layer with two heads, in plain loops."""

    def norm(name: str, x: np.ndarray) -> np.ndarray:
        centred = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        return centred * w[f"{name}.weight"] + w[f"{name}.bias"]

    size, layer = 128, "visible_encoder.encoder_layers.0"
    x = features @ w["feat_projector.weight"].T + w["feat_projector.bias"]
    for frame in range(len(x)):
        for column in range(size):
            angle = frame / 10_000 ** (2 * (column // 2) / size)
            wave = np.cos(angle) if column % 2 else np.sin(angle)
            x[frame, column] += w["positional_encoder.scale"] * wave
    q, k, v = (x @ w[f"{layer}.att_layer.{part}.weight"].T for part in ("wq", "wk", "wv"))
    heard = np.zeros_like(x)
    for head in range(2):
        columns = np.arange(head, size, 2)
        scores = q[:, columns] @ k[:, columns].T / np.sqrt(64)
        share = np.exp(scores - scores.max(1, keepdims=True))
        heard[:, columns] = share / share.sum(1, keepdims=True) @ v[:, columns]
    heard = heard @ w[f"{layer}.att_layer.wo.weight"].T
    first = norm(f"{layer}.norm1", x + heard)
    inner = first @ w[f"{layer}.ff_layer.0.weight"].T + w[f"{layer}.ff_layer.0.bias"]
    thought = np.maximum(inner, 0) @ w[f"{layer}.ff_layer.2.weight"].T
    thought += w[f"{layer}.ff_layer.2.bias"]
    second = norm(f"{layer}.norm2", first + thought)
    return second + norm("visible_encoder.final_norm", x + heard + thought)


@needs_torch
@pytest.mark.parametrize(
    "name", ["feat_projector.weight", "wav_encoder.model.model.3.conv.conv.weight_g"]
)
def test_weights_of_another_network_are_refused(weights, tmp_path: Path, name: str) -> None:
    other = {key: value for key, value in weights.items() if key != name}
    with pytest.raises(BadInput, match=str(tmp_path)):
        open_network(save(other, tmp_path))


@needs_torch
def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(BadInput, match="cannot be read"):
        open_network(tmp_path)


def test_what_is_absent_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    wanted = "flask models fetch encodecmae" if HAVE_TORCH else "requirements/embeddings.txt"
    with pytest.raises(NotReady, match=wanted):
        EncodecMae(models=tmp_path).extract(Audio(np.ones(9), SAMPLE_RATE, 0, 1))
