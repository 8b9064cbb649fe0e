"""The index of the library's segments: built at once, then kept up to date with the library."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import Cancelled, NotReady, SongrecError
from songrec.core.types import Progress, no_progress
from songrec.services.segments import index_state
from songrec.services.segments.encoder_selection import status
from songrec.services.segments.encoders import SegmentEncoder, encoder_for_index, select_encoder
from songrec.services.segments.encoding import encode_songs
from songrec.services.segments.tagger_dataset import SegmentSettings
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, segment_index
from songrec.store.sound.audio_files import SoundSource
from songrec.store.sound.segment_index import SongSegments

__all__ = ["build", "refresh", "refresh_after_analysis", "status"]

log = logging.getLogger("songrec.segments")

SoundFiles = dict[int, SoundSource]
"""Where the sound of each audible track is."""


def build(
    instance: Instance,
    on_progress: Progress = no_progress,
    *,
    settings: SegmentSettings | None = None,
    by: str = "best",
    seed: int = 0,
    time_limit_s: float = math.inf,
) -> dict[str, Any]:
    """Encode the segments of every audible song, put their index in use, return its manifest.

    ``by`` is one of ``encoder_selection.ENCODERS``. Vectors of encoders without training are
    standardised. Songs that are not encoded within ``time_limit_s`` are left to ``refresh``. Raises
    ``NotReady`` if no song is audible or the encoder is not available.
    """
    started = time.perf_counter()
    encoder, choice = select_encoder(instance.folder, settings, by)
    files = _sound_files(instance.session)
    if not files:
        raise NotReady("No song is audible, so no segments can be cut: flask analyze DIR")
    unreadable: dict[str, str] = {}
    manifest = segment_index.write(
        instance.folder,
        _encode(instance.folder, encoder, files, unreadable, on_progress, time_limit_s),
        standardize=encoder.name != "tagger",
        seconds=encoder.settings.n_seconds,
        made_by=encoder.name,
        tag_names=encoder.tags,
        metadata={
            "cutting": encoder.settings.to_json(),
            "tagger": getattr(encoder, "id", None),
            "seed": seed,
            "by": by,
            "why": choice.why,
            "unread": unreadable,
        },
        seed=seed,
    )
    if math.isinf(time_limit_s):
        # Songs may have been added or removed meanwhile.
        manifest = refresh(instance) or manifest
    return _report(manifest, started, on_progress)


def refresh(
    instance: Instance,
    on_progress: Progress = no_progress,
    *,
    time_limit_s: float = math.inf,
) -> dict[str, Any] | None:
    """Update the index to the songs that are audible now, or build it if there is none.

    New songs are encoded by the encoder of the index, so that distances stay comparable; if it no
    longer exists the index is rebuilt. After ``time_limit_s`` no further song is encoded: the next
    refresh continues.

    Returns
    -------
    The manifest with the counts ``added`` and ``removed``. None if nothing has changed.
    """
    started = time.perf_counter()
    while (name := segment_index.current(instance.folder)) is not None:
        manifest = segment_index.manifest(instance.folder)
        indexed = segment_index.content_hashes(instance.folder, name)
        if manifest is None or indexed is None:
            return _rebuild(instance, manifest or {}, on_progress, time_limit_s)
        files = _sound_files(instance.session)
        hashes = {track: file.content_hash for track, file in files.items()}
        changes = index_state.compare(hashes, indexed, manifest)
        new = {track: files[track] for track in changes.new}
        removed, unreadable = changes.removed, changes.unreadable
        if not changes.count:
            return None
        if not new and len(removed) == len(indexed):
            segment_index.remove(instance.folder, name)
            return {"tracks": 0, "fragments": 0, "added": 0, "removed": len(removed)}
        try:
            encoder = encoder_for_index(instance.folder, manifest) if new else None
        except NotReady as error:
            log.warning("The index of segments is rebuilt: %s", error)
            return _rebuild(instance, manifest, on_progress, time_limit_s)
        songs: Iterator[SongSegments] = iter(())
        if encoder:
            songs = _encode(instance.folder, encoder, new, unreadable, on_progress, time_limit_s)
        try:
            manifest = segment_index.update(
                instance.folder, name, songs, removed, {"unread": unreadable}
            )
        except segment_index.Superseded:
            continue  # rebuilt meanwhile: compare with the new index
        n_unchanged = len(indexed) - len(removed)
        counts = {"added": manifest["tracks"] - n_unchanged, "removed": len(removed)}
        return _report({**manifest, **counts}, started, on_progress)
    return _rebuild(instance, {}, on_progress, time_limit_s)


def refresh_after_analysis(
    instance: Instance, on_progress: Progress = no_progress
) -> dict[str, Any] | None:
    """Refresh the index, returning ``{"problem": message}`` instead of raising an error.

    The analysis that precedes it must be committed: a failure here rolls the session back, and
    must not lose the analysis.
    """
    try:
        return refresh(instance, on_progress)
    except Cancelled:
        raise
    except SongrecError as error:
        problem = str(error)
    except Exception as error:
        log.exception("Refreshing the index of segments failed.")
        problem = f"Unexpected {type(error).__name__}: {error}"
    instance.session.rollback()
    return {"problem": f"New songs were not cut into segments: {problem}"}


def _rebuild(
    instance: Instance, manifest: dict[str, Any], on_progress: Progress, time_limit_s: float
) -> dict[str, Any] | None:
    """Build the index anew with the settings of ``manifest`` and the best encoder of now."""
    if not _sound_files(instance.session):
        return None
    settings = SegmentSettings(**manifest["cutting"]) if "cutting" in manifest else None
    seed = int(manifest.get("seed", 0))
    built = build(instance, on_progress, settings=settings, seed=seed, time_limit_s=time_limit_s)
    return {"added": built["tracks"], "removed": 0, **built}


def _sound_files(session: Session) -> SoundFiles:
    files = sorted(audio_files.readable(session).items())
    files_by_track = {track: audio_files.source_of(file) for track, file in files}
    session.commit()  # nothing stays locked while files are read
    return files_by_track


def _encode(
    instance: Path,
    encoder: SegmentEncoder,
    files: SoundFiles,
    unreadable: dict[str, str],
    on_progress: Progress,
    time_limit_s: float,
) -> Iterator[SongSegments]:
    """Yield the segments of each song; adds files that cannot be read to ``unreadable``.

    Each song also gets its waveform, on which pages mark its moments. Ends with the first song
    after ``time_limit_s``.
    """
    started, encoded_any = time.monotonic(), False

    def is_over() -> bool:
        return encoded_any and time.monotonic() - started > time_limit_s

    for done, song in enumerate(encode_songs(instance, encoder, files, is_over), start=1):
        on_progress(0.95 * done / len(files), f"{done} of {len(files)} songs cut")
        segments, content_hash = song.segments, song.source.content_hash
        if segments is None:
            unreadable[str(song.track_id)] = content_hash
            continue
        encoded_any = True
        yield SongSegments(
            song.track_id, segments.starts, segments.vectors, segments.tags, content_hash
        )


def _report(manifest: dict[str, Any], started: float, on_progress: Progress) -> dict[str, Any]:
    on_progress(1.0, f"{manifest['fragments']:,} segments of {manifest['tracks']:,} songs")
    seconds = round(time.perf_counter() - started, 1)
    unreadable = len(manifest.get("unread", ()))
    return {**manifest, "songs_unread": unreadable, "seconds_taken": seconds}
