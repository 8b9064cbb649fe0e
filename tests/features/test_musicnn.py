from pathlib import Path

import librosa
import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.core.types import Audio
from songrec.features.audio import musicnn_network
from songrec.features.audio.musicnn import MusiCNN, log_mel, split_patches
from songrec.features.audio.musicnn_network import OUTPUTS, build, load_weights
from songrec.features.audio.musicnn_tags import MSD_TAGS, MTT_TAGS
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


def test_every_layer_has_the_shape_that_the_papers_give(models: Path) -> None:
    network = build(OUTPUTS)
    load_weights(network, models / "musicnn" / "MSD_musicnn")
    patches = np.random.default_rng(1).random((2, 187, 96), dtype=np.float32)
    shapes = {name: tuple(value.shape) for name, value in network(patches).items()}
    frames = (2, 187)
    assert shapes == {
        "timbral_38": (*frames, 204),
        "timbral_67": (*frames, 204),
        "temporal_128": (*frames, 51),
        "temporal_64": (*frames, 51),
        "temporal_32": (*frames, 51),
        "front": (*frames, 561),
        "middle_1": (*frames, 64),
        "middle_2": (*frames, 64),
        "middle_3": (*frames, 64),
        "concatenation": (*frames, 753),
        "max_pool": (2, 753),
        "mean_pool": (2, 753),
        "penultimate": (2, 200),
        "tags": (2, 50),
    }


def test_weights_are_read_by_the_names_of_the_checkpoint(values, models: Path) -> None:
    network = build()
    load_weights(network, models / "musicnn" / "MSD_musicnn")
    weights = {
        name: network.get_layer(layer).get_weights()[place]
        for name, (layer, place) in musicnn_network.variables().items()
    }
    for name, value in values.items():
        np.testing.assert_array_equal(weights[name], value, err_msg=name)
    assert sum(len(layer.weights) for layer in network.layers) == len(values)


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
        load_weights(build(), save(other, tmp_path))


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
    spectrogram = np.arange(500 * 96, dtype=np.float32).reshape(500, 96)
    patches, starts = split_patches(spectrogram, 0.0)
    assert starts.tolist() == [0, 187]
    np.testing.assert_array_equal(patches[1], spectrogram[187:374])
    overlapping, starts = split_patches(spectrogram, 2.9)
    assert starts.tolist() == list(range(0, 314, 6))
    np.testing.assert_array_equal(overlapping[7], spectrogram[42:229])


def test_a_short_sound_is_repeated_to_fill_a_patch() -> None:
    spectrogram = np.random.default_rng(4).random((50, 96), dtype=np.float32)
    patches, starts = split_patches(spectrogram, 0.0)
    assert starts.tolist() == [0]
    np.testing.assert_array_equal(patches[0], np.tile(spectrogram, (4, 1))[:187])
