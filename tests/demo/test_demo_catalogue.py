from __future__ import annotations

import csv
import io
import json
import statistics
from pathlib import Path

import pytest

from songrec.demo import catalogue
from songrec.demo.draw import Draw, at_quantile, cholesky, normal_share
from songrec.demo.naming import plural
from songrec.services.catalogue.ingest import ingest_file

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "data" / "preprocess.csv"


@pytest.fixture(scope="module")
def songs() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(COMMITTED.read_text(encoding="utf-8"))))


def by_genre(songs, genre: str, column: str) -> list[float]:
    return [float(s[column]) for s in songs if s["genre"].split(", ")[0] == genre]


def test_the_committed_file_is_what_the_generator_writes():
    assert catalogue.as_csv().encode() == COMMITTED.read_bytes()


def test_another_seed_gives_other_songs():
    assert catalogue.rows(1) != catalogue.rows(2)


def test_the_file_is_small_and_has_the_mission_s_columns(songs):
    assert COMMITTED.stat().st_size < 600_000
    assert len(songs) == 3_024
    assert list(songs[0])[-12:] == [
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
    ]


def test_every_song_is_ingested(session):
    report = ingest_file(session, COMMITTED)
    assert (report.dialect, report.scale) == ("preprocess", "unit")
    assert (report.inserted, report.rejected_count) == (3_024, 0)


def test_genres_differ_as_real_ones_do(songs):
    def median(genre, column):
        return statistics.median(by_genre(songs, genre, column))

    assert median("Metal", "Energy") > 0.85 > 0.6 > median("Soul", "Energy")
    assert median("Classical", "Acousticness") > 0.9 > 0.1 > median("Dance", "Acousticness")
    assert median("Rap", "Speechiness") > 2 * median("Rock", "Speechiness")
    assert median("Classical", "Loudness") < median("Jazz", "Loudness") < median("Pop", "Loudness")
    assert median("Jazz", "Instrumentalness") > 0.1 > median("Country", "Instrumentalness")


def test_values_follow_the_figures_that_they_are_drawn_from(songs):
    figures = json.loads((ROOT / "songrec" / "demo" / "figures.json").read_text(encoding="utf-8"))
    names = {
        "energy": "Energy",
        "valence": "Positiveness",
        "tempo": "Tempo",
        "loudness": "Loudness",
    }
    for genre in catalogue.GENRES:
        quantiles = figures["genres"][genre]["quantiles"]
        for column, name in names.items():
            median = statistics.median(by_genre(songs, genre, name))
            spread = quantiles[column][5] - quantiles[column][1]
            assert abs(median - quantiles[column][3]) < 0.2 * spread, (genre, column)


def test_loud_songs_are_energetic_and_acoustic_ones_are_not(songs):
    def together(genre, one, other):
        return statistics.correlation(by_genre(songs, genre, one), by_genre(songs, genre, other))

    assert together("Rock", "Loudness", "Energy") > 0.4
    assert together("Rock", "Acousticness", "Energy") < -0.2


def test_happy_songs_are_happier_than_sad_ones(songs):
    def mean(emotion):
        return statistics.mean(float(s["Positiveness"]) for s in songs if s["emotion"] == emotion)

    assert mean("joy") > mean("sadness") + 0.15


def test_artists_have_several_songs_each_and_no_title_twice(songs):
    titles = [(s["artist"], s["song"], s["album"]) for s in songs]
    assert len(set(titles)) == len(titles)
    per_artist = statistics.mean(
        sum(s["artist"] == a for s in songs) for a in sorted({s["artist"] for s in songs})
    )
    assert 5 < per_artist < 10
    assert sum(s["album"].startswith("The Best of") for s in songs) == 24


def test_a_few_titles_are_long_or_not_latin(songs):
    assert any(len(s["song"]) > 70 for s in songs)
    assert any(ord(s["song"][0]) > 0x2FF for s in songs)
    assert sum(not s["song"].isascii() for s in songs) < 400


def test_quantiles_are_hit_at_their_levels():
    levels, values = [0, 0.05, 0.5, 0.95, 1], [0.0, 1.0, 5.0, 6.0, 20.0]
    assert [at_quantile(level, levels, values) for level in levels] == values
    assert at_quantile(0.275, levels, values) == pytest.approx(3.0)
    assert at_quantile(0.975, levels, values) == pytest.approx(6 + 14 / 16)


def test_cholesky_multiplies_back():
    matrix = [[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 1.0]]
    lower = cholesky(matrix)
    for i in range(3):
        for j in range(3):
            assert sum(lower[i][k] * lower[j][k] for k in range(3)) == pytest.approx(matrix[i][j])


def test_normal_draws_are_normal():
    draws = Draw(1).normals(4000)
    assert abs(statistics.mean(draws)) < 0.05
    assert abs(statistics.stdev(draws) - 1) < 0.05
    assert normal_share(0) == 0.5
    assert normal_share(1.96) == pytest.approx(0.975, abs=1e-3)


def test_plurals_are_english():
    assert [plural(n) for n in ("River", "Memory", "Highway", "Confetti", "Heartbreak")] == [
        "Rivers",
        "Memories",
        "Highways",
        "Confettis",
        "Heartbreaks",
    ]
    assert [plural(n) for n in ("Sneakers", "Grace", "Compass")] == [
        "Sneakers",
        "Graces",
        "Compasses",
    ]
