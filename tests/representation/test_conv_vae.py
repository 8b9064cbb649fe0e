import json
import tracemalloc

import numpy as np
import pytest

from songrec.core.backend import keras
from songrec.core.errors import BadInput, Cancelled
from songrec.core.feature_spec import FeatureSpec
from songrec.core.padding import centred
from songrec.core.types import FeatureTable
from songrec.representation import conv_training as training
from songrec.representation.conv_pooling import PooledPictures, area_weights, resized
from songrec.representation.conv_vae import ConvVAE
from songrec.store.sound.spectrograms import GivenSpectrograms
from tests.spectrograms import two_kinds

SMALL = {"bands": 16, "frames": 24, "filters": 4, "units": 16, "latent": 4, "batch_size": 16}


def table_of(rows):
    return FeatureTable(
        np.arange(rows), (), np.empty((rows, 0), np.float32), FeatureSpec(("melspectrogram",))
    )


class Counted(GivenSpectrograms):
    """Spectrograms that know how many were asked for at once."""

    def __init__(self, pictures):
        super().__init__(pictures)
        self.most = 0

    def read(self, rows):
        self.most = max(self.most, len(rows))
        return super().read(rows)


@pytest.fixture(scope="module")
def learnt():
    pictures, kinds = two_kinds(160)
    seen = Counted(pictures)
    model = ConvVAE(**SMALL, epochs=40, learning_rate=3e-3).fit(
        table_of(160), seed=1, spectrograms=seen
    )
    return model, seen, kinds


def test_two_kinds_of_sound_are_told_apart_by_the_latent(learnt):
    model, seen, kinds = learnt
    known = model.transform(table_of(160), spectrograms=seen)
    pictures, theirs = two_kinds(40, seed=9)  # none of them was in the training
    latent = model.transform(table_of(40), spectrograms=GivenSpectrograms(pictures))
    nearest = np.linalg.norm(latent[:, None] - known, axis=2).argmin(axis=1)
    assert (kinds[nearest] == theirs).mean() >= 0.95


def test_the_latent_remembers_the_picture(learnt):
    model, _, _ = learnt
    pictures, _ = two_kinds(20, seed=9)
    given = GivenSpectrograms(pictures)
    restored = model.reconstruct(table_of(20), spectrograms=given)
    assert restored.shape == given.shape
    read = given.read(np.arange(20))
    mean = read.mean(axis=(0, 2), keepdims=True)
    assert np.square(restored - read).mean() < 0.9 * np.square(mean - read).mean()
    # The mean over a picture is a level in decibels, not a standardised figure.
    np.testing.assert_allclose(restored.mean(axis=(1, 2)), read.mean(axis=(1, 2)), atol=4)


def test_losses_are_kept_in_parts_that_add_up(learnt):
    model, _, _ = learnt
    assert [epoch["epoch"] for epoch in model.history_] == list(range(1, 41))
    for epoch in model.history_:
        whole = epoch["reconstruction"] + epoch["kl_weight"] * epoch["kl"]
        assert epoch["loss"] == pytest.approx(whole, rel=1e-6)
    weights = [epoch["kl_weight"] for epoch in model.history_]
    assert weights == sorted(weights)
    assert 0 < weights[0] < 1
    assert weights[-1] == 1
    assert model.history_[-1]["loss"] < 0.8 * model.history_[0]["loss"]
    assert model.metrics_["val_loss"] == model.history_[-1]["val_loss"]


def test_the_sizes_are_told(learnt):
    model, _, _ = learnt
    sizes = [
        model.metrics_[f"{what}_{side}"]
        for what in ("spectrogram", "pooled")
        for side in ("bands", "frames")
    ]
    assert sizes == [32, 48, 16, 24]
    json.dumps([model.metrics_, model.history_])


def test_no_more_than_a_part_of_the_pictures_is_ever_read_at_once(learnt):
    assert learnt[1].most == 32


def test_the_loss_of_a_row_is_what_the_paper_says():
    target, output = np.zeros((2, 2, 3, 1), np.float32), np.ones((2, 2, 3, 1), np.float32)
    output[1] *= 2
    errors = keras.ops.convert_to_numpy(training.half_squared_error(target, output))
    # Six cells off by 1 are half of six nats, off by 2 half of twenty-four.
    np.testing.assert_allclose(errors, [3.0, 12.0])


def test_pooling_is_the_mean_over_areas():
    np.testing.assert_allclose(
        area_weights(5, 2), [[0.4, 0.4, 0.2, 0, 0], [0, 0, 0.2, 0.4, 0.4]], atol=1e-7
    )
    picture = np.arange(24, dtype=np.float32).reshape(1, 4, 6)
    pooled = resized(picture, 2, 3)
    np.testing.assert_allclose(pooled[0, 0], [3.5, 5.5, 7.5])
    np.testing.assert_allclose(resized(pooled, 4, 6)[0, 0], [3.5, 3.5, 5.5, 5.5, 7.5, 7.5])
    assert pooled.mean() == pytest.approx(picture.mean())


def test_pictures_are_cut_and_filled_around_their_middle():
    picture = np.arange(12, dtype=np.float32).reshape(2, 6)
    np.testing.assert_array_equal(centred(picture, 2), [[2, 3], [8, 9]])
    filled = centred(picture, 8)
    np.testing.assert_array_equal(filled[:, 1:7], picture)
    assert (filled[:, [0, 7]] == 0).all()  # its quietest cell, which here is 0


def test_pooled_pictures_are_standardised_a_band():
    pictures, _ = two_kinds(30)
    pooled = PooledPictures(GivenSpectrograms(pictures), 8, 12)
    values = pooled.read(np.arange(30))
    pooled.close()
    np.testing.assert_allclose(values.mean(axis=(0, 2, 3)), 0, atol=2e-3)
    assert values.std() == pytest.approx(1, abs=1e-2)


class MadeWhenRead:
    """So many random pictures, none of which is there before it is read."""

    def __init__(self, rows):
        self.shape = (rows, 64, 96)

    def read(self, rows):
        return np.stack(
            [
                np.random.default_rng(row).normal(-40, 15, self.shape[1:]).astype(np.float32)
                for row in np.asarray(rows).tolist()
            ]
        )


def test_ten_times_the_pictures_take_no_more_memory():
    def most_bytes(rows):
        tracemalloc.start()
        try:
            pooled = PooledPictures(MadeWhenRead(rows), 32, 48)
            for first in range(0, rows, 16):
                pooled.read(np.arange(first, min(first + 16, rows)))
            pooled.close()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = most_bytes(64), most_bytes(640)
    assert many < 1.1 * few


def test_pictures_are_read_back_in_the_order_asked_for():
    pooled = PooledPictures(MadeWhenRead(40), 64, 96)
    rows = np.array([37, 0, 5, 37])
    wanted = (MadeWhenRead(40).read(rows) - pooled.mean) / pooled.scale
    np.testing.assert_allclose(pooled.read(rows)[..., 0], wanted, atol=5e-3)
    pooled.close()


def test_a_picture_with_no_numbers_is_told():
    pictures, _ = two_kinds(4)
    pictures[2][0, 0] = np.nan
    with pytest.raises(BadInput, match="not finite"):
        ConvVAE(**SMALL).fit(table_of(4), seed=0, spectrograms=GivenSpectrograms(pictures))


def test_longer_and_shorter_songs_are_placed_by_the_length_that_was_learnt(learnt):
    model, _, _ = learnt
    long = [np.hstack([picture] * 3) for picture in two_kinds(4, seed=2)[0]]
    latent = model.transform(table_of(4), spectrograms=GivenSpectrograms(long))
    middle = [centred(picture, 48) for picture in long]
    same = model.transform(table_of(4), spectrograms=GivenSpectrograms(middle))
    np.testing.assert_allclose(latent, same, atol=1e-5)


def test_another_number_of_bands_is_refused(learnt):
    with pytest.raises(BadInput, match="have 20 bands, those of the training had 32"):
        learnt[0].transform(
            table_of(1), spectrograms=GivenSpectrograms([np.zeros((20, 48), np.float32)])
        )


def test_what_lies_at_a_place_of_the_latent_can_be_seen(learnt):
    model, _, _ = learnt
    seen = model.decode(np.zeros((2, 4), np.float32))
    assert seen.shape == (2, 16, 24)
    np.testing.assert_array_equal(seen[0], seen[1])


def test_it_can_be_cancelled_after_any_batch():
    calls = []

    def stop(share, message, details=None):
        calls.append(message)
        if message.startswith("epoch"):
            raise Cancelled

    with pytest.raises(Cancelled):
        ConvVAE(**SMALL, epochs=50).fit(
            table_of(40),
            seed=0,
            spectrograms=GivenSpectrograms(two_kinds(40)[0]),
            on_progress=stop,
        )
    assert calls[-1] == "epoch 1 of 50"


def test_a_loss_that_runs_away_says_what_to_change():
    with pytest.raises(BadInput, match=r"learning rate of 1e\+20 is too high"):
        ConvVAE(**{**SMALL, "learning_rate": 1e20, "epochs": 4}).fit(
            table_of(40), seed=0, spectrograms=GivenSpectrograms(two_kinds(40)[0])
        )
