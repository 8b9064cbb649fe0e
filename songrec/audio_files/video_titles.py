"""Artist and title from tags of videos by yt-dlp, which names the uploader as the artist."""

from __future__ import annotations

import re
from collections.abc import Iterable

from songrec.core.songs import plain

_VIDEO_WORDS = r"""
    official(?:\s+(?:music|lyrics?|hd|4k|audio|visual))*\s+(?:video|audio|clip|visuali[sz]er|mv)
    | (?:official\s+)?(?:music|lyrics?)\s+video | offizielles\s+video
    | clip\s+officiel | videoclip\s+oficial | video\s+oficial | visuali[sz]er
    | official\s+(?:hd|4k)(?:\s+video)?
"""
_MARK = re.compile(
    rf"\s*[\[(]\s*(?:{_VIDEO_WORDS})\s*[\])](?:\s*[\[(]\s*(?:hd|hq|4k|uhd)\s*[\])])*",
    re.IGNORECASE | re.VERBOSE,
)
_DASH = re.compile(r"\s+[-–—]\s+")
_VERSION = re.compile(
    r"\b(?:remaster(?:ed)?|live|acoustic|remix|edit|demo|instrumental|extended|version|session|mix)\b",
    re.IGNORECASE,
)
_TOPIC = re.compile(r"\s+-\s+Topic$")
_VEVO = re.compile(r"\s*vevo$", re.IGNORECASE)
_COMPACT_DATE = re.compile(r"20[0-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_VIDEO_SITE = re.compile(r"https?://(?:[\w-]+\.)*(?:youtube\.com|youtu\.be)/", re.IGNORECASE)


def is_video(pages: Iterable[str], dates: Iterable[str] = ()) -> bool:
    """Return whether tags were written by yt-dlp for a video.

    Such tags name its page (``purl`` or ``comment``) or have an upload date of eight digits.
    """
    return any(_VIDEO_SITE.match(text.strip()) for text in pages) or any(
        _COMPACT_DATE.fullmatch(text.strip()) for text in dates
    )


def split_video_title(
    title: str, artist: str | None, *, from_video: bool
) -> tuple[str, str | None] | None:
    """Return the song's title and artist from the tags of a video; None for other tags.

    With ``from_video`` (``is_video``) the artist may be the uploader. A title ``Artist - Title`` is
    split if the uploader is that artist, or if the title says "official video", has one dash and no
    version (remix, live …) after it.
    """
    name = _TOPIC.sub("", artist) if artist else None
    bare = _MARK.sub("", title).strip() or title
    is_official = bare != title
    if not (from_video or is_official or name != artist):
        return None
    parts = _DASH.split(bare)
    front, rest = parts[0].strip(), " - ".join(parts[1:]).strip()
    channel = _letters(_VEVO.sub("", name)) if name else ""
    by_channel = bool(channel) and channel == _letters(front)
    by_mark = from_video and is_official and len(parts) == 2 and not _VERSION.search(rest)
    if by_mark and channel and channel in _letters(rest):
        by_mark = False  # "Song - Artist"
    if front and rest and (by_channel or by_mark):
        bare, name = rest, front
    if (bare, name) == (title, artist):
        return None
    return bare, name


def _letters(text: str) -> str:
    return "".join(c for c in plain(text) if c.isalnum())
