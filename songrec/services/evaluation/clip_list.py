"""Lists of clips: a folder's ``clips.csv``, with two excerpts of each track.

Columns: ``clip`` (the file, relative to the folder), ``track`` (equal for excerpts of one
recording), ``excerpt`` (``a`` or ``b``), and optionally ``artist`` and ``album``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from songrec.core.errors import BadInput

CLIP_LIST = "clips.csv"


@dataclass(frozen=True)
class ClipPair:
    """Excerpts a and b of one track, its artist and album (empty where unknown)."""

    a: Path
    b: Path
    artist: str = ""
    album: str = ""


def read_clips(folder: Path) -> list[ClipPair]:
    """Read the tracks of the list that have both excerpts, in its order.

    Raises ``BadInput``, one line, for an invalid list.
    """
    path = folder / CLIP_LIST
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            required = {"clip", "track", "excerpt"}
            missing = required - set(reader.fieldnames or ())
            rows = list(reader)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: not a CSV file in UTF-8 ({error}).") from None
    if missing:
        raise BadInput(f"{path}: the column {sorted(missing)[0]!r} is missing.")
    tracks: dict[str, dict[str, dict[str, str]]] = {}
    for line, row in enumerate(rows, 2):
        excerpt = (row["excerpt"] or "").strip().lower()
        track = (row["track"] or "").strip()
        if excerpt not in ("a", "b"):
            raise BadInput(f"{path}: line {line}: the excerpt is a or b, not {excerpt!r}.")
        if excerpt in tracks.setdefault(track, {}):
            raise BadInput(f"{path}: line {line}: a second excerpt {excerpt} of {track!r}.")
        tracks[track][excerpt] = row
    pairs = [
        ClipPair(
            folder / (row["a"]["clip"] or "").strip(),
            folder / (row["b"]["clip"] or "").strip(),
            (row["a"].get("artist") or "").strip(),
            (row["a"].get("album") or "").strip(),
        )
        for row in tracks.values()
        if len(row) == 2
    ]
    if len(pairs) < 2:
        raise BadInput(f"{path}: names {len(pairs)} tracks with excerpts a and b; 2 are needed.")
    return pairs


def read_clip_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Read the files of ``read_clips``: excerpts a and b of every track that has both."""
    return [(pair.a, pair.b) for pair in read_clips(folder)]
