from pathlib import Path

import librosa
import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.core.types import Audio
from songrec.features.audio.musicnn import (
    InstrumentTags,
    MusiCNN,
    MusiCNNTags,
    log_mel,
    place_patches,
)
from songrec.features.audio.musicnn_network import Network, load_weights
from songrec.features.audio.musicnn_tags import MSD_TAGS, MTT_TAGS, TAGS
from tests.features.musicnn_weights import random_values, save


@pytest.fixture(scope="module")
def values() -> dict[str, np.ndarray]:
    return random_values()


@pytest.fixture(scope="module")
def models(values, tmp_path_factory) -> Path:
    """A folder of model files with random weights in place of MusiCNN's."""
    folder = tmp_path_factory.mktemp("models")
    save(values, folder / "musicnn" / "MSD_musicnn")
    return folder


def tone(seconds: float, rate: int = 16_000, hertz: float = 1000, start_s: float = 0.0) -> Audio:
    at = np.arange(round(seconds * rate)) / rate
    samples = (0.5 * np.sin(2 * np.pi * hertz * at)).astype(np.float32)
    return Audio(samples, rate, start_s, start_s + seconds)


def normalised(values: dict, number: int, x: np.ndarray) -> np.ndarray:
    scope = f"batch_normalization_{number}" if number else "batch_normalization"
    gamma, beta, mean, variance = (
        values[f"{scope}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def convolved(values: dict, number: int, image: np.ndarray, pad: tuple[int, int]) -> np.ndarray:
    """Slide the filters over an image ``(187, bands)``, padded in time only."""
    scope = f"conv2d_{number}" if number else "conv2d"
    kernel, bias = values[f"{scope}/kernel"][:, :, 0, :], values[f"{scope}/bias"]
    padded = np.pad(image.astype(np.float64), (pad, (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2])
    over = np.tensordot(seen, kernel, axes=((2, 3), (0, 1))) + bias
    return normalised(values, number + 1, np.maximum(over, 0))


def plain(values: dict, patch: np.ndarray) -> dict[str, np.ndarray]:
    """The layers of one patch, as the papers describe them."""
    image = normalised(values, 0, patch)
    layers = {
        "timbral_38": convolved(values, 0, image, (3, 3)).max(axis=1),
        "timbral_67": convolved(values, 1, image, (3, 3)).max(axis=1),
        "temporal_128": convolved(values, 2, image, (63, 64)).max(axis=1),
        "temporal_64": convolved(values, 3, image, (31, 32)).max(axis=1),
        "temporal_32": convolved(values, 4, image, (15, 16)).max(axis=1),
    }
    front = layers["front"] = np.concatenate(list(layers.values()), axis=1)
    first = layers["middle_1"] = convolved(values, 5, front, (3, 3))[:, 0]
    second = layers["middle_2"] = convolved(values, 6, first, (3, 3))[:, 0] + first
    third = layers["middle_3"] = convolved(values, 7, second, (3, 3))[:, 0] + second
    both = layers["concatenation"] = np.concatenate([front, first, second, third], axis=1)
    layers |= {"max_pool": both.max(axis=0), "mean_pool": both.mean(axis=0)}
    pooled = np.stack([layers["max_pool"], layers["mean_pool"]], axis=-1).ravel()
    hidden = normalised(values, 9, pooled) @ values["dense/kernel"] + values["dense/bias"]
    layers["penultimate"] = normalised(values, 10, np.maximum(hidden, 0))
    logits = layers["penultimate"] @ values["dense_1/kernel"] + values["dense_1/bias"]
    layers["tags"] = 1 / (1 + np.exp(-logits))
    return layers


def test_every_layer_is_what_the_papers_describe(values) -> None:
    spectrogram = np.random.default_rng(1).random((240, 96), dtype=np.float32)
    starts = np.array([0, 20, 53])  # they overlap
    ours = list(Network(values).layers(spectrogram, starts))
    for start, layers in zip(starts, ours, strict=True):
        expected = plain(values, spectrogram[start : start + 187])
        assert layers.keys() == expected.keys()
        for name, value in layers.items():
            assert value.shape == expected[name].shape, name
            assert value.dtype == np.float32, name
            scale = np.abs(expected[name]).max()
            np.testing.assert_allclose(value, expected[name], atol=1e-5 * scale, err_msg=name)


def test_the_order_of_patches_and_the_others_change_nothing(values) -> None:
    spectrogram = np.random.default_rng(2).random((400, 96), dtype=np.float32)
    network = Network(values)
    together = network.run(spectrogram, np.array([190, 0, 7]))
    for at, start in enumerate((190, 0, 7)):
        alone = network.run(spectrogram[start : start + 187], np.array([0]))
        for name, value in together.items():
            np.testing.assert_allclose(value[at], alone[name][0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("step", [1, 8, 62, 125, 187])
def test_patches_that_overlap_by_any_step_are_those_that_stand_alone(values, step: int) -> None:
    spectrogram = np.random.default_rng(5).random((700, 96), dtype=np.float32)
    network = Network(values)
    starts = 5 + step * np.arange(4)
    together = list(network.layers(spectrogram, starts[starts + 187 <= 700]))
    for at, start in enumerate(starts[: len(together)].tolist()):
        (alone,) = network.layers(spectrogram[start : start + 187], np.array([0]))
        for name, value in alone.items():
            scale = np.abs(value).max()
            np.testing.assert_allclose(together[at][name], value, atol=1e-5 * scale, err_msg=name)


def test_weights_are_read_by_the_names_of_the_checkpoint(values, models: Path) -> None:
    weights = load_weights(models / "musicnn" / "MSD_musicnn")
    assert weights.keys() == values.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(weights[name], value, err_msg=name)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v: v.pop("conv2d_5/kernel"), "conv2d_5/kernel is missing"),
        (
            lambda v: v.update({"dense_1/bias": np.zeros(7, np.float32)}),
            r"dense_1/bias is \[7\]; MusiCNN's is \[50\]",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(values, tmp_path, change, reason) -> None:
    other = dict(values)
    change(other)
    with pytest.raises(BadInput, match=reason):
        load_weights(save(other, tmp_path))


def test_absent_weights_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="flask models fetch musicnn"):
        MusiCNN(models=tmp_path).extract(tone(3))


def test_damaged_weights_say_how_to_get_whole_ones(values, tmp_path: Path) -> None:
    folder = save(values, tmp_path / "musicnn" / "MSD_musicnn")
    data = folder / "model.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(BadInput, match="flask models fetch musicnn"):
        MusiCNN(models=tmp_path).extract(tone(3))


def test_a_network_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Known: MSD_musicnn, MTT_musicnn"):
        MusiCNN("MTT_vgg", models=tmp_path).tag(tone(3))


@pytest.mark.parametrize("seconds", [0.001, 1.0, 2.976, 7.3])
def test_any_length_gives_one_embedding(models: Path, seconds: float) -> None:
    extractor = MusiCNN(models=models)
    embedding = extractor.extract(tone(seconds))
    assert embedding.shape == (len(extractor.names()),) == (753,)
    assert len(set(extractor.names())) == 753
    assert embedding.dtype == np.float32
    assert np.isfinite(embedding).all()
    np.testing.assert_array_equal(embedding, MusiCNN(models=models).extract(tone(seconds)))


def test_maximum_pooling_is_never_below_the_mean(models: Path) -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, 16_000 * 4).astype(np.float32)
    sound = Audio(noise, 16_000, 0, 4)
    highest = MusiCNN(pooling="max", models=models).extract(sound)
    mean = MusiCNN(pooling="mean", models=models).extract(sound)
    assert (highest >= mean - 1e-4).all()
    assert (highest > mean + 0.01).mean() > 0.5


def test_the_same_sound_at_another_sample_rate_sounds_the_same(models: Path) -> None:
    rng = np.random.default_rng(3)
    at_22 = rng.normal(0, 0.1, 22_050 * 6).astype(np.float32)
    at_16 = librosa.resample(at_22, orig_sr=22_050, target_sr=16_000)
    a = MusiCNN(models=models).extract(Audio(at_22, 22_050, 0, 6))
    b = MusiCNN(models=models).extract(Audio(at_16, 16_000, 0, 6))
    assert np.corrcoef(a, b)[0, 1] > 0.9999


def test_tags_come_patch_by_patch_with_their_time_in_the_file(models: Path) -> None:
    heard = MusiCNN(overlap_s=1.5, models=models).tag(tone(9, start_s=60.0))
    step = (187 - round(1.5 * 16_000 / 256)) * 256 / 16_000
    np.testing.assert_allclose(heard.times_s, 60 + step * np.arange(5), atol=1e-4)
    assert heard.probabilities.shape == (5, 50)
    assert heard.embeddings.shape == (5, 753)
    assert ((heard.probabilities > 0) & (heard.probabilities < 1)).all()
    assert heard.tags == MSD_TAGS


def test_top_tags_are_the_likeliest_on_average(models: Path) -> None:
    heard = MusiCNN(models=models).tag(tone(9))
    top = heard.top(10)
    means = heard.probabilities.mean(axis=0)
    assert [p for _, p in top] == sorted(means.tolist(), reverse=True)[:10]
    assert [heard.tags.index(tag) for tag, _ in top] == np.argsort(-means)[:10].tolist()


def test_there_are_fifty_different_tags() -> None:
    assert len(set(MTT_TAGS)) == len(set(MSD_TAGS)) == 50


def test_the_input_is_the_log_mel_spectrogram_that_librosa_computes() -> None:
    sound = tone(2)
    power = np.abs(librosa.stft(sound.samples, n_fft=512, hop_length=256, pad_mode="reflect")) ** 2
    mel = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=96) @ power
    expected = np.log10(10_000 * mel + 1).T
    np.testing.assert_allclose(log_mel(sound), expected, atol=1e-4)
    loudest = int(log_mel(sound)[60].argmax())
    centres = librosa.mel_frequencies(98, fmax=8000)[1:-1]
    assert loudest == int(np.abs(centres - 1000).argmin())


def test_patches_follow_each_other_and_the_rest_is_left_out() -> None:
    spectrogram = np.zeros((500, 96), dtype=np.float32)
    assert place_patches(spectrogram, 0.0)[1].tolist() == [0, 187]
    assert place_patches(spectrogram, 2.9)[1].tolist() == list(range(0, 314, 6))
    assert place_patches(spectrogram[:374], 0.0)[1].tolist() == [0, 187]


def test_a_short_sound_is_repeated_to_fill_a_patch() -> None:
    spectrogram = np.random.default_rng(4).random((50, 96), dtype=np.float32)
    repeated, starts = place_patches(spectrogram, 0.0)
    assert starts.tolist() == [0]
    np.testing.assert_array_equal(repeated, np.tile(spectrogram, (4, 1))[:187])


def test_instruments_are_listened_for_in_a_few_patches(models: Path) -> None:
    instruments = InstrumentTags(models=models)
    assert instruments.names() == TAGS["MTT_musicnn"]
    assert instruments.choose_patches(np.arange(10)).tolist() == [0, 3, 6, 9]
    assert instruments.choose_patches(np.arange(3)).tolist() == [0, 1, 2]
    assert instruments.pass_key != MusiCNNTags("MTT_musicnn", models=models).pass_key
