"""What makes two rows the same song, and the short name a track has in addresses."""

from __future__ import annotations

import base64
import functools
import hashlib
import unicodedata

UNTITLED = "Untitled"
"""The title of a track with an id that its catalogue gives no title."""
TYPOGRAPHY = str.maketrans("’‘`´“”–—‐−", "''''\"\"----")
"""Typographic quotes and dashes to those of a keyboard."""


@functools.lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """``text`` without accents, case and runs of white space: ``"  Beyoncé "`` is ``"beyonce"``."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(text.casefold().split())


def song_key(artists: str, title: str) -> int:
    """Signed 64-bit digest that is equal for the same song: same artists, same title.

    Case, accents and spacing do not count. Albums do not either: a single and its album version
    share the key, so that a recommendation names the song once.
    """
    digest = hashlib.blake2b(f"{plain(artists)}\x1f{plain(title)}".encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)


def unique_song_key(source_key: str) -> int:
    """The song key of a track whose artist or title is unknown: like no other track's."""
    digest = hashlib.blake2b(source_key.encode(), digest_size=8, person=b"unnamed")
    return int.from_bytes(digest.digest(), "big", signed=True)


def public_id(source_key: str) -> str:
    """Twelve characters (a-z, 2-7; 60 bits) that name a track in addresses, from its source key."""
    digest = hashlib.blake2b(source_key.encode(), digest_size=10).digest()
    return base64.b32encode(digest)[:12].decode().lower()


@functools.lru_cache(maxsize=16_384)
def album_public_id(title: str, artist_key: str) -> str:
    """Return the public id of an album; ``artist_key`` is empty where its artist is unknown."""
    return public_id(f"album:{artist_key}\x1f{plain(title)}")


def names_key(artists: str, title: str, album: str) -> str:
    """The source key of a track that its catalogue gives no id: a digest of its names."""
    names = "\x1f".join((plain(artists), plain(title), plain(album)))
    return f"song:{hashlib.blake2b(names.encode(), digest_size=16).hexdigest()}"
