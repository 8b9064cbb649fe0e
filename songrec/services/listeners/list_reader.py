"""Reading of lists of songs in a child process, since archives and documents may be bombs.

Short plain text is read in this process, because it cannot unpack to more.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import numpy as np

from songrec.core.errors import BadInput
from songrec.core.isolation import IsolatedProcess, Limits, Stopped
from songrec.services.listeners import list_files
from songrec.services.listeners.list_files import ListEntry, SongList
from songrec.services.listeners.list_formats.entries import ListedPlaylist

LIMITS = Limits(seconds=120.0, memory_bytes=2 * 2**30)
SHORT_BYTES = 64 * 2**10
_ARCHIVES = (b"\x1f\x8b", b"PK\x03\x04")
_FIELDS = tuple(ListEntry.__dataclass_fields__)


def read(content: bytes, file_name: str = "", kind: str = "auto") -> SongList:
    """Read a list; see ``list_files.read``. ``BadInput`` also beyond limits of time and memory."""
    if is_short_text(content):
        return list_files.read(content, file_name, kind)
    data = np.frombuffer(content, dtype=np.uint8)
    try:
        with IsolatedProcess() as process:
            answer = process.call(_read, file_name, kind, limits=LIMITS, arrays={"content": data})
    except Stopped as error:
        raise BadInput(f"This list {error}: import a part of it at a time.") from None
    return SongList(
        answer["format"],
        [_entry(values) for values in answer["entries"]],
        [(line, reason) for line, reason in answer["refused"]],
        [ListedPlaylist(*one) for one in answer["playlists"]],
        Counter(answer["passed_over"]),
        answer["notes"],
        answer["mixes"],
        [
            (artists, title, _entry(values) if values is not None else None)
            for artists, title, values in answer["decisions"]
        ],
    )


def is_short_text(content: bytes) -> bool:
    """Return whether a list is neither long nor an archive nor XML."""
    if len(content) > SHORT_BYTES or content.startswith(_ARCHIVES):
        return False
    return b"<" not in content[:1000].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]


def _read(file_name: str, kind: str, *, content: np.ndarray) -> dict[str, Any]:
    listed = list_files.read(content.tobytes(), file_name, kind)
    return {
        "format": listed.format,
        "entries": [_values(entry) for entry in listed.entries],
        "refused": listed.refused,
        "playlists": [(one.name, one.description) for one in listed.playlists],
        "passed_over": listed.passed_over,
        "notes": listed.notes,
        "mixes": listed.mixes,
        "decisions": [
            (artists, title, _values(entry) if entry is not None else None)
            for artists, title, entry in listed.decisions
        ],
    }


def _values(entry: ListEntry) -> list[Any]:
    return [getattr(entry, name) for name in _FIELDS]


def _entry(values: list[Any]) -> ListEntry:
    fields = dict(zip(_FIELDS, values, strict=True))
    fields["ids"] = tuple(fields["ids"])
    if fields["played_at"] is not None:
        fields["played_at"] = datetime.fromisoformat(fields["played_at"])
    return ListEntry(**fields)
