"""Run every benchmark, each in a process of its own, and write docs/benchmarks.md: ``make bench``.

``python -m benchmarks --only pages training`` measures some anew; the others keep their section,
each of which says when and on what it was measured. ``--folder`` measures the analysis of a folder
of sound, which is in no repository, and nothing else unless ``--only`` says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.ingest import ROOT
from benchmarks.tables import WRITERS

SMALL, LARGE, HUGE = 17_000, 114_000, 1_200_000
LIBRARIES = ("tensorflow", "keras", "numpy", "scikit-learn", "flask", "sqlalchemy", "gunicorn")

PARTS: dict[str, list[list[str]]] = {
    "ingest": [["ingest", "--rows", str(rows)] for rows in (SMALL, LARGE, HUGE)],
    "training": [
        ["training"],
        ["training", "--ours", "--rows", str(HUGE), "--epochs", "2"],
    ],
    "pages": [["pages", "--rows", str(SMALL)], ["pages", "--rows", str(LARGE)]],
    "page_weights": [["page_weights"]],
    "slow_clients": [["slow_clients"], ["slow_clients", "--plain"]],
    "recommend": [["recommend"]],
    "map": [["map"], ["map", "--large"]],
    "duplicates": [["duplicates", "--rows", str(rows)] for rows in (SMALL, LARGE, HUGE)],
    "subsonic": [["subsonic", "--rows", str(LARGE)]],
    "audiomuse": [["audiomuse", "--rows", str(LARGE)]],
    "servers": [["servers"]],
    "segments": [
        ["segments", "--rows", str(rows)] for rows in (100_000, 27 * SMALL, 1_000_000, 27 * LARGE)
    ],
    "sound": [["sound"]],
    "startup": [["startup"]],
    "features": [["features"]],
    "lab": [["lab"], ["lab", "--huge"], ["lab", "--end-to-end"], ["lab", "--spectrograms"]],
}

HEADINGS = (
    "Ingest",
    "Training the autoencoder",
    "Pages",
    "Page weights",
    "Slow clients",
    "Recommending",
    "The map",
    "Duplicates",
    "Apps at /rest",
    "AudioMuse-AI's plugins",
    "Scanning a music server",
    "Searching segments",
    "Similar by sound",
    "Starting",
    "Analysing a folder",
    "Features from audio",
    "Decoding for several rates",
    "The model lab",
)
"""The sections in the order of the page."""


def run(words: list[str]) -> dict[str, Any]:
    """Run one benchmark and return its JSON."""
    print("benchmarks." + " ".join(words), file=sys.stderr, flush=True)
    answer = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{words[0]}", *words[1:]],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    ).stdout
    return json.loads(answer[answer.index("{") :])


def machine() -> str:
    """Describe processor, cores, memory and versions in one line."""
    processor = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB; Python "
        f"{platform.python_version()}, {libraries}."
    )


def measured() -> str:
    """Describe the commit and date of a measurement."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return f"*Commit {commit}, {datetime.now(UTC):%-d %B %Y}.*"


def sections(text: str) -> dict[str, str]:
    """Split the page into its sections by heading, without what precedes the first."""
    found: dict[str, str] = {}
    for part in f"\n{text}".split("\n## ")[1:]:
        found[part.partition("\n")[0]] = f"## {part.strip()}\n"
    return found


def page(old: str, new: dict[str, list[str]]) -> str:
    """Return the page ``old`` with the sections of the parts in ``new`` replaced by their lines."""
    kept = sections(old)
    for lines in new.values():
        kept |= sections("\n".join([*lines, measured()]))
    order = {heading: at for at, heading in enumerate(HEADINGS)}
    ordered = sorted(kept, key=lambda heading: order.get(heading, len(order)))
    intro = [
        "# Benchmarks",
        "",
        "Written by `make bench`; `python -m benchmarks --only pages` measures one part again, and "
        "each also runs alone, for example `python -m benchmarks.pages --rows 114000`. "
        "`--folder DIR --weights WHEEL` adds the analysis of a folder of your own.",
        "",
        machine(),
        "",
    ]
    return "\n".join([*intro, *(kept[heading] for heading in ordered)])


def main() -> None:
    """Run the benchmarks and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="measure these anew")
    parser.add_argument("--folder", help="measure the analysis of this folder too")
    parser.add_argument("--weights", help="the wheel of MusiCNN, where there is no network")
    options = parser.parse_args()
    parts = {name: PARTS[name] for name in options.only or ([] if options.folder else PARTS)}
    if options.folder:
        source = ["--weights", options.weights] if options.weights else []
        parts["analysis"] = [["analysis", "--folder", options.folder, *source]]
    path = ROOT / "docs" / "benchmarks.md"
    for name, commands in parts.items():
        lines = WRITERS[name]([run(words) for words in commands])
        # After every part: what is measured is not lost when a later one fails.
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        path.write_text(page(old, {name: lines}), encoding="utf-8")
        print(f"{name} written: {path.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
