"""Songs cut into fragments for recommending by; training what stands for them; how it stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Progress, no_progress
from songrec.pipeline.fragment_songs import Cutting
from songrec.pipeline.fragment_vectors import maker
from songrec.store import audio_files, fragments
from songrec.store.fragments import SongFragments
from songrec.store.taggers import status

__all__ = ["status", "tag"]


def tag(
    session: Session,
    instance: Path,
    on_progress: Progress = no_progress,
    *,
    cutting: Cutting | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Cut every song that can be heard, and put the index of all fragments in use.

    Vectors are the newest tagger's, or those of what needs no training (see ``maker``), whose
    columns are brought to one scale. The result is the index's manifest; ``NotReady`` where no song
    can be heard.
    """
    started = time.perf_counter()
    made = maker(instance, cutting)
    files = sorted(audio_files.of_tracks(session, audio_files.audible(session)).items())
    wanted = [(track, Path(file.path), str(file.content_hash)) for track, file in files]
    session.commit()  # nothing stays locked while sound is read
    if not wanted:
        raise NotReady("No song can be heard, so none can be cut: flask analyze DIR")
    unread: list[int] = []

    def cuts() -> Iterator[SongFragments]:
        for done, (track, path, content_hash) in enumerate(wanted):
            on_progress(0.95 * done / len(wanted), f"{done} of {len(wanted)} songs cut")
            try:
                one = made.of(path, content_hash)
            except (BadInput, OSError):
                unread.append(track)  # moved or damaged since: the next analysis says what
                continue
            yield SongFragments(track, one.starts, one.vectors, one.tags)

    told = fragments.write(
        instance,
        cuts(),
        one_scale=made.name != "tagger",
        seconds=made.cutting.n_seconds,
        made_by=made.name,
        tag_names=made.tags,
        told={
            "cutting": made.cutting.to_json(),
            "tagger": getattr(made, "id", None),
            "seed": seed,
        },
        seed=seed,
    )
    on_progress(1.0, f"{told['fragments']:,} fragments of {told['tracks']:,} songs")
    taken = round(time.perf_counter() - started, 1)
    return {**told, "songs_unread": len(unread), "seconds_taken": taken}
