"""Files in which the sound of a row is read: the file itself, or its part, cut out on demand."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from songrec.core.child_process import ChildProcess, thread_limits
from songrec.core.errors import BadInput
from songrec.store.sound.audio_files import SoundSource

CACHE_BYTES = 2 * 2**30
"""Parts of album files that are kept cut: about 70 songs on CD quality, those used last."""
TIME_LIMIT_S = 120.0
_cutting = threading.Lock()  # one at a time, however many requests a player makes for a song


def local_path(instance: Path, source: SoundSource) -> Path:
    """Return a file with the sound of ``source`` alone.

    A part of an album file is cut from it, exactly, as FLAC into ``<instance>/parts/``, in a child
    process that may be killed; the parts that were used last stay there.

    Raises ``BadInput`` for a part that cannot be cut.
    """
    if source.start_s is None:
        return source.path
    target = _target(instance, source)
    if not _use(target):
        with _cutting:
            if not _use(target):
                _cut(source, target)
                _forget(instance / "parts", target)
    return target


def is_local(instance: Path, source: SoundSource) -> bool:
    """Return whether ``local_path`` has nothing to cut."""
    return source.start_s is None or _target(instance, source).is_file()


def _target(instance: Path, source: SoundSource) -> Path:
    digest = source.content_hash
    return instance / "parts" / digest[:2] / f"{digest}.flac"


def _use(target: Path) -> bool:
    """Mark a cut part as just used; False if it is not there."""
    try:
        os.utime(target)
    except FileNotFoundError:
        return False
    return True


def _cut(source: SoundSource, target: Path) -> None:
    request = {"path": str(source.path), "start_s": source.start_s, "end_s": source.end_s}
    command = [sys.executable, "-m", "songrec.audio_files.cutting"]
    child = ChildProcess(command, environment=thread_limits(1), quiet=True)
    try:
        child.send({**request, "target": str(target)})
        answer = child.receive(TIME_LIMIT_S)
    except TimeoutError:
        answer = {"reason": f"took longer than {TIME_LIMIT_S:g} s to cut"}
    finally:
        child.close()
    if answer is None or "reason" in answer:
        reason = (answer or {}).get("reason", "made the decoder crash")
        raise BadInput(f"{source.path.name}: {reason}.")


def _forget(folder: Path, newest: Path) -> None:
    """Delete the parts that were not used for longest beyond ``CACHE_BYTES``."""
    parts = []
    for path in folder.glob("*/*.flac"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        parts.append((status.st_mtime_ns, status.st_size, path))
    left = CACHE_BYTES
    for _, size, path in sorted(parts, reverse=True):
        left -= size
        if left < 0 and path != newest:
            path.unlink(missing_ok=True)
