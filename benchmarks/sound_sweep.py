"""The model lab on sound: do deep models find which sounds are of one recording, and the genre?

    python -m benchmarks.sound_sweep --data DIR [--seeds 0-4] [--instance DIR]

``DIR`` holds ``clips/`` with ``clips.csv`` (clip, track, artist, title, genre) and ``library/``
with ``library.csv`` (path, artist, title, genre): excerpts, and whole tracks of some of the same
recordings. Each sound is analysed as a track of its own in an instance that is made for this; its
recording becomes its subgenre and the list's genre its genre, in place of what the files say of
themselves. Then a grid is run and printed as Markdown.

The instance is a temporary folder unless ``--instance`` names one that is to stay: stopped and
started again with it, the grid goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from benchmarks import sweep_markdown
from songrec.features.registry import parse_audio_features
from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.results import sweep_table
from songrec.store.instance import Instance

ROOT = Path(__file__).resolve().parents[1]
LABELS = {"subgenre": "recording", "genre": "genre"}
VECTORS = ("mfcc,statistical", "musicnn")
SPECTROGRAM_SET = "melspectrogram"
# With a hundred sounds an epoch is two steps: networks need more of them than by default.
EPOCHS = {"autoencoder": 200, "vae": 200, "cvae": 200, "conv_vae": 20}
# Three sounds of a recording are a group; the default, 25, is made for catalogues.
GROUPS = {"hdbscan": {"min_cluster_size": 2}}
MODELS = ("pca", "identity", "autoencoder", "vae", "cvae", "conv_vae")
CLUSTERINGS = ("kmeans", "gmm", "agglomerative", "hdbscan")


def grid(seeds: str, *, musicnn: bool, quick: bool = False) -> dict[str, Any]:
    """Return the grid as a grid file holds it."""
    return {
        "features": [*(VECTORS if musicnn else VECTORS[:1]), SPECTROGRAM_SET],
        "representation": [
            {name: {"epochs": EPOCHS[name]}} if name in EPOCHS else name for name in MODELS
        ],
        "clustering": [{name: GROUPS[name]} if name in GROUPS else name for name in CLUSTERINGS],
        "seeds": seeds,
        "quick": quick,
    }


def labels(data: Path) -> dict[Path, dict[str, str]]:
    """Return recording (``subgenre``) and ``genre`` of every audio file in ``data``."""
    found: dict[Path, dict[str, str]] = {}
    recordings: dict[tuple[str, str], str] = {}
    for row in _rows(data / "clips" / "clips.csv"):
        recordings[row["artist"], row["title"]] = row["track"]
        found[(data / "clips" / row["clip"]).resolve()] = {
            "subgenre": row["track"].lower(),
            "genre": row["genre"].lower(),
        }
    for row in _rows(data / "library" / "library.csv"):
        recording = recordings.get((row["artist"], row["title"]), row["path"])
        found[(data / "library" / row["path"]).resolve()] = {
            "subgenre": recording.lower(),
            "genre": row["genre"].lower(),
        }
    return found


def plant(session: Session, truth: dict[Path, dict[str, str]]) -> Counter[str]:
    """Give each analysed sound of ``truth`` its labels and no others; how many have which kind."""
    from songrec.store.tables import AudioFile, Tag, TrackTag

    session.execute(delete(TrackTag))
    session.execute(delete(Tag))
    planted: Counter[str] = Counter()
    tags: dict[tuple[str, str], int] = {}
    for file in session.scalars(select(AudioFile).where(AudioFile.track_id.is_not(None))):
        for kind, name in truth.get(Path(file.path), {}).items():
            if (kind, name) not in tags:
                tag = Tag(kind=kind, name=name)
                session.add(tag)
                session.flush()
                tags[kind, name] = tag.id
            session.add(TrackTag(track_id=file.track_id, tag_id=tags[kind, name]))
            planted[kind] += 1
    session.commit()
    return planted


def prepare(session: Session, instance: Path, data: Path, weights: Path | None, names: str) -> None:
    """Analyse the audio files in ``data`` and add their labels."""
    from songrec.services.library.analysis_report import AnalyzeRequest
    from songrec.services.library.analyze_folder import analyze_folder
    from songrec.store.models.fetching import fetch

    if "musicnn" in names:
        fetch(instance, "musicnn", weights)
    for folder in ("clips", "library"):
        report = analyze_folder(
            Instance(instance, session), AnalyzeRequest(data / folder, parse_audio_features(names))
        )
        said = f"{report.analysed} analysed, {report.unchanged} known before"
        _say(f"{folder}: {said}, {len(report.rejected)} rejected")
        for path, reason in report.rejected:
            _say(f"  {path}: {reason}")
    _say(", ".join(f"{n} with a {kind}" for kind, n in plant(session, labels(data)).items()))


def run(instance: Path, asked: argparse.Namespace) -> SweepFolder:
    """Train the grid on the audio files, in ``instance``."""
    os.environ.pop("SONGREC_DATABASE_URL", None)
    os.environ["SONGREC_INSTANCE"] = str(instance)
    from flask_migrate import upgrade

    from songrec import create_app
    from songrec.services.sweeps.runner import run_sweep
    from songrec.services.sweeps.specification import SweepSpec
    from songrec.store.db import db

    app = create_app({"INSTANCE": instance})
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        musicnn = not asked.without_musicnn
        spec = SweepSpec.from_mapping(grid(asked.seeds, musicnn=musicnn, quick=asked.quick))
        names = ",".join(map(str, spec.features))
        prepare(db.session, instance, asked.data.resolve(), asked.weights, names)
        _say(f"{len(spec.cells())} cells")
        return run_sweep(Instance(instance, db.session), spec, _teller(), retry=True)


def write(folder: SweepFolder) -> list[str]:
    """Return a Markdown table per feature set, label leakage and failures."""
    found = sweep_table(folder)
    said: list[str] = []
    for features in dict.fromkeys(str(one.cell.features) for one in found.configurations):
        said += [f"On `{features}`:", "", *sweep_markdown.lines(found, LABELS, features)]
    return [*said, *sweep_markdown.leakage(found), *sweep_markdown.problems(found)]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _teller() -> Any:
    last = 0.0

    def tell(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
        nonlocal last
        if time.monotonic() - last > 15:
            last = time.monotonic()
            _say(f"{fraction:4.0%} {message}")

    return tell


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main(given: Sequence[str] | None = None) -> None:
    """Run the sweep and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds clips/ and library/")
    parser.add_argument("--seeds", default="0-4")
    parser.add_argument("--instance", type=Path, help="keep everything here and go on from it")
    parser.add_argument("--weights", type=Path, help="MusiCNN's wheel, where none is downloaded")
    parser.add_argument("--without-musicnn", action="store_true")
    parser.add_argument("--quick", action="store_true", help="no bootstraps, nothing held out")
    asked = parser.parse_args(given)
    with tempfile.TemporaryDirectory() as temporary:
        instance = (asked.instance or Path(temporary)).resolve()
        instance.mkdir(parents=True, exist_ok=True)
        print("\n".join(write(run(instance, asked))))


if __name__ == "__main__":
    main()
