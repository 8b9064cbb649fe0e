"""What starting costs: the first minute of a new instance, and importing the application.

``python -m benchmarks.startup`` prints the seconds from the start of ``make run`` on an empty
instance until the address answers, the first song can be played and the first recommendations are
there, with the demo music or, by ``--audio``, a folder of songs. Then the seconds of ``import
wsgi`` in fresh processes, the resident memory after it and after the home page, and, for
comparison, with TensorFlow imported too. ``--imports`` prints these alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.ingest import ROOT, fresh_instance

PROGRAM = """
import json, resource, sys, time
start = time.perf_counter()
{imports}
seconds = time.perf_counter() - start
heavy = [m for m in ("tensorflow", "keras", "sklearn", "librosa", "torch") if m in sys.modules]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({{"seconds": seconds, "peak_mib": peak, "heavy": heavy}}))
"""
REPEATS = 5


def measure(audio: str | None) -> dict[str, Any]:
    """Measure the first minute and the imports."""
    with tempfile.TemporaryDirectory() as folder:
        return {"first_minute": first_minute(Path(folder) / "instance", audio), **imports()}


def imports() -> dict[str, Any]:
    """Measure, in fresh processes, the imports and what the home page adds."""
    home = "import wsgi; wsgi.app.test_client().get('/')"
    with tempfile.TemporaryDirectory() as folder:
        fresh_instance(Path(folder))
        return {
            "import wsgi": _median("import wsgi", folder),
            "import wsgi, and the home page": _median(home, folder),
            "import wsgi, tensorflow": _median("import wsgi, tensorflow", folder),
        }


def first_minute(instance: Path, audio: str | None) -> dict[str, Any]:
    """Start a new instance as ``make run`` does and return the seconds until each thing is there.

    ``address`` counts from the start; ``song`` (the first that can be played), ``recommendations``
    (of a first run) and ``everything`` (analysed, trained) from when the address answers.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"SONGREC_INSTANCE": str(instance), "PORT": str(port), "FLASK_APP": "app.py"}
    environment = {**os.environ, **settings}
    url = f"http://127.0.0.1:{port}"
    start = time.perf_counter()
    words = ["--audio", audio] if audio else []
    subprocess.run(
        [sys.executable, "-m", "songrec.cli.serve", "first-run", *words],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "songrec.core.process_supervisor", "Procfile", "--first", "web"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait(lambda: _get(f"{url}/") is not None)
        served = time.perf_counter()
        result = {"audio": audio or "demo", "address": round(served - start, 1)}
        for name, is_there in (
            ("song", lambda: _stage(url) in ("songs", "recommendations", None)),
            ("recommendations", lambda: _stage(url) in ("recommendations", None)),
            ("everything", lambda: _stage(url) is None),
        ):
            _wait(is_there)
            result[name] = round(time.perf_counter() - served, 1)
        return result
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def _stage(url: str) -> str | None:
    """Return the stage that the home page is told; None when nothing goes on any more."""
    answer = json.loads(_get(f"{url}/progress") or "{}")
    return answer.get("stage") if answer.get("active", True) else None


def _get(url: str) -> str | None:
    with (
        contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
        urllib.request.urlopen(url, timeout=10) as answer,
    ):
        return answer.read().decode()
    return None


def _wait(is_there: Callable[[], bool], limit_s: float = 1_800.0) -> None:
    deadline = time.monotonic() + limit_s
    while not is_there():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


def _median(imports: str, instance: str) -> dict[str, Any]:
    results = [_once(imports, instance) for _ in range(REPEATS + 1)][1:]
    return {
        "seconds": round(statistics.median(r["seconds"] for r in results), 2),
        "peak_mib": round(statistics.median(r["peak_mib"] for r in results)),
        "heavy": results[0]["heavy"],
    }


def _once(imports: str, instance: str) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(imports=imports)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "SONGREC_INSTANCE": instance, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return json.loads(answer.stdout.splitlines()[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m benchmarks.startup")
    parser.add_argument("--audio", metavar="DIR", help="a folder of songs instead of the demo's")
    parser.add_argument("--imports", action="store_true", help="measure the imports alone")
    arguments = parser.parse_args()
    print(json.dumps(imports() if arguments.imports else measure(arguments.audio), indent=2))
