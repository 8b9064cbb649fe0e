"""On-demand conversion of songs in formats that browsers lack.

A child process decodes and encodes into a file that is read while it grows. Complete files are
cached in ``<instance>/transcoded/`` by content hash, within a size limit. A conversion without
readers is stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from songrec.core import file_cache
from songrec.core.errors import BadInput, NotReady
from songrec.core.files import temporary_beside
from songrec.core.isolation import IsolatedProcess, Limits
from songrec.services.features.conversion_slots import ConversionSlots
from songrec.services.features.sound_files import local_path
from songrec.store.sound import transcoded_cache
from songrec.store.sound.audio_files import SoundSource

LIMITS = Limits(seconds=1800.0, memory_bytes=2**30)
MOST_AT_ONCE = 3
"""Conversions of one web process; others have to wait."""
MOST_EACH = 2
"""Of these, those of one person: the song that plays, and the next."""
GRACE_S = 10.0
"""Seconds without a reader until a conversion is stopped: browsers disconnect and come back."""
CHUNK_BYTES = 64 * 1024
_POLL_S = 0.1


@dataclass(eq=False)
class Conversion:
    """A running conversion: its growing file and its outcome.

    ``problem`` completes a sentence about the file. With ``is_needed`` it continues without reader.
    """

    target: Path
    path: Path | None = None
    problem: str | None = None
    is_needed: bool = False
    n_readers: int = 0
    process: IsolatedProcess = field(default_factory=IsolatedProcess)
    over: threading.Event = field(default_factory=threading.Event)

    def has_begun(self, seconds: float) -> bool:
        """Wait for the first bytes; ``BadInput`` if the conversion failed."""
        step = 0.02
        for _ in range(round(seconds / step)):
            if self.over.is_set() and self.problem:
                raise BadInput(self.problem)
            if self.over.is_set() or (self.path and _size(self.path)):
                return True
            self.over.wait(step)
        return False

    def open(self) -> BinaryIO:
        """Open the file, even if it is being renamed."""
        try:
            return (self.path or self.target).open("rb")
        except FileNotFoundError:
            return self.target.open("rb")


_lock = threading.Lock()
_running: dict[Path, Conversion] = {}
_slots = ConversionSlots(MOST_AT_ONCE, MOST_EACH)


def finished(instance: Path, content_hash: str, format: str) -> Path | None:
    """Return the converted file if it is complete, and mark it as just used."""
    path = transcoded_cache.path(instance, content_hash, format)
    return path if file_cache.use(path) else None


def is_under_way(instance: Path, content_hash: str, format: str) -> bool:
    """Return whether this process is converting a content."""
    return transcoded_cache.path(instance, content_hash, format) in _running


def start(
    instance: Path,
    source: SoundSource,
    format: str,
    owner: str,
    *,
    cache_bytes: int,
    is_needed: bool = False,
) -> Conversion:
    """Start the conversion of ``source`` for ``owner``, or join the one that is under way.

    With ``is_needed`` it is completed without a reader, for the next song. Raises ``Busy``.
    """
    target = transcoded_cache.path(instance, source.content_hash, format)
    with _lock:
        conversion = _running.get(target)
        if conversion is None and target.is_file():
            conversion = Conversion(target, target)
            conversion.over.set()
        elif conversion is None:
            _slots.acquire(owner)
            conversion = _running[target] = Conversion(target)
            threading.Thread(
                target=_run,
                args=(conversion, instance, source, target, format, cache_bytes, owner),
                name="transcode",
                daemon=True,
            ).start()
        conversion.is_needed |= is_needed
    return conversion


def read(conversion: Conversion) -> Iterator[bytes]:
    """Yield the bytes of a conversion as they are written."""
    with _lock:
        conversion.n_readers += 1
    try:
        with conversion.open() as file:
            while True:
                is_over = conversion.over.is_set()
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
                if is_over:
                    return
                conversion.over.wait(_POLL_S)
    finally:
        with _lock:
            conversion.n_readers -= 1
        if not conversion.over.is_set():
            timer = threading.Timer(GRACE_S, _stop_unread, (conversion,))
            timer.daemon = True
            timer.start()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # renamed, or given up
        return 0


def _stop_unread(conversion: Conversion) -> None:
    with _lock:
        unread = not conversion.n_readers and not conversion.is_needed
    if unread:
        conversion.process.stop()


def _run(
    conversion: Conversion,
    instance: Path,
    source: SoundSource,
    target: Path,
    format: str,
    cache_bytes: int,
    owner: str,
) -> None:
    try:
        path = local_path(instance, source)
        with temporary_beside(target) as temporary, conversion.process as process:
            temporary.touch()  # readers open it before anything is written
            conversion.path = temporary
            process.call(_transcode, str(path), str(temporary), format, limits=LIMITS)
            if not source.path.exists():
                raise BadInput("is gone")  # uploads are deleted after an hour
            temporary.replace(target)
            conversion.path = target
        file_cache.trim(transcoded_cache.folder(instance), cache_bytes, target)
    except (BadInput, NotReady, OSError) as error:
        conversion.problem = str(error)
    finally:
        with _lock:
            del _running[target]
        _slots.release(owner)
        conversion.over.set()


def _transcode(path: str, target: str, format: str) -> None:
    from songrec.audio_files.transcoding import transcode

    try:
        transcode(Path(path), Path(target), format)
    except OSError as error:
        raise BadInput(str(error)) from None
