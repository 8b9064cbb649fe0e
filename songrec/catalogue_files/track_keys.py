"""Keys that identify a row's track in every import of its catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from songrec.catalogue_files.dialects import Dialect
from songrec.core import songs
from songrec.core.track_identity import (
    MIN_VALUES,
    count_values,
    id_key,
    repeated_key,
    values_key,
)


class TrackKeys:
    """Source keys for the rows of one file: by id, else by names, else by values.

    Stores 64 bits per row without a complete name, about 90 MB for a million rows.
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
        """Return the row's key, at most 80 characters, the same in every import.

        Parameters
        ----------
        external_id, artists, title, album
            Empty where unknown.
        values
            The attributes in the order of ``core.attributes``.
        further
            Values that distinguish rows with neither names nor enough attributes.
        """
        key = id_key(external_id, self._catalogue)
        if key is not None:
            return key
        if artists and title:
            return songs.names_key(artists, title, album)
        scope = ""
        if count_values(values) < MIN_VALUES:
            scope = "\x1f".join((self._source, album, *map(str, further)))
        key = values_key(values, title=title, artists=artists, scope=scope)
        row = hash(key)
        self._rows_by_values[row] += 1
        return repeated_key(key, self._rows_by_values[row])
