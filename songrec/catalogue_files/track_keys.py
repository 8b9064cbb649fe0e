"""Keys by which a row of a catalogue is recognised as the same track."""

from __future__ import annotations

import hashlib
import re

from songrec.catalogue_files.dialects import Dialect
from songrec.core import songs

_SPOTIFY_ID = re.compile(r"(?:spotify:track:)?([0-9A-Za-z]{22})")
_MAX_LENGTH = 80


class TrackKeys:
    """Source keys for the rows of one source: by id, else by names, else by row number."""

    def __init__(self, dialect: Dialect, source: str) -> None:
        self._source = source if len(source) <= 50 else digest(source)
        self._namespace = dialect.id_namespace or f"id:{self._source}"

    def source_key(
        self, external_id: str | None, artists: str, title: str, album: str, number: int
    ) -> str:
        """Return the key, at most 80 characters, that the row has in every import of its source.

        Files with Spotify ids share their tracks (``spotify:<id>``), whatever their format. A row
        without an id, artist or title is identified by its number.
        """
        if external_id:
            spotify = _SPOTIFY_ID.fullmatch(external_id)
            key = f"spotify:{spotify[1]}" if spotify else f"{self._namespace}:{external_id}"
            return key if len(key) <= _MAX_LENGTH else f"id:{digest(key)}"
        if artists and title:
            return songs.names_key(artists, title, album)
        return f"row:{self._source}:{number}"


def digest(text: str) -> str:
    """Return 32 hexadecimal digits for a text of any length."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
