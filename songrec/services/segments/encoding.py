"""Encoding many songs: by child processes, one a core, where the encoder needs no TensorFlow."""

from __future__ import annotations

import functools
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.core.errors import BadInput
from songrec.core.isolation import IsolatedProcess, Limits
from songrec.services.features import waveform
from songrec.services.features.sound_files import local_path
from songrec.services.segments.encoders import EncodedSegments, SegmentEncoder, load_encoder
from songrec.services.segments.tagger_dataset import SegmentSettings
from songrec.store.sound import waveform_cache
from songrec.store.sound.audio_files import SoundSource

LIMITS = Limits(seconds=300.0, memory_bytes=4 * 2**30)
WAITING_PER_PROCESS = 2
"""Songs that each process has ahead: vectors of songs that are done wait for their turn."""


@dataclass(frozen=True)
class EncodedSong:
    """A song and its segments, None where its file could not be read."""

    track_id: int
    source: SoundSource
    segments: EncodedSegments | None


def encode_songs(
    instance: Path,
    encoder: SegmentEncoder,
    files: Mapping[int, SoundSource],
    is_over: Callable[[], bool],
) -> Iterator[EncodedSong]:
    """Encode songs in the order of their ids, until ``is_over``, and draw waveforms they lack.

    A file that is read is decoded in a process that may be killed. Raises ``NotReady`` where the
    encoder cannot be loaded.
    """
    songs = iter(sorted(files.items()))
    if not encoder.in_children:
        for track_id, source in songs:
            if is_over():
                return
            yield EncodedSong(track_id, source, _attempt(instance, encoder.encode, source))
        return
    count = min(len(os.sched_getaffinity(0)), len(files))
    with ExitStack() as stack:
        children = _Children(instance, encoder)
        stack.callback(children.close)
        threads = stack.enter_context(ThreadPoolExecutor(count, thread_name_prefix="segments"))
        # First nothing new, then the songs that are being read: threads wait for their children.
        stack.callback(children.close)
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        pending: deque[tuple[int, SoundSource, Future[EncodedSegments | None]]] = deque()
        while True:
            while len(pending) < WAITING_PER_PROCESS * count and not is_over():
                song = next(songs, None)
                if song is None:
                    break
                future = threads.submit(_attempt, instance, children.encode, song[1])
                pending.append((*song, future))
            if not pending or is_over():
                return
            track_id, source, future = pending.popleft()
            yield EncodedSong(track_id, source, future.result())


def _attempt(
    instance: Path, encode: Callable[[Path, str], EncodedSegments], source: SoundSource
) -> EncodedSegments | None:
    """Encode a song and draw its waveform; None for a file that is moved or damaged."""
    try:
        path = local_path(instance, source)
        encoded = encode(path, source.content_hash)
        if waveform_cache.find(instance, source.content_hash) is None:
            waveform.create(instance, path, source.content_hash, cover_of=source.path)
    except (BadInput, OSError):
        return None  # the next analysis reports it
    return encoded


class _Children:
    """A child process for each thread that encodes."""

    def __init__(self, instance: Path, encoder: SegmentEncoder) -> None:
        self._what = str(instance), encoder.name, json.dumps(encoder.settings.to_json())
        self._here = threading.local()
        self._all: list[IsolatedProcess] = []

    def encode(self, path: Path, content_hash: str) -> EncodedSegments:
        """Encode a file in the child of the calling thread."""
        child = getattr(self._here, "child", None)
        if child is None:
            child = self._here.child = IsolatedProcess()
            self._all.append(child)
        answer = child.call(_encode_here, *self._what, str(path), content_hash, limits=LIMITS)
        return EncodedSegments(**answer["arrays"])

    def close(self) -> None:
        """End the children, whatever they are doing."""
        for child in self._all:
            child.close()


@functools.lru_cache(maxsize=1)
def _encoder(instance: str, name: str, settings: str) -> SegmentEncoder:
    return load_encoder(Path(instance), name, SegmentSettings(**json.loads(settings)))


def _encode_here(
    instance: str, name: str, settings: str, path: str, content_hash: str
) -> dict[str, Any]:
    encoded = _encoder(instance, name, settings).encode(Path(path), content_hash)
    arrays = {"starts": encoded.starts, "vectors": encoded.vectors, "tags": encoded.tags}
    return {"arrays": {name: array for name, array in arrays.items() if array is not None}}
