import pytest

from songrec.clustering.naming import ClusterTraits, name_clusters

MIDDLE = {"energy": 0.5, "tempo": 0.52, "acousticness": 0.47}


def named(shares, *genres):
    return name_clusters([ClusterTraits({**MIDDLE, **shares}, genres)])[0]


@pytest.mark.parametrize(
    ("shares", "genres", "name"),
    [
        ({"energy": 0.1, "acousticness": 0.9}, [("folk", 0.5, 4.0)], "calm acoustic folk"),
        ({"loudness": 0.9, "tempo": 0.85}, [("rap", 0.6, 3.0)], "loud fast rap"),
        ({"positiveness": 0.1, "tempo": 0.1}, [], "slow melancholy songs"),
        (
            {"danceability": 0.9, "positiveness": 0.9},
            [("latin", 0.4, 2.0)],
            "cheerful danceable latin",
        ),
        ({"energy": 0.1}, [("jazz", 0.4, 2.0)], "calm jazz"),
        ({"popularity": 0.7}, [("pop", 0.4, 2.0)], "well-known pop"),
        ({"popularity": 0.7, "energy": 0.1}, [("pop", 0.4, 2.0)], "calm pop"),
        ({"instrumentalness": 0.23, "popularity": 0.7}, [("pop", 0.4, 2.0)], "well-known pop"),
        ({"instrumentalness": 0.05}, [("choral", 0.4, 2.0)], "vocal choral"),
        ({}, [("pop", 0.4, 2.0)], "mixed pop"),
        ({}, [], "mixed songs"),
    ],
)
def test_a_name_says_what_sets_the_cluster_apart(shares, genres, name):
    assert named(shares, *genres) == name


def test_the_most_over_represented_genre_is_the_noun():
    common, typical, rare = ("pop", 0.6, 1.1), ("folk", 0.3, 5.0), ("skiffle", 0.01, 90.0)
    assert named({"energy": 0.1}, common, typical, rare) == "calm folk"


def test_loud_and_energetic_are_not_said_together_nor_loud_and_calm():
    name = named({"energy": 0.95, "loudness": 0.94, "tempo": 0.7})
    assert name == "energetic fast songs" or name == "fast energetic songs"
    assert "quiet" not in named({"energy": 0.95, "loudness": 0.05, "tempo": 0.7})


@pytest.mark.parametrize(
    ("shares", "genre", "silly"),
    [
        ({"danceability": 0.9, "tempo": 0.7}, "dance", "danceable dance"),
        ({"acousticness": 0.9, "tempo": 0.7}, "acoustic", "acoustic acoustic"),
        ({"acousticness": 0.1, "tempo": 0.7}, "acoustic", "electric acoustic"),
        ({"acousticness": 0.1, "tempo": 0.7}, "electronic", "electric electronic"),
        ({"speechiness": 0.9, "instrumentalness": 0.9, "tempo": 0.7}, "rap", "wordy instrumental"),
    ],
)
def test_an_adjective_neither_repeats_nor_contradicts(shares, genre, silly):
    assert silly not in named(shares, (genre, 0.5, 3.0))


def test_names_are_unique_and_the_cluster_that_fits_better_keeps_the_shorter_one():
    much = ClusterTraits({"energy": 0.05, "acousticness": 0.95}, [("folk", 0.5, 4.0)])
    less = ClusterTraits(
        {"energy": 0.2, "acousticness": 0.8, "liveness": 0.7}, [("folk", 0.5, 3.0)]
    )
    names = name_clusters([less, much])
    assert names[1] == "calm acoustic folk"
    assert names[0] != names[1]


def test_any_number_of_identical_clusters_gets_different_names():
    names = name_clusters([ClusterTraits({"energy": 0.1}, [("folk", 0.5, 4.0)])] * 12)
    assert len(set(names)) == 12
    assert names[0] == "calm folk"
    assert all(name == name.lower() for name in names)


def test_names_do_not_depend_on_the_order_of_attributes():
    shares = {"energy": 0.1, "acousticness": 0.9, "tempo": 0.2}
    turned = dict(reversed(shares.items()))
    assert name_clusters([ClusterTraits(shares)]) == name_clusters([ClusterTraits(turned)])
