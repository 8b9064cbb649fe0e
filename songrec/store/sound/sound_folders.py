"""Versioned folders of arrays for comparing songs by sound, opened once per process.

``<instance>/sounds/<name>/<version>/`` holds arrays and ``manifest.json``;
``<instance>/sounds/<name>/current`` contains the current version. Analyses write complete versions;
the web process only maps them.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from songrec.core.errors import NotReady
from songrec.core.files import atomic_folder, current_version, is_partial, use_version

T = TypeVar("T")
_open: dict[Path, Any] = {}
_lock = threading.Lock()


def folder(instance: Path) -> Path:
    """Return the folder of all names."""
    return Path(instance) / "sounds"


def current(instance: Path, name: str) -> str | None:
    """Return the current version of ``name``, or None."""
    return current_version(folder(instance) / name)


def names(instance: Path) -> tuple[str, ...]:
    """Return the names with a current version, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in folder(instance).glob("*/current")))


def manifest(instance: Path, name: str) -> dict[str, Any]:
    """Return the manifest of the current version; ``NotReady`` without one."""
    used = current(instance, name)
    if used is None:
        raise _none(name)
    try:
        return read_manifest(folder(instance) / name / used)
    except (OSError, ValueError):
        raise _damaged(name) from None


def read_manifest(base: Path) -> dict[str, Any]:
    """Read the manifest of a version; ``OSError`` or ``ValueError`` if it cannot be read."""
    return dict(json.loads((base / "manifest.json").read_text(encoding="utf-8")))


def write_manifest(draft: Path, document: dict[str, Any]) -> None:
    """Write the manifest of a draft version."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (draft / "manifest.json").write_text(text, encoding="utf-8")


def load(instance: Path, name: str, read: Callable[[Path], T]) -> T:
    """Open the current version with ``read``, once per process.

    Raises ``NotReady`` if none was written or its files cannot be read.
    """
    for last in (False, True):
        used = current(instance, name)
        if used is None:
            raise _none(name)
        base = folder(instance) / name / used
        with _lock:
            opened: T | None = _open.get(base)
        if opened is not None:
            return opened
        try:
            opened = read(base)
        except (OSError, ValueError, KeyError, EOFError):
            if last:
                raise _damaged(name) from None
            continue  # another process has just replaced it by a newer version
        with _lock:
            for other in [path for path in _open if path.parent == base.parent]:
                del _open[other]
            _open[base] = opened
        return opened
    raise _damaged(name)


def is_current(instance: Path, name: str, version: str) -> bool:
    """Return whether ``version`` is complete and current."""
    path = folder(instance) / name / version / "manifest.json"
    return current(instance, name) == version and path.is_file()


@contextmanager
def new_version(instance: Path, name: str, version: str) -> Iterator[Path]:
    """Yield a draft folder that becomes current after the block; older versions are removed."""
    base = folder(instance) / name
    with atomic_folder(base / version, replace=True) as draft:
        yield draft
    use_version(base, version)
    for other in base.iterdir():
        if other.is_dir() and other.name != version and not is_partial(other):
            shutil.rmtree(other, ignore_errors=True)  # processes that have mapped it keep it


def retire(instance: Path, name: str) -> bool:
    """Remove the current version of ``name``; return whether there was one."""
    existed = current(instance, name) is not None
    (folder(instance) / name / "current").unlink(missing_ok=True)
    return existed


def _none(name: str) -> NotReady:
    analyze = "" if name == "sound" else f" --features {name}"
    return NotReady(
        f"No songs can be compared by {name} yet. Run flask analyze DIR{analyze}, or "
        "flask sound-spaces if they are analysed."
    )


def _damaged(name: str) -> NotReady:
    return NotReady(
        f"The matrix of {name} is damaged: remove its folder in sounds/ of the instance and run "
        "flask sound-spaces."
    )
