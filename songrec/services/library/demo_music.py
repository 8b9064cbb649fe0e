"""The demo music as a part of the library: synthesised into the instance, then analysed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from songrec.demo import music
from songrec.services.library.demo_songs import music_folder

BATCHES = (2, 8, 20)
"""Pieces that are made before the library looks at them; the last number is repeated."""


def write_batches(instance: Path, on_piece: Callable[[int, int], None]) -> Iterator[list[Path]]:
    """Synthesise the missing pieces batch by batch; yield the files of each batch.

    ``on_piece`` receives the number of finished pieces and of all pieces.
    """
    plan = music.plan()
    sizes = iter(BATCHES)
    start = size = 0
    on_piece(0, len(plan))
    # Encoding releases the GIL, so the next piece is composed at the same time.
    with ThreadPoolExecutor(2) as pool:
        while start < len(plan):
            size = next(sizes, size)
            paths = []
            batch = plan[start : start + size]
            for path in pool.map(partial(music.write, music_folder(instance)), batch):
                paths.append(path)
                on_piece(start + len(paths), len(plan))
            start += size
            yield paths
