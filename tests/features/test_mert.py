"""MERT on a tiny network of its architecture with random weights, saved as the hub keeps them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Audio
from songrec.features.audio.mert import SAMPLE_RATE, Mert, MertNetwork

HAVE_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))
needs_torch = pytest.mark.skipif(
    not HAVE_TORCH, reason="torch and transformers are optional: requirements/embeddings.txt"
)


def save_tiny(folder: Path, *, normalise: bool = False, **config) -> Path:
    """A network of MERT's kind: two layers of 768 units, few convolution channels."""
    import torch
    from transformers import HubertConfig, HubertModel

    torch.manual_seed(0)
    hubert = HubertModel(
        HubertConfig(
            hidden_size=768,
            num_hidden_layers=2,
            num_attention_heads=12,
            intermediate_size=64,
            conv_dim=(16,) * 7,
            num_conv_pos_embedding_groups=16,
            vocab_size=32,
        )
    )
    hubert.save_pretrained(folder)
    path = folder / "config.json"
    said = json.loads(path.read_text())
    # As published: a class of the hub's own that nobody here runs.
    said |= {
        "model_type": "mert_model",
        "architectures": ["MERTModel"],
        "auto_map": {"AutoModel": "modeling_MERT.MERTModel"},
        "feature_extractor_cqt": False,
        "deepnorm": False,
        "attention_relax": -1.0,
        "sample_rate": 24000,
        **config,
    }
    path.write_text(json.dumps(said))
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": normalise}))
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save_tiny(folder / "mert")
    return folder


def noise(seconds: float, rate: int = SAMPLE_RATE, seed: int = 0) -> Audio:
    samples = np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate))
    return Audio(samples.astype(np.float32), rate, 0.0, seconds)


@needs_torch
@pytest.mark.parametrize("seconds", [0.01, 1.0, 7.0])
def test_any_length_gives_768_values(models: Path, seconds: float) -> None:
    embedding = Mert(models=models).extract(noise(seconds, rate=22_050))
    assert embedding.shape == (len(set(Mert().names())),) == (768,)
    assert embedding.dtype == np.float32
    assert np.isfinite(embedding).all()
    assert embedding.std() > 0


@needs_torch
def test_the_embedding_is_what_transformers_computes_averaged_over_time(models: Path) -> None:
    import torch
    from transformers import HubertConfig, HubertModel

    sound = noise(2)
    said = json.loads((models / "mert" / "config.json").read_text())
    hubert = HubertModel.from_pretrained(
        models / "mert",
        config=HubertConfig(**{k: v for k, v in said.items() if k != "model_type"}),
    ).eval()
    with torch.no_grad():
        states = hubert(torch.from_numpy(sound.samples)[None], output_hidden_states=True)
    for layer in (0, 2):
        expected = states.hidden_states[layer][0].mean(dim=0).numpy()
        made = Mert(layer=layer, models=models).extract(sound)
        np.testing.assert_allclose(made, expected, atol=1e-4)
    both = torch.cat(states.hidden_states[1:]).mean(dim=(0, 1)).numpy()
    np.testing.assert_allclose(Mert(models=models).extract(sound), both, atol=1e-4)


@needs_torch
def test_there_are_75_frames_a_second(models: Path) -> None:
    states = MertNetwork(models / "mert").states(noise(4).samples)
    assert states.shape[::2] == (3, 768)
    assert abs(states.shape[1] - 300) <= 1


@needs_torch
def test_loudness_is_levelled_where_the_published_preprocessing_says_so(tmp_path: Path) -> None:
    quiet = noise(1)
    loud = Audio(5 * quiet.samples, quiet.sample_rate, 0, 1)
    levelled = MertNetwork(save_tiny(tmp_path / "levelled", normalise=True))
    np.testing.assert_allclose(
        levelled.states(quiet.samples), levelled.states(loud.samples), atol=1e-2
    )


@needs_torch
@pytest.mark.parametrize("variant", ["feature_extractor_cqt", "deepnorm"])
def test_variants_that_need_code_of_the_hub_are_refused(tmp_path: Path, variant: str) -> None:
    with pytest.raises(BadInput, match=variant):
        MertNetwork(save_tiny(tmp_path, **{variant: True}))


@needs_torch
def test_a_layer_that_is_not_there_is_named(models: Path) -> None:
    with pytest.raises(BadInput, match="layers 0 to 2, not 3"):
        Mert(layer=3, models=models).extract(noise(1))


@needs_torch
def test_weights_of_another_network_are_refused(models: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_tiny(tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights.pop("encoder.layers.1.attention.k_proj.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInput, match=r"layers\.1\.attention\.k_proj\.weight"):
        MertNetwork(folder)


def test_what_is_absent_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    wanted = "flask models fetch mert" if HAVE_TORCH else "requirements/embeddings.txt"
    with pytest.raises(NotReady, match=wanted):
        Mert(models=tmp_path).extract(noise(1))
