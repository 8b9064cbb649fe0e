"""Every representation of vectors, and a large catalogue through a whole pipeline of them.

python -m benchmarks.lab                      28,000 × 12 through each representation
python -m benchmarks.lab --huge               1.2 million × 12: autoencoder + minibatch_kmeans + pca
python -m benchmarks.lab --huge --representation vade --clustering vade
python -m benchmarks.lab --end-to-end         the same by flask: a catalogue of 1.2 million songs
                                              made, ingested, trained on and published
python -m benchmarks.lab --spectrograms       memory of conv_vae for 300 and for 3,000 pictures
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ingest import ROOT, fresh_instance, make_catalogue, run_json
from benchmarks.training import COLUMNS, correlated_mixture
from songrec.clustering import CLUSTERINGS, clusters_by_model
from songrec.core.types import FeatureTable
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS

FROM_VECTORS = frozenset({"labels"})
SPECTROGRAM_SET = (300, 3_000)
BANDS, FRAMES = 128, 430
"""Of a mel spectrogram of ten seconds with the usual settings."""


def table_of(rows: int) -> FeatureTable:
    """Create standardised rows of five groups."""
    values = correlated_mixture(rows)
    return FeatureTable(np.arange(rows), tuple(f"f{at}" for at in range(COLUMNS)), values)


def besides(rows: int) -> dict[str, Any]:
    """Create the further inputs of representations of vectors."""
    return {"labels": [f"label {row % 5}" for row in range(rows)]}


def representations(rows: int) -> dict[str, dict[str, float]]:
    """Measure the seconds of ``fit`` with default parameters and of ``transform``, by name."""
    from songrec.core.backend import tf

    tf.constant(0.0).numpy()
    table = table_of(rows)
    found = {}
    for entry in REPRESENTATIONS:
        if not set(entry.required_inputs) <= FROM_VECTORS:
            continue
        needed = {name: besides(rows)[name] for name in entry.required_inputs}
        model = REPRESENTATIONS.create(entry.name)
        started = time.perf_counter()
        model.fit(table, seed=0, **needed)
        fitted = time.perf_counter()
        model.transform(table, **needed)
        found[entry.name] = {
            "fit_seconds": round(fitted - started, 2),
            "transform_seconds": round(time.perf_counter() - fitted, 3),
        }
    return found


def pipeline(
    rows: int, representation: str = "autoencoder", clustering: str = "minibatch_kmeans"
) -> dict[str, Any]:
    """Measure the seconds of a representation, a clustering and pca with default parameters."""
    table = table_of(rows)
    seconds = {}
    started = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal started
        seconds[name] = round(time.perf_counter() - started, 1)
        started = time.perf_counter()

    model = REPRESENTATIONS.create(representation)
    needed = {name: besides(rows)[name] for name in getattr(model, "required_inputs", ())}
    latent = model.fit(table, seed=0, **needed).transform(table, **needed)
    lap(representation)
    algorithm = CLUSTERINGS.create(clustering)
    if clusters_by_model(clustering):
        model.assign(table, **needed)
    else:
        algorithm.fit(latent, seed=0)
    lap(f"{clustering} clusters" if clustering == representation else clustering)
    PROJECTIONS.create("pca").fit(latent, seed=0).project(latent)
    lap("pca")
    return {**seconds, "total": round(sum(seconds.values()), 1)}


def end_to_end(
    rows: int, representation: str = "autoencoder", clustering: str = "minibatch_kmeans"
) -> dict[str, Any]:
    """A catalogue of ``rows`` songs through ``flask ingest`` and ``flask train``, each a process.

    Seconds and peak resident MiB of both; of the training by stage, too. Needs about 2 GB of disk
    for 1.2 million songs.
    """
    with tempfile.TemporaryDirectory(prefix="songrec-bench-") as folder:
        catalogue = Path(folder) / "songs.csv"
        make_catalogue(catalogue, rows)
        flask, environment = fresh_instance(Path(folder) / "instance")
        ingested, ingest_peak = run_json([*flask, "ingest", str(catalogue), "--json"], environment)
        before, started = os.times(), time.perf_counter()
        trained, train_peak = run_json(
            [
                *flask,
                "train",
                "--representation",
                representation,
                "--clustering",
                clustering,
                "--projection",
                "pca",
                "--json",
            ],
            environment,
        )
        seconds, after = time.perf_counter() - started, os.times()
    if sum(trained["metrics"]["sizes"].values()) != rows:
        raise RuntimeError(f"{rows} songs expected, got {trained['metrics']['sizes']}")
    processor = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return {
        "ingest_seconds": ingested["seconds"],
        "ingest_peak_mib": round(ingest_peak),
        "train_seconds": round(seconds, 1),
        "train_processor_seconds": round(processor, 1),
        "train_peak_mib": round(train_peak),
        "stages": trained["seconds"],
    }


def learn_pictures(rows: int, epochs: int) -> dict[str, Any]:
    """Train ``conv_vae`` on random spectrograms of the cache; returns their MiB, and peaks."""
    from songrec.representation.conv_vae import ConvVAE
    from songrec.store.sound import feature_cache
    from songrec.store.sound.feature_cache import SetKey
    from songrec.store.sound.spectrograms import CachedSpectrograms

    random = np.random.default_rng(0)
    key = SetKey("melspectrogram", 1, "benchmark")
    with tempfile.TemporaryDirectory(prefix="songrec-bench-") as folder:
        instance = Path(folder)
        feature_cache.write_columns(instance, key, [f"mel_{band}" for band in range(BANDS)])
        hashes = [f"{row:064x}" for row in range(rows)]
        for digest in hashes:
            picture = random.normal(-40, 15, (BANDS, FRAMES)).astype(np.float32)
            feature_cache.write(instance, key, digest, picture)
        pictures = CachedSpectrograms(instance, key, hashes, FRAMES)
        table = FeatureTable(np.arange(rows), (), np.empty((rows, 0), np.float32), key.name)
        started = time.perf_counter()
        model = ConvVAE(epochs=epochs).fit(table, seed=0, spectrograms=pictures)
        model.transform(table, spectrograms=pictures)
    return {
        "pictures": rows,
        "pictures_mib": round(rows * BANDS * FRAMES * 4 / 2**20),
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mib": _peak(),
    }


def spectrograms(epochs: int = 1) -> list[dict[str, Any]]:
    """``learn_pictures`` for few and for many pictures, each in a fresh process.

    ``epochs`` are those of the many; the few are seen more often, so that both take as many steps:
    a longer training by itself takes a little more memory.
    """
    return [
        json.loads(
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.lab",
                    "--pictures",
                    str(rows),
                    "--epochs",
                    str(epochs * max(SPECTROGRAM_SET) // rows),
                ],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            ).stdout
        )
        for rows in SPECTROGRAM_SET
    ]


def _peak() -> int:
    """Return the peak resident MiB of this process (Linux counts kibibytes, macOS bytes)."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int)
    parser.add_argument("--huge", action="store_true", help="the pipeline on 1.2 million rows")
    parser.add_argument("--end-to-end", action="store_true", help="the same by flask")
    parser.add_argument("--spectrograms", action="store_true", help="memory of conv_vae")
    parser.add_argument("--representation", default="autoencoder", help="of both pipelines")
    parser.add_argument("--clustering", default="minibatch_kmeans", help="of both pipelines")
    parser.add_argument("--epochs", type=int, default=1, help="of conv_vae on 3,000")
    parser.add_argument("--pictures", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.pictures:
        print(json.dumps(learn_pictures(given.pictures, given.epochs)))
        return
    if given.spectrograms:
        print(json.dumps({"spectrograms": spectrograms(given.epochs)}, indent=2))
        return
    rows = given.rows or (1_200_000 if given.huge or given.end_to_end else 28_000)
    result: dict[str, Any] = {"rows": rows}
    if given.end_to_end:
        result["end_to_end"] = end_to_end(rows, given.representation, given.clustering)
    elif given.huge:
        result["pipeline"] = pipeline(rows, given.representation, given.clustering)
        result["processor_seconds"] = round(time.process_time(), 1)
        result["peak_mib"] = _peak()
    else:
        result["representations"] = representations(rows)
        result["peak_mib"] = _peak()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
