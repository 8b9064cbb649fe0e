"""Artist vectors from planted listeners: who is near, who has none, and what matches by name."""

import numpy as np
import pytest

from songrec.core.artist_affinities import COUNTS, SIMILAR, AffinityCollector, NamedArtist
from songrec.services.training.artist_vectors import fit_artist_vectors

SCENES = 4
ARTISTS = 6


def planted(kind=COUNTS, seed=0):
    """Eighty listeners of four scenes of six artists, with two plays across now and then."""
    rng = np.random.default_rng(seed)
    collector = AffinityCollector(kind)
    for listener in range(80):
        scene = listener % SCENES
        for artist in rng.choice(ARTISTS, 4, replace=False).tolist():
            count = int(rng.integers(1, 500))
            collector.add(str(listener), NamedArtist(f"Artist {scene} {artist}"), count)
        other = NamedArtist(f"Artist {rng.integers(SCENES)} {rng.integers(ARTISTS)}")
        collector.add(str(listener), other, 2)
    return collector.affinities()


def catalogue():
    names = [f"Artist {scene} {artist}" for scene in range(SCENES) for artist in range(ARTISTS)]
    return [(7 * number + 7, NamedArtist(name)) for number, name in enumerate(names)]


def test_artists_of_one_scene_are_near():
    fitted = fit_artist_vectors([planted()], catalogue(), dimensions=8)
    assert fitted.artist_ids.tolist() == [7 * number + 7 for number in range(SCENES * ARTISTS)]
    np.testing.assert_allclose(np.linalg.norm(fitted.vectors, axis=1), 1, atol=1e-5)
    cosines = fitted.vectors @ fitted.vectors.T
    same = np.kron(np.eye(SCENES), np.ones((ARTISTS, ARTISTS))) > 0
    np.fill_diagonal(cosines, np.nan)
    assert np.nanmin(cosines[same]) > np.nanmax(cosines[~same])


def test_the_same_counts_give_the_same_vectors():
    one, other = (fit_artist_vectors([planted()], catalogue(), dimensions=8) for _ in range(2))
    np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-6)


def test_artists_that_nobody_names_have_no_vector():
    collector = AffinityCollector(COUNTS)
    for listener, names in (("ann", "ABC"), ("bob", "AB"), ("cy", "D")):
        for name in names:
            collector.add(listener, NamedArtist(name * 3), 5)
    artists = [(number, NamedArtist(name * 3)) for number, name in enumerate("ABCDE", 1)]
    fitted = fit_artist_vectors([collector.affinities()], artists, min_rows=1)
    assert fitted.artist_ids.tolist() == [1, 2, 3, 4]
    assert fit_artist_vectors([collector.affinities()], artists[4:], min_rows=1) is None
    assert fit_artist_vectors([collector.affinities()], artists) is None
    assert fit_artist_vectors([], artists) is None


def test_spellings_and_musicbrainz_ids_match():
    collector = AffinityCollector(COUNTS)
    for listener in ("ann", "bob"):
        collector.add(listener, NamedArtist("the beatles"), 3)
        collector.add(listener, NamedArtist("Prince (old name)", "mbid-1"), 3)
        collector.add(listener, NamedArtist("Rolling Stones"), 3)
    artists = [
        (1, NamedArtist("Beatles")),
        (2, NamedArtist("Prince", "mbid-1")),
        (3, NamedArtist("The Beatles")),  # another artist of that name has the same vector
        (4, NamedArtist("Stones")),
    ]
    fitted = fit_artist_vectors([collector.affinities()], artists, min_rows=1)
    assert fitted.artist_ids.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(fitted.vectors[0], fitted.vectors[2])


def test_similar_artists_are_near_to_the_artist_itself():
    collector = AffinityCollector(SIMILAR)
    for scene in range(2):
        for artist in range(ARTISTS):
            for other in range(ARTISTS):
                if other != artist:
                    name = NamedArtist(f"Artist {scene} {other}")
                    collector.add(NamedArtist(f"Artist {scene} {artist}").key, name, 900 - other)
    fitted = fit_artist_vectors(
        [collector.affinities()], catalogue()[: 2 * ARTISTS], dimensions=2, min_rows=12
    )
    cosines = fitted.vectors @ fitted.vectors.T
    assert cosines[:ARTISTS, :ARTISTS].min() > 0.9
    assert cosines[:ARTISTS, ARTISTS:].max() == pytest.approx(0, abs=1e-5)
