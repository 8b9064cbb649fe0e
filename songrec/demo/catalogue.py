"""The demo catalogue: about 3,000 invented songs with realistic, correlated attributes."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.core.csv_output import CsvWriter
from songrec.demo import vocabulary
from songrec.demo.draw import Draw, at_quantile, cholesky, normal_share
from songrec.demo.naming import Namer

SEED = 20

HEADER = (
    "artist",
    "song",
    "album",
    "genre",
    "emotion",
    "year",
    "duration",
    "key",
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

# Songs, their emotions, a neighbouring genre, the share of explicit songs, the first year.
GENRES: dict[str, tuple[int, tuple[str, ...], str, float, int]] = {
    "Pop": (380, ("joy", "love", "sadness"), "Dance", 0.08, 1984),
    "Rock": (300, ("joy", "anger", "love"), "Alternative", 0.05, 1966),
    "Hip Hop": (240, ("anger", "joy", "love"), "Rap", 0.45, 1988),
    "Indie": (230, ("sadness", "love", "joy"), "Alternative", 0.08, 1998),
    "Dance": (220, ("joy", "love", "excitement"), "Electronic", 0.06, 1992),
    "Rap": (200, ("anger", "pride", "confidence"), "Hip Hop", 0.7, 1990),
    "R&B": (200, ("love", "sadness", "desire"), "Soul", 0.2, 1986),
    "Electronic": (240, ("joy", "energy", "excitement"), "Dance", 0.03, 1990),
    "Soul": (130, ("love", "nostalgia"), "R&B", 0.03, 1964),
    "Alternative": (180, ("sadness", "melancholy"), "Indie", 0.1, 1987),
    "Metal": (150, ("anger", "despair"), "Rock", 0.15, 1980),
    "Classical": (140, ("awe", "peace", "sadness"), "Jazz", 0.0, 1958),
    "Jazz": (130, ("calm", "contentment"), "Soul", 0.01, 1956),
    "Country": (130, ("heartbreak", "reflection"), "Folk", 0.04, 1968),
    "Folk": (130, ("thoughtfulness", "nostalgia"), "Country", 0.02, 1965),
}

# How a mood moves energy, danceability and valence, in standard deviations of its genre.
MOODS: dict[str, tuple[float, float, float]] = {
    "joy": (0.2, 0.3, 0.8),
    "love": (-0.3, 0.1, 0.2),
    "sadness": (-0.6, -0.4, -0.9),
    "anger": (0.7, -0.1, -0.4),
    "excitement": (0.6, 0.3, 0.4),
    "pride": (0.3, 0.2, 0.2),
    "confidence": (0.1, 0.4, 0.3),
    "desire": (-0.2, 0.4, 0.1),
    "energy": (0.7, 0.1, 0.1),
    "nostalgia": (-0.3, -0.1, -0.1),
    "melancholy": (-0.5, -0.3, -0.7),
    "despair": (0.2, -0.5, -0.7),
    "awe": (0.5, -0.2, 0.0),
    "peace": (-0.6, 0.0, 0.2),
    "calm": (-0.5, -0.1, 0.0),
    "contentment": (0.1, 0.3, 0.7),
    "heartbreak": (-0.4, -0.3, -0.6),
    "reflection": (-0.2, 0.0, 0.0),
    "thoughtfulness": (-0.2, -0.1, -0.2),
}

_MOVED = ("energy", "danceability", "valence")
_REPEATED = 24
_ARTIST_SHARE = 0.45
_SONGS_PER_ARTIST = 7


@dataclass
class _Artist:
    name: str
    genre: str
    style: list[float]
    fame: float
    weight: float
    albums: list[tuple[str, int]]


def rows(seed: int = SEED) -> list[list[str]]:
    """Generate the songs as cells in the order of ``HEADER``."""
    draw = Draw(seed)
    namer = Namer(draw)
    figures = json.loads(Path(__file__).with_name("figures.json").read_text(encoding="utf-8"))
    songs: list[list[str]] = []
    for genre, (count, *_) in GENRES.items():
        songs += _genre(draw, namer, figures, genre, count)
    # The same song once more on a collection: ingest keeps both, recommendations name it once.
    for song in draw.shuffled(songs)[:_REPEATED]:
        songs.append([*song[:2], f"The Best of {song[0]}", *song[3:]])
    return draw.shuffled(songs)


def as_csv(seed: int = SEED) -> str:
    """Return the catalogue as CSV text with ``\\n`` line ends."""
    out = io.StringIO()
    writer = CsvWriter(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows(seed))
    return out.getvalue()


def names(seed: int = SEED) -> set[tuple[str, str]]:
    """Return artist and title of every song, by which the demo catalogue is known again."""
    return {(row[0], row[1]) for row in rows(seed)}


def _genre(
    draw: Draw, namer: Namer, figures: dict[str, Any], genre: str, count: int
) -> list[list[str]]:
    columns, levels = figures["columns"], figures["levels"]
    quantiles = figures["genres"][genre]["quantiles"]
    lower = cholesky(_full(figures["genres"][genre]["correlation"]))
    artists = [
        _artist(draw, namer, genre, len(columns)) for _ in range(round(count / _SONGS_PER_ARTIST))
    ]
    weights = [artist.weight for artist in artists]
    emotions = GENRES[genre][1]
    likelihood = (5, 4, 3)[: len(emotions)]
    mean_mood = [
        sum(MOODS[e][i] * weight for e, weight in zip(emotions, likelihood, strict=True))
        / sum(likelihood)
        for i in range(len(_MOVED))
    ]
    out = []
    for _ in range(count):
        artist = draw.weighted(artists, weights)
        emotion = draw.weighted(emotions, likelihood)
        own = draw.normals(len(columns))
        z = [
            sum(row[k] * own[k] for k in range(i + 1)) * math.sqrt(1.0 - _ARTIST_SHARE**2)
            + _ARTIST_SHARE * artist.style[i]
            for i, row in enumerate(lower)
        ]
        for name, shift, usual in zip(_MOVED, MOODS[emotion], mean_mood, strict=True):
            # Against the genre's mean mood: a genre of sad songs is measured as it is.
            z[columns.index(name)] += shift - usual
        z[columns.index("track_popularity")] += artist.fame
        values = {
            column: at_quantile(normal_share(z[i]), levels, quantiles[column])
            for i, column in enumerate(columns)
        }
        out.append(_song(draw, namer, artist, emotion, values))
    return out


def _artist(draw: Draw, namer: Namer, genre: str, width: int) -> _Artist:
    first_year = GENRES[genre][4]
    debut = first_year + int((2022 - first_year) * draw.share() ** 0.6)
    albums: list[tuple[str, int]] = []
    year = debut
    for _ in range(1 + draw.below(4)):
        albums.append((namer.album(genre), min(year, 2024)))
        year += 1 + draw.below(5)
    fame = draw.normal() * 0.6
    return _Artist(
        namer.artist(genre), genre, draw.normals(width), fame, math.exp(draw.normal() * 0.7), albums
    )


def _song(
    draw: Draw, namer: Namer, artist: _Artist, emotion: str, values: dict[str, float]
) -> list[str]:
    _, _, neighbour, explicit_share, _ = GENRES[artist.genre]
    album, year = draw.pick(artist.albums)
    genre = f"{artist.genre}, {neighbour}" if draw.share() < 0.15 else artist.genre
    minor = draw.share() < (0.25 + 0.4 * (1.0 - values["valence"]))
    key = f"{draw.pick(vocabulary.KEYS)} {'min' if minor else 'Maj'}"
    # Live, spoken and acoustic music varies more from moment to moment than a steady beat.
    restless = (
        0.9 * values["liveness"]
        + 0.6 * values["speechiness"]
        + 0.35 * values["acousticness"]
        - 0.5 * values["danceability"]
        + 0.18 * draw.normal()
    )
    variance = 1.0 / (1.0 + math.exp(-2.2 * restless))
    seconds = round(values["duration_ms"] / 1000)
    return [
        artist.name,
        namer.title(artist.genre, artist.name),
        album,
        genre,
        emotion,
        str(year),
        f"{seconds // 60:02d}:{seconds % 60:02d}",
        key,
        f"{variance:.3f}",
        f"{values['tempo']:.1f}",
        f"{values['loudness']:.2f}",
        "1" if draw.share() < explicit_share else "0",
        f"{min(max(values['track_popularity'], 0.0), 100.0):.0f}",
        *(
            f"{min(max(values[name], 0.0), 1.0):.3f}"
            for name in (
                "energy",
                "danceability",
                "valence",
                "speechiness",
                "liveness",
                "acousticness",
                "instrumentalness",
            )
        ),
    ]


def _full(triangle: list[list[float]]) -> list[list[float]]:
    """Return a correlation matrix from its lower triangle, shrunk slightly towards the identity.

    Pooling and rounding may make a correlation matrix indefinite; 3% of identity restores it.
    """
    size = len(triangle)
    return [
        [1.0 if i == j else 0.97 * triangle[max(i, j)][min(i, j)] for j in range(size)]
        for i in range(size)
    ]
