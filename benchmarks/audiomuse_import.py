"""How long the import of AudioMuse-AI's analysis takes songrec, and how much memory.

``python -m benchmarks.audiomuse_import [--songs 100000]`` imports a made analysis from a server on
loopback into a fresh instance with ``flask servers import-audiomuse`` in a process of its own, and
once more, when nothing has changed. ``--found`` has the songs in the library before.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

from benchmarks.ingest import ROOT, fresh_instance, run_json
from tests.audiomuse.audiomuse_server import TOKEN, analysed, audiomuse_server


class MadeSongs(Sequence[dict[str, Any]]):
    """So many songs, each made when it is asked for."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """Return a song, or those of a page."""
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(self._count))]
        return analysed(at, *names(at))


def names(at: int) -> tuple[str, str]:
    """Return title and artist of the song at a place."""
    return f"Song {at}", f"Artist {at // 30}"


def measure(songs: int = 100_000, *, found: bool = False) -> dict[str, Any]:
    """Measure seconds and peak resident MiB of a first and a second import of ``songs`` songs."""
    with (
        tempfile.TemporaryDirectory(prefix="songrec-bench-") as folder,
        audiomuse_server(MadeSongs(songs)) as server,
    ):
        flask, environment = fresh_instance(Path(folder) / "instance")
        if found:
            path = Path(folder) / "songs.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["id", "title", "artist"])
                writer.writerows([at, *names(at)] for at in range(songs))
            subprocess.run(
                [*flask, "ingest", str(path)],
                cwd=ROOT,
                env=environment,
                check=True,
                capture_output=True,
            )
        command = [*flask, "servers", "import-audiomuse", server.url, "--token", TOKEN, "--json"]
        first, figures = timed(command, environment)
        again, figures_again = timed(command, environment)
    expected = (songs, 0 if found else songs, songs)
    if (first["vectors"], first["new_tracks"], again["unchanged"]) != expected:
        raise RuntimeError(f"{songs} songs expected, got {first} and {again}")
    again_as = {f"again_{name}": value for name, value in figures_again.items()}
    return {"songs": songs, "found": found, **figures, **again_as}


def timed(command: list[str], environment: dict[str, str]) -> tuple[dict[str, Any], dict[str, int]]:
    """Run a command; returns its JSON, and its seconds, of the processor too, and its peak MiB."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    report, peak = run_json(command, environment)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return report, {"s": round(seconds), "cpu_s": round(cpu), "peak_mib": round(peak)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--found", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.songs, found=arguments.found), indent=2))
