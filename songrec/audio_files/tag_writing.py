"""Writing of tempo and key into the tags of audio files, on request only."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import mutagen
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TBPM, TKEY, Encoding
from mutagen.mp4 import MP4Tags
from mutagen.oggvorbis import VCommentDict

from songrec.audio_files.trailing_tags import ID3V1_BYTES, read_ape
from songrec.core import isolation
from songrec.core.errors import BadInput
from songrec.core.files import temporary_beside
from songrec.core.isolation import Limits

LIMITS = Limits(seconds=300.0, memory_bytes=2**30)

_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MP4_KEY = "----:com.apple.iTunes:initialkey"


def key_text(key: int, mode: int | None) -> str:
    """Format pitch class and mode in the notation of tags: ``F#m``, ``C``."""
    return _SHARPS[key] + ("m" if mode == 0 else "")


def write_values(path: Path, *, tempo: float | None = None, key: str | None = None) -> None:
    """Write tempo (BPM, rounded) and initial key into the tags of the file at ``path``.

    Everything else is preserved: other tags, pictures, unknown frames, the version of ID3, ID3v1,
    owner and permissions. Of a symbolic link the target is written. The file is replaced
    atomically, except that a file with several hard links is overwritten in place to preserve the
    links. The modification time is updated so that backups notice. A child process reads and writes
    the tags in a copy.

    Raises ``BadInput`` for a format whose tags cannot be written.
    """
    target = path.resolve()
    status = target.stat()
    with temporary_beside(target, suffix=target.suffix) as draft:
        shutil.copy2(target, draft)
        isolation.call(_write, str(draft), path.name, tempo, key, limits=LIMITS)
        os.utime(draft)
        if status.st_nlink > 1:
            _overwrite(target, draft)
            return
        with contextlib.suppress(PermissionError):  # of another user: it becomes the writer's
            os.chown(draft, status.st_uid, status.st_gid)
        draft.replace(target)


def _overwrite(target: Path, draft: Path) -> None:
    """Copy ``draft`` into the existing file; if that fails half-way, the draft is kept."""
    with target.open("r+b") as file, draft.open("rb") as content:
        try:
            shutil.copyfileobj(content, file, 2**20)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            complete = draft.with_name(f"{target.stem}.complete{target.suffix}")
            draft.rename(complete)
            raise BadInput(
                f"{target.name}: was only written in part ({error.strerror}); "
                f"{complete} is complete."
            ) from None


def _write(path: str, name: str, tempo: float | None, key: str | None) -> None:
    draft = Path(path)
    id3v1 = _id3v1(draft)
    bpm = None if tempo is None else str(round(tempo))
    try:
        file: Any = mutagen.File(draft)
        if file is None:
            raise BadInput(f"{name}: its tags cannot be written.")
        has_id3v1_alone = isinstance(file.tags, ID3) and file.tags.version < (2,)
        if (file.tags is None or has_id3v1_alone) and read_ape(draft):
            # An MP3 with APEv2: an ID3v2 tag of two fields would hide it from players.
            tags = APEv2(draft)
            _write_items(tags, bpm, key)
            tags.save(draft)
        else:
            if file.tags is None:
                file.add_tags()
            if isinstance(file.tags, ID3):
                _write_id3(file.tags, draft, bpm, key)
            elif isinstance(file.tags, MP4Tags):
                _write_atoms(file.tags, bpm, key)
                file.save()
            else:
                _write_items(file.tags, bpm, key)
                file.save()
    except mutagen.MutagenError as error:
        raise BadInput(f"{name}: its tags cannot be written ({error}).") from None
    _restore_id3v1(draft, id3v1)


def _write_id3(tags: ID3, draft: Path, bpm: str | None, key: str | None) -> None:
    version = tags.version[1] if tags.version >= (2,) else 4
    if tags.version >= (2,) and tags.size:
        # Without merging ID3v1 or converting dates to version 2.4.
        tags = type(tags)(draft, translate=False, load_v1=False)
    if bpm:
        tags.setall("TBPM", [TBPM(encoding=Encoding.LATIN1, text=[bpm])])
    if key:
        tags.setall("TKEY", [TKEY(encoding=Encoding.LATIN1, text=[key])])
    # mutagen cannot write 2.2; version 2.3 has the same fields under longer names.
    tags.save(draft, v2_version=4 if version == 4 else 3, v23_sep=None)


def _write_atoms(tags: MP4Tags, bpm: str | None, key: str | None) -> None:
    if bpm:
        tags["tmpo"] = [int(bpm)]
    if key:
        tags[_MP4_KEY] = [key.encode()]


def _write_items(tags: Any, bpm: str | None, key: str | None) -> None:
    """Set values of Vorbis comments, APEv2 or ASF."""
    if isinstance(tags, VCommentDict) and any("\ufffd" in value for _, value in tags):
        raise BadInput("has tags that are not UTF-8, which writing would destroy")
    if bpm:
        tags["BPM"] = bpm
    if key:
        tags["INITIALKEY"] = key


def _id3v1(path: Path) -> bytes | None:
    """Return the bytes of an ID3v1 tag, which mutagen would rewrite or drop."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < ID3V1_BYTES:
            return None
        file.seek(-ID3V1_BYTES, os.SEEK_END)
        data = file.read()
    return data if data.startswith(b"TAG") else None


def _restore_id3v1(path: Path, data: bytes | None) -> None:
    if data is None:
        return
    present = _id3v1(path) is not None
    with path.open("r+b") as file:
        file.seek(-ID3V1_BYTES if present else 0, os.SEEK_END)
        file.write(data)
