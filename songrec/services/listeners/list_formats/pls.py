"""PLS: ``File1=``, ``Title1=`` and ``Length1=`` under ``[playlist]``."""

from __future__ import annotations

import re
from collections import defaultdict

from songrec.services.listeners.list_formats.entries import SongList
from songrec.services.listeners.list_formats.locations import as_path
from songrec.services.listeners.list_formats.m3u import split_name

_FIELD = re.compile(r"\s*(file|title)\s*(\d+)\s*=\s*(.*)", re.IGNORECASE)
_NAME = re.compile(r"\s*x-gnome-title\s*=\s*(.*)", re.IGNORECASE)
_OTHER = re.compile(r"\s*(?:\[.*\]|length\d*\s*=.*|numberofentries\s*=.*|version\s*=.*|[;#].*)?\s*")


def looks_like_pls(lines: list[str]) -> bool:
    """Return whether the first line that is not blank is ``[playlist]``."""
    first = next((line for line in lines if line.strip()), "")
    return first.strip().lower() == "[playlist]"


def read_pls(lines: list[str], name: str) -> SongList:
    """Read the lines of a PLS file."""
    result = SongList("PLS")
    songs: dict[int, dict[str, str]] = defaultdict(dict)
    first_line: dict[int, int] = {}
    title = ""
    for number, line in enumerate(lines, 1):
        match = _FIELD.fullmatch(line)
        if match:
            song = int(match[2][:9])
            songs[song].setdefault(match[1].lower(), match[3].strip())
            first_line.setdefault(song, number)
        elif named := _NAME.fullmatch(line):
            title = title or named[1]
        elif not _OTHER.fullmatch(line.lower()):
            result.refuse(number, "is not a field of a PLS playlist")
    playlist = result.start_playlist(title or name)
    for song in sorted(songs):
        location = songs[song].get("file", "")
        artists, song_title = split_name(songs[song].get("title", ""))
        path = as_path(location)
        result.add(
            first_line[song],
            "playlist",
            ids=[] if path else [location],
            title=song_title,
            artists=artists,
            playlist=playlist,
            path=path,
        )
    return result
