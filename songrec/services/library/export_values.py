"""Export of analysed values: as a table, or into the tags of the files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.audio_files.file_scan import content_hash, shown
from songrec.audio_files.tag_writing import key_text, write_values
from songrec.core.attributes import ATTRIBUTE_NAMES, key_name
from songrec.core.errors import BadInput
from songrec.core.files import modified_ns
from songrec.services.library.audio_tracks import source_key
from songrec.store.catalogue import tracks
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, feature_cache, waveform_cache
from songrec.store.tables import Album, AudioFile, FeatureVector, Track, TrackAttributes

COLUMNS = (
    "track_id",
    "title",
    "artists",
    "album",
    "genre",
    "year",
    "path",
    "seconds",
    "codec",
    "sample_rate",
    "channels",
    "key",
    "mode",
    "key_name",
    *ATTRIBUTE_NAMES,
    "sources",
)


@dataclass(frozen=True)
class Written:
    """Number of files whose tags were written, and the skipped ones with a reason each."""

    written: int
    skipped: list[dict[str, str]]


def rows(session: Session) -> Iterator[dict[str, Any]]:
    """Yield the analysed files by path, one row each with ``COLUMNS``.

    ``sources`` maps each attribute that comes from the sound to ``measured``, ``predicted``,
    ``vibenet`` (estimated by VibeNet) or ``musicnn`` (estimated from MusiCNN's tags); all others
    come from a catalogue.
    """
    query = (
        select(AudioFile, Track, TrackAttributes, Album.title)
        .join(Track, Track.id == AudioFile.track_id)
        .join(Album, Album.id == Track.album_id, isouter=True)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id, isouter=True)
        .where(AudioFile.state == "analysed")
        .order_by(AudioFile.path)
        .execution_options(yield_per=500)
    )
    batches = session.execute(query).partitions()
    for file, track, attributes, album, genres in _with_genres(session, batches):
        sources = file.info.get("attributes", {})
        yield {
            "track_id": track.public_id,
            "title": track.title,
            "artists": track.artists,
            "album": album,
            "genre": genres,
            "year": track.year,
            "path": file.path,
            "seconds": file.duration_s,
            "codec": file.codec,
            "sample_rate": file.sample_rate,
            "channels": file.channels,
            "key": track.key,
            "mode": track.mode,
            "key_name": key_name(track.key, track.mode),
            **{name: getattr(attributes, name, None) for name in ATTRIBUTE_NAMES},
            "sources": {name: entry["source"] for name, entry in sources.items()},
        }


def _with_genres(session: Session, parts: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    for part in parts:
        labels = tracks.genres_and_emotions(session, [track.id for _, track, *_ in part])
        for row in part:
            yield (*row, ", ".join(labels.get((row[1].id, "genre"), ())) or None)


def write_tags(
    instance: Instance, folder: Path, values: Sequence[str], *, dry_run: bool = False
) -> Written:
    """Write ``values`` (``tempo``, ``key``) of the analysed files below ``folder`` to their tags.

    The library is updated: a file is identified by its content, which the new tags change, so its
    row, its track and its cached features get the new hash. A file that has changed since its
    analysis is skipped. A file with several names (links) is written once and counts for each.
    Flushes after each file; with ``dry_run`` nothing is written.
    """
    # The file's own name stays: the library has links under theirs.
    folder = folder.parent.resolve() / folder.name if folder.is_file() else folder.resolve()
    analysed = [
        k for k in audio_files.below(instance.session, folder).values() if k.state == "analysed"
    ]
    single = audio_files.at_path(instance.session, str(folder))
    ids = [k.id for k in analysed] + ([single.id] if single and single.state == "analysed" else [])
    if not ids:
        raise BadInput(f"No analysed file lies in {shown(folder)}: run flask analyze on it first.")
    written, skipped = 0, []
    done: set[tuple[int, int]] = set()
    for file_id in sorted(ids):
        file = instance.session.get_one(AudioFile, file_id)
        try:
            if _identity(file) not in done:
                _write_one(instance, file, values, dry_run)
                done.add(_identity(file))
            written += 1
        except (BadInput, OSError) as error:
            skipped.append({"path": file.path, "reason": str(error)})
    return Written(written, skipped)


def _identity(file: AudioFile) -> tuple[int, int]:
    status = Path(file.path).stat()
    return status.st_dev, status.st_ino


def _write_one(instance: Instance, file: AudioFile, values: Sequence[str], dry_run: bool) -> None:
    if file.part:
        raise BadInput("is one track of an album file, whose tags are those of the album")
    path = Path(file.path)
    status = path.stat()
    if (status.st_size, modified_ns(status)) != (file.size, file.modified_ns):
        raise BadInput("has changed since it was analysed: run flask analyze first")
    track = instance.session.get(Track, file.track_id)
    if track is None:
        raise BadInput("has no track any more: run flask analyze first")
    tempo = track.attributes.tempo if "tempo" in values and track.attributes else None
    key = key_text(track.key, track.mode) if "key" in values and track.key is not None else None
    if tempo is None and key is None:
        raise BadInput("has neither of the values that are to be written")
    if dry_run:
        return
    write_values(path, tempo=tempo, key=key)
    _follow_new_hash(instance, file, track)


def _is_same_file(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def _follow_new_hash(instance: Instance, file: AudioFile, track: Track) -> None:
    """Move rows and cached features to the hash of the file's new bytes.

    Other rows of the same file, behind a link, follow as well.
    """
    path, before = Path(file.path), str(file.content_hash)
    after, status = content_hash(path), path.stat()
    for row in audio_files.with_content(instance.session, before):
        if row is file or _is_same_file(Path(row.path), path):
            row.content_hash, row.size = after, status.st_size
            row.modified_ns, row.updated_at = modified_ns(status), now()
    if after == before:
        instance.session.flush()
        return
    if track.source_key == source_key(before):
        track.source_key = source_key(after)
    cache = feature_cache.folder(instance.folder)
    for vector in instance.session.scalars(
        select(FeatureVector).where(FeatureVector.content_hash == before)
    ).all():
        key = feature_cache.SetKey(vector.feature_set, vector.version, vector.digest)
        old, new = cache / vector.path, cache / feature_cache.relative_path(key, after)
        if old.is_file():
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(old, new)
            feature_cache.record(instance.session, key, after)
    waveform_cache.copy(instance.folder, before, after)
    instance.session.flush()
