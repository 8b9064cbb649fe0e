import pytest

from songrec.clustering.naming import (
    MIN_GENRE_SHARE,
    MIN_SHARE,
    ClusterTraits,
    WordShare,
    mean_word_share,
    name_clusters,
)


def traits(words, *genres):
    """Return traits of adjectives true of ``words[word]`` of the members and 0.3 of all songs."""
    return ClusterTraits({w: WordShare(share, 0.3) for w, share in words.items()}, genres)


def named(words, *genres):
    return name_clusters([traits(words, *genres)])[0]


@pytest.mark.parametrize(
    ("words", "genres", "name"),
    [
        ({"calm": 0.9, "acoustic": 0.9}, [("folk", 0.5, 4.0)], "calm acoustic folk"),
        ({"energetic": 0.9, "fast": 0.8}, [("rap", 0.6, 3.0)], "energetic fast rap"),
        ({"melancholy": 0.8, "slow": 0.8}, [], "slow melancholy songs"),
        ({"danceable": 0.9, "happy": 0.9}, [("latin", 0.6, 2.0)], "happy danceable latin"),
        ({"calm": 0.9}, [("jazz", 0.7, 2.0)], "calm jazz"),
        ({"calm": 0.9, "acoustic": 0.55}, [("jazz", 0.7, 2.0)], "calm jazz"),
        ({"calm": 0.9, "acoustic": 0.9, "slow": 0.9}, [], "calm acoustic songs"),
        ({"calm": 0.9, "80s": 0.9}, [], "calm 80s songs"),
        ({"calm": 0.9}, [("jazz", 0.49, 9.0)], "calm songs"),
        ({}, [("pop", 0.6, 2.0)], "mixed pop"),
        ({}, [], "mixed songs"),
    ],
)
def test_a_name_says_what_is_true_of_most_members(words, genres, name):
    assert named(words, *genres).text == name


def test_each_word_stands_with_the_share_that_it_is_true_of():
    name = named({"calm": 0.9, "acoustic": 0.7, "fast": 0.5}, ("folk", 0.55, 4.0))
    assert name.words == (("calm", 0.9), ("acoustic", 0.7), ("folk", 0.55))
    assert mean_word_share([name]) == pytest.approx((0.9 + 0.7 + 0.55) / 3)
    assert mean_word_share([named({})]) is None


def test_a_word_that_is_as_true_of_the_whole_catalogue_is_left_out():
    everywhere = ClusterTraits({"calm": WordShare(0.9, 0.3), "electric": WordShare(0.95, 0.9)})
    assert name_clusters([everywhere])[0].text == "calm songs"


def test_calm_and_energetic_words_of_one_family_are_not_said_together():
    assert named({"instrumental": 0.9, "spoken": 0.8}).text == "instrumental songs"


@pytest.mark.parametrize(
    ("words", "genre", "silly"),
    [
        ({"danceable": 0.9, "fast": 0.9}, "dance", "danceable dance"),
        ({"acoustic": 0.9, "fast": 0.9}, "acoustic", "acoustic acoustic"),
        ({"electric": 0.9, "fast": 0.9}, "acoustic", "electric acoustic"),
        ({"electric": 0.9, "fast": 0.9}, "electronic", "electric electronic"),
    ],
)
def test_an_adjective_neither_repeats_nor_contradicts(words, genre, silly):
    assert silly not in named(words, (genre, 0.6, 3.0)).text


def test_names_are_unique_and_the_cluster_that_fits_better_keeps_the_shorter_one():
    much = traits({"calm": 0.95, "acoustic": 0.95}, ("folk", 0.5, 4.0))
    less = traits({"calm": 0.8, "acoustic": 0.8, "slow": 0.7}, ("folk", 0.5, 3.0))
    names = [name.text for name in name_clusters([less, much])]
    assert names[1] == "calm acoustic folk"
    assert names[0] != names[1]


def test_any_number_of_identical_clusters_gets_different_names_of_true_words():
    names = name_clusters([traits({"calm": 0.9, "fast": 0.4}, ("folk", 0.5, 4.0))] * 12)
    assert len({name.text for name in names}) == 12
    assert names[0].text == "calm folk"
    for name in names:
        assert name.text == name.text.lower()
        assert all(share >= MIN_SHARE for word, share in name.words if word != "folk")
        assert all(share >= MIN_GENRE_SHARE for word, share in name.words)


def test_names_do_not_depend_on_the_order_of_words():
    shares = {"calm": 0.8, "acoustic": 0.8, "slow": 0.9}
    turned = dict(reversed(shares.items()))
    assert name_clusters([traits(shares)]) == name_clusters([traits(turned)])
