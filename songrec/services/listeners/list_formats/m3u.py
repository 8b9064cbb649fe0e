"""M3U and M3U8: a line per song, with ``#PLAYLIST``, ``#EXTINF`` and ``#EXTALB`` before it."""

from __future__ import annotations

import re

from songrec.core.errors import BadInput
from songrec.services.listeners.list_formats.entries import SongList
from songrec.services.listeners.list_formats.locations import as_path

EXTENSIONS = frozenset({"m3u", "m3u8"})
_SOUND = re.compile(
    r"\.(?:mp3|flac|ogg|oga|opus|m4a|m4b|mp4|aac|wav|wma|aiff?|ape|wv|mpc|dsf|dff|mka|webm|alac)$",
    re.IGNORECASE,
)
# The length, then attributes (key="value"), then a comma and the name.
_EXTINF = re.compile(r"\s*-?[\d.]*\s*((?:[\w-]+=(?:\"[^\"]*\"|\S+)\s*)*),?(.*)", re.DOTALL)
_DASH = re.compile(r"\s+[-–—]\s+")
_DIRECTIVE = re.compile(r"#([A-Z][A-Z0-9-]*)\s*:?(.*)", re.IGNORECASE | re.DOTALL)


def looks_like_m3u(lines: list[str]) -> bool:
    """Return whether the lines are paths of sound files: an M3U without its first line."""
    songs = [line for line in lines if line.strip() and not line.startswith("#")]
    return bool(songs) and all(_SOUND.search(line.strip()) for line in songs)


def read_m3u(lines: list[str], name: str) -> SongList:
    """Read the lines of an M3U; without a name of its own the playlist has that of its file."""
    result = SongList("M3U")
    title, entries = "", []
    artists = song = album = ""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("#"):
            match = _DIRECTIVE.fullmatch(text)
            directive, value = (match[1].upper(), match[2].strip()) if match else ("", "")
            if directive.startswith("EXT-X-"):
                raise BadInput(
                    "This M3U8 describes one stream in pieces (HLS), not a list of songs; "
                    "export a playlist of files from your player."
                )
            match directive:
                case "PLAYLIST" | "EXTPLAYLIST":
                    title = title or value
                case "EXTINF":
                    extinf = _EXTINF.fullmatch(value)
                    artists, song = split_name(extinf[2] if extinf else value)
                case "EXTART":
                    artists = value or artists
                case "EXTALB":
                    album = value
            continue
        if text:
            entries.append((number, text, artists, song, album))
            artists = song = ""
    playlist = result.start_playlist(title or name)
    for number, text, artists, song, album in entries:
        path = as_path(text)
        result.add(
            number,
            "playlist",
            ids=[] if path else [text],
            title=song,
            artists=artists,
            album=album,
            playlist=playlist,
            path=path,
        )
    return result


def split_name(text: str) -> tuple[str, str]:
    """Split ``Artist - Title`` at its first dash; a name without one is a title."""
    # Collapse runs of spaces first, because the pattern would be tried at each space.
    artists, *title = _DASH.split(" ".join(text.split()), maxsplit=1)
    return (artists.strip(), title[0].strip()) if title else ("", artists)
