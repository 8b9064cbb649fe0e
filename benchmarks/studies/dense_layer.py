"""MusiCNN's dense layer (200 values) beside the layers that it reads, as embeddings of excerpts.

Other programs keep the dense layer; ``musicnn`` is the mean of the layers below it. The same clips
and rules as ``flask evaluate clips``: the other excerpt of a track, by the cosine of standardised
vectors. Vectors are means over patches of the network of the Million Song Dataset.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.tables import table
from songrec.audio_files.decoding import decode
from songrec.core.config import instance_path
from songrec.core.types import Floats
from songrec.evaluation.retrieval import cosine_similarities, retrieve_track
from songrec.features.audio.musicnn import SAMPLE_RATE, MusiCNN, log_mel, place_patches
from songrec.features.audio.musicnn_network import network
from songrec.services.evaluation.clip_list import read_clip_pairs

NEEDS = ("audio/clips/clips.csv", "audio/music/clips.csv")
LAYERS = {"`musicnn`": "mean_pool", "dense layer": "penultimate"}


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table of both lists of clips."""
    weights = MusiCNN(models=instance_path() / "models").folder()
    rows = []
    for name in ("clips", "music"):
        pairs = read_clip_pairs(data / "audio" / name)
        a, b = ([embeddings(weights, path) for path in paths] for paths in zip(*pairs, strict=True))
        for label, layer in LAYERS.items():
            similarities = cosine_similarities(
                np.stack([one[layer] for one in a]), np.stack([one[layer] for one in b])
            )
            result = retrieve_track(similarities).to_json()
            cells = (f"{result[measure]:.2f}" for measure in ("top1", "top5", "mrr"))
            rows.append((f"`audio/{name}`, {len(pairs)} tracks", label, *cells))
    return table(("clips", "vectors", "top 1", "top 5", "MRR"), rows)


def embeddings(weights: Path, path: Path) -> dict[str, Floats]:
    """Return the mean over patches of each of ``LAYERS`` for a sound file."""
    audio = decode(path, sample_rate=SAMPLE_RATE).audio
    layers = list(network(str(weights)).layers(*place_patches(log_mel(audio), 0.0)))
    return {name: np.mean([one[name] for one in layers], axis=0) for name in LAYERS.values()}
