"""Ids that apps get: a song's is its public id, all others say by a prefix what they name."""

from __future__ import annotations

from typing import NamedTuple

SONG, ALBUM, ARTIST, PLAYLIST, MIX = "song", "album", "artist", "playlist", "mix"
FOLDER = 1
"""The one music folder: the whole library."""
_PREFIXES = {"al-": ALBUM, "ar-": ARTIST, "pl-": PLAYLIST, "mx-": MIX}


class Reference(NamedTuple):
    """What an id names: its kind and its public id."""

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
    """Return what an id names; whether it exists is another question."""
    kind = _PREFIXES.get(text[:3])
    return Reference(kind, text[3:]) if kind else Reference(SONG, text)
