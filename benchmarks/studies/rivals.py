"""bliss-audio and Musly on the clips of ``flask evaluate clips``, by its rules, and their speed.

Both are used in development only and stand in no requirements file:

    python -m venv /tmp/rivals && /tmp/rivals/bin/pip install bliss-audio pymusly
    export PYTHONPATH=/tmp/rivals/lib/python3.11/site-packages
    python -m benchmarks.studies rivals --data DIR

Every program hears the same samples, except bliss-audio, which decodes files itself. ms a clip is
processor time of the analysis in this process, decoding included for bliss-audio alone; of
``sound`` it is that of its sets together. Loading MusiCNN (seconds, once) does not count.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.instance import empty_instance
from benchmarks.tables import table
from songrec.audio_files.decoding import decode
from songrec.evaluation.retrieval import cosine_similarities, retrieve_artist, retrieve_track
from songrec.features.audio.musicnn import MusiCNN
from songrec.services.evaluation.clip_list import CLIP_LIST, ClipPair, read_clips
from songrec.services.evaluation.clip_retrieval import evaluate_clips
from songrec.store.models import published_weights

NEEDS = ("audio",)
FOLDERS = ("music", "clips")
RATE = 22_050
"""Sample rate in Hz that Musly takes."""
BY = ("track", "artist")
INSTALL = "{0} is not installed here: pip install {1}, in an environment of its own on PYTHONPATH."
Comparison = tuple[NDArray[np.float64], float]
"""Similarities ``(tracks, tracks)`` of excerpts a and b, and milliseconds a clip."""


def study(data: Path, seed: int = 0) -> list[str]:
    """Build a table for each folder of clips in ``data/audio``."""
    lines = []
    for folder in (data / "audio" / name for name in FOLDERS):
        if (folder / CLIP_LIST).is_file():
            lines += [f"`{folder.name}`:", "", *_table(folder), ""]
    return lines


def bliss_euclidean(bliss: ModuleType, pairs: list[ClipPair]) -> Comparison:
    """Compare by the Euclidean distance of bliss-audio's features, as it does itself."""
    a, b, taken = _bliss_vectors(bliss, pairs)
    return -np.linalg.norm(a[:, None] - b[None], axis=2), taken


def bliss_cosine(bliss: ModuleType, pairs: list[ClipPair]) -> Comparison:
    """Compare bliss-audio's features by the cosine, as songrec's sets are compared."""
    a, b, taken = _bliss_vectors(bliss, pairs)
    return cosine_similarities(a.astype(np.float32), b.astype(np.float32)), taken


def musly(method: str) -> Callable[[ModuleType, list[ClipPair]], Comparison]:
    """Return a comparison by one of Musly's methods."""

    def compare(pymusly: ModuleType, pairs: list[ClipPair]) -> Comparison:
        jukebox = pymusly.MuslyJukebox(method, "none")
        samples = [
            decode(clip, sample_rate=RATE, seconds=None).audio.samples.tolist()
            for clip in _clips(pairs)
        ]
        started = time.process_time()
        tracks = [jukebox.track_from_audiodata(each) for each in samples]
        taken = _milliseconds(started, len(tracks))
        jukebox.set_style(tracks)
        known = list(zip(jukebox.add_tracks(tracks), tracks, strict=True))
        distances = [jukebox.compute_similarity(query, known[1::2]) for query in known[0::2]]
        return -np.array(distances, dtype=np.float64), taken

    return compare


RIVALS: dict[str, tuple[str, str, Callable[[ModuleType, list[ClipPair]], Comparison]]] = {
    "bliss-audio, Euclidean": ("bliss_audio", "bliss-audio", bliss_euclidean),
    "bliss-audio, cosine": ("bliss_audio", "bliss-audio", bliss_cosine),
    "Musly, mandelellis": ("pymusly", "pymusly", musly("mandelellis")),
    "Musly, timbre": ("pymusly", "pymusly", musly("timbre")),
}


def _table(folder: Path) -> list[str]:
    pairs = read_clips(folder)
    rows, notes = [], []
    for name, (module_name, package, compare) in RIVALS.items():
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            notes.append(INSTALL.format(name.partition(",")[0], package))
            continue
        similarities, taken = compare(module, pairs)
        found = {
            "track": retrieve_track(similarities).to_json(),
            "artist": retrieve_artist(similarities, [pair.artist for pair in pairs]).to_json(),
        }
        rows.append(_row(name, found, f"{taken:.0f}"))
    rows += _own(folder)
    header = ("", "top 1", "top 5", "MRR", "artist, top 1", "artist, top 5", "ms a clip")
    return [*table(header, rows), *dict.fromkeys(notes)]


def _own(folder: Path) -> list[tuple[str, ...]]:
    """Return the rows of songrec's own sets, extracted anew to take their time.

    ``sound`` extracts MusiCNN's sets in one pass, so that ``musicnn`` has no time of its own.
    """
    rows, total = [], 0.0
    count = 2 * len(read_clips(folder))
    with empty_instance() as (_, instance):
        names = ["timbre", "chroma", "sound"]
        if published_weights.is_installed(instance, "musicnn"):
            MusiCNN(models=published_weights.models_folder(instance)).warm()
            names += ["musicnn"]
        for name in names:
            started = time.process_time()
            found = {by: evaluate_clips(instance, folder, name, by=by)[name] for by in BY}
            taken = _milliseconds(started, count)
            total += taken
            shown = {"sound": f"{total:.0f}", "musicnn": "–"}.get(name, f"{taken:.0f}")
            rows.append(_row(f"songrec, `{name}`", found, shown))
    return rows


def _row(name: str, found: dict[str, Any], taken: str) -> tuple[str, ...]:
    track, artist = found["track"], found["artist"]
    measures = (track["top1"], track["top5"], track["mrr"], artist["top1"], artist["top5"])
    return (name, *(f"{measure:.2f}" for measure in measures), taken)


def _bliss_vectors(
    bliss: ModuleType, pairs: list[ClipPair]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    started = time.process_time()
    vectors = np.array([bliss.Song(str(clip)).analysis for clip in _clips(pairs)])
    return vectors[0::2], vectors[1::2], _milliseconds(started, len(vectors))


def _clips(pairs: list[ClipPair]) -> list[Path]:
    return [clip for pair in pairs for clip in (pair.a, pair.b)]


def _milliseconds(started: float, count: int) -> float:
    return (time.process_time() - started) * 1000 / count
