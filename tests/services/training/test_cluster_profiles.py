"""Names, words and typical tracks of planted clusters, without a training."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.types import Clustering
from songrec.services.training.cluster_profiles import (
    ProfileInputs,
    name_metrics,
    profile_clusters,
)
from songrec.store.catalogue.training_data import TrackTags, TrainingData
from songrec.store.runs.runs import ClusterProfile

N = 100


def profiles(
    *, popularity: np.ndarray | None = None, liveness: float = 0.1, seasonal: int = -1
) -> list[ClusterProfile]:
    """Return the profiles of a calm acoustic half and an energetic half of ``N`` tracks."""
    values = np.full((N, len(ATTRIBUTE_NAMES)), np.nan, dtype=np.float32)
    columns = {name: values[:, at] for at, name in enumerate(ATTRIBUTE_NAMES)}
    calm = np.arange(N) < N // 2
    columns["energy"][:] = np.where(calm, 0.2, 0.9)
    columns["acousticness"][:] = np.where(calm, 0.8, 0.05)
    columns["acousticness"][: N // 5] = np.nan
    columns["liveness"][:] = np.where(calm, liveness, 0.0)
    if popularity is not None:
        columns["popularity"][:] = popularity
    data = TrainingData(
        track_ids=np.arange(N, dtype=np.int64),
        song_keys=np.arange(N, dtype=np.uint64),
        values=values,
        duration_ms=np.full(N, 2e5, dtype=np.float32),
        year=np.full(N, np.nan, dtype=np.float32),
        key=np.zeros(N, dtype=np.int8),
        mode=np.zeros(N, dtype=np.int8),
        measured=np.zeros(N, dtype=bool),
    )
    tagged = np.arange(0, N // 2 - 26)
    genres = TrackTags(tagged, np.zeros(len(tagged), dtype=np.int64), ("folk",))
    none = TrackTags(tagged[:0], tagged[:0], ())
    labels = np.where(calm, 0, 1).astype(np.int32)
    latent = np.arange(N, dtype=np.float32)[:, None]
    centres = np.array([[0.0], [N // 2]], dtype=np.float32)
    clustering = Clustering(labels, np.ones(N, dtype=np.float32), centres)
    artists = np.repeat(np.arange(1, N // 2 + 1), 2).astype(np.uint64)
    any_day = np.arange(N) != seasonal
    inputs = ProfileInputs(
        data, ATTRIBUTE_NAMES, values, {"genre": genres, "emotion": none}, artists, any_day
    )
    return profile_clusters(inputs, clustering, latent)


def test_words_are_true_of_members_and_unknown_values_make_none_true() -> None:
    calm, energetic = profiles()
    # Three fifths of the members have a known acousticness, and all of those are acoustic; the
    # genre is carried by fewer than half.
    assert calm.name == "calm acoustic songs"
    assert dict(calm.profile["words"]) == {"calm": 1.0, "acoustic": 0.6}
    assert energetic.name == "energetic electric songs"
    assert name_metrics([calm, energetic])["name_word_share"] == pytest.approx(3.6 / 4)


@pytest.mark.parametrize(("liveness", "is_live"), [(0.8, False), (0.81, True)])
def test_live_is_said_of_recordings_with_an_audience(liveness: float, is_live: bool) -> None:
    assert ("live" in profiles(liveness=liveness)[0].name.split()) == is_live


def test_typical_tracks_are_near_the_centre_and_well_known() -> None:
    nearest = profiles()[0].profile["typical"]
    assert nearest == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    popularity = np.full(N, 10.0)
    popularity[[7, 30, 49]] = 90, 80, 70
    popularity[31] = np.nan
    known = profiles(popularity=popularity)[0].profile["typical"]
    assert known[:3] == [7, 30, 49]
    assert 31 not in known
    assert profiles(popularity=popularity, seasonal=7)[0].profile["typical"][:2] == [30, 49]
