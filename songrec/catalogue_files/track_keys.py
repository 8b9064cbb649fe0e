"""What makes a row of a catalogue the same track again."""

from __future__ import annotations

import hashlib
import re

from songrec.catalogue_files.dialects import Dialect
from songrec.core import songs

_SPOTIFY_ID = re.compile(r"(?:spotify:track:)?([0-9A-Za-z]{22})")
_LONGEST_KEY = 80


class Identity:
    """Source keys for the rows of one source: by id, else by names, else by place in the file."""

    def __init__(self, dialect: Dialect, source: str) -> None:
        self._source = source if len(source) <= 50 else digest(source)
        self._namespace = dialect.id_namespace or f"id:{self._source}"

    def source_key(
        self, external_id: str | None, artists: str, title: str, album: str, number: int
    ) -> str:
        """At most 80 characters that stay the same when the row comes again.

        Files that speak of Spotify's tracks share them (``spotify:<id>``), whatever their format.
        A row without id, and without artist or title, is known by its number alone.
        """
        if external_id:
            spotify = _SPOTIFY_ID.fullmatch(external_id)
            key = f"spotify:{spotify[1]}" if spotify else f"{self._namespace}:{external_id}"
            return key if len(key) <= _LONGEST_KEY else f"id:{digest(key)}"
        if artists and title:
            return songs.names_key(artists, title, album)
        return f"row:{self._source}:{number}"


def digest(text: str) -> str:
    """32 hexadecimal digits for a text of any length."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
