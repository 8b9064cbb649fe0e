"""Files in which the sound of a row is read: the file itself, or its part, cut out on demand."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from songrec.core.errors import BadInput
from songrec.core.isolation import IsolatedProcess, Limits
from songrec.store.sound.audio_files import SoundSource

CACHE_BYTES = 2 * 2**30
"""Parts of album files that are kept cut: about 70 songs on CD quality, those used last."""
LIMITS = Limits(seconds=120.0, memory_bytes=2**30)
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


def cut_path(instance: Path, content_hash: str) -> Path:
    """Return where a part with this content is cut to, whether or not it is."""
    return instance / "parts" / content_hash[:2] / f"{content_hash}.flac"


def _target(instance: Path, source: SoundSource) -> Path:
    return cut_path(instance, source.content_hash)


def _use(target: Path) -> bool:
    """Mark a cut part as just used; False if it is not there."""
    try:
        os.utime(target)
    except FileNotFoundError:
        return False
    return True


def _cut(source: SoundSource, target: Path) -> None:
    part = (str(source.path), source.start_s, source.end_s, str(target))
    try:
        with IsolatedProcess() as process:  # web processes keep no child
            process.call(_cut_part, *part, limits=LIMITS)
    except BadInput as error:
        raise BadInput(f"{source.path.name}: {error}.") from None


def _cut_part(path: str, start_s: float, end_s: float | None, target: str) -> None:
    from songrec.audio_files.cutting import cut

    try:
        cut(Path(path), start_s, end_s, Path(target))
    except OSError as error:
        raise BadInput(str(error)) from None


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
