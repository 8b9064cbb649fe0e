from __future__ import annotations

import numpy as np

from songrec.prediction.folds import parts
from songrec.prediction.harmony import ADDED, chroma_sets, with_harmony


def test_parts_are_of_equal_size_and_follow_from_the_seed() -> None:
    first = parts(103, 5, seed=1)
    assert sorted(np.bincount(first)) == [20, 20, 21, 21, 21]
    assert (first == parts(103, 5, seed=1)).all()
    assert (first != parts(103, 5, seed=2)).any()


def test_recordings_of_a_song_share_a_part() -> None:
    songs = np.repeat(np.arange(40), 3)
    result = parts(120, 5, seed=0, groups=songs).reshape(40, 3)
    assert (result == result[:, :1]).all()
    assert len(np.unique(result)) == 5


def test_every_part_gets_its_share_of_a_rare_class() -> None:
    classes = np.array([0] * 95 + [1] * 5)
    result = parts(100, 5, seed=3, classes=classes)
    assert sorted(result[95:]) == [0, 1, 2, 3, 4]


def test_chroma_is_found_under_every_way_of_naming_it() -> None:
    pandas = ["chroma_cens", *(f"chroma_cens.{n}" for n in range(1, 12))]
    letters = [
        "c",
        "c_sharp",
        "d",
        "d_sharp",
        "e",
        "f",
        "f_sharp",
        "g",
        "g_sharp",
        "a",
        "a_sharp",
        "b",
    ]
    words = [
        f"statistical:chroma_{letter}_{kind}" for letter in letters for kind in ("mean", "std")
    ]
    numbered = [f"chroma_{n:02d}" for n in range(1, 13)]
    names = ["tempo", *pandas, *words, *numbered, "chroma_flux", *(f"chroma_x.{n}" for n in "12")]
    result = chroma_sets(names)
    assert [[names[column] for column in columns] for columns in result] == [
        pandas,
        words[::2],
        words[1::2],
        numbered,
    ]


def test_what_is_added_to_a_chroma_does_not_depend_on_the_key() -> None:
    chroma = np.random.default_rng(0).random((6, 12)).astype(np.float32)
    turned = np.roll(chroma, 5, axis=1)
    sets = [list(range(12))]
    extended, again = with_harmony(chroma, sets), with_harmony(turned, sets)
    assert extended.shape == (6, 12 + ADDED)
    np.testing.assert_allclose(extended[:, 12:], again[:, 12:], atol=1e-5)
    assert (extended[:, :12] != again[:, :12]).any()


def test_an_incomplete_chroma_adds_nothing_known() -> None:
    chroma = np.ones((2, 12), dtype=np.float32)
    chroma[1, 3] = np.nan
    extended = with_harmony(chroma, [list(range(12))])
    assert np.isnan(extended[1, 12:]).all()
    assert not np.isnan(extended[0]).any()
