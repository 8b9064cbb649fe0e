"""The study of rivals, with stand-ins for the programs."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.studies import rivals
from songrec.services.evaluation.clip_list import ClipPair


class Jukebox:
    """Musly's interface: the distance of two tracks is that of their mean samples."""

    def __init__(self, method: str, decoder: str) -> None:
        self.method = method

    def track_from_audiodata(self, samples: list[float]) -> float:
        return float(np.mean(samples))

    def set_style(self, tracks: list[float]) -> None:
        pass

    def add_tracks(self, tracks: list[float]) -> list[int]:
        return list(range(len(tracks)))

    def compute_similarity(
        self, seed: tuple[int, float], tracks: list[tuple[int, float]]
    ) -> list[float]:
        return [abs(seed[1] - track) for _, track in tracks]


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> list[ClipPair]:
    """Three tracks whose excerpts have nearly equal samples, by two artists."""
    levels = {f"{track}{excerpt}": 0.2 * track for track in range(3) for excerpt in "ab"}

    def decode(path: Path, **options: object) -> SimpleNamespace:
        samples = np.full(4, levels[path.name] + 0.01 * path.name.endswith("b"), np.float32)
        return SimpleNamespace(audio=SimpleNamespace(samples=samples))

    monkeypatch.setattr(rivals, "decode", decode)
    artists = ("one", "one", "two")
    return [ClipPair(Path(f"{i}a"), Path(f"{i}b"), artist) for i, artist in enumerate(artists)]


def test_musly_and_bliss_are_compared_by_our_rule(
    pairs: list[ClipPair], monkeypatch: pytest.MonkeyPatch
) -> None:
    similarities, taken = rivals.musly("timbre")(SimpleNamespace(MuslyJukebox=Jukebox), pairs)
    assert (similarities.argmax(axis=1) == np.arange(3)).all()
    assert taken >= 0
    bliss = SimpleNamespace(
        Song=lambda path: SimpleNamespace(analysis=[float(path[0]), 0.1 * path.endswith("b"), 1.0])
    )
    for compare in (rivals.bliss_euclidean, rivals.bliss_cosine):
        similarities, _ = compare(bliss, pairs)
        assert similarities.shape == (3, 3)
        assert similarities[0, 0] > similarities[0, 2]


def test_where_a_rival_is_absent_the_study_says_how_to_install_it(
    pairs: list[ClipPair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bliss_audio", None)
    monkeypatch.setitem(sys.modules, "pymusly", None)
    monkeypatch.setattr(rivals, "read_clips", lambda folder: pairs)
    monkeypatch.setattr(rivals, "_own", lambda folder: [])
    text = "\n".join(rivals._table(Path("music")))
    assert "bliss-audio is not installed here: pip install bliss-audio" in text
    assert "Musly is not installed here: pip install pymusly" in text
