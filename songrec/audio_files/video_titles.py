"""Artist and title from the title of a video, as yt-dlp writes it: the uploader is the artist."""

from __future__ import annotations

import re

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
    r"(?:\d{4}\s+)?(?:remaster|live|acoustic|remix|radio edit|demo|instrumental|extended|version)",
    re.IGNORECASE,
)
_TOPIC = re.compile(r"\s+-\s+Topic$")
_VEVO = re.compile(r"\s*vevo$", re.IGNORECASE)
_VIDEO_SITE = re.compile(r"https?://(?:[\w-]+\.)*(?:youtube\.com|youtu\.be)/", re.IGNORECASE)


def is_video(*texts: str) -> bool:
    """Return whether a tag names the page of a video (yt-dlp's ``purl`` and ``comment``)."""
    return any(_VIDEO_SITE.match(text.strip()) for text in texts)


def split_video_title(
    title: str, artist: str | None, *, from_video: bool
) -> tuple[str, str | None] | None:
    """Return title and artist of a song whose tags are those of a video; None if they are not.

    ``from_video``: the tags name the page of a video, so the artist may be its uploader. A title
    ``Artist - Title`` is split if the uploader's name is that artist's, or if the title calls
    itself the official video and has one dash.
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
    by_mark = from_video and is_official and len(parts) == 2
    if by_mark and channel and channel in _letters(rest):
        by_mark = False  # "Song - Artist"
    if front and rest and (by_channel or by_mark) and not _VERSION.match(rest):
        bare, name = rest, front
    if (bare, name) == (title, artist):
        return None
    return bare, name


def _letters(text: str) -> str:
    return "".join(c for c in plain(text) if c.isalnum())
