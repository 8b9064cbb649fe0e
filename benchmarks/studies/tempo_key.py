"""How often the measured tempo is half or double, and the measured key relative or a fifth away.

Truth have only the synthesised clips of ``songrec.demo.clips``: those of the default seed, which
the detectors were chosen on, and new ones of other seeds. Of recordings there is no truth: there
the two excerpts of one recording are compared, as if the first were right.

Scores are mir_eval's (Raffel et al. 2014): the P-score of a tempo (within 8 %) and the weighted
score of a key (a fifth above 0.5, relative 0.3, parallel 0.2). *Exact* is within 4 % (Gouyon et
al. 2006, Accuracy 1), and so are a half, double, third or triple.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.tables import table
from songrec.audio_files.decoding import decode
from songrec.core.types import Audio
from songrec.demo import clips
from songrec.demo.clips_sounds import RATE
from songrec.features.audio.chunking import at_rate
from songrec.features.audio.key import find_key, pitch_classes
from songrec.features.audio.stft import Frames
from songrec.features.audio.tempo import find_tempo, rhythm_envelope
from songrec.features.settings import DEFAULTS
from songrec.prediction.targets import PITCHES
from songrec.services.evaluation.clip_list import read_clip_pairs

NEEDS = ("audio/clips/clips.csv", "audio/music/clips.csv")
SEEDS = (21, 22, 23)
"""Seeds of further clips."""
SAMPLE_RATE = DEFAULTS.sample_rate
TOLERANCE = 0.04
FACTORS = {"exact": 1.0, "half": 0.5, "double": 2.0, "third": 1 / 3, "triple": 3.0}
"""Relations of a tempo, and what the true one is multiplied by."""
KEYS = ("exact", "fifth above", "fifth below", "relative", "parallel")

Measured = Mapping[str, float | None]
"""Tempo in BPM, key 0 to 11 and mode (1 major) of a sound; None where unknown."""


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the tables of tempi and of keys: relations to the truth or to the other excerpt."""
    if importlib.util.find_spec("mir_eval") is None:
        sys.exit("This study needs mir_eval: pip install -r requirements/dev.txt")
    pairs = {
        f"{clips.PER_STYLE * len(clips.STYLES)} made clips, seed {clips.SEED}": made([clips.SEED]),
        f"{clips.PER_STYLE * len(clips.STYLES) * len(SEEDS)} made clips, seeds "
        f"{SEEDS[0]} to {SEEDS[-1]}": made(SEEDS),
        "excerpts of `audio/clips`, no truth": excerpts(data / "audio" / "clips"),
        "excerpts of `audio/music`, no truth": excerpts(data / "audio" / "music"),
    }
    return [
        *table(
            ("tempo", "known", "P-score", *FACTORS, "other"),
            ((name, *_tempo_cells(found)) for name, found in pairs.items()),
        ),
        *table(
            ("key", "known", "weighted score", *KEYS, "other"),
            ((name, *_key_cells(found)) for name, found in pairs.items()),
        ),
    ]


def made(seeds: Iterable[int]) -> list[tuple[Measured, Measured]]:
    """Return the truth of synthesised clips, and what is measured of them."""
    found = []
    for clip in (clip for seed in seeds for clip in clips.plan(seed)):
        audio = Audio(clips.render(clip), RATE, 0.0, clips.SECONDS)
        audio = Audio(at_rate(audio, SAMPLE_RATE), SAMPLE_RATE, 0.0, clips.SECONDS)
        truth = {"tempo": float(clip.tempo), "key": float(clip.key), "mode": float(clip.mode)}
        found.append((truth, measure(audio)))
    return found


def excerpts(folder: Path) -> list[tuple[Measured, Measured]]:
    """Return what is measured of excerpts a and b of each recording."""
    pairs = []
    for pair in read_clip_pairs(folder):
        first, second = (
            measure(decode(path, sample_rate=RATE, seconds=None).audio) for path in pair
        )
        pairs.append((first, second))
    return pairs


def measure(audio: Audio) -> Measured:
    """Measure tempo, key and mode by the functions of the set ``statistical``."""
    frames = Frames(audio, DEFAULTS.n_fft, DEFAULTS.hop_length)
    tempo = find_tempo(rhythm_envelope(frames), frames.rate)
    key = find_key(pitch_classes(frames))
    return {
        "tempo": None if math.isnan(tempo) else tempo,
        "key": None if key is None else float(key.key),
        "mode": None if key is None else float(key.mode),
    }


def tempo_relation(true: float, estimated: float) -> str:
    """Return the name of the factor between two tempi in BPM, ``other`` beyond ``TOLERANCE``."""
    for name, factor in FACTORS.items():
        if abs(estimated - factor * true) <= TOLERANCE * factor * true:
            return name
    return "other"


def key_relation(true: tuple[int, int], estimated: tuple[int, int]) -> str:
    """Return the relation of two keys, each pitch class and mode (1 major)."""
    (key, mode), (other, other_mode) = true, estimated
    up = (other - key) % 12
    if mode == other_mode:
        return {0: "exact", 7: "fifth above", 5: "fifth below"}.get(up, "other")
    if up == 0:
        return "parallel"
    return "relative" if up == (9 if mode else 3) else "other"


def _tempo_cells(pairs: Sequence[tuple[Measured, Measured]]) -> list[str]:
    from mir_eval.tempo import detection

    known = [(a["tempo"], b["tempo"]) for a, b in pairs if a["tempo"] and b["tempo"]]
    scores = [detection(np.array([a, 0.0]), 1.0, np.array([b, b]))[0] for a, b in known]
    counts = Counter(tempo_relation(a, b) for a, b in known)
    return _cells(len(known), len(pairs), scores, [counts[name] for name in (*FACTORS, "other")])


def _key_cells(pairs: Sequence[tuple[Measured, Measured]]) -> list[str]:
    from mir_eval.key import weighted_score

    known = [
        tuple((int(one["key"]), int(one["mode"])) for one in pair)
        for pair in pairs
        if all(one["key"] is not None and one["mode"] is not None for one in pair)
    ]
    scores = [weighted_score(*(_name(*key) for key in pair)) for pair in known]
    counts = Counter(key_relation(*pair) for pair in known)
    return _cells(len(known), len(pairs), scores, [counts[name] for name in (*KEYS, "other")])


def _name(key: int, mode: int) -> str:
    return f"{PITCHES[key]} {'major' if mode else 'minor'}"


def _cells(known: int, of: int, scores: Sequence[float], counts: Sequence[int]) -> list[str]:
    shares = (f"{100 * count / max(known, 1):.0f}%" for count in counts)
    return [f"{known} of {of}", f"{np.mean(scores):.3f}", *shares]
