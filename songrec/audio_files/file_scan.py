"""Scan of a folder for audio files, recognised by extension or content, and their hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from songrec.audio_files.cue_sheets import AlbumPart
from songrec.audio_files.formats import HEAD_BYTES, SOUND, is_sound
from songrec.audio_files.ignored_names import HIDDEN, LINKED_AGAIN, OWN, ignored_as
from songrec.core.errors import BadInput
from songrec.core.file_names import is_unicode
from songrec.core.files import folder_identity, modified_ns, open_regular

LARGEST_BYTES = 4 * 2**30
LONGEST_PATH = 1000
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """File with an audio extension or content, or a folder that cannot be read.

    ``reason`` is None for a file that can be analysed, else one line why it cannot be. A
    ``passing`` reason (permissions) may disappear without a change to the file. ``part`` is the
    track of an album file, ``lyrics_ns`` the modification time of an .lrc file beside it; neither
    affects the identity of the file.
    """

    path: Path
    size: int = 0
    modified_ns: int = 0
    reason: str | None = None
    passing: bool = False
    part: AlbumPart | None = field(default=None, compare=False)
    lyrics_ns: int | None = field(default=None, compare=False)

    @property
    def number(self) -> int:
        """Number of the part, 0 for a file as a whole."""
        return self.part.number if self.part else 0

    @classmethod
    def at(cls, path: Path) -> ScannedFile:
        """Return the file at ``path`` as it is now; ``OSError`` if its status cannot be read."""
        status = path.stat()
        return cls(path, status.st_size, modified_ns(status), _unusable(path, status))


def walk(
    root: Path, ignored: Counter[str] | None = None, own: Collection[Path] = ()
) -> Iterator[ScannedFile]:
    """Yield the audio files below ``root`` in a stable order, each folder once despite links.

    Files with neither an audio extension nor an audio signature are skipped. Trash, system folders
    and the like (``ignored_names``) are skipped and counted by kind in ``ignored``. Unreadable
    files and folders are yielded with their reason. The folders ``own`` are skipped, also when
    reached through links. Raises ``BadInput`` if ``root`` is not a readable folder.
    """
    root = _readable_folder(root)
    ignored = Counter() if ignored is None else ignored
    waiting, visited = [root], set()
    own_ids = {identity for path in own if (identity := folder_identity(path))}
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                ignored[LINKED_AGAIN] += 1  # a link back, or two links to one folder
                continue
            if (status.st_dev, status.st_ino) in own_ids:
                ignored[OWN] += 1
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield ScannedFile(folder, reason=f"cannot be opened: {error.strerror}", passing=True)
            continue
        folders = []
        for entry in listed:
            is_folder = _is_folder(entry)
            kind = ignored_as(entry.name, is_folder=is_folder)
            if kind is not None:
                # Only hidden files that look like songs are worth reporting.
                ignored[kind] += is_folder or kind != HIDDEN or _has_sound_ending(entry.name)
            elif is_folder:
                folders.append(Path(entry.path))
            else:
                yield from _file(Path(entry.path), ignored)
        waiting.extend(reversed(folders))


def _readable_folder(root: Path) -> Path:
    try:
        root = root.resolve(strict=True)
        if not root.is_dir():
            raise BadInput(f"{shown(root)} is a file: give the folder that it lies in.")
        os.scandir(root).close()
    except OSError as error:
        raise BadInput(
            f"{shown(root)}: {error.strerror}: give a folder that can be read."
        ) from None
    except ValueError:
        raise BadInput(f"{shown(root)} is not a path: it holds a zero byte.") from None
    except RuntimeError:
        raise BadInput(f"{shown(root)} is a loop of links: give a folder.") from None
    if not is_unicode(str(root)):
        raise BadInput(f"{shown(root)} is not valid UTF-8: rename the folder.")
    return root


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _has_sound_ending(name: str) -> bool:
    return PurePath(name).suffix[1:].lower() in SOUND


def _file(path: Path, ignored: Counter[str]) -> Iterator[ScannedFile]:
    has_sound_ending = _has_sound_ending(path.name)
    try:
        status = path.stat()
        is_file = stat.S_ISREG(status.st_mode)
        if has_sound_ending or (is_file and _looks_like_sound(path)):
            reason = _unusable(path, status)
            yield ScannedFile(path, status.st_size, modified_ns(status), reason)
    except OSError as error:
        if has_sound_ending:
            reason = "is a link that leads nowhere" if path.is_symlink() else error.strerror
            yield ScannedFile(path, reason=f"{reason}", passing=True)
        elif error.errno == errno.ELOOP:
            ignored[LINKED_AGAIN] += 1


_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


def _unusable(path: Path, status: os.stat_result) -> str | None:
    for is_kind, words in _KINDS:
        if is_kind(status.st_mode):
            return f"is {words}, not a file"
    for part, words in ((path.name, "its name"), (str(path), "the name of its folder")):
        if not is_unicode(part):
            return f"{words} is not valid UTF-8: rename it"
    if len(str(path)) > LONGEST_PATH:
        return f"its path is longer than {LONGEST_PATH:,} characters"
    if status.st_size > LARGEST_BYTES:
        return f"is larger than {LARGEST_BYTES // 2**30} GiB"
    return "is empty" if not status.st_size else None


def can_be_recorded(path: Path) -> bool:
    """Return whether ``path`` fits its column: valid Unicode, at most ``LONGEST_PATH`` long."""
    return is_unicode(str(path)) and len(str(path)) <= LONGEST_PATH


def shown(path: Path) -> str:
    """Return ``path`` as one line of valid Unicode, for terminals, pages and logs."""
    try:
        text = os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        text = str(path).encode("utf-8", "backslashreplace").decode()
    return "".join(
        one if one.isprintable() or unicodedata.category(one) == "Zs" else repr(one)[1:-1]
        for one in text
    )


def content_hash(path: Path, on_block: Callable[[], None] = lambda: None) -> str:
    """Compute the SHA-256 of a file, hexadecimal; ``BadInput`` if it cannot be read.

    ``on_block`` is called once per MiB and may raise.
    """
    digest = hashlib.sha256()
    try:
        with open_regular(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                on_block()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def _looks_like_sound(path: Path) -> bool:
    with path.open("rb") as file:
        return is_sound(file.read(HEAD_BYTES))
