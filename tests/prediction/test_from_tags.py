"""Attributes out of tags: the right direction, within range, unknown where nothing is heard."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.features.audio.musicnn_tags import MSD_TAGS, MTT_TAGS, TAGS
from songrec.prediction import from_tags


def estimate(tags: tuple[str, ...], **heard: float) -> dict[str, float]:
    row = np.array([[heard.get(tag.replace(" ", "_"), 0.0) for tag in tags]], np.float32)
    return {name: float(column[0]) for name, column in from_tags.attributes(tags, row).items()}


@pytest.mark.parametrize(
    ("tags", "more", "less", "attribute"),
    [
        (MSD_TAGS, {"metal": 0.8}, {"ambient": 0.8}, "energy"),
        (MSD_TAGS, {"happy": 0.5, "pop": 0.2}, {"sad": 0.5, "pop": 0.2}, "positiveness"),
        (MSD_TAGS, {"House": 0.6}, {"Progressive_rock": 0.6}, "danceability"),
        (MSD_TAGS, {"acoustic": 0.6}, {"electronic": 0.6}, "acousticness"),
        (MSD_TAGS, {"instrumental": 0.5}, {"female_vocalists": 0.5}, "instrumentalness"),
        (MSD_TAGS, {"Hip-Hop": 0.7}, {"country": 0.7}, "speechiness"),
        (MTT_TAGS, {"loud": 0.6}, {"quiet": 0.6}, "energy"),
        (
            MTT_TAGS,
            {"no_vocals": 0.3, "techno": 0.3},
            {"vocal": 0.3, "techno": 0.3},
            "instrumentalness",
        ),
        (MTT_TAGS, {"harpsichord": 0.6}, {"synth": 0.6}, "acousticness"),
    ],
)
def test_what_is_heard_moves_an_attribute_the_right_way(tags, more, less, attribute) -> None:
    high, low = estimate(tags, **more)[attribute], estimate(tags, **less)[attribute]
    usual = from_tags.PRIOR[from_tags.ATTRIBUTES.index(attribute)]
    assert high - low > 0.1
    assert usual < high
    # Techno is instrumental as a rule: even with a voice it stays above what is usual.
    assert (low < usual) == ("techno" not in less)


def test_one_sure_tag_gives_nearly_its_own_value_by_the_formula() -> None:
    row = np.array([[float(tag == "metal") for tag in MSD_TAGS]], np.float32)
    estimates = from_tags.attributes(MSD_TAGS, row, calibrate=False)["energy"]
    assert estimates == pytest.approx((0.90 + 0.05 * 0.55) / 1.05, abs=1e-6)


def test_spreading_keeps_the_order_the_range_and_the_prior() -> None:
    estimates = np.array([0.0, 0.05, 0.3, 0.55, 0.6, 0.9, 1.0])
    wider = from_tags.spread(estimates, 0.55, 2.0)
    assert (np.diff(wider) > 0).all()
    assert wider[3] == pytest.approx(0.55)
    assert (wider[:3] < estimates[:3] + 1e-3).all()
    assert 0.9 < wider[5] < wider[6] < 1
    np.testing.assert_allclose(from_tags.spread(estimates[1:-1], 0.55, 1.0), estimates[1:-1])


def test_calibration_keeps_the_ranks_and_what_is_unknown() -> None:
    rows = np.random.default_rng(0).random((50, 50)).astype(np.float32) ** 4
    rows[0] = 0.0
    raw = from_tags.attributes(MSD_TAGS, rows, calibrate=False)
    for name, column in from_tags.attributes(MSD_TAGS, rows).items():
        assert (np.argsort(column[1:]) == np.argsort(raw[name][1:])).all()
        assert np.isnan(column[0])


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
def test_any_probabilities_stay_in_range(tags: tuple[str, ...]) -> None:
    rows = np.random.default_rng(0).random((50, len(tags))).astype(np.float32)
    for name, column in from_tags.attributes(tags, rows).items():
        known = column[np.isfinite(column)]
        assert ((known >= 0) & (known <= 1)).all(), name


@pytest.mark.parametrize("row", [0.0, np.nan], ids=["silence", "no number"])
def test_what_is_not_heard_stays_unknown(row: float) -> None:
    estimates = from_tags.attributes(MSD_TAGS, np.full((2, 50), row, np.float32))
    assert all(np.isnan(column).all() for column in estimates.values())


def test_magnatagatune_has_no_word_on_speech() -> None:
    assert np.isnan(estimate(MTT_TAGS, vocal=1.0, pop=1.0)["speechiness"])


def test_every_tag_in_the_tables_is_one_of_the_network() -> None:
    assert set(from_tags.MSD) <= set(MSD_TAGS)
    assert set(MSD_TAGS) - set(from_tags.MSD) == {"00s", "90s", "80s", "70s", "60s"}
    assert set(MTT_TAGS) - set(from_tags.MTT) == {"weird"}
