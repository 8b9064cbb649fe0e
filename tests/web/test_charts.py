"""What charts are drawn from: standings, words, small pictures."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.core.types import Space
from songrec.web import charts


def space(values: np.ndarray, run_id: str, names: tuple[str, ...] = ("energy",)) -> Space:
    n = len(values)
    return Space(
        run_id=run_id,
        track_ids=np.arange(1, n + 1, dtype=np.int64),
        matrix=np.zeros((n, 1), dtype=np.float32),
        columns=("energy",),
        values=values.astype(np.float32).reshape(n, len(names)),
        value_names=names,
        latent=np.zeros((n, 1), dtype=np.float32),
        labels=(np.arange(n) % 2).astype(np.int32),
        coordinates=np.column_stack([np.arange(n), np.arange(n)]).astype(np.float32),
        song_keys=np.arange(n, dtype=np.uint64),
    )


def test_standing_is_the_part_of_the_catalogue_below() -> None:
    even = space(np.linspace(0, 1, 1001), "standing")
    assert charts.catalogue_percentile(even, "energy", 0.25) == pytest.approx(0.25, abs=0.002)
    assert charts.catalogue_percentile(even, "energy", 2.0) == 1.0
    assert charts.catalogue_percentile(even, "tempo", 120.0) is None


def test_ties_count_half_so_that_common_zeros_are_in_their_middle() -> None:
    mostly_zero = space(np.r_[np.zeros(800), np.ones(200)], "ties")
    assert charts.catalogue_percentile(mostly_zero, "energy", 0.0) == pytest.approx(0.4, abs=0.01)


def test_a_column_nobody_has_gives_no_standing() -> None:
    assert charts.catalogue_percentile(space(np.full(10, np.nan), "empty"), "energy", 0.5) is None


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.83, "more energetic than 83%"),
        (0.17, "calmer than 83%"),
        (0.52, "in the middle"),
        (None, ""),
    ],
)
def test_a_standing_is_said_in_words(share: float | None, words: str) -> None:
    assert charts.words_for("energy", share) == words


def test_the_small_map_has_room_for_the_mark_of_a_song_in_its_corner() -> None:
    diagonal = space(np.linspace(0, 1, 50), "corner")
    place = charts.place_on_map(diagonal, 49.0, 49.0, 1)
    assert place is not None
    assert place.x == pytest.approx(charts.MAP_WIDTH - 10)
    assert place.y == pytest.approx(10)
    assert set(place.dots) == {0, 1}


def test_one_song_alone_has_a_place_too() -> None:
    assert charts.place_on_map(space(np.array([0.5]), "alone"), 0.0, 0.0, 0) is not None
