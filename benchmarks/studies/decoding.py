"""What it costs to decode an excerpt for two sample rates: once for both, and once for each.

Thirty seconds from the middle of each file of ``audio/library``, at 22,050 and 16,000 Hz, as
feature sets want them. Processor time to open and decode, the best of ``REPEATS`` of each file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.tables import table
from songrec.audio_files.decoding import SoundFile
from songrec.audio_files.file_scan import walk
from songrec.core.types import Floats

NEEDS = ("audio/library",)
RATES = (22_050, 16_000)
REPEATS = 3
N_FILES = 7


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table: mean milliseconds a file."""
    paths = [file.path for file in walk(data / "audio" / "library")]
    chosen = np.random.default_rng(seed).permutation(len(paths))[:N_FILES]
    return measured([paths[at] for at in sorted(chosen.tolist())])


def measured(paths: list[Path]) -> list[str]:
    """Build the table for any files."""
    times: dict[str, list[float]] = {"once for both rates": [], "once for each rate": []}
    for path in paths:
        for name, decode in zip(times, (at_once, separately), strict=True):
            times[name].append(min(processor_ms(decode, path) for _ in range(REPEATS)))
    rows = [(name, len(of), f"{np.mean(of):.0f}") for name, of in times.items()]
    return table(("decoded", "files", "ms a file"), rows)


def at_once(path: Path) -> list[Floats]:
    """Decode once and resample to all rates."""
    sound = SoundFile(path, RATES)
    return [sound.decode(sample_rate=rate).audio.samples for rate in RATES]


def separately(path: Path) -> list[Floats]:
    """Open once and decode anew for each rate."""
    sound = SoundFile(path)
    return [sound.decode(sample_rate=rate).audio.samples for rate in RATES]


def processor_ms(decode: Callable[[Path], list[Floats]], path: Path) -> float:
    """Return the processor time that decoding a file takes, in milliseconds."""
    begin = time.process_time()
    decode(path)
    return 1000 * (time.process_time() - begin)
