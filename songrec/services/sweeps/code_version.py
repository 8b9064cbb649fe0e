"""The version of the code and libraries that a sweep's results depend on; part of its id.

Files are read and no algorithm is imported, so pages may call it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import re
from pathlib import Path

from songrec.core.version import VERSION

_ROOT = Path(__file__).resolve().parents[2]
_ROOMS = (
    "core",
    "features",
    "representation",
    "clustering",
    "projection",
    "evaluation",
    "services/features",
    "services/training",
    "services/sweeps",
)
_LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "numba",
    "tensorflow",
    "keras",
    "openTSNE",
    "umap-learn",
)


@functools.cache
def made_by() -> dict[str, str]:
    """The release, a digest of the code that trains and measures, the libraries it computes with.

    Two grids whose ``made_by`` differ may have different figures for the same cell. The code is
    read once a process: what it has imported it does not import anew either.
    """
    found = {"songrec": VERSION, "code": _digest_of_code(_ROOT)}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # an optional one
            continue
    return found


def _digest_of_code(root: Path) -> str:
    """Of every line that is code: notes and empty lines may change."""
    digest = hashlib.sha256()
    files = [path for room in _ROOMS for path in sorted((root / room).rglob("*.py"))]
    for path in files:
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not re.match(r"\s*(#|$)", line)]
        digest.update("\n".join([path.relative_to(root).as_posix(), *lines, ""]).encode())
    return digest.hexdigest()[:12]
