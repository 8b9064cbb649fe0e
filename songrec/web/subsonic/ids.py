"""Ids for apps: the public id for a song, with a prefix of the kind for everything else."""

from __future__ import annotations

from typing import NamedTuple

SONG, ALBUM, ARTIST, PLAYLIST, MIX = "song", "album", "artist", "playlist", "mix"
FOLDER = 1
"""The one music folder: the whole library."""
_PREFIXES = {"al-": ALBUM, "ar-": ARTIST, "pl-": PLAYLIST, "mx-": MIX}


class Reference(NamedTuple):
    """Kind and public id of an id."""

    kind: str
    public_id: str


def album_id(public_id: str) -> str:
    """Return the id of an album."""
    return f"al-{public_id}"


def artist_id(public_id: str) -> str:
    """Return the id of an artist."""
    return f"ar-{public_id}"


def playlist_id(public_id: str) -> str:
    """Return the id of a playlist."""
    return f"pl-{public_id}"


def mix_id(public_id: str) -> str:
    """Return the id of a mix."""
    return f"mx-{public_id}"


def parse(text: str) -> Reference:
    """Parse an id, without checking that its subject exists."""
    kind = _PREFIXES.get(text[:3])
    return Reference(kind, text[3:]) if kind else Reference(SONG, text)
