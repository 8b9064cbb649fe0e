"""How fast a catalogue is read and how much memory that takes.

``python -m benchmarks.ingest [--rows 114000]`` makes a catalogue of that length from the demo's
songs (values jittered, titles numbered), ingests it with ``flask ingest`` in a process of its own
into a fresh SQLite database, and does so once more to time a catalogue that is there already.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARES = range(13, 20)


def make_catalogue(path: Path, rows: int) -> None:
    """Write ``rows`` songs in the format of ``data/preprocess.csv``."""
    with (ROOT / "data" / "preprocess.csv").open(encoding="utf-8", newline="") as file:
        header, *songs = list(csv.reader(file))
    jitter = random.Random(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number in range(rows):
            song = list(songs[number % len(songs)])
            song[1] = f"{song[1]} {number}"
            for column in SHARES:
                value = float(song[column]) + jitter.uniform(-0.02, 0.02)
                song[column] = f"{min(max(value, 0.0), 1.0):.3f}"
            writer.writerow(song)


def fresh_instance(instance: Path) -> tuple[list[str], dict[str, str]]:
    """Create an empty instance; returns the ``flask`` command and its environment."""
    environment = {
        **os.environ,
        "SONGREC_INSTANCE": str(instance),
        "SONGREC_DATABASE_URL": "",
        "FLASK_APP": str(ROOT / "app.py"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    flask = [sys.executable, "-m", "flask"]
    subprocess.run(
        [*flask, "db", "upgrade"], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    return flask, environment


def measure(rows: int = 114_000) -> dict[str, Any]:
    """Measure seconds, rows per second and peak resident MiB of a first and a second ingest."""
    with tempfile.TemporaryDirectory(prefix="songrec-bench-") as folder:
        catalogue = Path(folder) / "songs.csv"
        make_catalogue(catalogue, rows)
        flask, environment = fresh_instance(Path(folder) / "instance")
        first, first_peak = run_json([*flask, "ingest", str(catalogue), "--json"], environment)
        again, again_peak = run_json([*flask, "ingest", str(catalogue), "--json"], environment)
    if first["inserted"] != rows or again["unchanged"] != rows:
        raise RuntimeError(f"{rows} rows expected, got {first} and {again}")
    return {
        "rows": rows,
        "seconds": first["seconds"],
        "rows_per_second": round(rows / first["seconds"]),
        "peak_mib": round(first_peak),
        "again_seconds": again["seconds"],
        "again_rows_per_second": round(rows / again["seconds"]),
        "again_peak_mib": round(again_peak),
    }


def run_json(command: list[str], environment: dict[str, str]) -> tuple[dict[str, Any], float]:
    """Run a command; returns its JSON and the peak resident MiB of its process."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return json.loads(output), _mib(usage)


def _mib(usage: resource.struct_rusage) -> float:
    # Linux counts kibibytes, macOS bytes.
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=114_000)
    print(json.dumps(measure(parser.parse_args().rows), indent=2))


if __name__ == "__main__":
    main()
