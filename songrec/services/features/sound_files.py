"""Sound files of rows: the file itself, or a part of an album file, cut out on demand."""

from __future__ import annotations

import threading
from pathlib import Path

from songrec.core import file_cache
from songrec.core.errors import BadInput
from songrec.core.isolation import IsolatedProcess, Limits
from songrec.store.sound.audio_files import SoundSource

CACHE_BYTES = 2 * 2**30
"""Size of the cache of cut parts: about 70 recently used songs in CD quality."""
LIMITS = Limits(seconds=120.0, memory_bytes=2**30)
_cutting = threading.Lock()  # one at a time, however many requests a player makes for a song


def local_path(instance: Path, source: SoundSource) -> Path:
    """Return a file with the sound of ``source`` alone.

    A child process cuts the part of an album file, exact to the sample, as FLAC into the cache
    ``<instance>/parts/``.

    Raises ``BadInput`` for a part that cannot be cut.
    """
    if source.start_s is None:
        return source.path
    target = _target(instance, source)
    if not file_cache.use(target):
        with _cutting:
            if not file_cache.use(target):
                _cut(source, target)
                file_cache.trim(instance / "parts", CACHE_BYTES, target)
    return target


def is_local(instance: Path, source: SoundSource) -> bool:
    """Return whether ``local_path`` does not need to cut a part."""
    return source.start_s is None or _target(instance, source).is_file()


def cut_path(instance: Path, content_hash: str) -> Path:
    """Return the cached path of a part with this content; the file may not exist."""
    return instance / "parts" / content_hash[:2] / f"{content_hash}.flac"


def _target(instance: Path, source: SoundSource) -> Path:
    return cut_path(instance, source.content_hash)


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
