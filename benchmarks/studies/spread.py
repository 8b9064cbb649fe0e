"""Spread of attributes from tags before and after their calibration, beside VibeNet's.

VibeNet (``flask models fetch vibenet``) was trained on Echo Nest's values of other music; here it
stands for the truth, which the recordings lack. The sounds are excerpt c of each track of the
music, excerpt a of the clips, and the whole tracks of the library (30 s from their middle).

*Gain* gives the estimates the standard deviation of VibeNet's, on all sounds and on each half (the
music; the others); *held out* is the standard deviation on a half by the gain of the other one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.estimates import NETWORKS, probabilities
from benchmarks.tables import table
from songrec.audio_files.decoding import decode
from songrec.audio_files.file_scan import walk
from songrec.core.config import instance_path
from songrec.features.extraction import extract_all, make_extractors
from songrec.features.registry import sample_rate_of
from songrec.features.settings import DEFAULTS
from songrec.prediction import from_tags, metrics
from songrec.services.evaluation.clip_list import read_clip_pairs
from songrec.services.features.feature_sets import VIBENET
from songrec.store.models.published_weights import models_folder

NEEDS = ("audio/music/clips.csv", "audio/clips/clips.csv", "audio/library")
LOWEST_GAIN, HIGHEST_GAIN = 0.3, 8.0
HEADER = (
    "network, attribute",
    "sounds",
    "Spearman's ρ",
    "std from tags",
    "calibrated",
    "VibeNet",
    "gain",
    "music",
    "others",
    "held out: music",
    "others",
    "R² from tags",
    "calibrated",
)

Array = NDArray[np.float64]


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table: spread, rank agreement and R² against VibeNet per network and attribute."""
    del seed  # nothing is drawn
    music = sorted((data / "audio" / "music").glob("*_c.*"))
    others = [one for one, _ in read_clip_pairs(data / "audio" / "clips")]
    others += [found.path for found in walk(data / "audio" / "library") if found.reason is None]
    sounds = [*music, *others]
    is_music = np.arange(len(sounds)) < len(music)
    reference = vibenet(sounds)
    rows = []
    for network in NETWORKS:
        tags, shares = probabilities(sounds, network)
        raw = from_tags.attributes(tags, shares, calibrate=False)
        calibrated = from_tags.attributes(tags, shares)
        for name, prior in zip(from_tags.ATTRIBUTES, from_tags.PRIOR, strict=True):
            known = np.isfinite(raw[name]) & np.isfinite(reference[name])
            if known.any():
                parts = (raw[name][known], calibrated[name][known], reference[name][known])
                cells = compare(*(part.astype(float) for part in parts), prior, is_music[known])
                rows.append((f"`{network}` {name}", int(known.sum()), *cells))
    return table(HEADER, rows)


def compare(
    raw: Array, calibrated: Array, reference: Array, prior: float, is_music: NDArray[np.bool_]
) -> list[str]:
    """Return the cells of one attribute, from ``Spearman's ρ`` on; each array ``(sounds,)``."""
    from scipy.stats import spearmanr

    halves = (is_music, ~is_music)
    gains = [gain(raw[half], prior, reference[half].std()) for half in halves]
    held_out = [
        from_tags.spread(raw[half], prior, other).std()
        for half, other in zip(halves, gains[::-1], strict=True)
    ]
    values = (
        spearmanr(raw, reference)[0],
        raw.std(),
        calibrated.std(),
        reference.std(),
        gain(raw, prior, reference.std()),
        *gains,
        *(
            f"{std:.2f} ({reference[half].std():.2f})"
            for std, half in zip(held_out, halves, strict=True)
        ),
        metrics.r2(reference, raw),
        metrics.r2(reference, calibrated),
    )
    return [value if isinstance(value, str) else f"{value:.2f}" for value in values]


def gain(estimates: Array, prior: float, target: float) -> float:
    """Find the gain that gives ``estimates`` the standard deviation ``target``, by bisection."""
    low, high = LOWEST_GAIN, HIGHEST_GAIN
    for _ in range(40):
        middle = (low + high) / 2
        if from_tags.spread(estimates, prior, middle).std() < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def vibenet(sounds: Sequence[Path]) -> dict[str, NDArray[np.float32]]:
    """Return VibeNet's attributes of each sound, float32 ``(sounds,)`` by name."""
    extractors = make_extractors([VIBENET], models=models_folder(instance_path()))
    rows = []
    for path in sounds:
        audio = decode(path, sample_rate=sample_rate_of(VIBENET), seconds=DEFAULTS.seconds).audio
        rows.append(extract_all(audio, extractors)[VIBENET])
    return dict(zip(extractors[VIBENET].names(), np.array(rows).T, strict=True))
