"""Entry point of the process that converts one sound file to its standard output.

It ends with its parent, or when its output is closed. Exit code 2: the file cannot be decoded.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from pathlib import Path
from typing import Any

from songrec.core.memory import limit_process
from songrec.core.processes import end_with_parent

MEMORY_BYTES = 2**30
CPU_SECONDS = 1800
UNDECODABLE = 2


def main(request: dict[str, Any]) -> int:
    """Convert ``request["path"]``; the other values are arguments of ``transcode``."""
    end_with_parent()
    limit_process(MEMORY_BYTES)
    with contextlib.suppress(ValueError, OSError):  # the limit was lower already
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    from songrec.audio_files.transcoding import transcode
    from songrec.core.errors import BadInput

    path = Path(request.pop("path"))
    try:
        transcode(path, "pipe:1", **request)
    except (BadInput, OSError):
        return UNDECODABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
