"""The demo music as a part of the library: synthesised into the instance, then analysed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from songrec.demo import music
from songrec.services.library.demo_songs import music_folder

BATCHES = (4, 12, 20)
"""Pieces that are made before the library looks at them; the last number is repeated."""


def write_batches(instance: Path, on_made: Callable[[int, int], None]) -> Iterator[list[Path]]:
    """Synthesise the missing pieces batch by batch; yield the files of each batch.

    ``on_made`` is told how many of how many pieces there are.
    """
    plan = music.plan()
    start = 0
    sizes = iter(BATCHES)
    size = 0
    while start < len(plan):
        size = next(sizes, size)
        paths = []
        for number, piece in enumerate(plan[start : start + size], start):
            on_made(number, len(plan))
            paths.append(music.write(music_folder(instance), piece))
        start += size
        yield paths
