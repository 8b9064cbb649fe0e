from dataclasses import replace

import numpy as np
import pytest

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.types import Space
from songrec.recommend.explain import attribute_ranks, contributions, phrases
from songrec.recommend.explain.phrases import Trait
from songrec.recommend.ranking import rank
from songrec.recommend.similarity.similar import similar_tracks

TYPICAL = {
    "variance": 1.0,
    "tempo": 120.0,
    "loudness": -8.0,
    "explicit": 0.0,
    "popularity": 50.0,
    "energy": 0.6,
    "danceability": 0.6,
    "positiveness": 0.5,
    "speechiness": 0.05,
    "liveness": 0.15,
    "acousticness": 0.3,
    "instrumentalness": 0.1,
}


def named_space(*tracks, columns=None, n=300, seed=0):
    """Tracks with given attributes in front of a spread-out catalogue; columns standardised."""
    rng = np.random.default_rng(seed)
    rest = np.array([list(TYPICAL.values())] * n) + rng.normal(size=(n, 12)) * [
        0.5,
        25,
        4,
        0,
        20,
        0.2,
        0.15,
        0.2,
        0.03,
        0.1,
        0.25,
        0.1,
    ]
    front = [[{**TYPICAL, **track}[name] for name in ATTRIBUTE_NAMES] for track in tracks]
    values = np.vstack([front, rest]).astype(np.float32)
    columns = columns or tuple(n for n in ATTRIBUTE_NAMES if n not in ("explicit", "popularity"))
    matrix = values[:, [ATTRIBUTE_NAMES.index(name) for name in columns]]
    matrix = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    size = len(values)
    return Space(
        "named",
        np.arange(size, dtype=np.int64),
        matrix.astype(np.float32),
        columns,
        values,
        ATTRIBUTE_NAMES,
        matrix[:, :2],
        np.zeros(size, np.int32),
        matrix[:, :2],
        np.arange(size, dtype=np.uint64),
    )


CALM = {"energy": 0.31, "acousticness": 0.91, "popularity": 99}
CALM_TOO = {"energy": 0.28, "acousticness": 0.95, "popularity": 99}


def titles(track_ids):
    return {i: ["Hallelujah", "Other"][i] if i < 2 else f"Song {i}" for i in track_ids}


def test_the_reason_quotes_what_both_share_and_few_others_have():
    found = rank(named_space(CALM, CALM_TOO), [0], [], 1, method="distance", names=titles)[0]
    assert found.track_id == 1
    assert found.reasons[0].text == (
        "Very close to “Hallelujah”: as acoustic (0.95 and 0.91) and as calm (energy 0.28 and 0.31)"
    )
    assert contributions.main_reason(found.reasons) == "Acoustic and calm, like “Hallelujah”"
    assert found.reasons[0].about == 0
    assert found.reasons[0].details["title"] == "Hallelujah"


def test_title_and_the_words_around_it_make_up_the_text():
    space = named_space(CALM, CALM_TOO)
    reason = rank(space, [0], [], 1, method="distance", names=titles)[0].reasons[0]
    details = reason.details
    assert f"{details['before']} “{details['title']}”{details['after']}" == reason.text


def test_a_sentence_for_what_sounds_like_a_song():
    space = named_space({"tempo": 190, "danceability": 0.95}, {"tempo": 189, "danceability": 0.94})
    match = similar_tracks(space, 0, 1)[0]
    assert contributions.main_reason(match.reasons) == "Also fast and danceable"


def test_nothing_is_claimed_to_stand_out_of_an_average_song():
    match = similar_tracks(named_space({}, {"energy": 0.61}), 0, 1)[0]
    assert contributions.main_reason(match.reasons) == ""


def test_only_columns_of_the_space_are_given_as_reasons():
    match = rank(named_space(CALM, CALM_TOO), [0], [], 1, names=titles)[0]
    assert "popularity" not in {r.about for r in match.reasons}
    assert not any("known" in r.text for r in match.reasons)


@pytest.mark.parametrize(
    ("name", "value", "other", "rank_", "other_rank", "says"),
    [
        ("energy", 0.28, 0.31, 0.1, 0.12, "as calm (energy 0.28 and 0.31)"),
        ("acousticness", 0.95, 0.91, 0.95, 0.93, "as acoustic (0.95 and 0.91)"),
        ("danceability", 0.71, 0.712, 0.8, 0.8, "as danceable (both 0.71)"),
        ("tempo", 118, 120, 0.4, 0.41, "almost the same tempo (118 and 120 BPM)"),
        ("tempo", 150, 170, 0.8, 0.95, "as fast (150 and 170 BPM)"),
        ("loudness", -20.1, -19, 0.02, 0.04, "as quiet (−20.1 and −19.0 dB)"),
        ("duration", 355_000, 3_601_000, 0.83, 0.8, "as long (5:55 and 1:00:01)"),
        ("year", 1975, 1977, 0.1, 0.2, "from about the same time (1975 and 1977)"),
        ("year", 2019, 2019, 0.9, 0.9, "from the same year (2019)"),
        ("odd_one", 1, 1, 0.9, 0.9, "alike in odd one (both higher than 90% of the catalogue)"),
    ],
)
def test_shared_traits_in_words(name, value, other, rank_, other_rank, says):
    assert phrases.describe_shared(Trait(name, value, other, rank_, other_rank)) == says


def test_where_no_value_is_stored_the_place_in_the_catalogue_is_told():
    trait = Trait("duration", 1.2, 1.1, 0.998, 0.8, is_stored=False)
    assert phrases.describe_shared(trait) == "as long (longer than 99% and 80% of the catalogue)"
    assert trait.to_json()["value"] is None


@pytest.mark.parametrize(
    ("name", "value", "other", "rank_", "other_rank", "is_said"),
    [
        # Unusual in a catalogue of songs with words, but not what the adjective says.
        ("instrumentalness", 0.01, 0.01, 0.8, 0.8, False),
        ("instrumentalness", 0.8, 0.7, 0.9, 0.88, True),
        ("acousticness", 0.26, 0.26, 0.8, 0.8, False),
        ("acousticness", 0.9, 0.3, 0.9, 0.9, False),
        ("energy", 0.7, 0.72, 0.1, 0.12, False),
        # Near in the order of the catalogue, and yet not the same.
        ("acousticness", 0.95, 0.6, 0.95, 0.9, False),
        ("year", 1969, 1992, 0.01, 0.08, False),
        ("year", 1969, 1975, 0.01, 0.04, True),
        ("loudness", -15, -10.2, 0.05, 0.1, False),
        # True of nearly every song.
        ("instrumentalness", 0.0, 0.0, 0.2, 0.2, False),
        ("speechiness", 0.03, 0.03, 0.1, 0.1, False),
        ("liveness", 0.06, 0.06, 0.1, 0.1, False),
        ("liveness", 0.81, 0.9, 0.95, 0.97, True),
        ("liveness", 0.7, 0.75, 0.95, 0.97, False),
        # Unknown, or on different sides of the middle.
        ("energy", float("nan"), 0.2, float("nan"), 0.1, False),
        ("tempo", 90, 150, 0.1, 0.9, False),
    ],
)
def test_a_trait_is_claimed_only_where_the_values_bear_it_out(
    name, value, other, rank_, other_rank, is_said
):
    trait = Trait(name, value, other, rank_, other_rank)
    assert (trait.weight > phrases.MIN_WEIGHT) == is_said
    assert (
        "as " + phrases.ADJECTIVES[name][trait.is_high]
        not in phrases.describe_comparison(trait, "it")
        or is_said
    )


def test_weights_of_many_pairs_are_those_of_each():
    space = named_space(CALM, CALM_TOO, {"energy": float("nan")}, {"instrumentalness": 0.9})
    one = attribute_ranks.AttributeTable.from_rows(space, np.arange(20))
    other = attribute_ranks.AttributeTable.from_rows(space, np.arange(5))
    pairs = attribute_ranks.trait_weights(one, other)
    singly = [
        [[one.compare(i, other, j, c).weight for c in range(len(space.columns))] for j in range(5)]
        for i in range(20)
    ]
    np.testing.assert_allclose(pairs, singly)


def test_what_is_farther_than_chance_is_not_called_alike():
    far = {"energy": 0.01, "tempo": 50, "loudness": -30}
    space = named_space({"energy": 0.99, "tempo": 200, "loudness": -2}, far)
    two = [match for match in similar_tracks(space, 0, 400) if match.track_id == 1]
    assert two[0].score < 0
    assert contributions.main_reason(two[0].reasons) == "Little in common, but nothing is closer"


@pytest.mark.parametrize(
    ("trait", "says"),
    [
        (Trait("explicit", 1, 0, 0.9, 0.4), "explicit, unlike your likes"),
        (Trait("explicit", 0, 0, 0.4, 0.4), "not explicit, like your likes"),
        (Trait("energy", 0.2, 0.9, 0.05, 0.9), "calmer than your likes (energy 0.20 and 0.90)"),
        (Trait("tempo", 180, 90, 0.95, 0.1), "faster than your likes (180 and 90 BPM)"),
        (Trait("liveness", 0.12, 0.13, 0.5, 0.55), "liveness like your likes (0.12 and 0.13)"),
        (
            Trait("energy", float("nan"), 0.9, float("nan"), 0.9),
            "energy unknown, counted as average",
        ),
    ],
)
def test_comparisons_in_words(trait, says):
    assert phrases.describe_comparison(trait, "your likes") == says


def test_many_likes_are_summed_up_in_one_reason():
    space = named_space(*[{"energy": 0.3 + i / 100} for i in range(12)])
    match = rank(space, list(range(11)), [], 1, method="distance", names=titles)[0]
    liked = [r for r in match.reasons if r.kind == "liked"]
    assert len(liked) == contributions.MAX_NAMED + 1
    assert liked[-1].text == "The other 3 songs you like, together"


def test_unknown_values_do_not_break_a_sentence():
    space = named_space(CALM, {**CALM_TOO, "energy": float("nan")})
    matrix = np.nan_to_num(space.matrix)
    for method in ("cosine", "distance", "cluster"):
        found = rank(replace(space, matrix=matrix), [0], [], 5, method=method)
        assert all(contributions.main_reason(m.reasons) for m in found)


@pytest.mark.parametrize("method", ["taste", "cosine", "distance", "cluster"])
def test_length_loudness_and_unknown_values_are_never_the_reason_that_is_said(method):
    # Nothing but loudness and length is unusual of these two, and shared.
    odd = {"loudness": -27.0, "energy": 0.6}
    unknown = {"loudness": -26.5, "energy": float("nan")}
    space = named_space(odd, unknown, {**odd, "energy": 0.61})
    space = replace(space, matrix=np.nan_to_num(space.matrix))
    for match in rank(space, [0], [], 20, method=method, names=titles):
        said = contributions.main_reason(match.reasons).lower()
        assert said
        assert not any(word in said for word in ("quiet", "loud", "short", "long", "unknown"))
    nearest = rank(space, [0], [], 1, method=method, names=titles)[0]
    assert "Hallelujah" in contributions.main_reason(nearest.reasons)
    if method != "distance":  # its terms are songs, not attributes
        assert "loudness" in {reason.about for reason in nearest.reasons}


@pytest.mark.parametrize("method", ["taste", "cosine"])
def test_of_several_likes_one_is_named_that_shares_what_is_said(method):
    fast = {"tempo": 190, "danceability": 0.95}
    space = named_space(CALM, fast, CALM_TOO, {**CALM, "energy": 0.3}, {"liveness": 0.9})
    names = {0: "Calm", 1: "Fast", 4: "Live"}
    found = rank(space, [0, 1, 4], [], 300, method=method, names=lambda ids: names)
    for match in found:
        reasons = [r for r in match.reasons if r.kind == "feature" and r.details.get("title")]
        assert len({r.details["title"] for r in reasons}) <= 1
        for reason in reasons:
            (like,) = reason.details["likes"]
            assert names[like] == reason.details["title"]
            one, other = (
                attribute_ranks.AttributeTable.from_rows(space, np.array([row]))
                for row in (match.track_id, like)
            )
            column = space.columns.index(reason.about)
            trait = one.compare(0, other, 0, column)
            assert trait.weight > phrases.MIN_WEIGHT
            assert trait.word in contributions.main_reason(match.reasons).lower()
            assert reason.contribution > 0
    said = {contributions.main_reason(m.reasons) for m in found if m.track_id in (2, 3)}
    assert said == {"Acoustic and calm, like “Calm”"}


@pytest.mark.parametrize(
    ("years", "says"),
    [
        ((1975, 1975), "from 1975"),
        ((1971, 1977), "from the 70s"),
        ((2003, 2009), "from the 2000s"),
        ((1968, 1972), "from the same years"),
    ],
)
def test_years_are_said_as_people_say_them(years, says):
    assert Trait("year", *years, 0.1, 0.12).word == says


@pytest.mark.parametrize("name", ["duration", "loudness", "explicit", "odd_one"])
def test_some_traits_have_no_word(name):
    assert Trait(name, 1, 1, 0.99, 0.99).word == ""
