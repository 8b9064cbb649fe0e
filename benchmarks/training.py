"""Training against ``model.fit`` written the usual way: same data, batch size and epochs.

python -m benchmarks.training                                    the comparison
python -m benchmarks.training --rows 1200000 --epochs 2 --ours   peak memory of a large one
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import numpy as np

from songrec.core.types import FeatureTable, Floats

COLUMNS = 12


def correlated_mixture(rows: int, seed: int = 0) -> Floats:
    """Standardised rows of five groups over six shared factors and noise, float32 ``(rows, 12)``.

    Each group has its own centre; the factors are shared, so the loss has one clear floor. (With
    factors per group the final loss differs by 10% between initial weights, and comparing two
    trainings would compare their luck; here by 0.05%.)
    """
    random = np.random.default_rng(seed)
    groups, factors = 5, 6
    loadings = random.normal(size=(factors, COLUMNS))
    centres = random.normal(size=(groups, COLUMNS))
    values = np.empty((rows, COLUMNS), dtype=np.float32)
    for start in range(0, rows, 100_000):
        part = values[start : start + 100_000]
        part[:] = random.normal(size=(len(part), factors)) @ loadings
        part += centres[random.integers(0, groups, len(part))]
        part += random.normal(size=part.shape)
    return (values - values.mean(axis=0)) / values.std(axis=0)


def usual(values: Floats, *, epochs: int, batch_size: int, seed: int) -> dict[str, float]:
    """The autoencoder as a tutorial writes it: Sequential, compile, fit."""
    from songrec.core.backend import keras

    keras.utils.set_random_seed(seed)
    started, cpu = time.perf_counter(), time.process_time()
    dense = keras.layers.Dense
    model = keras.Sequential(
        [
            keras.Input((COLUMNS,)),
            dense(12, activation="relu"),
            dense(6, activation="relu"),
            dense(12, activation="relu"),
            dense(COLUMNS),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    history = model.fit(
        values, values, epochs=epochs, batch_size=batch_size, validation_split=0.1, verbose=0
    ).history
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "loss": history["loss"][-1],
        "val_loss": history["val_loss"][-1],
    }


def ours(values: Floats, *, epochs: int, batch_size: int, seed: int) -> dict[str, float]:
    """The registered autoencoder, compiling included."""
    from songrec.representation.autoencoder import Autoencoder

    table = FeatureTable(np.arange(len(values)), tuple(map(str, range(COLUMNS))), values)
    started, cpu = time.perf_counter(), time.process_time()
    model = Autoencoder(epochs=epochs, batch_size=batch_size, init="random", n_init=1).fit(
        table, seed=seed
    )
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "loss": model.metrics_["loss"],
        "val_loss": model.metrics_["val_loss"],
    }


def measure(
    rows: int = 30_000, epochs: int = 20, batch_size: int = 32, seed: int = 0
) -> dict[str, Any]:
    """Both in turn: ``{"rows", …, "usual": {…}, "ours": {…}, "ratio", "loss_difference"}``.

    ``ratio`` is how many times faster ours is; ``loss_difference`` is ours over the usual final
    training loss, less one. Neither time includes importing TensorFlow or its first operation;
    ours, being short, is the median of three, each of which compiles anew.
    """
    from songrec.core.backend import tf

    tf.constant(0.0).numpy()
    values = correlated_mixture(rows, seed)
    slow = usual(values, epochs=epochs, batch_size=batch_size, seed=seed)
    repeats = [ours(values, epochs=epochs, batch_size=batch_size, seed=seed) for _ in range(3)]
    fast = sorted(repeats, key=lambda result: result["seconds"])[1]
    return {
        "rows": rows,
        "epochs": epochs,
        "batch_size": batch_size,
        "usual": slow,
        "ours": fast,
        "ratio": slow["seconds"] / fast["seconds"],
        "loss_difference": fast["loss"] / slow["loss"] - 1.0,
    }


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ours", action="store_true", help="only songrec's own training")
    arguments = parser.parse_args()
    options = {
        "epochs": arguments.epochs,
        "batch_size": arguments.batch_size,
        "seed": arguments.seed,
    }
    if arguments.ours:
        result: dict[str, Any] = {
            "rows": arguments.rows,
            "ours": ours(correlated_mixture(arguments.rows, arguments.seed), **options),
        }
    else:
        result = measure(arguments.rows, **options)
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
