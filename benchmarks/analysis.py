"""Analysing a folder by every default feature set and cutting its segments, start included.

    python -m benchmarks.analysis --folder DIR [--weights WHEEL] [--steps]

``DIR`` is not changed; the instance is a temporary one. ``--weights`` is the wheel of MusiCNN where
there is no network. Printed: wall clock and processor seconds of ``flask analyze`` and of the job
that cuts segments, for the folder as it is and for the same files again under other contents (a
byte after the end of each), which is what a further file costs in the long run; the hours for
100,000 files; the peak memory of a process that analyses. ``--steps`` prints the processor seconds
of each step for a file instead, in one process with one thread, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.supervised import descendants, flask

CORES = len(os.sched_getaffinity(0))
TICK_S = 0.2


def measure(folder: Path, weights: Path | None) -> dict[str, Any]:
    """Analyse a copy of ``folder``, then a larger one; returns seconds."""
    with tempfile.TemporaryDirectory(prefix="songrec-analysis-") as name:
        instance = Path(name) / "instance"
        flask(instance, ["db", "upgrade"])
        source = ["--from", str(weights)] if weights else []
        flask(instance, ["models", "fetch", "musicnn", *source])
        music = Path(name) / "music"
        shutil.copytree(folder, music / "once")
        first = _analyse(instance, music)
        for number in range(3):
            for path in sorted((music / "once").rglob("*")):
                if path.is_file():
                    target = music / f"again {number}" / path.relative_to(music / "once")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    # Another content with the same sound.
                    target.write_bytes(path.read_bytes() + bytes([number]))
        more = _analyse(instance, music)
    per_file = {
        key: more[key] / more["files"] for key in ("wall_s", "processor_s", "segments_wall_s")
    }
    in_all = per_file["wall_s"] + per_file["segments_wall_s"]
    return {
        "cores": CORES,
        "first": first,
        "more": more,
        "per_file_s": {key: round(value, 3) for key, value in per_file.items()},
        "hours_for_100000": round(in_all * 100_000 / 3600, 1),
    }


def _analyse(instance: Path, music: Path) -> dict[str, Any]:
    with _PeakMemory() as peak:
        before, start = _processor_seconds(), time.perf_counter()
        report = json.loads(flask(instance, ["analyze", str(music), "--json"]))
        wall, processor = time.perf_counter() - start, _processor_seconds() - before
    # An index that is in use is kept up to date by the command itself, without a worker.
    cut = report["fragments"] or {}
    segments_wall = float(cut.get("seconds_taken", 0.0))
    if "job_id" in cut:
        start = time.perf_counter()
        flask(instance, ["segments", "tag"])
        segments_wall = time.perf_counter() - start
        processor = _processor_seconds() - before
    else:
        wall -= segments_wall
    return {
        "files": report["analysed"],
        "wall_s": round(wall, 2),
        "processor_s": round(processor, 2),
        "segments_wall_s": round(segments_wall, 2),
        "peak_mib": peak.mib,
    }


def steps(folder: Path, weights: Path | None) -> dict[str, float]:
    """Return the mean processor seconds that each step of a file takes, and their sum."""
    from songrec.audio_files.decoding import SoundFile, decode
    from songrec.core.blas import single_threaded_blas
    from songrec.core.errors import BadInput
    from songrec.features.audio.stft import Frames
    from songrec.features.extraction import make_extractors
    from songrec.services.features import waveform
    from songrec.services.segments.encoders import MusiCNNEncoder
    from songrec.services.segments.tagger_dataset import SegmentSettings

    spent: defaultdict[str, float] = defaultdict(float)

    def timed(step: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        start = time.process_time()
        result = function(*arguments, **named)
        spent[step] += time.process_time() - start
        return result

    temporary = tempfile.TemporaryDirectory(prefix="songrec-analysis-")
    with temporary as name, single_threaded_blas():
        instance = Path(name)
        source = ["--from", str(weights)] if weights else []
        flask(instance, ["models", "fetch", "musicnn", *source])
        sets = make_extractors(
            ("mfcc", "statistical", "timbre", "chroma", "musicnn", "instrument_tags"),
            models=instance / "models",
        )
        sets["musicnn"].warm()  # type: ignore[attr-defined]
        sets["instrument_tags"].warm()  # type: ignore[attr-defined]
        encoder, count = MusiCNNEncoder(instance, SegmentSettings()), 0
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            try:
                file = timed("open", SoundFile, path, (22_050, encoder.rate))
            except BadInput:
                continue  # a text beside the music
            count += 1
            audio = timed("decode", file.decode, sample_rate=22_050).audio
            for_networks = timed("decode", file.decode, sample_rate=encoder.rate).audio
            frames = Frames(audio)
            for set_name, extractor in sets.items():
                at = for_networks if set_name in ("musicnn", "instrument_tags") else audio
                timed(set_name, extractor.extract, at, frames)
            minute = timed("segments: decode", decode, path, sample_rate=encoder.rate, seconds=60.0)
            timed("segments: network", encoder.model.tag, minute.audio)
            timed("waveform", waveform._measure, str(path), str(path))
    each = {step: round(seconds / count, 4) for step, seconds in spent.items()}
    return {**each, "sum": round(sum(spent.values()) / count, 4)}


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _PeakMemory:
    """The largest resident set of a process of this one's descendants, looked at now and then."""

    def __init__(self) -> None:
        self.mib = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> _PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ends.wait(TICK_S):
            for pid in descendants(os.getpid()):
                try:
                    words = Path(f"/proc/{pid}/cmdline").read_bytes()
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                if b"isolation" in words and "VmHWM:" in status:
                    kib = int(status.partition("VmHWM:")[2].split()[0])
                    self.mib = max(self.mib, round(kib / 1024))


def main() -> None:
    """Print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--steps", action="store_true")
    options = parser.parse_args()
    function = steps if options.steps else measure
    print(json.dumps(function(options.folder, options.weights), indent=2))


if __name__ == "__main__":
    main()
