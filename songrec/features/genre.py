"""``genre``: a track's genre as a one-hot vector, from tags, folders or a catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable, Ints

OTHER = "other"
GENRE = FeatureSpec(("genre",))


class Genre:
    """One-hot columns of the most common genres and ``other``; all 0 for an unknown genre."""

    version = 1

    def __init__(self, most: int = 64) -> None:
        self.most = most

    def table(
        self,
        track_ids: Ints,
        genres: Sequence[str | None],
        vocabulary: tuple[str, ...] | None = None,
    ) -> FeatureTable:
        """Encode the genres of tracks, one for each id; case and surrounding spaces are ignored.

        ``vocabulary`` fixes the columns (of a trained model); by default they are the ``most``
        most common genres in alphabetical order, then ``other`` if needed.
        """
        plain = [_plain(genre) for genre in genres]
        columns = vocabulary or self.vocabulary(plain)
        place = {name: column for column, name in enumerate(columns)}
        values = np.zeros((len(plain), len(columns)), dtype=np.float32)
        for row, genre in enumerate(plain):
            column = place.get(genre, place.get(OTHER)) if genre else None
            if column is not None:
                values[row, column] = 1.0
        return FeatureTable(np.asarray(track_ids, dtype=np.int64), columns, values, GENRE)

    def vocabulary(self, genres: Sequence[str | None]) -> tuple[str, ...]:
        """Return the columns for ``genres``; ties are broken alphabetically."""
        counts = Counter(genre for genre in map(_plain, genres) if genre and genre != OTHER)
        order = sorted(counts, key=lambda genre: (-counts[genre], genre))
        rest = len(order) > self.most or any(_plain(genre) == OTHER for genre in genres)
        return (*sorted(order[: self.most]), *((OTHER,) if rest else ()))


def _plain(genre: str | None) -> str | None:
    return (genre or "").strip().casefold() or None
