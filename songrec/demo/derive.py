"""Derive ``figures.json`` from per-subgenre statistics of real tracks (statistics only).

``python -m songrec.demo.derive genre_statistics.json`` needs a file with ``columns``,
``quantile_levels`` and per subgenre ``n``, ``quantiles`` and ``correlation``. Subgenres are pooled
into the demo's genres, weighted by their number of tracks. For five genres there are no measured
figures; theirs start from the nearest measured subgenre, with the columns that set the genre apart
given by hand, after the table of genres in the README.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).with_name("figures.json")

POOLED: dict[str, tuple[str, ...]] = {
    "Pop": ("dance pop", "post-teen pop", "electropop"),
    "Rock": ("classic rock", "album rock"),
    "Hip Hop": ("hip hop", "latin hip hop"),
    "Indie": ("indie poptimism",),
    "Dance": ("pop edm", "big room", "tropical"),
    "Rap": ("gangster rap", "southern hip hop", "trap"),
    "R&B": ("urban contemporary", "new jack swing", "hip pop"),
    "Electronic": ("electro house", "progressive electro house"),
    "Soul": ("neo soul",),
    "Alternative": ("permanent wave",),
    "Metal": ("hard rock",),
    "Classical": ("album rock",),
    "Jazz": ("neo soul",),
    "Country": ("classic rock",),
    "Folk": ("album rock",),
}

BY_HAND: dict[str, dict[str, list[float]]] = {
    "Metal": {
        "danceability": [0.1, 0.22, 0.34, 0.43, 0.52, 0.65, 0.8],
        "energy": [0.5, 0.77, 0.89, 0.94, 0.97, 0.99, 1.0],
        "loudness": [-13.0, -8.3, -6.0, -4.8, -3.9, -2.6, -1.0],
        "acousticness": [0.0, 0.0, 0.0001, 0.001, 0.008, 0.1, 0.5],
        "instrumentalness": [0.0, 0.0, 0.002, 0.09, 0.6, 0.91, 0.97],
        "valence": [0.03, 0.08, 0.18, 0.29, 0.42, 0.65, 0.9],
    },
    "Classical": {
        "danceability": [0.06, 0.12, 0.22, 0.31, 0.41, 0.56, 0.7],
        "energy": [0.0, 0.01, 0.06, 0.14, 0.26, 0.48, 0.75],
        "loudness": [-42.0, -32.0, -25.0, -20.5, -16.5, -11.5, -7.0],
        "speechiness": [0.025, 0.032, 0.037, 0.041, 0.047, 0.065, 0.12],
        "acousticness": [0.45, 0.76, 0.93, 0.97, 0.985, 0.993, 0.996],
        "instrumentalness": [0.0, 0.02, 0.6, 0.87, 0.92, 0.96, 0.99],
        "liveness": [0.04, 0.07, 0.09, 0.11, 0.17, 0.5, 0.95],
        "valence": [0.02, 0.04, 0.1, 0.21, 0.38, 0.7, 0.93],
        "tempo": [45.0, 64.0, 82.0, 101.0, 126.0, 166.0, 190.0],
        "track_popularity": [0.0, 2.0, 18.0, 33.0, 46.0, 62.0, 78.0],
        "duration_ms": [60000, 95000, 160000, 240000, 390000, 720000, 1100000],
    },
    "Jazz": {
        "danceability": [0.15, 0.3, 0.43, 0.54, 0.64, 0.77, 0.88],
        "energy": [0.03, 0.1, 0.2, 0.31, 0.45, 0.68, 0.88],
        "loudness": [-28.0, -20.0, -15.0, -12.0, -9.5, -6.8, -4.5],
        "acousticness": [0.1, 0.4, 0.67, 0.82, 0.92, 0.98, 0.995],
        "instrumentalness": [0.0, 0.0, 0.01, 0.32, 0.8, 0.92, 0.97],
        "liveness": [0.04, 0.07, 0.1, 0.13, 0.28, 0.7, 0.98],
        "tempo": [60.0, 75.0, 95.0, 113.0, 134.0, 175.0, 205.0],
        "duration_ms": [95000, 140000, 195000, 265000, 365000, 540000, 800000],
    },
    "Country": {
        "danceability": [0.25, 0.38, 0.5, 0.58, 0.65, 0.77, 0.88],
        "energy": [0.12, 0.28, 0.47, 0.62, 0.77, 0.92, 0.98],
        "loudness": [-18.0, -12.5, -8.9, -7.0, -5.4, -3.8, -2.2],
        "speechiness": [0.023, 0.026, 0.029, 0.033, 0.04, 0.06, 0.15],
        "acousticness": [0.001, 0.02, 0.12, 0.31, 0.58, 0.85, 0.96],
        "instrumentalness": [0.0, 0.0, 0.0, 0.0, 0.0001, 0.02, 0.5],
    },
    "Folk": {
        "danceability": [0.18, 0.31, 0.42, 0.51, 0.6, 0.72, 0.85],
        "energy": [0.04, 0.11, 0.2, 0.31, 0.45, 0.67, 0.85],
        "loudness": [-26.0, -19.0, -14.5, -11.8, -9.4, -6.8, -4.5],
        "acousticness": [0.2, 0.5, 0.74, 0.86, 0.93, 0.98, 0.995],
        "instrumentalness": [0.0, 0.0, 0.0001, 0.003, 0.09, 0.8, 0.93],
        "valence": [0.05, 0.12, 0.25, 0.38, 0.54, 0.8, 0.95],
    },
}


def derive(statistics: dict[str, Any]) -> dict[str, Any]:
    """Pool quantiles and correlations (lower triangle) per genre of the demo."""
    columns = statistics["columns"]
    genres = {}
    for genre, subgenres in POOLED.items():
        parts = [statistics["subgenres"][name] for name in subgenres]
        total = sum(part["n"] for part in parts)
        quantiles = {
            column: [
                round(sum(p["quantiles"][column][level] * p["n"] for p in parts) / total, 4)
                for level in range(len(statistics["quantile_levels"]))
            ]
            for column in columns
        }
        correlation = [
            [
                round(sum(p["correlation"][i][j] * p["n"] for p in parts) / total, 2)
                for j in range(i)
            ]
            for i in range(len(columns))
        ]
        quantiles |= BY_HAND.get(genre, {})
        genres[genre] = {"quantiles": quantiles, "correlation": correlation}
    return {"columns": columns, "levels": statistics["quantile_levels"], "genres": genres}


def main() -> None:
    """Write ``figures.json`` from the statistics file given on the command line."""
    figures = derive(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    lines = [
        f"{json.dumps(genre)}: {json.dumps(values, separators=(',', ':'))}"
        for genre, values in figures["genres"].items()
    ]
    head = f'{{"columns": {json.dumps(figures["columns"])},\n"levels": {figures["levels"]},\n'
    body = ",\n".join(lines)
    FIGURES.write_text(f'{head}"genres": {{\n{body}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
