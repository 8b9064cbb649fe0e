"""How long a scan of a music server takes songrec itself, and how much memory.

``python -m benchmarks.servers [--songs 20000]`` connects a made server on loopback to a fresh
instance, scans it with ``flask servers scan`` in a process of its own, scans it again, and once
more after the server gave every song another id.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.ingest import ROOT, fresh_instance, run_json
from tests.servers.made_server import PASSWORD, MadeServer, Song, made_server, made_song


def renumbered(at: int) -> Song:
    """Return the song at a place with another id."""
    return {**made_song(at), "id": f"n{at}"}


def measure(songs: int = 20_000) -> dict[str, Any]:
    """Measure seconds and peak resident MiB of three scans, and the requests of the first."""
    state = MadeServer(count=songs, song=made_song)
    with tempfile.TemporaryDirectory(prefix="songrec-bench-") as folder, made_server(state):
        flask, environment = fresh_instance(Path(folder) / "instance")
        environment["SONGREC_SERVER_PASSWORD"] = PASSWORD
        for command in (
            ["create-user", "Ada"],
            ["servers", "add", state.url, "--user", "Ada", "--username", "a", "--name", "Made"],
        ):
            subprocess.run([*flask, *command], cwd=ROOT, env=environment, check=True)
        state.requests.clear()
        scan = [*flask, "servers", "scan", "Made", "--json"]
        first, first_peak = run_json(scan, environment)
        requests = len(state.requests)
        again, again_peak = run_json(scan, environment)
        state.song = renumbered
        other, other_peak = run_json(scan, environment)
    if first["new_tracks"] != songs or other["renumbered"] != songs or again["changed"]:
        raise RuntimeError(f"{songs} songs expected, got {first}, {again} and {other}")
    return {
        "songs": songs,
        "requests": requests,
        "first_s": first["seconds"],
        "again_s": again["seconds"],
        "renumbered_s": other["seconds"],
        "peak_mib": round(max(first_peak, again_peak, other_peak)),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=20_000)
    print(json.dumps(measure(parser.parse_args().songs), indent=2))
