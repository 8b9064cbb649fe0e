"""Health check of a container: ``python deploy/healthcheck.py web|worker``.

``web`` asks the server for /health; ``worker`` looks for a process here that holds the lock of a
worker of the instance. Exits with 0 if healthy, else with 1 and one line.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import sys
from pathlib import Path

TIMEOUT_S = 4.0


def check_web() -> str | None:
    """Return what is wrong with the web server of this container, or None."""
    port = int(os.environ.get("PORT") or "8000")
    host = "::1" if ":" in os.environ.get("SONGREC_HOST", "") else "127.0.0.1"
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"port {port} does not answer: {error}"
    finally:
        connection.close()
    return None if status == 200 else f"/health answers with status {status}"


def check_worker(processes: Path = Path("/proc")) -> str | None:
    """Return what is wrong with the worker of this container, or None."""
    folder = Path(os.environ.get("SONGREC_INSTANCE") or "instance").resolve() / "workers"
    for descriptor in processes.glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # closed meanwhile
            path = descriptor.readlink()
            if path.parent == folder and path.suffix == ".lock":
                return None
    return f"no process holds the lock of a worker in {folder}"


CHECKS = {"web": check_web, "worker": check_worker}


def main(arguments: list[str]) -> int:
    """Check what the argument names; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        print(f"usage: healthcheck.py {'|'.join(CHECKS)}", file=sys.stderr)
        return 2
    problem = CHECKS[arguments[0]]()
    if problem:
        print(f"unhealthy: {problem}", file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
