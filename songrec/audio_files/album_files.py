"""Splitting of album files into tracks by the CUE sheets beside or inside them.

The sound files themselves are read in a child process (``core.isolation``).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from songrec.audio_files import cue_sheets
from songrec.audio_files.cue_sheets import (
    AlbumPart,
    CueSheet,
    match_file,
    normalized,
    parts_of,
)
from songrec.audio_files.file_scan import ScannedFile, shown
from songrec.audio_files.tags import read_cue_sheet
from songrec.audio_files.text_encoding import likely_code_page
from songrec.core import isolation
from songrec.core.errors import BadInput
from songrec.core.files import modified_ns
from songrec.core.isolation import Limits, Stopped

LIMITS = Limits(seconds=30.0, memory_bytes=2**30)
Parts = tuple[AlbumPart, ...]


@dataclass
class ScanResult:
    """Scanned files, with album files replaced by their parts, and problems of CUE sheets.

    ``notes`` are (path, reason), one line each.
    """

    files: list[ScannedFile] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def split_albums(
    files: Iterable[ScannedFile],
    code_page: str | None = None,
    recorded: Callable[[ScannedFile], Parts | None] = lambda file: None,
) -> ScanResult:
    """Replace album files by their parts, and note lyrics files beside songs.

    A .cue file splits the sound files that it names, if it has two tracks or more in them. Missing
    files, times behind the end of a file and a second sheet for a file are noted and split nothing.
    ``recorded`` returns the parts of an unchanged file from the last scan, which are trusted
    without opening it, and None for any other file.
    """
    scan = ScanResult()
    usable: dict[Path, list[ScannedFile]] = defaultdict(list)
    files = list(files)
    for file in files:
        if file.reason is None:
            usable[file.path.parent].append(file)
    parts: dict[Path, Parts] = {}
    lyrics: dict[Path, int] = {}
    folders_below: dict[Path, list[Path]] = defaultdict(list)
    for folder in usable:
        folders_below[folder.parent].append(folder)
    for folder in usable:
        sheets, times = _beside(folder)
        lyrics |= times
        if sheets:
            here = [file for below in (folder, *folders_below[folder]) for file in usable[below]]
            _split(sheets, here, code_page, recorded, parts, scan.notes)
    for file in files:
        if file.path in parts:
            scan.files += [replace(file, part=part) for part in parts[file.path]]
            continue
        recorded_parts = recorded(file) or ()
        embedded = [part for part in recorded_parts if part.sheet is None]
        if embedded:
            scan.files += [replace(file, part=part) for part in embedded]
        else:
            stamp = lyrics.get(file.path.with_suffix(".lrc"))
            scan.files.append(file if stamp is None else replace(file, lyrics_ns=stamp))
    return scan


def embedded_parts(path: Path, code_page: str | None = None) -> Parts:
    """Return the parts by the CUE sheet in a file's own tags; empty without a sheet.

    Raises ``BadInput`` with one line of reason for a sheet that cannot be used.
    """
    parts = isolation.call(_read_embedded_parts, str(path), code_page, limits=LIMITS)
    return tuple(AlbumPart(**part) for part in parts)


def _read_embedded_parts(path: str, code_page: str | None) -> list[dict[str, Any]]:
    text = read_cue_sheet(Path(path), code_page)
    if text is None:
        return []
    sheet = cue_sheets.parse(text)
    for file in sheet.files:
        if parts := parts_of(sheet, file, None):
            _check_length(Path(path), parts)
            return [asdict(part) for part in parts]
    return []


def _beside(folder: Path) -> tuple[list[Path], dict[Path, int]]:
    """Return the .cue files of a folder, and its .lrc files with their modification times."""
    sheets, lyrics = [], {}
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                ending = entry.name[-4:].lower()
                if entry.name.startswith(".") or ending not in (".cue", ".lrc"):
                    continue
                if ending == ".cue":
                    sheets.append(Path(entry.path))
                else:
                    lyrics[Path(entry.path[:-4] + ".lrc")] = modified_ns(entry.stat())
    except OSError:
        pass  # the scan has reported the folder, or a file vanished since
    return sheets, lyrics


def _split(
    sheets: list[Path],
    files: list[ScannedFile],
    code_page: str | None,
    recorded: Callable[[ScannedFile], Parts | None],
    parts: dict[Path, Parts],
    notes: list[tuple[str, str]],
) -> None:
    by_path = {file.path: file for file in files}
    splits: dict[Path, Path] = {}
    for sheet_path in sheets:
        note = _noter(notes, sheet_path)
        try:
            sheet = cue_sheets.read(sheet_path, code_page)
        except BadInput as error:
            note(str(error))
            continue
        if (guess := likely_code_page(_texts(sheet))) is not None:
            page, text = guess
            note(
                f"looks like {page} ({text[:100]}): if that is right, set "
                f"SONGREC_TAG_ENCODING={page} and analyse again"
            )
        folder = sheet_path.parent
        beside = {normalized(path.relative_to(folder).as_posix()): path for path in by_path}
        with_tracks = [named for named in sheet.files if named.tracks]
        for named in with_tracks:
            path = match_file(named.name, sheet_path, beside, is_only=len(with_tracks) == 1)
            if path is None:
                note(
                    f"names {named.name!r}, which is not there, and no single file of that name "
                    "with another ending"
                )
                continue
            parts_in_file = parts_of(sheet, named, sheet_path.name)
            if not parts_in_file:
                continue
            if path in parts:
                if parts[path] != parts_in_file:
                    note(f"is not used: {splits[path].name} splits {path.name} already")
                continue
            try:
                if recorded(by_path[path]) != parts_in_file:
                    _check_length(path, parts_in_file)
            except BadInput as error:
                note(str(error))
                continue
            parts[path], splits[path] = parts_in_file, sheet_path


def _texts(sheet: CueSheet) -> list[str]:
    """Return the names in a sheet that are not plain ASCII."""
    tracks = [track for file in sheet.files for track in file.tracks]
    names = [sheet.performer, sheet.title, *(track.title for track in tracks)]
    return [name for name in names if name and not name.isascii()]


def _noter(notes: list[tuple[str, str]], path: Path) -> Callable[[str], None]:
    return lambda reason: notes.append((shown(path), reason))


def _check_length(path: Path, parts: Parts) -> None:
    """Raise ``BadInput`` where the last part begins behind the end of the file."""
    try:
        length = isolation.call(_stated_length, str(path), limits=LIMITS)
    except Stopped:
        return  # the analysis will say what is wrong with it
    last = max(part.start_s for part in parts)
    if length and last >= length:
        raise BadInput(
            f"does not fit {path.name}: its last track begins at {last:.0f} s, and the file has "
            f"{length:.0f} s"
        )


def _stated_length(path: str) -> float:
    """Return the seconds that a file's header states, 0 if it states none."""
    import mutagen

    try:
        return float(mutagen.File(path).info.length)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a length that mutagen cannot read: the decoder will
        return 0.0
