"""Spectrograms with a known answer: two kinds of sound; songs whose words say how they sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BANDS, FRAMES = 32, 48
FLOOR = -60.0


def tone(random: np.random.Generator, band: float, frames: int = FRAMES) -> NDArray[np.float32]:
    """A sustained sound around one mel band, in noise."""
    at = np.arange(BANDS)[:, None]
    heard = 30 * np.exp(-(((at - band) / 3) ** 2))
    return (FLOOR + heard + random.normal(0, 2, (BANDS, frames))).astype(np.float32)


def beat(random: np.random.Generator, period: int, frames: int = FRAMES) -> NDArray[np.float32]:
    """Strokes over all bands, every ``period`` frames from a random one on, in noise."""
    struck = (np.arange(frames)[None] + random.integers(0, period)) % period < 2
    return (FLOOR + 25 * struck + random.normal(0, 2, (BANDS, frames))).astype(np.float32)


def two_kinds(rows: int, seed: int = 0) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
    """Tones somewhere in the lower bands, and beats; which each row is."""
    random = np.random.default_rng(seed)
    kinds = np.arange(rows) % 2
    pictures = [
        beat(random, int(random.integers(7, 9))) if kind else tone(random, random.uniform(6, 14))
        for kind in kinds
    ]
    return pictures, kinds


def songs(rows: int, seed: int = 0) -> tuple[list[NDArray[np.float32]], list[str]]:
    """Sounds of ten pitches in three rhythms, and made-up words that depend on both, and others."""
    random = np.random.default_rng(seed)
    pictures, texts = [], []
    for _ in range(rows):
        pitch, pace = int(random.integers(10)), int(random.integers(3))
        picture = np.maximum(tone(random, 3 + 2.8 * pitch), beat(random, (5, 11, 23)[pace]))
        words = [f"pitch{pitch}"] * 2 + [f"pace{pace}"] * 2
        words += [f"word{number}" for number in random.integers(0, 200, 12)]
        random.shuffle(words)
        pictures.append(picture)
        texts.append(" ".join(words))
    return pictures, texts
