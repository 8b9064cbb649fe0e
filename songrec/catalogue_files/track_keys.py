"""Keys by which a row of a catalogue is recognised as the same track."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from songrec.catalogue_files.dialects import Dialect
from songrec.core import songs
from songrec.core.track_identity import (
    MIN_VALUES,
    id_key,
    known_values,
    repeated_key,
    values_key,
)


class TrackKeys:
    """Source keys for the rows of one file: by id, else by names, else by values.

    Of rows without a complete name it remembers 64 bits each, about 90 MB for a million rows.
    """

    def __init__(self, dialect: Dialect, source: str) -> None:
        self._source = source
        self._catalogue = dialect.id_namespace or source
        self._rows_by_values: Counter[int] = Counter()

    def source_key(
        self,
        external_id: str | None,
        artists: str,
        title: str,
        album: str,
        values: Sequence[float | None],
        further: Sequence[Any] = (),
    ) -> str:
        """Return the key, at most 80 characters, that the row has in every import.

        Parameters
        ----------
        external_id, artists, title, album
            Empty where unknown.
        values
            The attributes in the order of ``core.attributes``.
        further
            What else tells rows apart that have neither names nor enough values.
        """
        key = id_key(external_id, self._catalogue)
        if key is not None:
            return key
        if artists and title:
            return songs.names_key(artists, title, album)
        scope = ""
        if known_values(values) < MIN_VALUES:
            scope = "\x1f".join((self._source, album, *map(str, further)))
        key = values_key(values, title=title, artists=artists, scope=scope)
        row = hash(key)
        self._rows_by_values[row] += 1
        return repeated_key(key, self._rows_by_values[row])
