"""Memory of one worker of ``flask analyze``, a fresh one for each choice of feature sets.

It analyses thirty seconds of made clips; nothing of the data folder is read. Linux tells what of a
process's memory is its own and what are files mapped for all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scipy.io import wavfile

from benchmarks.features import RATE, clip
from benchmarks.tables import table
from songrec.core.config import instance_path
from songrec.core.errors import NotReady
from songrec.features.settings import DEFAULTS
from songrec.services.features.feature_sets import DEFAULT_SETS, TAGS
from songrec.services.library.worker_process import Task, WorkerProcess
from songrec.store.models import published_weights

NEEDS: tuple[str, ...] = ()
FIGURES = {"VmHWM": "peak, MiB", "RssFile": "mapped files, MiB", "RssAnon": "its own, MiB"}
_IMPORT = "import tensorflow; print(open('/proc/self/status').read())"


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table: memory of a worker by what it extracts, and of TensorFlow alone."""
    choices = {"`mfcc`, `statistical`": DEFAULT_SETS}
    if published_weights.is_installed(instance_path(), "musicnn"):
        choices["the same with `musicnn`, `musicnn_tags`"] = (*DEFAULT_SETS, "musicnn", TAGS)
    rows = [(label, *worker(sets).values()) for label, sets in choices.items()]
    status = subprocess.run(
        [sys.executable, "-c", _IMPORT], check=True, capture_output=True, text=True
    ).stdout
    rows.append(("TensorFlow imported, nothing else", *figures(status).values()))
    return table(("", *FIGURES.values()), rows)


def worker(sets: Sequence[str]) -> dict[str, int]:
    """Return the figures of a worker that has analysed a file by ``sets``."""
    process = WorkerProcess()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.wav"
        wavfile.write(path, RATE, clip())
        try:
            outcome = process.analyse(Task(str(path), folder, "", tuple(sets), asdict(DEFAULTS)))
            if outcome.reason is not None:
                raise NotReady(f"The clip was not analysed: {outcome.reason}")
            pid = os.getpid()
            (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return figures(Path(f"/proc/{child}/status").read_text())
        finally:
            process.close()


def figures(status: str) -> dict[str, int]:
    """Parse ``FIGURES`` in MiB from a process's status file."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return {name: round(int(fields[name].split()[0]) / 1024) for name in FIGURES}
