"""Small catalogue files for the ingest tests."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

TWELVE = (
    "variance",
    "Tempo",
    "Loudness",
    "Explicit",
    "Popularity",
    "Energy",
    "Danceability",
    "Positiveness",
    "Speechiness",
    "Liveness",
    "Acousticness",
    "Instrumentalness",
)
NAMED = ("artist", "song", "genre", "emotion", *TWELVE)

PLAIN: dict[str, Any] = {
    "artist": "Ada Fenwick",
    "song": "Paper Moon",
    "genre": "Folk",
    "emotion": "joy",
    "variance": 0.5,
    "Tempo": 120,
    "Loudness": -8.5,
    "Explicit": 0,
    "Popularity": 40,
    "Energy": 0.6,
    "Danceability": 0.5,
    "Positiveness": 0.4,
    "Speechiness": 0.05,
    "Liveness": 0.1,
    "Acousticness": 0.3,
    "Instrumentalness": 0.0,
}


def song(**changes: Any) -> dict[str, Any]:
    """The plain song with some cells changed; ``Time_signature`` and such may be added."""
    return {**PLAIN, **changes}


PLAYLIST_COLUMNS = (
    "track_id",
    "track_name",
    "track_artist",
    "track_popularity",
    "playlist_name",
    "playlist_id",
    "playlist_genre",
    "playlist_subgenre",
    "danceability",
    "energy",
    "key",
    "loudness",
    "mode",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
)


def spotify(**changes: Any) -> dict[str, Any]:
    """A row of a file of playlists, with some cells changed."""
    return {
        "track_id": "6f807x0ima9a1j3VPbc7VN",
        "track_name": "Paper Moon",
        "track_artist": "Ada",
        "track_popularity": 40,
        "playlist_name": "Mornings",
        "playlist_id": "p1",
        "playlist_genre": "pop",
        "playlist_subgenre": "dance pop",
        "danceability": 0.5,
        "energy": 0.5,
        "key": 6,
        "loudness": -5,
        "mode": 1,
        "speechiness": 0.1,
        "acousticness": 0.1,
        "instrumentalness": 0,
        "liveness": 0.1,
        "valence": 0.5,
        "tempo": 99,
        **changes,
    }


def as_text(
    rows: list[dict[str, Any]], columns: tuple[str, ...] = NAMED, delimiter: str = ","
) -> str:
    """A CSV file's text with these columns."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return out.getvalue()


def write(
    path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...] = NAMED, **how: Any
) -> Path:
    """The CSV file, written."""
    path.write_text(as_text(rows, columns, **how), encoding="utf-8")
    return path
