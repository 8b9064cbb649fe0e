"""Songs cut into segments for recommending by, and the index of them kept up with the library."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, Cancelled, NotReady, SongrecError
from songrec.core.types import Progress, no_progress
from songrec.services.features import waveform
from songrec.services.segments.encoder_selection import status
from songrec.services.segments.encoders import Maker, maker, maker_of
from songrec.services.segments.tagger_dataset import Cutting
from songrec.store.models import taggers
from songrec.store.sound import audio_files, segment_index, waveform_cache
from songrec.store.sound.segment_index import SongSegments

__all__ = ["follow", "refresh", "status", "tag"]

log = logging.getLogger("songrec.segments")

Sounds = dict[int, tuple[Path, str]]
"""Of each track that can be heard its file and the file's content."""


def tag(
    session: Session,
    instance: Path,
    on_progress: Progress = no_progress,
    *,
    cutting: Cutting | None = None,
    by: str = "best",
    seed: int = 0,
) -> dict[str, Any]:
    """Cut every song that can be heard, and put the index of all segments in use.

    ``by`` says what stands for a segment, see ``encoder_selection.choose``; the columns of what
    needs no training are brought to one scale. The result is the index's manifest; ``NotReady``
    where no song can be heard or what was asked for is not there.
    """
    started = time.perf_counter()
    made, choice = maker(instance, cutting, by)
    wanted = _sounds(session)
    if not wanted:
        raise NotReady("No song can be heard, so none can be cut: flask analyze DIR")
    unread: dict[str, str] = {}
    told = segment_index.write(
        instance,
        _cuts(instance, made, wanted, unread, on_progress),
        one_scale=made.name != "tagger",
        seconds=made.cutting.n_seconds,
        made_by=made.name,
        tag_names=made.tags,
        told={
            "cutting": made.cutting.to_json(),
            "tagger": getattr(made, "id", None),
            "seed": seed,
            "by": by,
            "why": choice.why,
            "unread": unread,
        },
        seed=seed,
    )
    # Songs that came, and went, while these were cut.
    return _done(refresh(session, instance) or told, started, on_progress)


def refresh(
    session: Session, instance: Path, on_progress: Progress = no_progress
) -> dict[str, Any] | None:
    """Bring the index up to the songs that can be heard now: cut new ones, leave out what is gone.

    New songs are cut by what made the index, so that distances are of one space; all are cut anew
    where that is gone. The result is the manifest with ``added`` and ``removed``; None where
    nothing had to be done, or where no song is cut and no tagger is trained: then nobody has asked
    for segments.
    """
    started = time.perf_counter()
    while (name := segment_index.current(instance)) is not None:
        told, known = segment_index.manifest(instance), segment_index.contents(instance, name)
        if told is None or known is None:
            return _all_anew(session, instance, told or {}, on_progress)
        wanted = _sounds(session)
        unread = {
            int(track): content
            for track, content in told.get("unread", {}).items()
            if wanted.get(int(track), (None, None))[1] == content
        }
        new = {
            track: sound
            for track, sound in wanted.items()
            if sound[1] not in (known.get(track), unread.get(track))
        }
        without = [t for t, content in known.items() if wanted.get(t, (None, None))[1] != content]
        if not new and not without:
            return None
        if not new and len(without) == len(known):
            segment_index.remove(instance, name)
            return {"tracks": 0, "fragments": 0, "added": 0, "removed": len(without)}
        try:
            made = maker_of(instance, told) if new else None
        except NotReady as error:
            log.warning("All songs are cut anew: %s", error)
            return _all_anew(session, instance, told, on_progress)
        failed: dict[str, str] = {str(track): content for track, content in unread.items()}
        fresh = _cuts(instance, made, new, failed, on_progress) if made else iter(())
        try:
            told = segment_index.update(instance, name, fresh, without, {"unread": failed})
        except segment_index.Overtaken:
            continue  # all were cut anew meanwhile: see what is missing there
        added = len(new) - (len(failed) - len(unread))
        return _done({**told, "added": added, "removed": len(without)}, started, on_progress)
    return (
        None if taggers.newest(instance) is None else _all_anew(session, instance, {}, on_progress)
    )


def follow(
    session: Session, instance: Path, on_progress: Progress = no_progress
) -> dict[str, Any] | None:
    """``refresh`` after an analysis, which must not fail with it: a failure is told, not raised.

    What it follows must be committed. The result is ``refresh``'s, or ``{"problem": sentence}``.
    """
    try:
        return refresh(session, instance, on_progress)
    except Cancelled:
        raise
    except SongrecError as error:
        problem = str(error)
    except Exception as error:
        log.exception("Cutting songs into segments failed.")
        problem = f"Unexpected {type(error).__name__}: {error}"
    session.rollback()
    return {"problem": f"New songs were not cut into segments: {problem}"}


def _all_anew(
    session: Session, instance: Path, told: dict[str, Any], on_progress: Progress
) -> dict[str, Any] | None:
    """All songs cut as long as the index ``told`` has them, by what is best now."""
    known = _sounds(session)
    if not known:
        return None
    cutting = Cutting(**told["cutting"]) if "cutting" in told else None
    done = tag(session, instance, on_progress, cutting=cutting, seed=int(told.get("seed", 0)))
    return {"added": done["tracks"], "removed": 0, **done}


def _sounds(session: Session) -> Sounds:
    files = sorted(audio_files.of_tracks(session, audio_files.audible(session)).items())
    found = {track: (Path(file.path), str(file.content_hash)) for track, file in files}
    session.commit()  # nothing stays locked while sound is read
    return found


def _cuts(
    instance: Path, made: Maker, wanted: Sounds, unread: dict[str, str], on_progress: Progress
) -> Iterator[SongSegments]:
    """The songs one after the other; each has its waveform then, for its moments to be marked."""
    for done, (track, (path, content)) in enumerate(sorted(wanted.items())):
        on_progress(0.95 * done / len(wanted), f"{done} of {len(wanted)} songs cut")
        try:
            one = made.of(path, content)
            if waveform_cache.find(instance, content) is None:
                waveform.make(instance, path, content)
        except (BadInput, OSError):
            unread[str(track)] = content  # moved or damaged since: the next analysis says what
            continue
        yield SongSegments(track, one.starts, one.vectors, one.tags, content)


def _done(told: dict[str, Any], started: float, on_progress: Progress) -> dict[str, Any]:
    on_progress(1.0, f"{told['fragments']:,} segments of {told['tracks']:,} songs")
    taken = round(time.perf_counter() - started, 1)
    return {**told, "songs_unread": len(told.get("unread", ())), "seconds_taken": taken}
