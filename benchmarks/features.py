"""Both librosa feature sets of a 30-second clip: songrec against the plain script, in turn.

``python -m benchmarks.features`` prints what ``measure()`` returns. The plain script calls one
librosa function for each feature, as its documentation shows; each of them computes its own
spectrum. ``--profiles FOLDER`` instead says how often each key profile is right on the made clips,
and the same for both excerpts of a track of FOLDER (``clips.csv``: clip, track, excerpt).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

RATE = 22_050
SECONDS = 30
TRACK = 240
REPEATS = 3
SETS = ("mfcc", "statistical")


def clip() -> np.ndarray:
    """Return thirty seconds of synthetic music at 22,050 Hz from the demo's clips."""
    from scipy.signal import resample_poly

    from songrec.demo import clips

    plan = clips.plan()
    sound = np.concatenate([clips.render(plan[number]) for number in (0, 36, 55)])
    return resample_poly(sound, 441, 640)[: SECONDS * RATE].astype(np.float32)


def plain(samples: np.ndarray) -> dict[str, np.ndarray]:
    """Extract the same features by one call of librosa each."""
    from songrec.core import numba_cache

    numba_cache.claim()
    import librosa

    y, rate = samples, RATE
    mfcc = librosa.feature.mfcc(y=y, sr=rate, n_mfcc=13)
    harmonic, percussive = librosa.effects.hpss(y)
    f0, voiced, _ = librosa.pyin(y, fmin=65.4, fmax=2093.0, sr=rate)
    tempo, beats = librosa.beat.beat_track(y=y, sr=rate)
    found = {
        "mfcc": mfcc,
        "delta": librosa.feature.delta(mfcc),
        "delta2": librosa.feature.delta(mfcc, order=2),
        "centroid": librosa.feature.spectral_centroid(y=y, sr=rate),
        "bandwidth": librosa.feature.spectral_bandwidth(y=y, sr=rate),
        "rolloff": librosa.feature.spectral_rolloff(y=y, sr=rate, roll_percent=0.85),
        "flatness": librosa.feature.spectral_flatness(y=y),
        "contrast": librosa.feature.spectral_contrast(y=y, sr=rate),
        "rms": librosa.feature.rms(y=y),
        "crossings": librosa.feature.zero_crossing_rate(y),
        "chroma": librosa.feature.chroma_stft(y=y, sr=rate),
        "chroma_cqt": librosa.feature.chroma_cqt(y=y, sr=rate),
        "flux": librosa.onset.onset_strength(y=y, sr=rate),
        "onsets": librosa.onset.onset_detect(y=y, sr=rate),
        "tempo": np.atleast_1d(tempo),
        "beats": beats,
        "harmonic": librosa.feature.rms(y=harmonic),
        "percussive": librosa.feature.rms(y=percussive),
        "f0": np.where(voiced, f0, 0.0),
    }
    summary = (
        np.mean,
        np.std,
        np.min,
        np.max,
        np.median,
        lambda x, axis: np.percentile(x, 25, axis),
        lambda x, axis: np.percentile(x, 75, axis),
    )
    return {
        name: np.stack([of(np.atleast_2d(values), axis=1) for of in summary])
        for name, values in found.items()
        if np.size(values)
    }


def ours(samples: np.ndarray) -> dict[str, np.ndarray]:
    """Extract both sets by songrec."""
    from songrec.core.types import Audio
    from songrec.features.extraction import extract_all, make_extractors

    seconds = len(samples) / RATE
    return extract_all(Audio(samples, RATE, 0.0, seconds), make_extractors(SETS))


def alone(seconds: float) -> dict[str, float]:
    """Measure the first extraction in a fresh process, and its peak memory."""
    samples = np.tile(clip(), math.ceil(seconds / SECONDS))[: int(seconds * RATE)]
    begun = time.perf_counter()
    ours(samples)
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    ours(samples)
    return {
        "first_seconds": round(first, 3),
        "seconds": round(time.perf_counter() - begun, 3),
        "peak_mib": _peak_mib(),
    }


def _peak_mib() -> int:
    """Return the peak of this process alone; getrusage would include that of its parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024)
    raise OSError("/proc/self/status does not say VmHWM.")


def measure() -> dict[str, Any]:
    """Measure the seconds of both in turn, after one warm-up call of each."""
    samples = clip()
    plain(samples)
    ours(samples)
    times: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(REPEATS):
        for name, call in (("plain", plain), ("ours", ours)):
            begun = time.perf_counter()
            call(samples)
            times[name].append(time.perf_counter() - begun)
    result: dict[str, Any] = {name: round(statistics.median(t), 3) for name, t in times.items()}
    result["ratio"] = round(result["plain"] / result["ours"], 1)
    for seconds in (SECONDS, 240, 1200):
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.features", "--alone", str(seconds)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        ).stdout
        result[f"alone_{seconds}_s"] = json.loads(answer)
    if (os.cpu_count() or 1) > 1:
        result["per_core"] = per_core()
    return result


def throughput(seconds: float, cores: int, *, plainly: bool, repeats: int) -> float:
    """Seconds a sound of ``seconds``, over ``cores`` processes each kept to a core of its own.

    Each process does one that does not count, so that importing and compiling do not, waits for
    the others, and then ``repeats`` of them.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
    else:
        allowed = list(range(os.cpu_count() or 1))
    if len(allowed) < cores:
        raise OSError(f"{cores} cores are asked for, {len(allowed)} are there.")
    one_thread = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
    )
    words = [sys.executable, "-m", "benchmarks.features", "--worker", str(seconds)]
    words += ["--repeats", str(repeats), *(["--plain"] if plainly else [])]
    workers = [
        subprocess.Popen(
            [*words, "--core", str(core)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **one_thread},
        )
        for core in allowed[:cores]
    ]
    for each in workers:
        assert each.stdout is not None
        if each.stdout.readline().strip() != "ready":
            raise OSError("A worker of the benchmark did not start.")
    begun = time.perf_counter()
    for each in workers:
        each.communicate("go\n")
        if each.returncode:
            raise OSError(f"A worker of the benchmark ended with {each.returncode}.")
    return (time.perf_counter() - begun) / (repeats * cores)


def worker(seconds: float, core: int, repeats: int, *, plainly: bool) -> None:
    """Run one process of ``throughput``: print ``ready``, wait for a line, then extract."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    samples = np.tile(clip(), math.ceil(seconds / SECONDS))[: int(seconds * RATE)]
    call = plain if plainly else ours
    call(samples[: SECONDS * RATE])
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(repeats):
        call(samples)


def per_core() -> dict[str, dict[str, float]]:
    """Measure the seconds per clip and per track of four minutes, with one and two processes."""
    found: dict[str, dict[str, float]] = {}
    for name, seconds, repeats in (("clip", SECONDS, 3), ("track", TRACK, 1)):
        found[name] = {"seconds_of_sound": seconds}
        for cores in (1, 2):
            for plainly in (True, False):
                taken = throughput(seconds, cores, plainly=plainly, repeats=repeats)
                found[name][f"{'plain' if plainly else 'ours'}_{cores}"] = round(taken, 3)
    return found


def profiles(folder: Path) -> dict[str, dict[str, float]]:
    """Per key profile, with and without the evidence of home: shares that are right or agree."""
    import soundfile
    from scipy.signal import resample_poly

    from songrec.core.types import Audio
    from songrec.demo import clips
    from songrec.features.audio import key
    from songrec.features.audio.stft import Frames

    def classes(samples: np.ndarray, rate: int) -> key.Classes:
        shared = math.gcd(rate, RATE)
        sound = resample_poly(samples, RATE // shared, rate // shared).astype(np.float32)
        return key.pitch_classes(Frames(Audio(sound, RATE, 0.0, len(sound) / RATE)))

    plan = clips.plan()
    made = [classes(clips.render(each), clips.RATE) for each in plan]
    pairs = defaultdict(list)
    with (folder / "clips.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            samples, rate = soundfile.read(folder / row["clip"], dtype="float32", always_2d=True)
            pairs[row["track"]].append(classes(samples.mean(axis=1), rate))
    found: dict[str, dict[str, float]] = {}
    for name in key.PROFILES:
        for home in (False, True):

            def answer(of: key.Classes, name: str = name, home: bool = home) -> Any:
                best = key.find_key(of, name, home=home)
                return best and (best.key, best.mode)

            right = [
                answer(of) == (each.key, each.mode) for of, each in zip(made, plan, strict=True)
            ]
            same = [answer(one) == answer(two) for one, two in pairs.values()]
            found[name + (" + home" if home else "")] = {
                "made_clips_right": round(float(np.mean(right)), 3),
                "excerpts_agree": round(float(np.mean(same)), 3),
            }
    return found


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alone", type=float, metavar="SECONDS", help="one process, one length")
    parser.add_argument("--profiles", type=Path, metavar="FOLDER", help="compare key profiles")
    parser.add_argument("--worker", type=float, metavar="SECONDS", help="one of several processes")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--per-core", action="store_true", help="one process against two")
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.core, options.repeats, plainly=options.plain)
    elif options.per_core:
        print(json.dumps(per_core(), indent=2))
    elif options.alone:
        print(json.dumps(alone(options.alone)))
    elif options.profiles:
        print(json.dumps(profiles(options.profiles), indent=2))
    else:
        print(json.dumps(measure(), indent=2))


if __name__ == "__main__":
    main()
