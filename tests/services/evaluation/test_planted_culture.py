"""A planted culture: two groups of artists that sound alike and are never in one playlist."""

import csv

import numpy as np
import pytest

from songrec.services.evaluation.playlist_continuation import (
    ContinuationRequest,
    evaluate_playlists,
)
from tests.playlist_file import HEADER

CULTURES, ARTISTS, SONGS, LISTS = 2, 20, 8, 6


def write_playlists(path, seed=0):
    """Playlists of thirty songs by artists of one culture each; the sound is that of all songs."""
    rng = np.random.default_rng(seed)
    numbers = [name for name in HEADER if name not in ("playlist_genre", "playlist_subgenre")]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, numbers)
        writer.writeheader()
        sounds = rng.uniform(0, 1, (CULTURES, ARTISTS, SONGS, 8)).round(4)
        for culture in range(CULTURES):
            for number in range(LISTS):
                for at in rng.choice(ARTISTS * SONGS, 30, replace=False).tolist():
                    artist, song = divmod(at, SONGS)
                    sound = sounds[culture, artist, song]
                    writer.writerow(
                        {
                            "track_id": f"{culture}-{artist}-{song}",
                            "track_name": f"Song {culture} {artist} {song}",
                            "track_artist": f"Artist {culture} {artist}",
                            "playlist_name": f"List {culture} {number}",
                            "playlist_id": f"list{culture}{number}",
                            "danceability": sound[0],
                            "energy": sound[1],
                            "loudness": -20 * sound[2],
                            "speechiness": sound[3],
                            "acousticness": sound[4],
                            "instrumentalness": sound[5],
                            "liveness": sound[6],
                            "valence": sound[7],
                            "tempo": 120,
                            "duration_ms": 200_000,
                        }
                    )
    return path


def write_listening(path, seed=1):
    """Sixty listeners, who each play eight artists of one culture."""
    rng = np.random.default_rng(seed)
    lines = ["listener,artist,count"]
    for listener in range(60):
        for artist in rng.choice(ARTISTS, 8, replace=False).tolist():
            count = rng.integers(1, 900)
            lines.append(f"{listener},artist {listener % CULTURES} {artist},{count}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cultures")
    lists, counts = write_playlists(folder / "lists.csv"), write_listening(folder / "counts.csv")
    names = ("taste_content", "artist_nearness")

    def p_at_10(listening):
        request = ContinuationRequest(lists, names, likes=3, draws=1, listening=listening)
        found = evaluate_playlists(request)
        return found["artist_vectors"]["artists"], {
            name: figures["discovery_p_at_10"] for name, figures in found["methods"].items()
        }

    return p_at_10(None), p_at_10(counts)


def test_artists_who_sound_alike_are_kept_apart_by_who_listens_to_them(measured):
    (none, without), (artists, with_counts) = measured
    assert (none, artists) == (0, CULTURES * ARTISTS)
    assert without["artist_nearness"] == without["taste_content"]
    assert with_counts["taste_content"] == without["taste_content"]
    # Of a culture's songs by other artists a fifth is on the playlist; of all songs a tenth.
    assert with_counts["artist_nearness"] > 1.5 * without["artist_nearness"]
