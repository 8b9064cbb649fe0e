"""What starting costs: importing the application, and what must not be imported with it.

``python -m benchmarks.startup`` prints the seconds of ``import wsgi`` in fresh processes, the
resident memory after it, and, for comparison, the same with TensorFlow imported too.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.ingest import ROOT

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


def measure() -> dict[str, Any]:
    """Measure medians over fresh processes without the first (cold) one."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "import wsgi": _median("import wsgi", folder),
            "import wsgi, tensorflow": _median("import wsgi, tensorflow", folder),
        }


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
    print(json.dumps(measure(), indent=2))
