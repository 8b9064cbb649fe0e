"""Scan of a folder for audio files, recognised by extension or content, and their hashes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from songrec.core.errors import BadInput

_EXTENSIONS = """
3gp aac ac3 aif aifc aiff amr ape asf au caf dsf dts eac3 flac gsm m4a m4b m4p mka mp1 mp2 mp3
 mp4 mpa mpc mpga oga ogg opus ra shn snd spx tta voc w64 wav wave weba webm wma wv"""
SOUND = frozenset(_EXTENSIONS.split())
"""Extensions of files that are analysed or rejected with a reason, never ignored."""
LARGEST_BYTES = 4 * 2**30
LONGEST_PATH = 1000
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """File with an audio extension or content, or a folder that cannot be read.

    ``reason`` is None for a file that can be analysed, else one line why it cannot. A ``passing``
    reason (permissions) may disappear although the file does not change.
    """

    path: Path
    size: int = 0
    modified_ns: int = 0
    reason: str | None = None
    passing: bool = False


def walk(root: Path) -> Iterator[ScannedFile]:
    """Yield the audio files below ``root`` in a stable order, each folder once despite links.

    Hidden files and folders are skipped, as are files with neither an audio extension nor an audio
    signature. What cannot be read is yielded with its reason. Raises ``BadInput`` if ``root`` is
    not a readable folder.
    """
    try:
        root = root.resolve(strict=True)
        if not root.is_dir():
            raise BadInput(f"{root} is a file: give the folder that it lies in.")
        os.scandir(root).close()
    except OSError as error:
        raise BadInput(f"{root}: {error.strerror}: give a folder that can be read.") from None
    except RuntimeError:
        raise BadInput(f"{root} is a loop of links: give a folder.") from None
    waiting, visited = [root], set()
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue  # a link back, or two links to one folder
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield ScannedFile(folder, reason=f"cannot be opened: {error.strerror}", passing=True)
            continue
        folders = []
        for entry in listed:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                folders.append(Path(entry.path))
            else:
                yield from _file(Path(entry.path))
        waiting.extend(reversed(folders))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _file(path: Path) -> Iterator[ScannedFile]:
    has_sound_suffix = path.suffix[1:].lower() in SOUND
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or not (has_sound_suffix or _looks_like_sound(path)):
            return
    except OSError as error:
        if has_sound_suffix:
            reason = "is a link that leads nowhere" if path.is_symlink() else error.strerror
            yield ScannedFile(path, reason=f"{reason}", passing=True)
        return
    reason = _unusable(path, status.st_size)
    yield ScannedFile(path, status.st_size, status.st_mtime_ns, reason)


def _unusable(path: Path, size: int) -> str | None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "its name is not valid UTF-8: rename it"
    if len(str(path)) > LONGEST_PATH:
        return f"its path is longer than {LONGEST_PATH:,} characters"
    if size > LARGEST_BYTES:
        return f"is larger than {LARGEST_BYTES // 2**30} GiB"
    return "is empty" if not size else None


def shown(path: Path) -> str:
    """Return ``path`` as valid Unicode for terminals, pages and the database."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def content_hash(path: Path, on_block: Callable[[], None] = lambda: None) -> str:
    """Compute the SHA-256 of a file, hexadecimal; ``BadInput`` if it cannot be read.

    ``on_block`` is called once per MiB and may raise.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                on_block()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from None
    return digest.hexdigest()


# Offsets and signatures in a file's first bytes.
_MARKS: tuple[tuple[int, bytes], ...] = (
    (0, b"ID3"),
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"MAC "),
    (0, b"wvPk"),
    (0, b"MPCK"),
    (0, b"MP+"),
    (0, b".snd"),
    (0, b"DSD "),
    (0, b"caff"),
    (0, b"TTA1"),
    (0, b"#!AMR"),
    (8, b"WAVE"),
    (8, b"AIFF"),
    (8, b"AIFC"),
    (4, b"ftypM4A"),
    (4, b"ftypM4B"),
    (0, bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),  # ASF: WMA
)
# The signature of MPEG audio is only 11 set bits, with which UTF-16 text begins, too.
_MPEG_HEADERS = frozenset(
    {0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3, 0xFC, 0xFD, 0xF4, 0xF5, 0xF6, 0xF7, 0xF0, 0xF1, 0xF8, 0xF9}
)


def _looks_like_sound(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(64)
    if any(head[at : at + len(mark)] == mark for at, mark in _MARKS):
        return True
    return len(head) > 3 and head[0] == 0xFF and head[1] in _MPEG_HEADERS and head[2] >> 4 != 15
