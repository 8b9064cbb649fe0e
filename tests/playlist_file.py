"""A made-up catalogue with playlists, as a file."""

import csv
from pathlib import Path

import numpy as np

HEADER = (
    "track_id",
    "track_name",
    "track_artist",
    "track_popularity",
    "track_album_name",
    "track_album_release_date",
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
    "duration_ms",
)
LISTS, LENGTH = 12, 30


def write(path: Path, seed: int = 0, genre: str = "pop", lists: range = range(LISTS)) -> Path:
    """Playlists that each keep to their own energy, danceability, year and artists."""
    centres = np.random.default_rng(99).uniform(0.1, 0.9, (LISTS, 2))
    rng = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in lists:
            for song in range(LENGTH):
                energy, dance = np.clip(centres[number] + rng.normal(0, 0.04, 2), 0, 1)
                a, b, c, d, e = rng.uniform(0, 1, 5).round(4)
                writer.writerow(
                    (
                        f"{number}-{song}",
                        f"Song {number} {song}",
                        f"Artist {number} {song // 6}",
                        int(rng.integers(0, 100)),
                        f"Album {number} {song // 3}",
                        f"{1980 + 3 * number}-01-01",
                        f"List {number}",
                        f"list{number}",
                        genre,
                        "sub",
                        round(dance, 4),
                        round(energy, 4),
                        1,
                        round(-20 * a, 2),
                        1,
                        b,
                        c,
                        d,
                        e,
                        round(rng.uniform(0, 1), 4),
                        round(80 + 80 * a, 1),
                        int(rng.integers(120_000, 300_000)),
                    )
                )
    return path
