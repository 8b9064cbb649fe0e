"""Tracks of analysed files: names, labels, measured attributes and duration."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from songrec.audio_files.cue_sheets import AlbumPart
from songrec.audio_files.decoding import DECODER_VERSION
from songrec.audio_files.file_scan import ScannedFile
from songrec.audio_files.tags import TAG_READER_VERSION
from songrec.core import songs
from songrec.core.artist_credits import ArtistField
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import BadInput
from songrec.features.audio.statistical import MEASURED, measured
from songrec.services.features.feature_sets import MEASURING
from songrec.services.library.worker_process import Outcome
from songrec.store.catalogue import merge_redirects
from songrec.store.catalogue.artists import CreditWriter, TrackNames
from songrec.store.db import now, take_write_turn
from songrec.store.sound import audio_files
from songrec.store.tables import (
    AudioFile,
    ClusterAssignment,
    Listen,
    Lyrics,
    PlaylistTrack,
    Reaction,
    Tag,
    Track,
    TrackAttributes,
    TrackTag,
)

SAME_LENGTH_S = 0.2
"""Largest difference in length of a changed file with the same song, tagged or encoded again."""


def source_key(content_hash: str) -> str:
    """Return the source key of a track from audio: equal for equal content."""
    return f"audio:{content_hash}"


def part_hash(content_hash: str, part: AlbumPart) -> str:
    """Return the content hash of a part of a file with ``content_hash``.

    The same part of the same content is the same track, regardless of its names in the cue sheet.
    """
    return hashlib.sha256(f"{content_hash} {part.start_s} {part.end_s}".encode()).hexdigest()


TAG_STAMP = "tag_stamp"
"""Key of a row's ``info``; ``tags`` is that of an estimator (``attribute_estimates``)."""


def tags_stamp(file: ScannedFile, encoding: str | None) -> dict[str, Any]:
    """Return the settings that a file's tags depend on beyond its content, as stored in its row."""
    return {
        "reader": TAG_READER_VERSION,
        "encoding": encoding,
        "lyrics": file.lyrics_ns,
        "part": asdict(file.part) if file.part else None,
    }


def is_current(info: Mapping[str, Any], file: ScannedFile, encoding: str | None) -> bool:
    """Return whether a row with ``info`` was described by the present decoder and the same tags.

    Lyrics of a file beside it are kept after that file was deleted.
    """
    if info.get("decoder") != DECODER_VERSION:
        return False
    before, present = dict(info.get(TAG_STAMP) or {}), tags_stamp(file, encoding)
    if present["lyrics"] is None:
        present["lyrics"] = before.get("lyrics")
    return before == present


class ContentRows:
    """The rows of one content, read once for all its paths.

    ``described_id`` is a row with a track, ``info`` that row's, ``refusal`` the reason for which
    the present decoder rejected the content permanently; None without one.
    """

    def __init__(self, session: Session, content_hash: str) -> None:
        self._session = session
        self._content_hash = content_hash
        rows = audio_files.with_content(session, content_hash)
        described = next((row for row in rows if row.track_id is not None), None)
        self.described_id = described.id if described else None
        self.info = dict(described.info or {}) if described else {}
        self.refusal = next((row.reason or "rejected" for row in rows if _is_final(row)), None)
        # Each is looked at once: thousands of copies take linear time.
        self._elsewhere = deque((row.id, row.path) for row in rows if row.state != "rejected")

    def take_moved(self) -> AudioFile | None:
        """Return the row of a file that was moved away from its former place, each once."""
        while self._elsewhere:
            row_id, path = self._elsewhere.popleft()
            if not Path(path).exists():
                row = self._session.get(AudioFile, row_id, populate_existing=True)
                if row is not None and (row.path, row.content_hash) == (path, self._content_hash):
                    return row
        return None

    def described(self) -> AudioFile:
        """Return a row with a track; ``BadInput`` if the track was deleted in the meantime."""
        row = None
        if self.described_id is not None:
            row = self._session.get(AudioFile, self.described_id, populate_existing=True)
        if row is None or row.track_id is None or row.content_hash != self._content_hash:
            raise BadInput("its song was deleted during the analysis: analyse the folder again")
        return row


def _is_final(row: AudioFile) -> bool:
    """Return whether a content was rejected for good by the present decoder."""
    return (
        row.state == "rejected"
        and not row.info.get("passing")
        and row.info.get("decoder") == DECODER_VERSION
    )


def record(
    session: Session,
    root: Path,
    file: ScannedFile,
    content_hash: str,
    outcome: Outcome,
    content: ContentRows | None = None,
    encoding: str | None = None,
) -> AudioFile:
    """Write an analysed file: its row, its track, the track's attributes and labels. Flushes.

    A file without the features for measuring attributes is ``listed``: its track has names and a
    length, can be played, and is analysed later. A file keeps its track and likes if it was moved
    (same content) or changed without becoming another song; another song at the same path is
    another track. ``content`` are the rows of its content, if already read; ``encoding`` is that of
    the tags.
    """
    take_write_turn(session)
    content = content or ContentRows(session, content_hash)
    row = audio_files.at_path(session, str(file.path), file.number) or content.take_moved()
    if row is None:
        row = AudioFile(public_id=audio_files.new_public_id())
    decoded = outcome.decoded
    track = _track_of(session, row, content_hash, outcome)
    measured_attributes = _describe(session, track, root, content_hash, outcome)
    # Earlier estimates remain marked until the predictor has processed the new content.
    estimates = {
        name: entry
        for name, entry in (row.info or {}).get("attributes", {}).items()
        if entry["source"] != "measured" and row.track_id == track.id
    }
    row.track_id = track.id
    _place(row, root, file)
    row.content_hash, row.size, row.modified_ns = content_hash, file.size, file.modified_ns
    is_analysed = MEASURING in outcome.arrays
    row.state, row.reason = "analysed" if is_analysed else "listed", None
    row.duration_s, row.sample_rate = decoded["duration_s"], decoded["sample_rate"]
    row.channels, row.codec = decoded["channels"], decoded["codec"][:40]
    row.has_cover = bool(outcome.tags["has_cover"])
    row.info = {
        # A listed file has no decoder version, so that the analysis reads its tags again.
        **({"decoder": DECODER_VERSION} if is_analysed else {}),
        "start_s": decoded["start_s"],
        "excerpt_s": decoded["excerpt_s"],
        "container": decoded["container"],
        "notes": decoded["notes"],
        "track_number": outcome.tags["track"],
        "disc_number": outcome.tags["disc"],
        "language": outcome.tags["language"] or outcome.labels["language"],
        "attributes": {**estimates, **measured_attributes},
        TAG_STAMP: tags_stamp(file, encoding),
    }
    row.updated_at = now()
    session.add(row)
    session.flush()
    return row


def record_streamed(
    session: Session,
    track: Track,
    place: tuple[str, str],
    content_hash: str,
    size: int,
    outcome: Outcome,
) -> AudioFile:
    """Write the sound of a track on a music server; ``place`` is its root and path. Flushes.

    The track keeps the server's names; measured attributes are added.
    """
    vector = outcome.arrays.get(MEASURING)
    values = measured(vector) if vector is not None else dict.fromkeys(MEASURED)
    if track.attributes is None:
        track.attributes = TrackAttributes(**dict.fromkeys(ATTRIBUTE_NAMES))
    for name in ("tempo", "loudness"):
        setattr(track.attributes, name, values[name])
    for name in ("key", "mode"):
        setattr(track, name, None if values[name] is None else int(values[name]))
    track.duration_ms = round(outcome.decoded["duration_s"] * 1000)
    track.updated_at = now()
    _keep_lyrics(session, track.id, outcome.tags["lyrics"])
    decoded = outcome.decoded
    row = audio_files.at_path(session, place[1]) or AudioFile(public_id=audio_files.new_public_id())
    row.track_id, (row.root, row.path) = track.id, place
    row.content_hash, row.size, row.modified_ns = content_hash, size, 0
    row.state, row.reason, row.updated_at = "analysed", None, now()
    row.duration_s, row.sample_rate = decoded["duration_s"], decoded["sample_rate"]
    row.channels, row.codec = decoded["channels"], decoded["codec"][:40]
    row.has_cover = bool(outcome.tags["has_cover"])
    row.info = {
        "decoder": DECODER_VERSION,
        "start_s": decoded["start_s"],
        "excerpt_s": decoded["excerpt_s"],
        "container": decoded["container"],
        "notes": decoded["notes"],
        "track_number": outcome.tags["track"],
        "disc_number": outcome.tags["disc"],
        "language": outcome.tags["language"],
        "attributes": {
            name: {"value": value, "source": "measured"}
            for name, value in values.items()
            if value is not None
        },
    }
    session.add(row)
    session.flush()
    return row


def link(
    session: Session, root: Path, file: ScannedFile, content_hash: str, content: ContentRows
) -> AudioFile:
    """Record another path of an analysed content. Flushes.

    Raises ``BadInput`` if its track was deleted in the meantime.
    """
    take_write_turn(session)
    row = audio_files.at_path(session, str(file.path), file.number)
    is_described = (
        row is not None
        and row.content_hash == content_hash
        and row.track_id is not None
        and all(
            (row.info or {}).get(name) == content.info.get(name) for name in (TAG_STAMP, "decoder")
        )
    )
    if not is_described:
        described = content.described()
        row = row or content.take_moved() or AudioFile(public_id=audio_files.new_public_id())
        for name in (
            "track_id",
            "duration_s",
            "sample_rate",
            "channels",
            "codec",
            "has_cover",
            "info",
        ):
            setattr(row, name, getattr(described, name))
    _place(row, root, file)
    row.content_hash = content_hash
    row.size, row.modified_ns = file.size, file.modified_ns
    row.state, row.reason, row.updated_at = "analysed", None, now()
    session.add(row)
    session.flush()
    return row


def refuse(
    session: Session,
    root: Path,
    file: ScannedFile,
    content_hash: str | None,
    reason: str,
    *,
    passing: bool,
) -> None:
    """Record that a file was rejected and why; its former track stays, without a file.

    The track of a file that was only listed goes unless somebody used it.

    For ``passing`` reasons (permissions, a crash) the row remembers the track for the next time.
    """
    take_write_turn(session)
    row = audio_files.at_path(session, str(file.path), file.number)
    if row is None:
        row = AudioFile(public_id=audio_files.new_public_id())
    listed_id = row.track_id if row.state == "listed" else None
    _place(row, root, file)
    row.size, row.modified_ns = file.size, file.modified_ns
    row.state, row.reason = "rejected", reason[:500]
    if listed_id is not None:
        row.track_id = None
    if not passing:
        row.track_id, row.content_hash = None, content_hash
        row.duration_s = row.sample_rate = row.channels = row.codec = None
        row.has_cover = False
    row.info = {
        "decoder": DECODER_VERSION,
        "passing": passing,
        TAG_STAMP: tags_stamp(file, None),  # the part, which marks an album file as split
    }
    row.updated_at = now()
    session.add(row)
    session.flush()
    if listed_id is not None:
        remove_unused_track(session, listed_id)


def _place(row: AudioFile, root: Path, file: ScannedFile) -> None:
    row.root, row.path, row.part = str(root), str(file.path), file.number
    row.start_s = file.part.start_s if file.part else None
    row.end_s = file.part.end_s if file.part else None


def remove_unused_track(session: Session, track_id: int) -> bool:
    """Delete a track that no file, run or listener has anything to do with; False for another.

    It is that of an album file that is split now, or of a listed file that was rejected.
    """
    for column in (
        AudioFile.track_id,
        ClusterAssignment.track_id,
        Reaction.track_id,
        PlaylistTrack.track_id,
        Listen.track_id,
    ):
        if session.scalar(select(column).where(column == track_id).limit(1)) is not None:
            return False
    session.execute(delete(Track).where(Track.id == track_id))
    return True


def _track_of(session: Session, row: AudioFile, content_hash: str, outcome: Outcome) -> Track:
    key = source_key(content_hash)
    track = session.scalar(select(Track).where(Track.source_key == key))
    if track is not None:
        return track
    gone = merge_redirects.by_source_key(session, [key]).get(key)
    if gone is not None:
        return session.get_one(Track, gone[0])
    before = session.get(Track, row.track_id) if row.track_id is not None else None
    if before is not None and _is_same_song(session, before, row, outcome):
        before.source_key = key
        return before
    return Track(public_id=songs.public_id(key), source_key=key)


def _is_same_song(session: Session, before: Track, row: AudioFile, outcome: Outcome) -> bool:
    others = select(func.count()).where(AudioFile.track_id == before.id, AudioFile.id != row.id)
    if session.scalar(others):
        return False  # another file is that track still
    title, artists = _names(outcome)
    if title and artists and songs.song_key(artists, title) == before.song_key:
        return True
    lengths = (row.duration_s, outcome.decoded["duration_s"])
    return row.duration_s is not None and abs(lengths[0] - lengths[1]) <= SAME_LENGTH_S


def _names(outcome: Outcome) -> tuple[str, str]:
    tags, labels = outcome.tags, outcome.labels
    return tags["title"] or labels["title"], _artists(outcome).line


def _artists(outcome: Outcome) -> ArtistField:
    """The artists by the file's tags, else by its path."""
    tags = outcome.tags
    line = tags["artists"] or outcome.labels["artists"] or ""
    if not tags["artist_names"]:
        return ArtistField.from_text(line)
    return ArtistField(
        tuple(tags["artist_names"]), True, tuple(tags["artist_ids"]), tags["artists"] or ""
    )


def _describe(
    session: Session, track: Track, root: Path, content_hash: str, outcome: Outcome
) -> dict[str, dict[str, Any]]:
    """Fill in the track; returns its measured attributes with their values."""
    tags, labels = outcome.tags, outcome.labels
    title, artists = _names(outcome)
    genres = list(tags["genres"]) or ([labels["genre"]] if labels["genre"] else [])
    language = tags["language"] or labels["language"]
    vector = outcome.arrays.get(MEASURING)
    measured_values = measured(vector) if vector is not None else dict.fromkeys(MEASURED)
    attributes = {
        name: {"value": value, "source": "measured"}
        for name, value in measured_values.items()
        if value is not None
    }
    if track.source_key != source_key(content_hash):
        return attributes  # the file of a merged track: the survivor keeps its names
    track.title, track.artists = title, artists
    track.song_key = (
        songs.song_key(artists, title)
        if artists and title
        else songs.unique_song_key(track.source_key)
    )
    track.source = root.name[:100] or "audio"
    track.year = tags["year"]
    track.duration_ms = round(outcome.decoded["duration_s"] * 1000)
    track.key = None if measured_values["key"] is None else int(measured_values["key"])
    track.mode = None if measured_values["mode"] is None else int(measured_values["mode"])
    track.fingerprint = _fingerprint(content_hash, tags, labels, measured_values)
    track.updated_at = now()
    if track.attributes is None:
        track.attributes = TrackAttributes(**dict.fromkeys(ATTRIBUTE_NAMES))
    track.attributes.tempo = measured_values["tempo"]
    track.attributes.loudness = measured_values["loudness"]
    writer = CreditWriter(session)
    credited = TrackNames(_artists(outcome), tags["album"], tags["album_artist"], tags["year"])
    writer.meet([credited])
    track.album_id = writer.album_id(credited)
    session.add(track)
    session.flush()
    writer.write([(track.id, credited.artists.certain_credits)], fresh=False)
    _label(session, track.id, "genre", [genre.lower() for genre in genres])
    _label(session, track.id, "tag", [language] if language else [])
    _keep_lyrics(session, track.id, tags["lyrics"])
    return attributes


def _label(session: Session, track_id: int, kind: str, names: list[str]) -> None:
    of_kind = select(Tag.id).where(Tag.kind == kind)
    session.execute(
        delete(TrackTag).where(TrackTag.track_id == track_id, TrackTag.tag_id.in_(of_kind))
    )
    for name in dict.fromkeys(names):
        tag = session.scalar(select(Tag).where(Tag.kind == kind, Tag.name == name))
        if tag is None:
            tag = Tag(kind=kind, name=name)
            session.add(tag)
            session.flush()
        session.add(TrackTag(track_id=track_id, tag_id=tag.id))


def _keep_lyrics(session: Session, track_id: int, text: str | None) -> None:
    stored = session.get(Lyrics, track_id)
    if text and stored is None:
        session.add(Lyrics(track_id=track_id, text=text))
    elif text and stored is not None:
        stored.text = text


def _fingerprint(content_hash: str, *parts: Any) -> str:
    content = json.dumps([content_hash, *parts], sort_keys=True, default=str)
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
