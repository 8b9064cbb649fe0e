"""Rank correlation of attributes from MusiCNN's tags with a predictor trained on FMA's table.

The sounds are excerpt a of each track of the clips, and the whole tracks of the library. The
predictor hears them through the means that FMA's own script takes of a sound (Defferrard et al.,
"FMA: a dataset for music analysis", ISMIR 2017): librosa's functions with its usual settings.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.studies.instance import empty_instance
from benchmarks.tables import table
from songrec.audio_files.decoding import decode
from songrec.audio_files.file_scan import walk
from songrec.core import numba_cache
from songrec.core.config import instance_path
from songrec.core.types import FeatureTable, Floats
from songrec.features.extraction import extract_all, make_extractors
from songrec.features.registry import sample_rate_of
from songrec.features.settings import DEFAULTS
from songrec.prediction import from_tags
from songrec.services.evaluation.clip_list import read_clip_pairs
from songrec.services.features.feature_sets import TAGS
from songrec.services.prediction import attribute_prediction
from songrec.services.prediction import training_samples as samples
from songrec.store.models.published_weights import models_folder

TABLE = "attributes/fma_librosa_means_with_echonest.csv"
NEEDS = (TABLE, "audio/clips/clips.csv", "audio/library")
NETWORKS = ("MSD_musicnn", "MTT_musicnn")
RATE = 44_100
POWERS, WEIGHTS = (1.0, 1.5, 2.0, 2.5), (0.02, 0.05, 0.1)
"""Instead of ``from_tags.POWER`` and ``from_tags.PRIOR_WEIGHT``."""


def study(data: Path, seed: int = 0) -> list[str]:
    """Build a table of Spearman's rank correlation of both estimates, per network and attribute."""
    sounds = [one for one, _ in read_clip_pairs(data / "audio" / "clips")]
    sounds += [found.path for found in walk(data / "audio" / "library") if found.reason is None]
    means = []
    for path in sounds:
        audio = decode(path, sample_rate=RATE, seconds=DEFAULTS.seconds).audio
        means.append(fma_means(audio.samples, RATE))
    predicted = trained(data / TABLE, means, seed)
    header = ("Spearman's ρ", *from_tags.ATTRIBUTES)
    usual, least, most = [], [], []
    for network in NETWORKS:
        tags, shares = probabilities(sounds, network)
        usual.append((f"`{network}`", *agreement(predicted, from_tags.attributes(tags, shares))))
        several = []
        for power, weight in itertools.product(POWERS, WEIGHTS):
            with (
                patch.object(from_tags, "POWER", power),
                patch.object(from_tags, "PRIOR_WEIGHT", weight),
            ):
                several.append(agreement(predicted, from_tags.attributes(tags, shares)))
        least.append((f"`{network}`, least", *map(min, zip(*several, strict=True))))
        most.append((f"`{network}`, most", *map(max, zip(*several, strict=True))))
    return [
        f"{len(sounds)} sounds:",
        "",
        *table(header, shown(usual)),
        f"With exponents from {POWERS[0]:g} to {POWERS[-1]:g} and weights from {WEIGHTS[0]:g} to "
        f"{WEIGHTS[-1]:g}:",
        "",
        *table(header, shown([*least, *most])),
    ]


def fma_means(samples: Floats, rate: int) -> dict[str, float]:
    """Compute the means over time that FMA's table has, by the names of its columns."""
    numba_cache.claim()
    import librosa

    chroma_of = np.abs(librosa.cqt(samples, sr=rate, hop_length=512, n_bins=84, tuning=None))
    cens = librosa.feature.chroma_cens(C=chroma_of, n_chroma=12, n_octaves=7)
    spectrum = np.abs(librosa.stft(samples, n_fft=2048, hop_length=512))
    mel = librosa.feature.melspectrogram(sr=rate, S=spectrum**2)
    of = {"S": spectrum, "sr": rate}
    found = {
        "zcr": librosa.feature.zero_crossing_rate(samples, frame_length=2048, hop_length=512),
        "chroma_cqt": librosa.feature.chroma_cqt(C=chroma_of, n_chroma=12, n_octaves=7),
        "chroma_cens": cens,
        "tonnetz": librosa.feature.tonnetz(chroma=cens),
        "chroma_stft": librosa.feature.chroma_stft(S=spectrum**2, sr=rate, n_chroma=12),
        # The root of the mean over the bins, as the librosa of that script took it.
        "rmse": np.sqrt((spectrum**2).mean(axis=0, keepdims=True)),
        "spectral_centroid": librosa.feature.spectral_centroid(**of),
        "spectral_bandwidth": librosa.feature.spectral_bandwidth(**of),
        "spectral_contrast": librosa.feature.spectral_contrast(**of, n_bands=6),
        "spectral_rolloff": librosa.feature.spectral_rolloff(**of),
        "mfcc": librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=20),
    }
    return {
        f"{name}.{at}" if at else name: float(mean)
        for name, values in found.items()
        for at, mean in enumerate(np.asarray(values).mean(axis=1))
    }


def trained(path: Path, means: Sequence[Mapping[str, float]], seed: int) -> dict[str, Floats]:
    """Return the attributes by a predictor with default parameters that is trained on ``path``."""
    with empty_instance() as (_, instance):
        sample = samples.read_file(path)
        attribute_prediction.train(instance, sample, trials=0, seed=seed)
        names = sample.table.names
        values = np.array([[of[name] for name in names] for of in means], dtype=np.float32)
        estimator = attribute_prediction.load_estimator(instance, names)
        assert estimator is not None
        return estimator.attributes(FeatureTable(np.arange(len(values)), names, values, path.name))


def probabilities(sounds: Sequence[Path], network: str) -> tuple[tuple[str, ...], Floats]:
    """Return the tags of a network and their probabilities, ``(sounds, tags)``."""
    settings = DEFAULTS.updated({"musicnn_model": network})
    extractors = make_extractors([TAGS], settings, models_folder(instance_path()))
    rows = []
    for path in sounds:
        audio = decode(path, sample_rate=sample_rate_of(TAGS), seconds=DEFAULTS.seconds).audio
        rows.append(extract_all(audio, extractors)[TAGS])
    return tuple(extractors[TAGS].names()), np.array(rows)


def agreement(predicted: Mapping[str, Floats], estimated: Mapping[str, Floats]) -> list[float]:
    """Return ρ per attribute over the sounds that both have; NaN below three."""
    from scipy.stats import spearmanr

    found = []
    for name in from_tags.ATTRIBUTES:
        both = np.isfinite(estimated[name]) & np.isfinite(predicted[name])
        rho = (
            spearmanr(estimated[name][both], predicted[name][both])[0] if both.sum() > 2 else np.nan
        )
        found.append(float(rho))
    return found


def shown(rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Format rows of the table with two places, – for NaN."""
    return [
        (name, *("–" if np.isnan(value) else f"{value:.2f}" for value in values))
        for name, *values in rows
    ]
