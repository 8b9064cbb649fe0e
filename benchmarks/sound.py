"""Songs by the mixture of feature sets: ranking with reasons, and writing the mixture.

python -m benchmarks.sound                      17,000, 114,000 and 1,200,000 tracks
python -m benchmarks.sound --tracks 114000
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from typing import Any

import numpy as np

from songrec.core.types import ProximityPart, SoundMixture
from songrec.features.sound_vectors import MOST
from songrec.recommend.similarity.mutual_proximity import distance_moments, nearest_by_mixture
from songrec.services.similarity import sound_mixture

SIZES = (17_000, 114_000, 1_200_000)
ARTISTS, WANTED = 0.1, 20


def made_up_vectors(tracks: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Return groups of ten tracks each, float32 ``(tracks, columns)``, columns of falling size."""
    scale = (1 / np.sqrt(np.arange(1, columns + 1))).astype(np.float32)
    centres = rng.standard_normal((max(int(ARTISTS * tracks), 1), columns), dtype=np.float32)
    vectors = rng.standard_normal((tracks, columns), dtype=np.float32)
    vectors += centres[rng.integers(0, len(centres), tracks)]
    return vectors * scale


def made_up_mixture(tracks: int) -> tuple[SoundMixture, float]:
    """Return a mixture of all sets, and the processor seconds that its moments take."""
    rng = np.random.default_rng(0)
    total = sum(sound_mixture.WEIGHTS.values())
    parts, taken = [], 0.0
    for name, weight in sound_mixture.WEIGHTS.items():
        vectors = made_up_vectors(tracks, MOST, rng)
        sample = np.sort(rng.choice(tracks, sound_mixture.SAMPLE, replace=False))
        started = time.process_time()
        mean, std = distance_moments(vectors, sample)
        taken += time.process_time() - started
        norms = np.einsum("ij,ij->i", vectors, vectors)
        parts.append(ProximityPart(name, vectors, norms, mean, std, weight / total))
    keys = np.arange(tracks, dtype=np.uint64)
    return SoundMixture(np.arange(1, tracks + 1), keys, tuple(parts)), taken


def measure(tracks: int, repeats: int) -> dict[str, Any]:
    """Return milliseconds (processor, median, slowest) of 20 songs with their reasons."""
    mixture, seconds = made_up_mixture(tracks)
    asked = np.random.default_rng(1).integers(1, tracks + 1, repeats + 1).tolist()
    taken, processor = [], []
    for track in asked:
        started, busy = time.perf_counter(), time.thread_time()
        found = nearest_by_mixture(mixture, track, WANTED, phrases=sound_mixture.PHRASES)
        taken.append((time.perf_counter() - started) * 1000)
        processor.append((time.thread_time() - busy) * 1000)
        assert len(found) == WANTED
    return {
        "tracks": tracks,
        "sets": len(mixture.parts),
        "columns": MOST,
        "processor_ms": round(statistics.median(processor[1:]), 1),
        "median_ms": round(statistics.median(taken[1:]), 1),
        "slowest_ms": round(max(taken[1:]), 1),
        "moments_s": round(seconds, 1),
        "mb": round(sum(part.vectors.nbytes for part in mixture.parts) / 2**20),
    }


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    rows = [measure(tracks, options.repeats) for tracks in options.tracks]
    print(json.dumps({"load": round(os.getloadavg()[0], 1), "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
