"""Cosine over standardised features with one-hot key and mode, weighed by group."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Space
from songrec.recommend.explain.contributions import LITTLE_IN_COMMON
from songrec.recommend.similarity.weighted_similarity import (
    GROUPS,
    Harmony,
    describe_match,
    latent_neighbours,
    weighted_neighbours,
)

NAMES = ("tempo", "energy", "positiveness", "danceability", "loudness", "acousticness")


def make(n: int = 300) -> tuple[Space, Harmony]:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(n, len(NAMES))).astype(np.float32)
    values[5, 1] = np.nan
    space = Space(
        "run",
        np.arange(1, n + 1),
        values,
        NAMES,
        values,
        NAMES,
        rng.normal(size=(n, 4)).astype(np.float32),
        np.zeros(n, np.int32),
        np.zeros((n, 2), np.float32),
        np.arange(n, dtype=np.uint64),
    )
    key = rng.integers(-1, 12, n).astype(np.int8)
    return space, Harmony(key, np.where(key < 0, -1, rng.integers(0, 2, n)).astype(np.int8))


def plain(space: Space, harmony: Harmony, weights: dict[str, float]) -> np.ndarray:
    """The same, written out: (n, d) weighed columns."""
    columns = []
    for group, members in GROUPS.items():
        for name in members:
            if name in space.value_names:
                column = space.values[:, space.value_names.index(name)].astype(float)
                column = (column - np.nanmean(column)) / np.nanstd(column)
                columns.append(np.nan_to_num(column) * math.sqrt(weights.get(group, 1)))
    for values, count in ((harmony.key, 12), (harmony.mode, 2)):
        one_hot = (values[:, None] == np.arange(count)) * math.sqrt(weights.get("harmony", 1))
        columns.extend(one_hot.T)
    return np.column_stack(columns)


@pytest.mark.parametrize(
    "weights", [{}, {"harmony": 3.0}, {"timbre": 0.0, "mood": 0.5}, dict.fromkeys(GROUPS, 0.0)]
)
def test_it_is_the_cosine_and_the_reasons_add_up(weights: dict[str, float]) -> None:
    space, harmony = make()
    found = weighted_neighbours(space, harmony, 7, 10, weights)
    used = {} if not any(weights.values()) and len(weights) == len(GROUPS) else weights
    table = plain(space, harmony, used)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    cosine = unit @ unit[6]
    cosine[6] = -2
    expected = np.argsort(-cosine)[:10]
    assert [match.track_id for match in found] == (expected + 1).tolist()
    for match in found:
        assert match.score == pytest.approx(cosine[match.track_id - 1], abs=1e-5)
        total = math.fsum(reason.contribution for reason in match.reasons)
        assert total == pytest.approx(match.score, abs=1e-5)


def test_harmony_alone_finds_the_same_key_and_mode() -> None:
    space, harmony = make()
    row = int(np.flatnonzero(harmony.key >= 0)[0])
    only = {"timbre": 0.0, "rhythm": 0.0, "mood": 0.0, "harmony": 1.0}
    for match in weighted_neighbours(space, harmony, row + 1, 5, only):
        at = match.track_id - 1
        assert (harmony.key[at], harmony.mode[at]) == (harmony.key[row], harmony.mode[row])
        assert match.score == pytest.approx(1)


def test_a_weight_out_of_range_is_refused() -> None:
    space, harmony = make()
    for weights in ({"mood": 4.0}, {"mood": -1.0}, {"bass": 1.0}):
        with pytest.raises(BadInput, match="Weights are"):
            weighted_neighbours(space, harmony, 7, 5, weights)
    with pytest.raises(NotReady):
        weighted_neighbours(space, harmony, 999, 5, {})


def test_the_latent_is_compared_by_distance() -> None:
    space, _ = make()
    found = latent_neighbours(space, 7, 8)
    apart = np.linalg.norm(space.latent - space.latent[6], axis=1)
    apart[6] = np.inf
    assert [match.track_id for match in found] == (np.argsort(apart)[:8] + 1).tolist()
    assert all(match.score == match.reasons[0].contribution for match in found)


def test_what_one_of_two_songs_lacks_is_no_reason() -> None:
    space, harmony = make()
    own = weighted_neighbours(space, harmony, 6, 20, {})
    assert not any("energy" in {reason.about for reason in match.reasons} for match in own)
    for match in weighted_neighbours(space, harmony, 7, 299, {}):
        assert not [reason.text for reason in match.reasons if "unknown" in reason.text]
    unknown = Harmony(np.full_like(harmony.key, -1), np.full_like(harmony.mode, -1))
    space = replace(space, values=np.full_like(space.values, np.nan))
    bare = weighted_neighbours(space, unknown, 7, 3, {})
    assert [(match.score, match.reasons) for match in bare] == [(0.0, ())] * 3
    assert describe_match(bare[0]) == LITTLE_IN_COMMON
